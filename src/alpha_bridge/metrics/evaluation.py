"""How well the averaged generator does: the metrics that fit the data, under fixed latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import at_least
from ..data import DensitySource, Source, normal
from ..model import AlphaBridge
from ..settings import EvaluationConfig
from . import image_quality
from .comparison import CHUNK, FEATURES, Comparison, DensityComparison, FeatureComparison
from .definition import name

__all__ = ["CHUNK", "Evaluation", "Measured", "evaluation_of", "in_chunks"]

LATENTS = 9
HELD_OUT = 1000
RETENTION = "retention/labels"


@dataclass(frozen=True)
class Measured:
    """What one evaluation gives.

    Attributes:
        metrics: Numbers by names that state their protocols.
        samples: Those of the latents that are followed through time, in model units.
        pairs: Held-out samples and their reconstructions, in model units, ``(2, n, *event)``.
    """

    metrics: dict[str, float]
    samples: Tensor
    pairs: Tensor


class Evaluation:
    """Measures a model with latents that stay the same through time.

    Args:
        source: The data.
        comparison: With them.
        samples: Number of samples that metrics are computed from.
        shown: Number of latents that are followed through time.
        latents: Instead of draws from N(0, I), shape ``(N, *latent)``.
    """

    def __init__(
        self,
        source: Source,
        comparison: Comparison,
        samples: int,
        shown: int,
        latents: Tensor | None = None,
    ) -> None:
        self.source, self.comparison, self.latents = source, comparison, latents
        self.samples = samples if latents is None else len(latents)
        self.shown = min(shown, self.samples)
        self.held_out = source.units.normalize(source.held_out(HELD_OUT))

    @torch.no_grad()
    def __call__(
        self, model: AlphaBridge, memory: dict[str, Tensor], reference: bool = False
    ) -> Measured:
        """Measure ``model``.

        Args:
            model: With the averaged generator; left in the mode it is in.
            memory: Where Step I leaves the classes of the latents, and later steps find them.
            reference: Whether retention is measured against this model from now on: one of Step I,
                the last of which stays.
        """
        training = model.training
        model.eval()
        x = self.generated(model)
        metrics, labels = self.comparison(x)
        if labels is not None and reference:
            memory[RETENTION] = labels
        elif labels is not None and RETENTION in memory:
            key = name("retention", self.comparison.protocol, len(x))
            metrics[key] = float(image_quality.retention(memory[RETENTION], labels))
        held_out = self.held_out
        decoded = self._reconstructions(model, held_out)
        if len(held_out):
            error = image_quality.reconstruction_error(held_out, decoded, held_out.ndim - 1)
            metrics[name("reconstruction_error", "mse", len(held_out), "held-out")] = float(error)
        model.train(training)
        pairs = torch.stack([held_out[: self.shown], decoded[: self.shown]])
        return Measured(metrics, x[: self.shown], pairs)

    @torch.no_grad()
    def generated(self, model: AlphaBridge) -> Tensor:
        """Samples of ``model`` as they are kept: in the data's own units and back."""
        latents = self.latents
        if latents is None:
            latents = normal(0, 0, LATENTS, (self.samples, *(model.latent_shape or ())))
        units = self.source.units
        kept = [
            units.normalize(units.denormalize(model.decode(z.to(model.sigma)).cpu()))
            for z in latents.split(CHUNK)
        ]
        return torch.cat(kept)

    def _reconstructions(self, model: AlphaBridge, x: Tensor) -> Tensor:
        parts = [model.reconstruct(part.to(model.sigma)).cpu() for part in x.split(CHUNK)]
        return torch.cat([x[:0], *parts])


def evaluation_of(
    source: Source,
    data: str,
    *,
    samples: int = EvaluationConfig.samples,
    shown: int = EvaluationConfig.shown,
    features: str = EvaluationConfig.features,
    bandwidth: float = EvaluationConfig.bandwidth,
    log: Callable[[str], None] = lambda _: None,
    prior: Source | None = None,
) -> Evaluation:
    """The evaluation that fits the data.

    Args:
        source: The data.
        data: What the protocol calls them.
        samples: Samples that metrics are computed from, two or more.
        shown: Latents that are followed through time.
        features: Kind of features that images are compared by, of
            :data:`~alpha_bridge.metrics.comparison.FEATURES`.
        bandwidth: Of the kernel density estimate of samples of a density.
        log: Called with a line on what is being prepared.
        prior: A second domain, whose held-out samples are the latents of what is measured; None
            for N(0, I).

    Raises:
        ValueError: Inception is asked for and not installed, the data have fewer than two
            training samples, or the classifier cannot take the images.
    """
    latents = None if prior is None else prior.units.normalize(prior.held_out(samples))
    if isinstance(source, DensitySource):
        density = DensityComparison(source, samples, bandwidth)
        return Evaluation(source, density, samples, shown, latents)
    samples = min(samples, source.size or samples)
    at_least(2, "the number of training samples", samples)
    real = source.units.normalize(source.training(samples))
    network, protocol, classes = FEATURES[features](source, data, log)
    comparison = FeatureComparison(network, protocol, real, classes)
    return Evaluation(source, comparison, samples, shown, latents)


def in_chunks(network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What a network gives for samples, a part of them at a time, without a graph."""
    with torch.no_grad():
        return torch.cat([network(part) for part in x.split(CHUNK)])
