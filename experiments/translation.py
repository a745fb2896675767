"""Unpaired translation of digits: to inverted ones, to turned ones, and to their outlines.

Half of the training images is one domain, what was made of the other half is the other, so that no
digit has its counterpart in training; of held-out digits the true translation is known. Does a
digit survive? A classifier of each domain, trained on its labels, says so. All settings are ours.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from alpha_bridge.checks import at_least
from alpha_bridge.data import ImageSource, Source
from alpha_bridge.files import read_json
from alpha_bridge.metrics.classifier import Classifier, cached_classifier
from alpha_bridge.metrics.deviation import spread
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import ConvDiscriminator, ConvTranslator
from alpha_bridge.penalty import R1
from alpha_bridge.recipe.builders import build_source
from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH, save_figure
from alpha_bridge.runs.plots.records import Array

from .comparison import show_grid
from .files import keep_samples, partial_of, resumed_samples, write
from .runs import Tell, silent
from .translating import SETTINGS, WAYS, translator
from .watched import preset_on

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DOMAINS", "draw", "reproduce", "summary"]

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
"""What is measured, in words."""

Record = dict[str, Any]


def inverted(images: Array) -> Array:
    """Black for white."""
    return 255 - images


def turned(images: Array) -> Array:
    """A quarter turn to the left."""
    return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))


def traced(images: Array) -> Array:
    """Outlines: the length of the gradient, by central differences."""
    down, across = np.gradient(images.astype(np.float32), axis=(1, 2))
    outlines: Array = np.hypot(down, across).clip(0, 255).astype(np.uint8)
    return outlines


DOMAINS: dict[str, Callable[[Array], Array]] = {
    "inverted": inverted,
    "turned": turned,
    "traced": traced,
}
"""By name, what becomes of images, uint8 ``(N, H, W, C)``."""


def reproduce(
    folder: str | Path,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    tell: Tell = silent,
    data: str | None = None,
) -> Record:
    """Train each way to each domain, and write ``translation.json``, ``.png`` and ``.npz``.

    Args:
        folder: Where to write; it is made if it is missing. Runs that an interrupted experiment
            has ended there are not trained again.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials of each; None for one.
        quick: Whether to train a miniature on the built-in digits, of the first domain alone.
        tell: Told in a line of each run.
        data: A hub id, a folder or a file of labelled images; None for the preset's.

    Returns:
        What ``translation.json`` holds: ``settings``; ``runs``, each with its domain, way, seed
        and metrics; ``ceilings``, what the classifiers make of the true images; and ``summary``.

    Raises:
        ValueError: A number is out of its range, or the data cannot be used or have no labels.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    trials = at_least(1, "trials", 1 if trials is None else trials)
    preset = preset_on("digits" if quick else "mnist", data)
    names = [*DOMAINS][:1] if quick else [*DOMAINS]
    updates = QUICK_UPDATES if quick else UPDATES
    path = folder / "translation.json"
    source = build_source(preset)
    if source.classes < 2:
        raise ValueError(f"{preset.data} has no labels, by which it is seen whether digits survive")
    worlds = {name: _world(source, DOMAINS[name]) for name in names}
    record: Record = {
        "experiment": "translation of digits",
        "settings": {
            "seed": seed,
            "trials": trials,
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
        "ceilings": {name: world.ceilings() for name, world in worlds.items()},
        "runs": [],
    }
    known = _known(path, record["settings"])
    samples = resumed_samples(path)
    for trial, name, way in product(range(seed, seed + trials), names, COMPARED):
        run = known.get((name, way, trial))
        if run is None:
            since = perf_counter()
            model = _trained(way, worlds[name], updates, trial)
            run = {"domain": name, "way": way, "seed": trial}
            run |= {**worlds[name].score(model), "seconds": round(perf_counter() - since, 1)}
            samples.setdefault(f"{name}/{way}", {updates: worlds[name].shown(model)})
            keep_samples(samples, path.with_suffix(".npz"))
        record["runs"].append(run)
        record["summary"] = summary(record)
        write(record, partial_of(path))
        save_figure(draw(record, samples), path.with_suffix(".png"))
        tell(f"{name}  {way}  " + "  ".join(f"{key} {run[key]:.4g}" for key in METRICS))
    write(record, path)
    partial_of(path).unlink(missing_ok=True)
    return record


def _known(path: Path, settings: Record) -> dict[tuple[str, str, int], Record]:
    """Runs that an interrupted experiment with the same settings has ended."""
    partial = partial_of(path)
    found = read_json(partial) if partial.exists() else {}
    runs = found["runs"] if found.get("settings") == settings else []
    return {(run["domain"], run["way"], run["seed"]): run for run in runs}


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
        x, z = (self.domains[0].units.normalize(side) for side in (self.x, self.z))
        there, back = model.decode(z), model.encode(x)
        return {
            "there": _accuracy(self.of_x, there, self.labels),
            "back": _accuracy(self.of_z, back, self.labels),
            "cycle": float((model.decode(back) - x).square().mean()),
            "error": float((there - x).square().mean()),
        }

    def ceilings(self) -> dict[str, float]:
        """What the classifiers make of the true images."""
        x, z = (self.domains[0].units.normalize(side) for side in (self.x, self.z))
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


def _world(source: Source, change: Callable[[Array], Array]) -> World:
    train, train_labels = _images(source.training, source.training_labels, 2 * TRAINED)
    test, labels = _images(source.held_out, source.held_out_labels, MEASURED)
    x, z = change(train[0::2]), train[1::2]
    of_x, of_z = (
        _classifier(side, train_labels[half::2], made, labels, source.classes)
        for half, (side, made) in enumerate(((x, change(test)), (z, test)))
    )
    held_out_x, held_out_z = (
        torch.from_numpy(side).permute(0, 3, 1, 2) for side in (change(test), test)
    )
    return World(
        domains=(ImageSource(x), ImageSource(z)),
        x=held_out_x,
        z=held_out_z,
        labels=torch.from_numpy(labels),
        of_x=of_x,
        of_z=of_z,
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
    tensors = (torch.from_numpy(side) for side in (images, labels, held_out, held_out_labels))
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
        judges = (
            ConvDiscriminator(size, channels, WIDTH_OF_NETWORKS, HIDDEN),
            ConvDiscriminator(size, others, WIDTH_OF_NETWORKS, HIDDEN),
        )
    return translator(WAYS[way], arms, judges, world.domains, updates, BATCH, seed, SIGMA, PENALTY)


def summary(record: Record) -> list[Record]:
    """Mean and deviation over trials of each metric, for each domain and way.

    Args:
        record: With ``runs``.
    """
    return [*_summed(record["runs"])]


def _summed(runs: list[Record]) -> Iterator[Record]:
    for domain, way in dict.fromkeys((run["domain"], run["way"]) for run in runs):
        own = [run for run in runs if (run["domain"], run["way"]) == (domain, way)]
        yield {
            "domain": domain,
            "way": way,
            **{
                metric: {
                    "mean": float(np.mean([run[metric] for run in own])),
                    "deviation": float(spread([run[metric] for run in own])),
                }
                for metric in METRICS
            },
        }


def draw(record: Record, samples: Mapping[str, Mapping[int, Array]]) -> "Figure":
    """For each domain and way: digits, their translations, and the true ones.

    Args:
        record: As :func:`reproduce` gives it.
        samples: By domain and way, and by updates, uint8 ``(N, H, W, C)``.
    """
    from matplotlib.figure import Figure

    domains = dict.fromkeys(run["domain"] for run in record["runs"])
    figure = Figure(figsize=(WIDTH, 0.4 + 1.5 * len(domains)), layout="constrained")
    panels = figure.subplots(len(domains), len(COMPARED), squeeze=False)
    for row, domain in zip(panels, domains, strict=True):
        for axes, way in zip(row, COMPARED, strict=True):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if (of := samples.get(f"{domain}/{way}")) is None:
                continue
            show_grid(axes, of[max(of)], SHOWN)
            (end,) = (
                end for end in record["summary"] if (end["domain"], end["way"]) == (domain, way)
            )
            words = f"survive: {end['there']['mean']:.0%} there, {end['back']['mean']:.0%} back"
            axes.set_xlabel(words, fontsize=SMALL)
        row[0].set_ylabel(domain, fontsize=SMALL)
    for axes, way in zip(panels[0], COMPARED, strict=True):
        axes.set_title(way, fontsize=SMALL)
    quick = "quick miniature: " if record["settings"]["quick"] else ""
    figure.suptitle(f"{quick}digits, their translations, and the true ones", fontsize=TEXT)
    return figure
