r"""What the generator and the discriminator play for: one loss for each, from logits alone.

In every game θ minimises, at data :math:`x \sim q` and model samples :math:`x' = G_\theta(z)`,

.. math:: -\kappa \, w(f(x)) \log p_\theta(x) + \gamma \, a(f(x'))

and β a loss of :math:`f(x)` and :math:`f(x')`. A game says what κ, w, γ and a are.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from . import twin
from .checks import positive
from .gamma import Gamma
from .ratio import discriminator_loss, effective_sample_size, forward_weight, reverse_weight

__all__ = ["Bridge", "FixedSum", "Game", "JensenShannon", "Wasserstein"]


class Game(ABC):
    r"""A game of the generator against the discriminator, beside maximum likelihood.

    What is not said otherwise is the plain mixture: a logistic discriminator, an unweighted
    likelihood, and the shares κ and γ of both halves along α. So α = 0 is maximum likelihood in
    any such game, and α = 1 the game alone.

    Attributes:
        least_weight: No weight of a data sample is smaller.
    """

    @property
    def least_weight(self) -> float:
        return 1.0

    def shares(self, alpha: float, gamma: Gamma) -> tuple[float, float]:
        r"""Shares κ of the likelihood and γ of the adversarial loss in θ's loss.

        Args:
            alpha: α in [0, 1].
            gamma: The choice of γ.

        Returns:
            :math:`\kappa_\alpha` and :math:`\gamma_\alpha`. At α = 1 the first is zero, as
            Algorithm 1 has it, although :math:`\kappa_\alpha` has the limit γ'(1): with an
            estimated ratio the forward half does not have expectation zero.

        Raises:
            ValueError: ``alpha`` is outside [0, 1].
        """
        return gamma.kappa(alpha) if alpha < 1 else 0.0, gamma(alpha)

    def likelihood_weight(self, f_data: Tensor, alpha: float) -> Tensor:  # noqa: ARG002
        """Weight w of each data sample's log-likelihood, without a graph, ``(*trials, batch)``.

        Args:
            f_data: Logits of data samples, shape ``(*trials, batch)``; used as a constant.
            alpha: α in [0, 1].
        """
        return torch.ones_like(f_data)

    @abstractmethod
    def adversarial(self, f_model: Tensor, alpha: float) -> Tensor:
        """The generator's loss a of each model sample, shape ``(*trials, batch)``.

        Args:
            f_model: Logits of model samples, with their graph, shape ``(*trials, batch)``.
            alpha: α in [0, 1].
        """

    def discriminator(self, f_data: Tensor, f_model: Tensor) -> Tensor:
        """β's loss of each pair, shape ``(*trials, batch)``; by default the logistic one (4).

        Args:
            f_data: Logits of data samples, shape ``(*trials, batch)``.
            f_model: Logits of model samples, the same shape.
        """
        return discriminator_loss(f_data, f_model)

    def diagnostics(
        self,
        weight: Tensor,  # noqa: ARG002
        f_model: Tensor,  # noqa: ARG002
        alpha: float,  # noqa: ARG002
    ) -> Mapping[str, Tensor]:
        """Numbers to log, by name, without a graph, each ``(*trials,)``.

        Args:
            weight: Weights of the data samples, shape ``(*trials, batch)``.
            f_model: Logits of model samples, the same shape.
            alpha: α in [0, 1].
        """
        return {}


@dataclass(frozen=True)
class Bridge(Game):
    r"""The game of the paper, equation (15): both halves follow :math:`D_\alpha`.

    .. math::
        w = e^{-\alpha f(x)}, \qquad a = -\ln_{1-\alpha} e^{f(x')}

    Attributes:
        clip: Bound on the exponents of the weights, in nats. Ours (5); the paper has none, which
            is ``math.inf``.

    Raises:
        ValueError: ``clip`` is not positive.

    Example:
        >>> Bridge().adversarial(torch.tensor([2.0]), alpha=1.0)
        tensor([-2.])

    Source:
        Zhao et al., AAAI 2020, equations (12) and (15).
    """

    clip: float = 5.0

    def __post_init__(self) -> None:
        if self.clip != math.inf:
            positive("clip", self.clip)

    @property
    def least_weight(self) -> float:
        return math.exp(-self.clip)

    def likelihood_weight(self, f_data: Tensor, alpha: float) -> Tensor:
        return forward_weight(f_data, alpha, self.clip)

    def adversarial(self, f_model: Tensor, alpha: float) -> Tensor:
        return twin.reverse(f_model, alpha, self.clip)

    def diagnostics(self, weight: Tensor, f_model: Tensor, alpha: float) -> Mapping[str, Tensor]:
        """``ess/forward`` and ``ess/reverse``: shares of samples that the weights leave."""
        return {
            "ess/forward": effective_sample_size(weight),
            "ess/reverse": effective_sample_size(reverse_weight(f_model, alpha, self.clip)),
        }


@dataclass(frozen=True)
class FixedSum(Game):
    r"""The sum of both losses, the same for every α and γ.

    .. math:: \kappa = \text{weight}, \qquad w = 1, \qquad \gamma = 1, \qquad a = -f(x')

    With the weight 1 it is :math:`KL[q \| p_\theta] + KL[p_\theta \| q]`, for an exact ratio.
    The paper's introduction names such a sum as the direct way, which does not work well.

    Attributes:
        weight: Of the log-likelihood, positive. 1 is ours.

    Raises:
        ValueError: ``weight`` is not positive.

    Example:
        >>> from alpha_bridge.gamma import LinearGamma
        >>> FixedSum().shares(0.5, LinearGamma())
        (1.0, 1.0)

    Source:
        Larsen et al., Autoencoding beyond pixels using a learned similarity metric, ICML 2016,
        which goes beyond the plain sum to make it work; here it is the sum that it started from.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        positive("weight", self.weight)

    def shares(self, alpha: float, gamma: Gamma) -> tuple[float, float]:  # noqa: ARG002
        return self.weight, 1.0

    def adversarial(self, f_model: Tensor, alpha: float) -> Tensor:  # noqa: ARG002
        return -f_model


@dataclass(frozen=True)
class JensenShannon(Game):
    r"""The first GAN, in the form that is used.

    .. math:: a = -\log \sigma(f(x'))

    Goodfellow et al. derive :math:`\log(1 - \sigma(f))`, which minimises the Jensen–Shannon
    divergence but has no slope where the discriminator is sure; for training they advise the
    form above, the non-saturating one. At the optimal discriminator its gradient is that of
    :math:`KL[p_\theta \| q] - 2 JS[p_\theta \| q]` (Arjovsky and Bottou, ICLR 2017).

    Example:
        >>> JensenShannon().adversarial(torch.zeros(1), alpha=1.0)
        tensor([0.6931])

    Source:
        Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014.
    """

    def adversarial(self, f_model: Tensor, alpha: float) -> Tensor:  # noqa: ARG002
        return F.softplus(-f_model)


@dataclass(frozen=True)
class Wasserstein(Game):
    r"""The Wasserstein GAN: β is a critic of slope one, and f no longer a log density ratio.

    .. math:: \text{β}: f(x') - f(x), \qquad a = -f(x')

    It needs a regulariser that holds the slope, such as
    :class:`~alpha_bridge.penalty.GradientPenalty`.

    Example:
        >>> Wasserstein().discriminator(torch.tensor([3.0]), torch.tensor([1.0]))
        tensor([-2.])

    Source:
        Arjovsky, Chintala and Bottou, Wasserstein GAN, ICML 2017.
    """

    def adversarial(self, f_model: Tensor, alpha: float) -> Tensor:  # noqa: ARG002
        return -f_model

    def discriminator(self, f_data: Tensor, f_model: Tensor) -> Tensor:
        return f_model - f_data
