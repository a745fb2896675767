r"""γ that follows from one dial: how far towards the data's realism the bridge goes."""

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from ..checks import at_least, between_zero_and_one, positive
from ..gamma import Gamma, SigmoidGamma
from ..settings import NOISE, REALISM

__all__ = ["RealismGamma", "balanced_kappa", "kappa_at_end"]

Number = TypeVar("Number", float, Tensor)

PULL = 5.0
"""At realism 1/2, the norm of κ ∇ log p at a reconstruction; see :func:`balanced_kappa`."""


def balanced_kappa(sigma: Number, size: int) -> Number:
    r"""κ at which the likelihood's gradient is about as large as that of a discriminator.

    At its best σ a decoder's log-likelihood (13) has a gradient of norm :math:`\sqrt d / \sigma` in
    a sample of d numbers. With a weight of

    .. math:: \kappa_0 = C \, \frac{\sigma}{\sqrt d}

    it has the norm C, which is 5.

    Args:
        sigma: σ, positive, in model units.
        size: d, one or more.

    Example:
        >>> balanced_kappa(0.2, size=64)
        0.125
    """
    scale: Number = PULL / size**0.5 * sigma
    return scale


def kappa_at_end(realism: float, sigma: float, size: int) -> float:
    r"""κ where the path ends, of a decoder (13) with noise σ.

    .. math:: \kappa = \min\Big(1, \frac{1 - r}{r} \, \kappa_0\Big)

    with κ₀ of :func:`balanced_kappa`, so that the dial alone decides how large the likelihood's
    gradient is. It is 0 at r = 1, the GAN alone, and leaves κ = 1, the likelihood's whole weight,
    at r = 0.

    Args:
        realism: r in [0, 1].
        sigma: σ, positive, in model units.
        size: d, one or more.

    Example:
        >>> round(kappa_at_end(0.9, sigma=0.2, size=64), 4), kappa_at_end(0.0, 0.2, 64)
        (0.0139, 1.0)
    """
    between_zero_and_one("realism", realism)
    balanced = balanced_kappa(positive("sigma", sigma), at_least(1, "size", size))
    return min(1.0, (1 - realism) / realism * balanced) if realism else 1.0


class RealismGamma(Gamma):
    """The sigmoid (footnote 1) that is as steep as the dial and the decoder's σ ask for.

    Where the path ends it has κ of :func:`kappa_at_end`, and it follows σ where that is measured.

    Attributes:
        realism: r in [0, 1].
        end: α where the path ends, in [0, 1]; r itself unless it is given.
        size: d, numbers of one sample; with a discriminator of patches those of 32 × 32 pixels,
            whatever the images have. ``model.scope.numbers(event_shape)`` gives either.
        sigma: The present σ.
        sigmoid: The γ that goes with it.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> gamma = RealismGamma(size=64)
        >>> gamma.follow(sigma=0.2)
        >>> round(gamma.kappa(0.9), 4)
        0.0139
    """

    sigmoid: SigmoidGamma

    def __init__(
        self,
        realism: float = REALISM,
        size: int = 1,
        sigma: float = NOISE,
        end: float | None = None,
    ) -> None:
        self.realism, self.size = realism, size
        self.end = realism if end is None else end
        self.follow(sigma)

    def follow(self, sigma: float) -> None:
        """Take over the present σ, positive, in model units."""
        kappa = kappa_at_end(self.realism, sigma, self.size)
        self.sigma, self.sigmoid = sigma, SigmoidGamma.ending(kappa, self.end)

    def memory(self) -> Mapping[str, Any]:
        return {"gamma/sigma": torch.tensor(self.sigma, dtype=torch.float64)}

    def recall(self, memory: Mapping[str, Any]) -> None:
        if "gamma/sigma" in memory:
            self.follow(float(memory["gamma/sigma"]))

    def value(self, alpha: float) -> float:
        return self.sigmoid.value(alpha)

    def slope_to_one(self, beta: float) -> float:
        return self.sigmoid.slope_to_one(beta)
