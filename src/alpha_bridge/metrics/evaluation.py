"""How well the averaged generator does: the metrics that fit the data, under fixed latents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

import torch
from torch import Tensor

from ..checks import at_least
from ..data import DensitySource, Source, normal
from ..model import AlphaBridge
from . import image_quality, modes
from .classifier import cached_classifier, inception_features, require_shape
from .image_quality import FeatureNetwork, features_of
from .names import classifier_protocol, name

__all__ = ["CHUNK", "FEATURES", "Evaluation", "Judge", "Measured", "evaluation_of", "in_chunks"]

LATENTS = 9
HELD_OUT = 1000
LABELLED = 60_000
ROTATED = 10_000
CLASSIFIER_SEED = 0
CHUNK = 250
RETENTION = "retention/labels"


@dataclass(frozen=True)
class Measured:
    """What one evaluation gives.

    Attributes:
        metrics: Numbers by names that state their protocols.
        shown: Samples of the latents that are followed through time, in model units.
        pairs: Held-out samples and their reconstructions, in model units, ``(2, n, *event)``.
    """

    metrics: dict[str, float]
    shown: Tensor
    pairs: Tensor


class Judge(ABC):
    """Compares samples with the data."""

    protocol: str
    network: FeatureNetwork | None = None
    """What it compares features of, if it does."""

    @abstractmethod
    def __call__(self, x: Tensor) -> tuple[dict[str, float], Tensor | None]:
        """Metrics of samples ``(N, *event)`` in model units, and the class of each, if any."""


class MixtureJudge(Judge):
    """Knows the density that the data come from."""

    protocol = "posterior"

    def __init__(self, source: DensitySource, samples: int, bandwidth: float) -> None:
        self.mixture, self.bandwidth = source.mixture, bandwidth
        self.points = source.held_out(samples)

    def __call__(self, x: Tensor) -> tuple[dict[str, float], Tensor]:
        count, posterior = len(x), self.mixture.posterior(x)
        means, std, weights = self.mixture.means, self.mixture.std, self.mixture.weights
        kernel, points = f"kde-{self.bandwidth:g}", len(self.points)
        likelihood = name("log_likelihood", kernel, count, "held-out", points)
        score = name("inception_score", "posterior", count)
        metrics = {
            score: modes.inception_score(posterior, weights),
            likelihood: modes.kde_log_likelihood(self.points, x, self.bandwidth),
            name("modes", "3std", count): modes.modes_covered(x, means, std),
            name("high_quality", "3std", count): modes.high_quality(x, means, std),
            name("missed_mass", "tenth", count): modes.missed_mass(x, means, std, weights),
            name("invented_mass", "tail-0.001", count): modes.invented_mass(x, means, std),
        }
        return {key: float(value) for key, value in metrics.items()}, posterior.argmax(-1)


class FeatureJudge(Judge):
    """Compares features of the samples with those of training samples."""

    def __init__(self, network: FeatureNetwork, protocol: str, real: Tensor, classes: bool) -> None:
        self.network: FeatureNetwork = network
        self.protocol, self.classes = protocol, classes
        self.real = features_of(network, real.split(CHUNK))

    def __call__(self, x: Tensor) -> tuple[dict[str, float], Tensor | None]:
        features, count = features_of(self.network, x.split(CHUNK)), len(x)
        real = len(self.real)
        subset = min(1000, real, count)
        frechet = image_quality.frechet_distance(self.real, features)
        kernel = image_quality.kernel_distance(self.real, features, subset_size=subset)
        metrics = {
            name("frechet_distance", self.protocol, count, "train", real): frechet,
            name("kernel_distance", self.protocol, count, "train", real): kernel,
        }
        if not self.classes:
            return metrics, None
        logits = self.network.logits(features)
        splits = image_quality.splits_for(*logits.shape)
        score = name("inception_score", f"{self.protocol}-splits{splits}", count)
        metrics[score] = image_quality.inception_score(logits, splits)
        return metrics, logits.argmax(-1)


class Pooled:
    """Features without a network: vectors as they are, images averaged down to 8 pixels."""

    def features(self, x: Tensor) -> Tensor:
        """Features ``(N, F)`` of samples ``(N, *event)``."""
        return torch.nn.functional.adaptive_avg_pool2d(x, 8).flatten(1) if x.ndim > 2 else x

    def logits(self, features: Tensor) -> Tensor:
        """There are no classes: ``(N, 0)``."""
        return features[:, :0]


class Evaluation:
    """Measures a model with latents that stay the same through time."""

    def __init__(
        self,
        source: Source,
        judge: Judge,
        samples: int,
        shown: int,
        latents: Tensor | None = None,
    ) -> None:
        self.source, self.judge, self.latents = source, judge, latents
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
        metrics, labels = self.judge(x)
        if labels is not None and reference:
            memory[RETENTION] = labels
        elif labels is not None and RETENTION in memory:
            key = name("retention", self.judge.protocol, len(x))
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
    samples: int = 5000,
    shown: int = 64,
    features: str = "classifier",
    bandwidth: float = 0.1,
    tell: Callable[[str], None] = lambda _: None,
    prior: Source | None = None,
) -> Evaluation:
    """The evaluation that fits the data.

    Args:
        source: The data.
        data: What the protocol calls them.
        samples: Samples that metrics are computed from, two or more.
        shown: Latents that are followed through time.
        features: Kind of features that images are compared by, of :data:`FEATURES`.
        bandwidth: Of the kernel density estimate of samples of a density.
        tell: Told in a line what is being prepared.
        prior: A second domain, whose held-out samples are the latents of what is measured; None
            for N(0, I).

    Raises:
        ValueError: Inception is asked for and not installed, the data have fewer than two
            training samples, or the classifier cannot take the image_quality.
    """
    latents = None if prior is None else prior.units.normalize(prior.held_out(samples))
    if isinstance(source, DensitySource):
        judge: Judge = MixtureJudge(source, samples, bandwidth)
        return Evaluation(source, judge, samples, shown, latents)
    samples = min(samples, source.size or samples)
    at_least(2, "the number of training samples", samples)
    real = source.units.normalize(source.training(samples))
    network, protocol, classes = FEATURES[features](source, data, tell)
    return Evaluation(
        source, FeatureJudge(network, protocol, real, classes), samples, shown, latents
    )


def in_chunks(network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What a network gives for samples, a part of them at a time, without a graph."""
    with torch.no_grad():
        return torch.cat([network(part) for part in x.split(CHUNK)])


Features = tuple[FeatureNetwork, str, bool]
"""What compares images, its protocol, and whether its logits are of the data's own classes."""


def _pooled(source: Source, _: str, __: Callable[[str], None]) -> Features:
    return Pooled(), "vectors" if len(source.event_shape) == 1 else "pixels", False


def _inception(_: Source, __: str, ___: Callable[[str], None]) -> Features:
    return inception_features(), "inception", True


def _classifier(source: Source, data: str, tell: Callable[[str], None]) -> Features:
    """A classifier of the data's labels; where there are none, features that need none."""
    labels = source.training_labels(LABELLED)
    held_out_labels = source.held_out_labels(LABELLED)
    if source.classes < 2 or not _any_known(labels) or not _any_known(held_out_labels):
        compared = "averaged pixels" if source.event_shape[1:] else "the vectors themselves"
        tell(f"no labels: distances compare {compared}, and retention is left out")
        return _pooled(source, data, tell)
    try:
        require_shape(source.event_shape)  # before all the images are read
        train = _labelled(source.training(LABELLED), labels)
        held_out = _labelled(source.held_out(LABELLED), held_out_labels)
        classifier, accuracy = cached_classifier(*train, *held_out, source.classes, CLASSIFIER_SEED)
    except ValueError as error:
        raise ValueError(f"{error}: resize them, or give --evaluation.features pixels") from error
    tell(f"features of a classifier that is right on {accuracy:.1%} of {len(held_out[0])} images")
    protocol = classifier_protocol("classifier", data, CLASSIFIER_SEED, accuracy)
    return classifier, protocol, True


def _rotations(source: Source, data: str, tell: Callable[[str], None]) -> Features:
    """A classifier of quarter turns (Gidaris et al., ICLR 2018): it needs no labels, and has to
    look at how things are drawn."""
    try:
        require_shape(source.event_shape)
        train = _turned(source.training(ROTATED))
        held_out = _turned(source.held_out(ROTATED))
        classifier, accuracy = cached_classifier(*train, *held_out, 4, CLASSIFIER_SEED)
    except ValueError as error:
        raise ValueError(f"{error}: resize them, or give --evaluation.features pixels") from error
    tell(f"features of a classifier that tells {accuracy:.1%} of the quarter turns of images")
    protocol = classifier_protocol("rotations", data, CLASSIFIER_SEED, accuracy)
    return classifier, protocol, False


def _turned(x: Tensor) -> tuple[Tensor, Tensor]:
    """Images turned by none to three quarters, and by how many."""
    turns = [torch.rot90(x, turn, (-2, -1)) for turn in range(4)]
    return torch.cat(turns), torch.arange(4).repeat_interleave(len(x))


def _any_known(labels: Tensor | None) -> TypeGuard[Tensor]:
    return labels is not None and bool((labels >= 0).any())


def _labelled(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Samples whose label is known, and the labels."""
    known = labels >= 0
    return x[known], labels[known]


FEATURES: dict[str, Callable[[Source, str, Callable[[str], None]], Features]] = {
    "classifier": _classifier,
    "rotations": _rotations,
    "inception": _inception,
    "pixels": _pooled,
}
