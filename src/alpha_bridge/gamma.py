r"""γ(α): how much of each twin the combined gradient (12) takes.

The forward half of (12) carries the factor :math:`\kappa_\alpha = (1-\gamma_\alpha)/(1-\alpha)`,
whose limit at α = 1 is :math:`\gamma'(1)`. Each choice below has κ in a form that is exact
there, so that nothing has to be held away from 1.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .checks import between_zero_and_one
from .settings import GammaConfig, ranges, require

__all__ = ["CosineGamma", "Gamma", "LinearGamma", "PowerGamma", "SigmoidGamma"]

BISECTIONS = 50
"""Of the range of c, five decades: more than the digits of a float."""


class Gamma(ABC):
    r"""A smooth increasing γ with :math:`\gamma_0 = 0` and :math:`\gamma_1 = 1`, equation (12)."""

    def __call__(self, alpha: float) -> float:
        """Weight of the reverse twin, γ in [0, 1]."""
        return min(self.value(between_zero_and_one("alpha", alpha)), 1.0)

    def kappa(self, alpha: float) -> float:
        r"""Factor of the forward twin, :math:`\kappa_\alpha = (1-\gamma_\alpha)/(1-\alpha)`.

        Args:
            alpha: α in [0, 1]; at 1 the limit γ'(1) is returned.

        Raises:
            ValueError: ``alpha`` is outside [0, 1].
        """
        return self.slope_to_one(1 - between_zero_and_one("alpha", alpha))

    def observe(self, step: int, measure: Callable[[], Any]) -> None:  # noqa: B027
        """Called before every update below α = 1, for a γ that is estimated in training.

        Args:
            step: Updates done.
            measure: Gives the second moments of the twins; costly, so called only when wanted.
        """

    def memory(self) -> Mapping[str, Any]:
        """Tensors that a checkpoint keeps for :meth:`recall`, by name."""
        return {}

    def recall(self, memory: Mapping[str, Any]) -> None:  # noqa: B027
        """Take over what :meth:`memory` gave, if ``memory`` has it."""

    @abstractmethod
    def value(self, alpha: float) -> float:
        """γ at ``alpha``."""

    @abstractmethod
    def slope_to_one(self, beta: float) -> float:
        """κ as a function of β = 1 − α, exact at β = 0."""


@dataclass(frozen=True)
class SigmoidGamma(Gamma):
    r"""The paper's choice (footnote 1), with σ the logistic function.

    .. math::
        \gamma_\alpha = \frac{\sigma(c\alpha + d) - \sigma(d)}{\sigma(c + d) - \sigma(d)}
        = \frac{\sinh(c\alpha/2) \cosh((c+d)/2)}{\sinh(c/2) \cosh((c\alpha+d)/2)}

    The second form subtracts nothing, and gives
    :math:`\kappa_\alpha = \frac{\sinh(c(1-\alpha)/2)}{1-\alpha}
    \frac{\cosh(d/2)}{\sinh(c/2) \cosh((c\alpha+d)/2)}`.

    Attributes:
        c: Steepness, in [0.001, 200]. 10 is ours: the paper's values are in its missing appendix.
        d: Offset, in [−200, 200]. −5 is ours; γ is one half at α = 1/2 when d = −c/2.

    Raises:
        ValueError: ``c`` or ``d`` is out of its range.

    Example:
        >>> round(SigmoidGamma()(0.5), 3), SigmoidGamma()(1.0)
        (0.5, 1.0)

    Source:
        Zhao et al., Bridging Maximum Likelihood and Adversarial Learning via α-Divergence,
        AAAI 2020, footnote 1.
    """

    c: float = GammaConfig.c
    d: float = GammaConfig.d

    def __post_init__(self) -> None:
        require(GammaConfig, c=self.c, d=self.d)

    @classmethod
    def ending(cls, kappa: float, alpha: float) -> "SigmoidGamma":
        r"""The sigmoid whose :math:`\kappa_\alpha` is given at the α where a path ends.

        It is half way up at half that α, :math:`d = -c\alpha/2`, and steeper for a smaller κ.

        Args:
            kappa: κ there, in [0, 1]. Where c would leave its range, the nearest c is taken.
            alpha: α in [0, 1]; at 1, κ is γ'(1).

        Example:
            >>> gamma = SigmoidGamma.ending(kappa=0.05, alpha=0.9)
            >>> round(gamma.kappa(0.9), 6), round(gamma.c, 2)
            (0.05, 10.86)
        """
        between_zero_and_one("kappa", kappa)
        between_zero_and_one("alpha", alpha)
        low, high, _ = ranges(GammaConfig)["c"]
        for _ in range(BISECTIONS):
            c = math.sqrt(low * high)
            low, high = (c, high) if cls(c, -c * alpha / 2).kappa(alpha) > kappa else (low, c)
        c = math.sqrt(low * high)
        return cls(c, -c * alpha / 2)

    def value(self, alpha: float) -> float:
        return (
            math.sinh(self.c * alpha / 2)
            * math.cosh((self.c + self.d) / 2)
            / (math.sinh(self.c / 2) * math.cosh((self.c * alpha + self.d) / 2))
        )

    def slope_to_one(self, beta: float) -> float:
        half = self.c / 2
        rise = math.sinh(half * beta) / beta if beta else half
        argument = (self.c * (1 - beta) + self.d) / 2
        return rise * math.cosh(self.d / 2) / (math.sinh(half) * math.cosh(argument))


@dataclass(frozen=True)
class PowerGamma(Gamma):
    r""":math:`\gamma_\alpha = \alpha^p`.

    Attributes:
        exponent: p, positive.

    Raises:
        ValueError: ``exponent`` is not positive.

    Example:
        >>> PowerGamma(2.0)(0.5), PowerGamma(2.0).kappa(1.0)
        (0.25, 2.0)
    """

    exponent: float = GammaConfig.exponent

    def __post_init__(self) -> None:
        require(GammaConfig, exponent=self.exponent)

    def value(self, alpha: float) -> float:
        return math.pow(alpha, self.exponent)

    def slope_to_one(self, beta: float) -> float:
        if beta in (0.0, 1.0):
            return 1.0 if beta else self.exponent
        return -math.expm1(self.exponent * math.log1p(-beta)) / beta


class LinearGamma(PowerGamma):
    r""":math:`\gamma_\alpha = \alpha`, so that :math:`\kappa_\alpha = 1`.

    Example:
        >>> LinearGamma()(0.3), LinearGamma().kappa(0.3)
        (0.3, 1.0)
    """

    def __init__(self) -> None:
        super().__init__(exponent=1.0)

    def slope_to_one(self, beta: float) -> float:  # noqa: ARG002
        return 1.0


@dataclass(frozen=True)
class CosineGamma(Gamma):
    r""":math:`\gamma_\alpha = (1 - \cos \pi\alpha) / 2`, with :math:`\gamma'(1) = 0`.

    Example:
        >>> round(CosineGamma()(0.5), 6), CosineGamma().kappa(1.0)
        (0.5, 0.0)
    """

    def value(self, alpha: float) -> float:
        return math.sin(math.pi * alpha / 2) ** 2

    def slope_to_one(self, beta: float) -> float:
        return math.sin(math.pi * beta / 2) ** 2 / beta if beta else 0.0
