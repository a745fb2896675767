"""γ* estimated while training."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..checks import between_zero_and_one
from ..gamma import Gamma, SigmoidGamma
from ..settings import GammaConfig, require
from .moments import Moments
from .optimal import excess, gamma_of, kappa_of

__all__ = ["OnlineGamma"]


class OnlineGamma(Gamma):
    r"""γ* from moments that are measured while training.

    Every ``every`` updates the moments enter an exponential average, and γ follows it, some
    1/(1 − ``decay``) measurements behind: α should move little within them. It is held in [0, 1],
    since an estimate outside is mostly noise; until the first measurement it is ``start``.

    At both ends it follows Algorithm 1: γ is 0 at α = 0, where the optimum need not be, so
    that step I is maximum likelihood and asks no discriminator; and 1 at α = 1, where the optimum
    is 1 as well and κ stays finite.

    Attributes:
        every: Updates between measurements.
        decay: Share of the average that a measurement leaves in place, in [0, 1).
        start: γ before the first measurement.
        moments: The average, or None before the first measurement.

    Example:
        >>> gamma = OnlineGamma(every=2)
        >>> one = torch.ones(1)
        >>> for step in range(4):
        ...     gamma.observe(step, lambda: Moments(one, one, 0 * one))
        >>> gamma(0.0), gamma(0.5), gamma(1.0)
        (0.0, 0.800000011920929, 1.0)
    """

    def __init__(
        self,
        every: int = GammaConfig.every,
        decay: float = GammaConfig.decay,
        start: Gamma | None = None,
    ) -> None:
        """Begin without a measurement.

        Raises:
            ValueError: ``every`` or ``decay`` is out of its range.
        """
        require(GammaConfig, every=every, decay=decay)
        self.every, self.decay = every, decay
        self.start = start or SigmoidGamma()
        self.moments: Moments | None = None
        self._measurements = 0

    def observe(self, step: int, measure: Callable[[], Moments]) -> None:
        """Take a measurement into the average, if one is due.

        One that is not finite is passed over: it would decide for good.
        """
        if step % self.every:
            return
        new = measure()
        if not torch.stack([new.forward, new.reverse, new.cross]).isfinite().all():
            return
        self._measurements += 1
        share = (1 - self.decay) / (1 - self.decay**self._measurements)
        # those of a checkpoint may lie on another device
        before = new if self.moments is None else self.moments.to(new.forward)
        self.moments = before.towards(new, share)

    def memory(self) -> dict[str, Tensor]:
        """The average and the number of measurements in it, by name."""
        if self.moments is None:
            return {}
        count = torch.tensor(self._measurements)
        return {"gamma/measurements": count} | {
            f"gamma/{name}": moment for name, moment in vars(self.moments).items()
        }

    def recall(self, memory: Mapping[str, Tensor]) -> None:
        """Go on from what :meth:`memory` gave; without a measurement, if ``memory`` has none."""
        self.moments, self._measurements = None, 0
        if "gamma/measurements" in memory:
            self._measurements = int(memory["gamma/measurements"])
            self.moments = Moments(
                *(memory[f"gamma/{name}"] for name in ("forward", "reverse", "cross"))
            )

    def each(self, alpha: float) -> Tensor:
        """One γ for each entry of the moments: each parameter, or each group."""
        between_zero_and_one("alpha", alpha)
        if self.moments is None or alpha == 0:
            shape = () if self.moments is None else self.moments.forward.shape
            return torch.full(shape, self.start(alpha))
        forward, reverse = (gap.clamp(min=0) for gap in excess(self.moments, alpha))
        return gamma_of(forward, reverse, alpha).nan_to_num(self.start(alpha))

    def value(self, alpha: float) -> float:
        held = self._held(alpha)
        return float(gamma_of(*held, alpha)) if held else self.start(alpha)

    def slope_to_one(self, beta: float) -> float:
        held = self._held(1 - beta)
        return float(kappa_of(*held, 1 - beta)) if held else self.start.kappa(1 - beta)

    def _held(self, alpha: float) -> tuple[Tensor, Tensor] | None:
        """Excess of all parameters together, none below zero; None where ``start`` decides."""
        if self.moments is None or alpha == 0:
            return None
        forward, reverse = (gap.clamp(min=0) for gap in excess(self.moments.total(), alpha))
        return (forward, reverse) if forward + reverse > 0 else None
