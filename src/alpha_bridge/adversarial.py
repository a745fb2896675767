r"""Adversarial losses: what the generator and the discriminator minimise, from logits alone.

At data :math:`x \sim q` and model samples :math:`x' = G_\theta(z)`, θ minimises a forward half h,
made of the log-likelihood, and a reverse half a, made of the logit of x',

.. math:: \kappa_\alpha h(x) + \gamma_\alpha a(f(x')),
    \qquad \kappa_\alpha = \frac{1 - \gamma_\alpha}{1 - \alpha}

and β a loss of f(x) and f(x'). For the bridge the first line is equation (12).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from . import twin
from .gamma import Gamma
from .ratio import discriminator_loss, effective_sample_size, forward_weight, reverse_weight
from .settings import ObjectiveConfig, require

__all__ = ["AdversarialLoss", "Bridge", "FixedSum", "Hinge", "JensenShannon", "Wasserstein"]


class AdversarialLoss(ABC):
    r"""An adversarial loss beside maximum likelihood.

    A subclass states its reverse half. The rest defaults to the plain mixture: an unweighted
    likelihood, the shares κ and γ of the path, a logistic discriminator. So α = 0 is maximum
    likelihood with any of them, and α = 1 the adversarial loss alone.

    Attributes:
        estimates_ratio: Whether the discriminator that is best by this loss gives the log density
            ratio f.
    """

    estimates_ratio: ClassVar[bool] = True

    @abstractmethod
    def reverse(self, f_model: Tensor, alpha: float) -> Tensor:
        """Reverse half a of each model sample, shape ``(*trials, batch)``.

        Args:
            f_model: Logits of model samples, with their graph, shape ``(*trials, batch)``.
            alpha: α in [0, 1].
        """

    def forward(self, log_p: Tensor, f_data: Tensor, alpha: float) -> Tensor:
        """Forward half h of each data sample, the forward twin times 1 − α.

        Args:
            log_p: Log-likelihood of data samples in nats, shape ``(*trials, batch)``.
            f_data: Their logits, the same shape; used as a constant.
            alpha: α in [0, 1].
        """
        return -log_p

    def combination(
        self, log_p: Tensor, f_data: Tensor, f_model: Tensor, alpha: float, gamma: Gamma
    ) -> Tensor:
        """Both halves with their shares κ and γ, shape ``(*trials, batch)``."""
        forward = self.forward(log_p, f_data, alpha)
        return gamma(alpha) * self.reverse(f_model, alpha) + gamma.kappa(alpha) * forward

    def reverse_share(self, alpha: float, gamma: Gamma) -> float:
        """What the reverse half is multiplied by in θ's loss."""
        forward, _ = self.halves(alpha)
        return gamma(alpha) if forward else 1.0

    def halves(self, alpha: float) -> tuple[bool, bool]:
        """Whether the generator's loss has a forward and a reverse half at α.

        Algorithm 1 has no likelihood at α = 1, although (12) keeps it with the weight γ'(1): there
        its half has expectation zero for an exact ratio, but not for an estimated one.
        """
        return alpha < 1, alpha > 0

    def generator(
        self, log_p: Tensor, f_data: Tensor, f_model: Tensor, alpha: float, gamma: Gamma
    ) -> Tensor:
        """θ's loss of each pair of samples, shape ``(*trials, batch)``.

        Args:
            log_p: Log-likelihood of data samples in nats, shape ``(*trials, batch)``; not read
                where :meth:`halves` has no forward half.
            f_data: Their logits, the same shape; used as a constant.
            f_model: Logits of model samples, with their graph, the same shape.
            alpha: α in [0, 1].
            gamma: The choice of γ.

        Raises:
            ValueError: ``alpha`` is outside [0, 1].
        """
        forward, _ = self.halves(alpha)
        if not forward:
            return self.reverse(f_model, alpha)
        return self.combination(log_p, f_data, f_model, alpha, gamma)

    def discriminator(self, f_data: Tensor, f_model: Tensor) -> Tensor:
        """β's loss of each pair of logits, shape ``(*trials, batch)``; the logistic one (4)."""
        return discriminator_loss(f_data, f_model)

    def diagnostics(self, f_data: Tensor, f_model: Tensor, alpha: float) -> Mapping[str, Tensor]:
        """Numbers to log, by name, without a graph, each ``(*trials,)``."""
        return {}


@dataclass(frozen=True)
class Bridge(AdversarialLoss):
    r"""The loss of the paper, equation (15): both halves follow :math:`D_\alpha`.

    .. math:: h = -e^{-\alpha f(x)} \log p_\theta(x), \qquad a = -\ln_{1-\alpha} e^{f(x')}

    Their combination is :func:`alpha_bridge.twin.bridge`.

    Attributes:
        clip: Bound on the exponents of the weights, in nats. Ours (5); the paper has none, which
            is ``math.inf``.

    Raises:
        ValueError: ``clip`` is not positive.

    Example:
        >>> import torch
        >>> Bridge().reverse(torch.tensor([2.0]), alpha=1.0)
        tensor([-2.])
    """

    # at e^5 = 148 one sample is at most 70 % of a batch of 64 whose other weights are 1
    clip: float = ObjectiveConfig.clip

    def __post_init__(self) -> None:
        require(ObjectiveConfig, clip=self.clip)

    def reverse(self, f_model: Tensor, alpha: float) -> Tensor:
        return twin.reverse(f_model, alpha, self.clip)

    def forward(self, log_p: Tensor, f_data: Tensor, alpha: float) -> Tensor:
        return -forward_weight(f_data, alpha, self.clip) * log_p

    def combination(
        self, log_p: Tensor, f_data: Tensor, f_model: Tensor, alpha: float, gamma: Gamma
    ) -> Tensor:
        return twin.bridge(log_p, f_data, f_model, alpha, gamma, self.clip)

    def slopes(
        self, f_data: Tensor, f_model: Tensor, alpha: float, gamma: Gamma
    ) -> tuple[Tensor, Tensor]:
        """Slopes of :meth:`generator` in ``log_p`` and in ``f_model``, each ``(*trials, batch)``.

        They are the weights of the samples, :func:`alpha_bridge.twin.bridge_slopes`.
        """
        forward, _ = self.halves(alpha)
        if not forward:
            return torch.zeros_like(f_data), -reverse_weight(f_model, alpha, self.clip)
        return twin.bridge_slopes(f_data, f_model, alpha, gamma, self.clip)

    def diagnostics(self, f_data: Tensor, f_model: Tensor, alpha: float) -> Mapping[str, Tensor]:
        """``ess/forward`` and ``ess/reverse``: the share of samples that the weights leave."""
        return {
            "ess/forward": effective_sample_size(forward_weight(f_data, alpha, self.clip)),
            "ess/reverse": effective_sample_size(reverse_weight(f_model, alpha, self.clip)),
        }


@dataclass(frozen=True)
class Hinge(Bridge):
    r"""The bridge's halves with a discriminator that learns on which side of 0 the log ratio is.

    .. math:: \text{β}: \max(0, 1 - f(x)) + \max(0, 1 + f(x'))

    At α = 1 it is the hinge GAN. The best f is 1 where the data are denser than the model and −1
    elsewhere, and no log ratio: the weights :math:`e^{-\alpha f}` of the likelihood only lie
    between :math:`e^{-\alpha}` and :math:`e^{\alpha}` then, and what is followed is no
    :math:`D_\alpha`. In return the discriminator pushes as hard where the densities are nearly
    equal, as those of reconstructions and data are.

    Example:
        >>> import torch
        >>> Hinge().discriminator(torch.tensor([2.0]), torch.tensor([0.5]))
        tensor([1.5000])

    Source:
        Lim and Ye, Geometric GAN, 2017; Miyato et al., Spectral Normalization for Generative
        Adversarial Networks, ICLR 2018.
    """

    estimates_ratio: ClassVar[bool] = False

    def discriminator(self, f_data: Tensor, f_model: Tensor) -> Tensor:
        return F.relu(1 - f_data) + F.relu(1 + f_model)


@dataclass(frozen=True)
class FixedSum(AdversarialLoss):
    r"""The sum of both losses, the same for every α and γ.

    .. math:: -w \log p_\theta(x) - f(x')

    With w = 1 it is :math:`KL[q \| p_\theta] + KL[p_\theta \| q]`, for an exact ratio. The paper's
    introduction names such a sum as the direct way, which does not work well.

    Attributes:
        weight: w, positive. 1 is ours.

    Raises:
        ValueError: ``weight`` is not positive.

    Example:
        >>> import torch
        >>> from alpha_bridge.gamma import LinearGamma
        >>> one = torch.ones(1)
        >>> FixedSum(weight=0.5).generator(-2 * one, one, one, 0.3, LinearGamma())
        tensor([0.])

    Source:
        Larsen et al., Autoencoding beyond pixels using a learned similarity metric, ICML 2016,
        which goes beyond the plain sum to make it work; here it is the sum that it started from.
    """

    weight: float = ObjectiveConfig.weight

    def __post_init__(self) -> None:
        require(ObjectiveConfig, weight=self.weight)

    def reverse_share(self, alpha: float, gamma: Gamma) -> float:
        return 1.0

    def halves(self, alpha: float) -> tuple[bool, bool]:
        return True, True

    def reverse(self, f_model: Tensor, alpha: float) -> Tensor:
        return -f_model

    def combination(
        self, log_p: Tensor, f_data: Tensor, f_model: Tensor, alpha: float, gamma: Gamma
    ) -> Tensor:
        return -f_model - self.weight * log_p


@dataclass(frozen=True)
class JensenShannon(AdversarialLoss):
    r"""The first GAN, with the non-saturating loss of the generator.

    .. math:: a = -\log \sigma(f(x'))

    Goodfellow et al. derive :math:`\log(1 - \sigma(f))`, which minimises the Jensen–Shannon
    divergence but has no slope where the discriminator is sure; for training they advise the
    form above. At the optimal discriminator its gradient is that of
    :math:`KL[p_\theta \| q] - 2 JS[p_\theta \| q]` (Arjovsky and Bottou, ICLR 2017).

    Example:
        >>> import torch
        >>> JensenShannon().reverse(torch.zeros(1), alpha=1.0)
        tensor([0.6931])

    Source:
        Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014.
    """

    def reverse(self, f_model: Tensor, alpha: float) -> Tensor:
        return F.softplus(-f_model)


@dataclass(frozen=True)
class Wasserstein(AdversarialLoss):
    r"""The Wasserstein GAN: β is a critic of slope one, and f no longer a log density ratio.

    .. math:: \text{β}: f(x') - f(x), \qquad a = -f(x')

    It needs a regulariser that holds the slope, such as
    :class:`~alpha_bridge.penalty.GradientPenalty`.

    Example:
        >>> import torch
        >>> Wasserstein().discriminator(torch.tensor([3.0]), torch.tensor([1.0]))
        tensor([-2.])

    Source:
        Arjovsky, Chintala and Bottou, Wasserstein GAN, ICML 2017.
    """

    estimates_ratio: ClassVar[bool] = False

    def reverse(self, f_model: Tensor, alpha: float) -> Tensor:
        return -f_model

    def discriminator(self, f_data: Tensor, f_model: Tensor) -> Tensor:
        return f_model - f_data
