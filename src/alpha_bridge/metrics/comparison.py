"""Samples against the data: by the density that the data come from, or by a network's features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from ..chunks import in_parts
from ..data import DensitySource, Source
from ..errors import printable
from ..model import AlphaBridge
from ..observation import RowFamily
from . import downstream, enumeration, image_quality, modes, table_quality
from .classifier import (
    cached_classifier,
    inception_features,
    inception_weights,
    require_shape,
)
from .definition import classifier_protocol, name
from .image_quality import FeatureNetwork, features_of
from .reporting import Report, Watch

Log = Callable[[str], None]

LABELLED = 60_000
ROTATED = 10_000
SEED = 0
CHUNK = 250
"""Samples that a network sees at once, at most."""
REMEDY = ": resize them, or give --evaluation.features pixels"
"""What can be done where a classifier does not take images."""


class Comparison(ABC):
    """Compares samples with the data."""

    protocol: str
    network: FeatureNetwork | None = None
    """What it compares features of, if it does."""

    @abstractmethod
    def __call__(self, x: Tensor, watch: Watch = iter) -> tuple[dict[str, float], Tensor | None]:
        """Metrics of samples ``(N, *event)`` in model units, and the class of each, if any.

        ``watch`` goes through the parts in which a network sees them.
        """

    def of_model(self, model: AlphaBridge) -> dict[str, float]:  # noqa: ARG002
        """Metrics that are of a model itself, and not of samples."""
        return {}

    def compared(self, x: Tensor) -> tuple[Tensor, Tensor] | None:  # noqa: ARG002
        """What samples were compared with, and they, where a page shows both side by side."""
        return None


class DensityComparison(Comparison):
    """By the known density of the data."""

    protocol = "posterior"

    def __init__(self, source: DensitySource, samples: int, bandwidth: float) -> None:
        self.mixture, self.bandwidth = source.mixture, bandwidth
        self.points = source.held_out(samples)

    def __call__(
        self,
        x: Tensor,
        watch: Watch = iter,  # noqa: ARG002
    ) -> tuple[dict[str, float], Tensor]:
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


class TableComparison(Comparison):
    """Rows of a table with rows that are held out, in the units of the model."""

    protocol = "rows"

    def __init__(
        self,
        rows: RowFamily,
        training: Tensor,
        held_out: Tensor,
        names: Sequence[str],
        target: str | None = None,
    ) -> None:
        """Take rows, names of their columns, and that of the one that is learned from others.

        Where there are no others, nothing is learned, and there are no pairs to compare.

        Raises:
            ValueError: There is no column ``target``, or there are no others.
        """
        self.rows, self.training, self.held_out = rows, training, held_out
        self.target = downstream.target(rows, names, target)
        self.others = len(names) > 1
        if target is not None and not self.others:
            raise ValueError(
                f"evaluation.target {printable(target)!r} is the only column that is learned, and "
                "there are no others to tell it from: leave it out"
            )

    @cached_property
    def by_real(self) -> float:
        """What training rows teach, fitted when it is first asked for and not as a run begins."""
        return self._learned(self.training)

    def _learned(self, x: Tensor) -> float:
        return downstream.learned(x, self.held_out, self.rows, self.target)

    def __call__(
        self,
        x: Tensor,
        watch: Watch = iter,  # noqa: ARG002
    ) -> tuple[dict[str, float], None]:
        real, rows, of = self.held_out, self.rows, (len(x), "held-out", len(self.held_out))
        metrics = {
            ("marginals", "tv-ks"): table_quality.marginals(real, x, rows),
            ("c2st", "boosted-trees"): table_quality.c2st(real, x, rows),
            ("closest_records", "euclidean"): table_quality.closest_records(self.training, real, x),
        }
        if self.others:
            metrics["associations", "tv-tenths"] = table_quality.associations(real, x, rows)
        found = {name(*key, *of): value for key, value in metrics.items()}  # type: ignore[arg-type]
        if rows.categories:
            # 3,256 held-out rows of Adult have so few of a rare category that real rows get .955
            rare = table_quality.rare_categories(self.training, x, rows)
            found[name("rare_categories", "factor-2", len(x), "train", len(self.training))] = rare
        if not self.others:
            return found, None
        made = x[: len(self.training)]  # as many as there are real ones to learn from
        for key, taught, value in (
            ("tstr", len(made), self._learned(made)),
            ("trtr", len(self.training), self.by_real),
        ):
            found[name(key, self.target.protocol, taught, "held-out", len(real))] = value
        return found, None

    def of_model(self, model: AlphaBridge) -> dict[str, float]:
        if not enumeration.enumerable(self.rows):
            return {}
        q, (p, variance) = (
            enumeration.shares(self.held_out, self.rows),
            enumeration.shares_of_model(model),
        )
        of = (enumeration.LATENTS, "held-out", len(self.held_out))
        metrics = {
            ("kl", "cells"): enumeration.divergence(q, p, variance)[0],
            ("total_variation", "cells"): enumeration.total_variation(q, p),
            ("missed_mass", f"cells-of-{len(self.training)}"): enumeration.missed(
                q, p, len(self.training)
            ),
        }
        return {name(*key, *of): value for key, value in metrics.items()}  # type: ignore[arg-type]

    def compared(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.held_out, x


class FeatureComparison(Comparison):
    """By the features of a network, with those of training samples ``real``, in model units.

    Names call the network ``protocol``; ``classes`` says that its logits are of the data's own.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        protocol: str,
        real: Tensor,
        classes: bool,
        watch: Watch = iter,
    ) -> None:
        self.network: FeatureNetwork = network
        self.protocol, self.classes = protocol, classes
        self.real = features_of(network, watch(in_parts(real, CHUNK)))

    def __call__(self, x: Tensor, watch: Watch = iter) -> tuple[dict[str, float], Tensor | None]:
        features, count = features_of(self.network, watch(in_parts(x, CHUNK))), len(x)
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


class _Pooled:
    """Features without a network: vectors as they are, images averaged down to 8 pixels."""

    def features(self, x: Tensor) -> Tensor:
        """Features ``(N, F)`` of samples ``(N, *event)``."""
        return torch.nn.functional.adaptive_avg_pool2d(x, 8).flatten(1) if x.ndim > 2 else x

    def logits(self, features: Tensor) -> Tensor:
        """There are no classes: ``(N, 0)``."""
        return features[:, :0]


Features = tuple[FeatureNetwork, str, bool]
"""A network, its protocol, and whether its logits are of the data's own classes."""


def _pooled(source: Source, *_: object) -> Features:
    return _Pooled(), "vectors" if len(source.event_shape) == 1 else "pixels", False


def _inception(*_: object) -> Features:
    return inception_features(), "inception", True


def _without_classes(source: Source, reason: str, log: Log) -> Features:
    compared = "averaged pixels" if source.event_shape[1:] else "the vectors themselves"
    log(f"{reason}: distances compare {compared}, and retention is left out")
    return _pooled(source)


def _classifier(source: Source, data: str, log: Log, progress: Report) -> Features:
    """A classifier of the data's labels; where they are of no use, features that need none."""
    if len(source.event_shape) == 1:
        return _without_classes(source, "data are vectors", log)
    given = _labels(source)
    if given is None:
        return _without_classes(source, "no labels", log)
    labels, held_out_labels = given

    def read() -> tuple[Tensor, ...]:
        train = _labelled(source.training(LABELLED), labels)
        return *train, *_labelled(source.held_out(LABELLED), held_out_labels)

    network, accuracy, known = _trained(source, read, source.classes, progress)
    right = f"is right on {accuracy:.1%} of {len(known)} images"
    if not better_than_chance(accuracy, known):
        why = "not clearly better than naming the largest class"
        log(f"a classifier of the labels {right}, {why}: unused")
        return _rotations(source, data, log, progress)
    log(f"features of a classifier that {right}")
    return network, classifier_protocol("classifier", data, SEED, accuracy), True


def _classified(source: Source) -> bool:
    """Whether a classifier of the data's labels is made: of images, if there are labels."""
    return len(source.event_shape) > 1 and _labels(source) is not None


def _rotations(source: Source, data: str, log: Log, progress: Report) -> Features:
    """A classifier of quarter turns (Gidaris et al., ICLR 2018): it needs no labels, and has to
    look at how things are drawn."""

    def read() -> tuple[Tensor, ...]:
        return *_turned(source.training(ROTATED)), *_turned(source.held_out(ROTATED))

    network, accuracy, turns = _trained(source, read, 4, progress)
    right = f"a classifier that tells {accuracy:.1%} of the quarter turns of images"
    if not better_than_chance(accuracy, turns[::4]):  # the turns of one image are no four answers
        return _without_classes(source, f"{right} is not clearly better than chance", log)
    log(f"features of {right}")
    return network, classifier_protocol("rotations", data, SEED, accuracy), False


def _trained(
    source: Source, read: Callable[[], tuple[Tensor, ...]], classes: int, progress: Report
) -> tuple[FeatureNetwork, float, Tensor]:
    """A classifier of images, its accuracy, and the labels that this was measured on."""
    _require_shape(source)  # before all the images are read
    try:
        train, labels, held_out, held_out_labels = read()
        images = (train, labels, held_out, held_out_labels)
        classifier, accuracy = cached_classifier(*images, classes, SEED, progress=progress)
    except ValueError as error:
        raise ValueError(f"{error}{REMEDY}") from error
    return classifier, accuracy, held_out_labels


def _require_shape(source: Source) -> None:
    try:
        require_shape(source.event_shape)
    except ValueError as error:
        raise ValueError(f"{error}{REMEDY}") from error


def require_features(source: Source, features: str) -> None:
    """Refuse features of ``FEATURES`` that there cannot be, before any sample is read.

    Raises:
        ValueError: A classifier does not take the images, or Inception is not installed.
    """
    if features == "inception":
        inception_weights()
    elif features == "rotations" or (features == "classifier" and _classified(source)):
        _require_shape(source)


def better_than_chance(accuracy: float, labels: Tensor) -> bool:
    """Whether a classifier beats naming the largest class, with a probability of 0.9 or more.

    That is for a uniform prior of its accuracy. With a stricter bound, a classifier that is right
    on all of ten held-out images would look like chance where one class has most of them.

    Example:
        >>> labels = torch.tensor([0, 1] * 10)
        >>> better_than_chance(0.6, labels), better_than_chance(0.8, labels)
        (False, True)
    """
    count = len(labels)
    chance = labels.bincount().max().double() / count
    # P[Beta(r + 1, n − r + 1) > c] = P[Binomial(n + 1, c) ≤ r]
    fewer = torch.arange(round(accuracy * count) + 1).double()
    below = torch.distributions.Binomial(count + 1, chance).log_prob(fewer)
    return bool(below.exp().sum() >= 0.9)


def _turned(x: Tensor) -> tuple[Tensor, Tensor]:
    """Images turned by none to three quarters, and by how many."""
    turns = [torch.rot90(x, turn, (-2, -1)) for turn in range(4)]
    return torch.cat(turns), torch.arange(4).repeat_interleave(len(x))


def _labels(source: Source) -> tuple[Tensor, Tensor] | None:
    """Labels on both sides, if a classifier can be made of them."""
    labels, held_out = _known(source.training_labels), _known(source.held_out_labels)
    if labels is None or held_out is None or len(labels[labels >= 0].unique()) < 2:
        return None
    return labels, held_out


def _known(labels_of: Callable[[int], Tensor | None]) -> Tensor | None:
    """Labels, if any is known."""
    labels = labels_of(LABELLED)
    return labels if labels is not None and (labels >= 0).any() else None


def _labelled(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Samples whose label is known, and the labels."""
    known = labels >= 0
    return x[known], labels[known]


FEATURES: dict[str, Callable[[Source, str, Log, Report], Features]] = {
    "classifier": _classifier,
    "rotations": _rotations,
    "inception": _inception,
    "pixels": _pooled,
}
"""Kinds of features that images are compared by."""
