"""Unpaired translation of digits to their outlines.

Half of the training images is one domain, the outlines of the other half are the other, so that no
digit has its counterpart in training; of held-out digits the true translation is known. Does a
digit survive? A classifier of each domain, trained on its labels, says so. All settings are ours.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from alpha_bridge.data import ImageSource, Source
from alpha_bridge.metrics.classifier import Classifier, cached_classifier
from alpha_bridge.metrics.deviation import spread
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import ConvDiscriminator, ConvTranslator
from alpha_bridge.penalty import R1
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH
from alpha_bridge.runs.plots.records import Array

from .framework import Outcome, Plan, Record, Study, preset_on
from .framework.drawing import show_grid
from .translating import SETTINGS, WAYS, translator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "measure", "summary", "traced"]

DOMAIN = "traced"
COMPARED = ("alpha-bridge", "alpha-bridge, full cycle", "cyclegan")
UPDATES, BATCH, WIDTH_OF_NETWORKS, HIDDEN, SIGMA = 1500, 64, 16, 128, 0.5
QUICK_UPDATES = 150
PENALTY = R1(weight=0.2, every=4)
TRAINED, MEASURED, SHOWN = 30_000, 1000, 8

METRICS = {
    "there": "digits that survive",
    "back": "digits that survive on the way back",
    "cycle": "cycle error",
    "error": "error against the true translation",
}
"""Metrics, and their names in figures."""


def traced(images: Array) -> Array:
    """Outlines: the length of the gradient, by central differences."""
    down, across = np.gradient(images.astype(np.float32), axis=(1, 2))
    outlines: Array = np.hypot(down, across).clip(0, 255).astype(np.uint8)
    return outlines


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Train each way, one trial; the miniature on the built-in digits.

    The record has ``runs``, each with its domain, way, seed and metrics; ``ceilings``, what the
    classifiers make of the true images; and ``summary``.

    Raises:
        ValueError: The images have no labels.
    """
    preset = preset_on("digits" if quick else "mnist", data)
    updates = QUICK_UPDATES if quick else UPDATES
    world = _world(preset.model_dump_json())
    plans = [
        Plan(
            {"domain": DOMAIN, "way": way, "seed": trial},
            train,
            {"config": preset, "way": way, "updates": updates, "seed": trial},
            f"{DOMAIN}/{way}" if trial == seed else None,
            _describe,
        )
        for trial in range(seed, seed + (trials or 1))
        for way in COMPARED
    ]
    runs = study.train(plans)
    return {
        "experiment": "translation of digits",
        "settings": {
            "seed": seed,
            "trials": trials or 1,
            "quick": quick,
            "data": preset.data,
            "updates": updates,
            "batch_size": BATCH,
            "width": WIDTH_OF_NETWORKS,
            "hidden": HIDDEN,
            "sigma": SIGMA,
            "penalty": {"weight": PENALTY.weight, "every": PENALTY.every},
            **SETTINGS,
            "note": "all settings are ours",
        },
        "ceilings": {DOMAIN: world.ceilings()},
        "runs": runs,
        "summary": summary(runs),
    }


def _describe(run: Record) -> str:
    return "  ".join(f"{metric} {run[metric]:.4g}" for metric in METRICS)


def train(config: Config, way: str, updates: int, seed: int) -> Outcome:
    """Train a way on the images of a configuration, and score it."""
    since = perf_counter()
    world = _world(config.model_dump_json())
    model = _trained(way, world, updates, seed)
    record = {**world.score(model), "seconds": round(perf_counter() - since, 1)}
    return Outcome(record, {"": {updates: world.shown(model)}})


class World(NamedTuple):
    """Two domains, held-out pairs of both, and a classifier of each.

    Attributes:
        domains: What digits become, and digits: x and z of the model.
        x: Held-out images of the first domain, uint8 ``(N, C, H, W)``, the true translations
            of ``z``.
        z: Held-out digits.
        labels: Their labels.
        of_x: Classifier of the first domain.
        of_z: Classifier of digits.
    """

    domains: tuple[Source, Source]
    x: Tensor
    z: Tensor
    labels: Tensor
    of_x: Classifier
    of_z: Classifier

    @torch.no_grad()
    def score(self, model: AlphaBridge) -> dict[str, float]:
        """The metrics of a model, all on held-out images and in model units."""
        x, z = (self.domains[0].units.normalize(images) for images in (self.x, self.z))
        there, back = model.decode(z), model.encode(x)
        return {
            "there": _accuracy(self.of_x, there, self.labels),
            "back": _accuracy(self.of_z, back, self.labels),
            "cycle": float((model.decode(back) - x).square().mean()),
            "error": float((there - x).square().mean()),
        }

    def ceilings(self) -> dict[str, float]:
        """What the classifiers make of the true images."""
        x, z = (self.domains[0].units.normalize(images) for images in (self.x, self.z))
        return {
            "there": _accuracy(self.of_x, x, self.labels),
            "back": _accuracy(self.of_z, z, self.labels),
        }

    @torch.no_grad()
    def shown(self, model: AlphaBridge) -> Array:
        """Digits, their translations and the true ones, uint8 ``(3 · N, H, W, C)``."""
        units, z = self.domains[0].units, self.z[:SHOWN]
        there = model.decode(units.normalize(z))
        rows = torch.cat([units.normalize(z), there, units.normalize(self.x[:SHOWN])])
        return units.stored(rows)


@cache
def _world(text: str) -> World:
    """The domains of a configuration's images; both classifiers take longer than a score."""
    config = Config.model_validate_json(text)
    source = build_source(config)
    if source.classes < 2:
        raise ValueError(
            f"{config.data} has no labels, and without them nobody knows whether digits survive: "
            "give --data with labels"
        )
    images, labels = _images(source.training, source.training_labels, 2 * TRAINED)
    test, test_labels = _images(source.held_out, source.held_out_labels, MEASURED)
    x, z, true = traced(images[0::2]), images[1::2], traced(test)
    return World(
        domains=(ImageSource(x), ImageSource(z)),
        x=torch.from_numpy(true).permute(0, 3, 1, 2),
        z=torch.from_numpy(test).permute(0, 3, 1, 2),
        labels=torch.from_numpy(test_labels),
        of_x=_classifier(x, labels[0::2], true, test_labels, source.classes),
        of_z=_classifier(z, labels[1::2], test, test_labels, source.classes),
    )


def _images(
    images: Callable[[int], Tensor], labels: Callable[[int], Tensor | None], count: int
) -> tuple[Array, Array]:
    """Labelled images as arrays ``(N, H, W, C)``, and their labels."""
    found = labels(count)
    assert found is not None
    known = (found >= 0).numpy()
    array = images(count).permute(0, 2, 3, 1).numpy()
    return np.ascontiguousarray(array[known]), found.numpy()[known]


def _classifier(
    images: Array, labels: Array, held_out: Array, held_out_labels: Array, classes: int
) -> Classifier:
    tensors = (torch.from_numpy(array) for array in (images, labels, held_out, held_out_labels))
    train, train_labels, test, test_labels = tensors
    return cached_classifier(
        train.permute(0, 3, 1, 2), train_labels, test.permute(0, 3, 1, 2), test_labels, classes
    ).classifier


def _accuracy(classifier: Classifier, images: Tensor, labels: Tensor) -> float:
    return float((classifier(images).argmax(-1) == labels).float().mean())


def _trained(way: str, world: World, updates: int, seed: int) -> AlphaBridge:
    (channels, size, _), (others, *_) = (domain.event_shape for domain in world.domains)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        arms = (
            ConvTranslator(size, others, channels, WIDTH_OF_NETWORKS),
            ConvTranslator(size, channels, others, WIDTH_OF_NETWORKS),
        )
        discriminators = (
            ConvDiscriminator(size, channels, WIDTH_OF_NETWORKS, HIDDEN),
            ConvDiscriminator(size, others, WIDTH_OF_NETWORKS, HIDDEN),
        )
    return translator(
        WAYS[way], arms, discriminators, world.domains, updates, BATCH, seed, SIGMA, PENALTY
    )


def summary(runs: Sequence[Record]) -> list[Record]:
    """Mean and deviation over trials of each metric, for each domain and way."""
    ends = []
    for domain, way in dict.fromkeys((run["domain"], run["way"]) for run in runs):
        own = [run for run in runs if (run["domain"], run["way"]) == (domain, way)]
        numbers = {metric: [run[metric] for run in own] for metric in METRICS}
        metrics = {
            metric: {"mean": float(np.mean(found)), "deviation": float(spread(found))}
            for metric, found in numbers.items()
        }
        ends.append({"domain": domain, "way": way, **metrics})
    return ends


def draw(record: Record, samples: Mapping[str, Mapping[int, Array]]) -> "Figure":
    """For each way: digits, their translations, and the true ones.

    Args:
        record: As :func:`measure` gives it.
        samples: By domain and way, and by updates, uint8 ``(N, H, W, C)``.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 1.9), layout="constrained")
    for axes, end in zip(figure.subplots(1, len(COMPARED)), record["summary"], strict=True):
        of = samples[f"{end['domain']}/{end['way']}"]
        show_grid(axes, of[max(of)], SHOWN)
        shares = f"{end['there']['mean']:.0%} there, {end['back']['mean']:.0%} back"
        axes.set_xlabel(f"survive: {shares}", fontsize=SMALL)
        axes.set_title(end["way"], fontsize=SMALL)
    quick = "quick miniature: " if record["settings"]["quick"] else ""
    figure.suptitle(f"{quick}digits, their translations, and the true ones", fontsize=TEXT)
    return figure
