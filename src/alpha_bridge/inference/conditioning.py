r"""What a model has to say of rows that are known in part: latents given the known columns.

.. math:: p_\theta(z | x_K) \propto p(z) \, p_\theta(x_K | z)

by importance sampling. Half of the proposal is the prior, and half of it what the encoder makes of
rows that agree with the known columns; these are drawn from the model, at first by latents of the
prior and then by those that were weighted before. The weights
:math:`p(z) \, p_\theta(x_K|z) / e(z)`, with e the whole mixture, are at most twice what they would
be by the prior alone, and the law of what is drawn by them is the model's as their number grows. No
network is trained for it.

Source:
    Mattei and Frellsen, MIWAE: Deep Generative Modelling and Imputation of Incomplete Data Sets,
    ICML 2019; Cappé et al., Population Monte Carlo, 2004; the mixture of all proposals in the
    weights, Veach and Guibas, SIGGRAPH 1995.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..gaussian import reparameterize
from ..model import AlphaBridge
from ..observation import RowEvidence
from ..ratio import effective_sample_size

__all__ = ["WeightedLatents", "latents_given"]

ROUNDS = 2
"""How often the proposal is made anew."""


@dataclass(frozen=True)
class WeightedLatents:
    """Latents of rows that are known in part, with their weights.

    Attributes:
        z: K of each row, ``(rows, K, latent)``.
        log_weights: Their log weights in double precision, ``(rows, K)``; the mean weight of a row
            is an unbiased estimate of :math:`p_\\theta(x_K)`.
    """

    z: Tensor
    log_weights: Tensor

    @classmethod
    def joined(cls, several: Sequence["WeightedLatents"]) -> "WeightedLatents":
        """Those of the same rows, drawn several times."""
        z, log_weights = ([getattr(one, of) for one in several] for of in ("z", "log_weights"))
        return cls(torch.cat(z, 1), torch.cat(log_weights, 1))

    @property
    def effective(self) -> Tensor:
        """How many of them are effective, for each row."""
        return effective_sample_size(self._shares) * self.log_weights.shape[-1]

    @property
    def likelihood(self) -> Tensor:
        r"""Estimate of :math:`p_\theta(x_K)`, for each row."""
        return (self.log_weights.logsumexp(-1) - math.log(self.log_weights.shape[-1])).exp()

    def resampled(self, count: int, rng: np.random.Generator) -> Tensor:
        """Draw so many of them by their weights, ``(rows, count, latent)``."""
        upto = self._shares.cumsum(-1)
        draws = torch.from_numpy(rng.random((len(self.z), count))).to(upto.device)
        chosen = torch.searchsorted(upto, draws * upto[:, -1:]).clamp(max=upto.shape[-1] - 1)
        return self.z.gather(1, chosen[..., None].expand(-1, -1, self.z.shape[-1]))

    @property
    def _shares(self) -> Tensor:
        return self.log_weights.softmax(-1)


@torch.no_grad()
def latents_given(
    model: AlphaBridge, evidence: RowEvidence, count: int, parts: int, rng: np.random.Generator
) -> WeightedLatents:
    """Latents of rows of which some columns are known.

    Args:
        model: A single model of rows, in evaluation mode.
        evidence: What is known of the rows, ``(rows, D)``.
        count: K, latents of each row, an even number.
        parts: Encodings that make up the proposal of a row, a divisor of K / 2.
        rng: Where the draws come from.

    Returns:
        Weighted latents of each row.
    """
    rows, latent = len(evidence.allowed), model.latent_shape or ()
    spread = evidence[:, None]

    def normal(*shape: int) -> Tensor:
        drawn = rng.standard_normal((*shape, *latent), dtype=np.float32)
        return torch.from_numpy(drawn).to(model.log_sigma)

    z = normal(rows, parts)
    for _ in range(ROUNDS):
        x = completed(model, spread, z, rng)
        mean, log_variance = (
            one.unflatten(0, x.shape[:2]) for one in model.posterior(x.to(z.dtype).flatten(0, 1))
        )
        each = count // (2 * parts)
        near = reparameterize(
            mean.repeat_interleave(each, 1),
            log_variance.repeat_interleave(each, 1),
            normal(rows, count // 2),
        )
        z = torch.cat([near, normal(rows, count - count // 2)], 1)
        log_known = spread.log_likelihood(_described(model, z))
        found = WeightedLatents(z, log_known - _log_proposal(z, mean, log_variance))
        z = found.resampled(parts, rng)
    return found


def completed(
    model: AlphaBridge, evidence: RowEvidence, z: Tensor, rng: np.random.Generator
) -> Tensor:
    """Rows that agree with what is known of them, drawn given latents ``(rows, count, latent)``."""
    noise = rng.random((*z.shape[:-1], evidence.rows.draws), dtype=np.float32)
    return evidence.draw(_described(model, z), torch.from_numpy(noise).to(z))


def _described(model: AlphaBridge, z: Tensor) -> Tensor:
    """The parameters of rows for latents ``(rows, count, latent)``, of each."""
    parameters: Tensor = model.generator(z.flatten(0, 1))
    return parameters.to(z.dtype).unflatten(0, z.shape[:2])  # type: ignore[no-any-return]


def _log_proposal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    r"""Log of the proposal's density over that of the prior, :math:`\log e(z) / p(z)`.

    All squares are multiplied out, so that they are two products of matrices.
    """
    z, mean, log_variance = z.double(), mean.double(), log_variance.double()
    precision = torch.exp(-log_variance)
    const = (mean.square() * precision + log_variance).sum(-1)
    squares = z.square() @ precision.mT - 2 * z @ (mean * precision).mT + const[:, None]
    ratio = (z.square().sum(-1, keepdim=True) - squares) / 2
    encodings = ratio.logsumexp(-1) - math.log(ratio.shape[-1])
    return torch.logaddexp(encodings, torch.zeros_like(encodings)) - math.log(2)
