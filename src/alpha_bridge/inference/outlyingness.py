r"""How far samples lie outside of what a model has learned: three scores, and their sum.

The bound is :math:`-\log \tilde p_\theta(x)`, or rather what the importance-weighted bound says of
it; the reconstruction error :math:`-\log \tilde p_\theta(x|\mu_\phi(x))`, which for a Gaussian is
the squared error; and the ratio :math:`-f(x) = \log p_\theta(x) - \log q(x)` of the discriminator.
They have no scale in common. So each becomes :math:`-\log P(S \ge s)`, the surprisal of a score
as large among the data, and the sum of the three is Fisher's statistic for combined tests. Of the
ratio both tails count: where neither side ever had a sample the discriminator goes on as it last
rose or fell, so that far outliers are as often on the side of the data as on that of the model. The
three are not independent, so that the sum ranks samples and is no p-value.

Source:
    Fisher, Statistical Methods for Research Workers, 1932; Bates et al., Testing for Outliers with
    Conformal p-values, Annals of Statistics 2023, for scores of data that nothing was fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics.evaluation import in_chunks
from ..model import AlphaBridge
from .calibrated_ratio import evidence

__all__ = ["Outlyingness", "Surprisal", "TwoSided", "UnusualScores", "summed", "unusual_scores"]

Array = NDArray[np.float64]

DRAWS = 10
"""Latents of a bound."""
TAIL = 0.2
"""Share of the scores that the tail is fitted to."""
TINY = 1e-12
FAR = 1e30
"""A score that overflows, of a sample that lies beyond all that a model can be asked about."""


class UnusualScores(NamedTuple):
    """Scores of samples, each of shape ``(N,)``, the larger the less usual; of the ratio both ends.

    Attributes:
        bound: Minus the bound on the log-likelihood, in nats.
        reconstruction: Minus the log-likelihood given the encoded mean, in nats.
        ratio: Minus the discriminator's log ratio of data to model, in nats.
    """

    bound: Array
    reconstruction: Array
    ratio: Array


@torch.no_grad()
def unusual_scores(model: AlphaBridge, x: Tensor, draws: int = DRAWS) -> UnusualScores:
    """The three scores of samples; that of each does not depend on the others.

    Args:
        model: A single one, in evaluation mode, with the σ of its likelihood.
        x: Samples in model units, ``(N, *event)``.
        draws: Latents of a bound, the same for all samples.
    """

    def bound(part: Tensor) -> Tensor:
        rng = torch.Generator().manual_seed(0)
        return model.log_likelihood_bound(part.to(model.sigma), draws, rng, common=True).cpu()

    def given_mean(part: Tensor) -> Tensor:
        part = part.to(model.sigma)
        return model.log_likelihood(part, model.encode(part)).cpu()

    likelihood, fit = (in_chunks(of, x).double().numpy() for of in (bound, given_mean))
    return UnusualScores(-likelihood, -fit, -evidence(model, x))


@dataclass(frozen=True)
class Surprisal:
    r"""The map :math:`s \mapsto -\log P(S \ge s)` of one score, from its values on data.

    Shares of these values up to their upper fifth, and beyond it an exponential tail, whose scale
    is their mean excess: scores beyond all that were seen keep their order.

    Attributes:
        scores: Of the data, increasing, those below the tail.
        values: −log of the share that is as large, for each.
        scale: Of the tail.

    Example:
        >>> surprisal = Surprisal.fitted(np.arange(100.0))
        >>> surprisal(np.array([-5.0, 50.0, 500.0])).round(2).tolist()
        [0.0, 0.69, 41.66]
    """

    scores: Array
    values: Array
    scale: float

    @classmethod
    def fitted(cls, scores: Array) -> Surprisal:
        """That of scores of two or more samples."""
        s = np.sort(scores)
        most = len(s) - max(1, round(TAIL * len(s)))
        shares = 1 - np.searchsorted(s, s[:most]) / len(s)  # of equal scores that of the first
        return cls(s[:most], -np.log(shares), max(float((s[most:] - s[most - 1]).mean()), TINY))

    def __call__(self, scores: Array) -> Array:
        beyond: Array = np.maximum(scores - self.scores[-1], 0) / self.scale
        return np.interp(scores, self.scores, self.values) + beyond


@dataclass(frozen=True)
class TwoSided:
    r"""The map :math:`s \mapsto -\log 2 \min(P(S \ge s), P(S \le s))`, at least 0.

    Attributes:
        above: The surprisal of a score as large.
        below: Of one as small, a map of −s.
    """

    above: Surprisal
    below: Surprisal

    @classmethod
    def fitted(cls, scores: Array) -> TwoSided:
        """That of scores of two or more samples."""
        return cls(Surprisal.fitted(scores), Surprisal.fitted(-scores))

    def __call__(self, scores: Array) -> Array:
        found: Array = np.maximum(self.above(scores), self.below(-scores)) - np.log(2)
        return np.maximum(found, 0)


MAPS: Mapping[str, type[Surprisal] | type[TwoSided]]
MAPS = {"bound": Surprisal, "reconstruction": Surprisal, "ratio": TwoSided}
"""By score, the map to its surprisal."""


@dataclass(frozen=True)
class Outlyingness:
    """The calibrated sum of the three scores.

    Attributes:
        model: With the σ that fits the samples that it was calibrated on.
        maps: By score, the map to its surprisal.
        draws: Latents of a bound.

    Example:
        >>> from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
        >>> model = AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3)).eval()
        >>> far = Outlyingness.of(model, torch.randn(50, 3))
        >>> usual, strange = far(torch.tensor([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]]))
        >>> bool(usual < strange)
        True
    """

    model: AlphaBridge
    maps: Mapping[str, Surprisal | TwoSided]
    draws: int = DRAWS

    @classmethod
    def of(cls, model: AlphaBridge, x: Tensor, draws: int = DRAWS) -> Outlyingness:
        """Calibrate on samples in model units, best on ones that the model was not trained on.

        Raises:
            ValueError: A score is not finite.
        """
        if model.rows is None:
            model = model.with_noise(max(model.best_sigma(x.to(model.sigma)), TINY))
        found = unusual_scores(model, x, draws)._asdict()
        for name, values in found.items():
            if not np.isfinite(values).all():
                at = int((~np.isfinite(values)).argmax())
                raise ValueError(
                    f"the score {name} of sample {at} is {values[at]}: leave the sample out, or "
                    "use a checkpoint before training diverged"
                )
        return cls(model, {name: MAPS[name].fitted(found[name]) for name in MAPS}, draws)

    def scores(self, x: Tensor) -> UnusualScores:
        """The three scores of samples in model units; one that overflows is the farthest there is.

        A model that was calibrated has finite scores of what is usual.
        """
        found = unusual_scores(self.model, x, self.draws)
        return UnusualScores(*(np.nan_to_num(of, nan=FAR, posinf=FAR, neginf=-FAR) for of in found))

    def surprisals(self, scores: UnusualScores) -> dict[str, Array]:
        """That of each score in nats, ``(N,)``; their sum is the outlyingness."""
        return {name: self.maps[name](of) for name, of in scores._asdict().items()}

    def __call__(self, x: Tensor) -> Array:
        """The calibrated sum of samples in model units."""
        return summed(self.surprisals(self.scores(x)))


def summed(surprisals: Mapping[str, Array]) -> Array:
    """The sum of surprisals, ``(N,)``."""
    found: Array = np.sum([*surprisals.values()], axis=0)
    return found
