"""How well the averaged generator does: the metrics that fit the data, under fixed latents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..checks import at_least
from ..chunks import at_once, in_parts
from ..data import DensitySource, Source, normal, uniform
from ..data.rng import Purpose
from ..model import AlphaBridge
from ..settings import EvaluationConfig
from . import image_quality
from .comparison import (
    CHUNK,
    FEATURES,
    Comparison,
    DensityComparison,
    FeatureComparison,
    TableComparison,
)
from .definition import name
from .image_quality import FeatureNetwork, features_of, frechet_distance, reconstruction_error
from .reconstructions import WINDOW, psnr, sharpness, ssim
from .reporting import Report, Watch, counting, silent

HELD_OUT = 1000
RETENTION = "retention/labels"


@dataclass(frozen=True)
class Measured:
    """What one evaluation gives.

    Attributes:
        metrics: Numbers by names that state their protocols.
        samples: Those of the latents that are followed through time, in model units.
        pairs: Held-out samples and their reconstructions, in model units, ``(2, n, *event)``.
        compared: Of a table, all real and all generated rows that the metrics are of.
    """

    metrics: dict[str, float]
    samples: Tensor
    pairs: Tensor
    compared: tuple[Tensor, Tensor] | None = None


class Evaluation(ABC):
    """Measures a model, and shows the first of what it makes.

    Attributes:
        source: The data.
        held_out: Held-out samples, in model units.
        shown: How many samples are shown.
    """

    def __init__(
        self, source: Source, held_out: int, shown: int, progress: Report = silent
    ) -> None:
        """Take the data, and how many of those that are held out are seen, at most."""
        self.source, self.shown, self.progress = source, shown, progress
        self.held_out = source.units.normalize(source.held_out(held_out))

    @abstractmethod
    def __call__(
        self, model: AlphaBridge, memory: dict[str, Tensor], reference: bool = False
    ) -> Measured:
        """Measure ``model``, with the averaged generator, and leave it in the mode it is in.

        A ``reference`` is one of Step I, whose last one leaves in ``memory`` what later steps are
        measured against.
        """


class SampleEvaluation(Evaluation):
    """Measures samples of latents that stay the same through time, the first of which are shown.

    They are draws from N(0, I), or ``latents`` of shape ``(N, *latent)``. What is left in memory
    are the classes of samples, against which their retention is measured.
    """

    def __init__(
        self,
        source: Source,
        comparison: Comparison,
        samples: int,
        shown: int,
        latents: Tensor | None = None,
        progress: Report = silent,
    ) -> None:
        self.comparison, self.latents = comparison, latents
        self.samples = samples if latents is None else len(latents)
        super().__init__(source, HELD_OUT, min(shown, self.samples), progress)

    @torch.no_grad()
    def __call__(
        self, model: AlphaBridge, memory: dict[str, Tensor], reference: bool = False
    ) -> Measured:
        training, watch = model.training, self._watch()
        model.eval()
        x = self.generated(model, watch)
        metrics, labels = self.comparison(x, watch)
        metrics |= self.comparison.of_model(model)
        if labels is not None and reference:
            memory[RETENTION] = labels
        elif labels is not None and RETENTION in memory:
            key = name("retention", self.comparison.protocol, len(x))
            metrics[key] = float(image_quality.retention(memory[RETENTION], labels))
        held_out = self.held_out
        latents = in_chunks(lambda x: model.encode(x.to(model.sigma)).cpu(), held_out, watch)
        again = decoded(model, latents) if len(held_out) else held_out
        if len(held_out) and model.rows is None:
            error = image_quality.reconstruction_error(held_out, again, held_out.ndim - 1)
            metrics[name("reconstruction_error", "mse", len(held_out), "held-out")] = float(error)
        model.train(training)
        pairs = torch.stack([held_out[: self.shown], again[: self.shown]])
        return Measured(metrics, x[: self.shown], pairs, self.comparison.compared(x))

    def _watch(self) -> Watch:
        """Tells how many parts of all have been seen: of samples, their features, held-out ones."""
        passes = (self.samples, self.samples * bool(self.comparison.network), len(self.held_out))
        parts = sum(_parts(size, self.source) for size in passes)
        return counting(self.progress, "evaluating", parts)

    def generated(self, model: AlphaBridge, watch: Watch = iter) -> Tensor:
        """Samples of ``model`` as they are kept: in the data's own units and back."""
        latents = self.latents
        if latents is None:
            latents = normal(0, 0, Purpose.EVALUATED, (self.samples, *(model.latent_shape or ())))
        units = self.source.units
        return units.normalize(units.denormalize(decoded(model, latents, watch=watch)))


class ReconstructionEvaluation(Evaluation):
    """Measures reconstructions of held-out images in place of samples of the prior."""

    def __init__(
        self,
        source: Source,
        networks: Mapping[str, FeatureNetwork],
        samples: int,
        shown: int,
        progress: Report = silent,
    ) -> None:
        """Take what to measure by: networks whose features are compared, by their protocol."""
        super().__init__(source, samples, shown, progress)
        self.networks = networks
        at_least(2, "the number of held-out samples", len(self.held_out))
        parts = len(networks) * _parts(len(self.held_out), source)
        self.real = self._features(self.held_out, counting(progress, "features of the data", parts))

    @torch.no_grad()
    def __call__(
        self,
        model: AlphaBridge,
        memory: dict[str, Tensor],  # noqa: ARG002
        reference: bool = False,  # noqa: ARG002
    ) -> Measured:
        training, x, count = model.training, self.held_out, len(self.held_out)
        parts = (1 + len(self.networks)) * _parts(count, self.source)
        watch = counting(self.progress, "evaluating", parts)
        model.eval()
        y = in_chunks(lambda x: model.reconstruct(x.to(model.sigma)).cpu(), x, watch)
        model.train(training)
        y = self.source.units.normalize(self.source.units.denormalize(y))
        found: dict[tuple[str, str], Tensor | float] = {
            ("reconstruction_distance", protocol): frechet_distance(self.real[protocol], features)
            for protocol, features in self._features(y, watch).items()
        }
        found["reconstruction_error", "mse"] = reconstruction_error(x, y, x.ndim - 1)
        if x.ndim == 4:
            found["psnr", "pixels"], found["sharpness", "laplacian"] = psnr(x, y), sharpness(x, y)
            if min(x.shape[-2:]) >= WINDOW:
                found["ssim", "pixels"] = ssim(x, y)
        metrics = {name(*key, count, "held-out"): float(value) for key, value in found.items()}
        shown = slice(self.shown)
        return Measured(metrics, y[shown], torch.stack([x[shown], y[shown]]))

    def _features(self, x: Tensor, watch: Watch) -> dict[str, Tensor]:
        """Of images, by the protocol of the network."""
        return {
            protocol: features_of(network, watch(in_parts(x, CHUNK)))
            for protocol, network in self.networks.items()
        }


def evaluation_of(
    source: Source,
    data: str,
    *,
    reconstructs: bool = False,
    samples: int = EvaluationConfig.samples,
    shown: int = EvaluationConfig.shown,
    features: str = EvaluationConfig.features,
    bandwidth: float = EvaluationConfig.bandwidth,
    target: str | None = EvaluationConfig.target,
    log: Callable[[str], None] = lambda _: None,
    prior: Source | None = None,
    progress: Report = silent,
) -> Evaluation:
    """The evaluation that fits the data, by the settings of :class:`EvaluationConfig`.

    What ``reconstructs`` is measured by its reconstructions of held-out data alone.

    The protocol calls the data ``data``; ``log`` takes a line on what is being prepared, and
    ``progress`` how far that and each evaluation have come. The held-out samples of a second
    domain, ``prior``, are the latents of what is measured.

    Raises:
        ValueError: Inception is asked for and not installed, the data have fewer than two
            training samples or the second domain fewer than two held out, the classifier cannot
            take the images, or a table has no column ``target`` or none beside it.
    """
    if reconstructs:
        network, protocol, _ = FEATURES[features](source, data, log, progress)
        return ReconstructionEvaluation(source, {protocol: network}, samples, shown, progress)
    latents = None if prior is None else prior.units.normalize(prior.held_out(samples))
    if latents is not None:
        at_least(2, "the number of held-out samples of the second domain", len(latents))
    if isinstance(source, DensitySource):
        density = DensityComparison(source, samples, bandwidth)
        return SampleEvaluation(source, density, samples, shown, latents, progress)
    if source.rows is not None:
        from ..data.tables import TableUnits

        parts = (source.training(samples), source.held_out(samples))
        training, held_out = (source.units.normalize(rows) for rows in parts)
        assert isinstance(source.units, TableUnits)
        table = TableComparison(source.rows, training, held_out, source.units.names, target)
        return SampleEvaluation(source, table, samples, shown, latents, progress)
    samples = min(samples, source.size or samples)
    at_least(2, "the number of training samples", samples)
    real = source.units.normalize(source.training(samples))
    network, protocol, classes = FEATURES[features](source, data, log, progress)
    watch = counting(progress, "features of the data", _parts(len(real), source))
    comparison = FeatureComparison(network, protocol, real, classes, watch)
    return SampleEvaluation(source, comparison, samples, shown, latents, progress)


def decoded(
    model: AlphaBridge, latents: Tensor, seed: int = 0, turn: int = 0, watch: Watch = iter
) -> Tensor:
    """What latents are decoded to, on the host; rows of a table are drawn with a seed, in turns."""
    if model.rows is None:
        return in_chunks(lambda z: model.decode(z.to(model.sigma)).cpu(), latents, watch)
    noise = uniform(seed, turn, Purpose.DECODED, (len(latents), model.rows.draws))
    parts = [latents.shape[1], model.rows.draws]

    def draw(part: Tensor) -> Tensor:
        z, columns = part.to(model.sigma).split(parts, 1)
        return model.draw(z, columns).x.cpu()

    return in_chunks(draw, torch.cat([latents, noise], 1), watch)


def in_chunks(network: Callable[[Tensor], Tensor], x: Tensor, watch: Watch = iter) -> Tensor:
    """What a network gives for samples, a part of them at a time, without a graph.

    How many are a part depends on the larger of what it takes and gives, which the first one shows.
    """
    with torch.no_grad():
        shapes = [x.shape, network(x[:1]).shape if len(x) > 1 else x.shape]
        together = min(at_once(tuple(shape[1:]), CHUNK) for shape in shapes)
        return torch.cat([network(part) for part in watch(x.split(together))])


def _parts(count: int, source: Source) -> int:
    """In how many parts a network sees samples of the data."""
    return -(-count // at_once(source.event_shape, CHUNK))
