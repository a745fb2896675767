r"""Ours: autoencoders of latent diffusion, sharpened by the bridge of reconstructions and as usual.

A small ``AutoencoderKL`` is trained with a KL weight of 1e-6, so that its prior is never drawn, and
is written in its library's format. From there five ways go on for as many updates, with the same
networks, rates and averages: the α-Bridge, its path with a hinge discriminator, what is usually
done with an adaptive and with a fixed weight, and more of the same (``ml``); each with the encoder
trained and frozen.

Reconstructions are compared in features that nobody trained with: of a classifier of CIFAR-10's
labels, as published distances have those of a classifier of photographs; beside it, of a classifier
of the quarter turns of the data. Then all ways but ``ml`` are run over a grid of
24 settings: a way is safe if it never ends further from the data than where it began.
"""

from collections.abc import Iterator, Mapping
from functools import cache, partial
from itertools import product
from statistics import fmean
from typing import TYPE_CHECKING, Any

from alpha_bridge.data import Source
from alpha_bridge.metrics.comparison import FEATURES, Features
from alpha_bridge.metrics.evaluation import ReconstructionEvaluation
from alpha_bridge.metrics.reporting import silent
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.assembly import Assembly
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import from_vae, of_data, of_reconstructions
from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH, ruled

from .bridge_vae import ARCHITECTURES, train_vae
from .framework import Claim, Record, Study
from .framework.evaluations import chosen, compare, measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["claims", "draw", "measure"]

SETS: Mapping[str, tuple[str, int]] = {
    "faces 32": ("celeba", 32),
    "CIFAR-10 32": ("cifar10", 32),
    "faces 64": ("celeba", 64),
}
"""Folders of a folder of data, and pixels."""

LABELLED = "CIFAR-10 32"
"""Whose labels the first classifier was trained on."""

HUB = {"celeba": "flwrlabs/celeba", "cifar10": "uoft-cs/cifar10"}

BRIDGES, RECIPES = ("alpha-bridge", "hinge-bridge"), ("vqgan-adaptive", "vqgan-fixed")
WAYS = (*BRIDGES, *RECIPES, "ml")

STEPS, QUICK_STEPS = 300, 60
VAE_STEPS, QUICK_VAE_STEPS = 3000, 50
"""After 1,000 updates more of the same still brought an autoencoder nearer to the data than all
else."""
KL_WEIGHT = 1e-6
BATCH = 16
SHARED: dict[str, Any] = {
    "batch_size": BATCH,
    "model.width": 16,
    "evaluation.samples": 1000,
    "path.end": 0.9,  # so that a push changes the odds of realism alone
}
SHOWN = 10

GRID: Mapping[str, tuple[Any, ...]] = {
    "rate": (3e-4, 1e-3, 3e-3),
    "push": (1.0, 4.0),
    "penalty": (0.1, 1.0),
    "start": (0.1, 0.5),
}
"""24 settings: rates, how hard the discriminator pushes (the recipes' weight; for the bridge the
odds of its realism), R1, and the share of updates before the discriminator takes part."""

DB_BETTER, DB_WORSE, LESS = 0.5, 0.5, 0.6
"""What is claimed of PSNR in dB, and how much of the distance may be left."""
DISTANCE, PSNR = "reconstruction_distance", "psnr"


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Go on in all ways on every set, 3 trials; ``data`` is a folder with a folder for each set.

    The miniature has the built-in digits, one trial and a grid of two settings.
    """
    trials = trials or (1 if quick else 3)
    steps = QUICK_STEPS if quick else STEPS
    places = {"digits 8": ("digits", 8)} if quick else _places(data)
    configs: list[tuple[str, Config]] = []
    for name, (place, size) in places.items():
        for number in range(seed, seed + trials):
            vae = _autoencoder(study, name, place, size, number, quick)
            start = _start(place, size, vae, steps, number)
            for way, freeze in product(WAYS, ("none", "encoder")):
                frozen = "" if freeze == "none" else ", frozen"
                config = changed(METHODS[way].apply(start), {"freeze": freeze})
                configs.append((f"{name}/{way}{frozen}", config))
    of_grid = [*_grid(study, places, steps, seed, quick)]
    finish = partial(chosen, steps=(0, steps), count=SHOWN)
    build = partial(in_two_networks, labelled="digits" if quick else _places(data)[LABELLED][0])
    found = compare(study, configs, {0, steps}, finish, build)
    grid = compare(study, of_grid, {0, steps // 2}, partial(chosen, steps=()), build)
    record: Record = {
        "experiment": "reconstructions",
        "settings": {
            "seed": seed,
            "trials": trials,
            "quick": quick,
            "steps": steps,
            "vae_updates": QUICK_VAE_STEPS if quick else VAE_STEPS,
            "kl_weight": KL_WEIGHT,
            "grid": {key: [*values] for key, values in GRID.items()},
            **SHARED,
        },
        **found,
        "grid": grid["runs"],
    }
    record["unharmed"] = unharmed(record["grid"])
    return record


def in_two_networks(parts: Assembly, labelled: str) -> ReconstructionEvaluation:
    """Distances in the features of a classifier of the labels of ``labelled``, and of quarter turns
    of the data themselves."""
    config, source = parts.config, parts.source
    of_labels, labels, _ = _by_labels(labelled, source.event_shape[-1])
    of_turns, turns, _ = FEATURES["rotations"](source, config.data, _quiet, silent)
    networks = {labels: of_labels, turns: of_turns}
    own = config.evaluation
    return ReconstructionEvaluation(source, networks, own.samples, own.shown)


@cache
def _by_labels(place: str, size: int) -> Features:
    """The classifier of a set's labels, which reads the set: once for all runs of a process."""
    return FEATURES["classifier"](build_source(_images(place, size)), place, _quiet, silent)


def _quiet(_: str) -> None:
    """Lines on a classifier are for one run, and these are many."""


def _places(data: str | None) -> dict[str, tuple[str, int]]:
    return {
        name: (HUB[folder] if data is None else f"{data}/{folder}", size)
        for name, (folder, size) in SETS.items()
    }


def _autoencoder(study: Study, name: str, place: str, size: int, seed: int, quick: bool) -> str:
    """The folder of the autoencoder of a set and a seed, which is trained if it is not there."""
    folder = study.folder / "autoencoders" / f"{name.replace(' ', '-')}-seed-{seed}"
    if not folder.exists():
        updates = QUICK_VAE_STEPS if quick else VAE_STEPS
        study.report(f"{name}  seed {seed}  {updates} updates of the autoencoder")
        source = build_source(_images(place, size))
        own: dict[str, Any] = {"kl_weight": KL_WEIGHT, "architecture": _architecture(source)}
        train_vae("diffusers", source, seed, updates, **own, batch=BATCH).save(folder)
    return str(folder)


def _architecture(source: Source) -> Record:
    """Two halvings, four latent channels."""
    channels, size, _ = source.event_shape
    small = ARCHITECTURES["diffusers"](channels, size)
    if size < SMALLEST:
        return small
    return small | {
        "down_block_types": ["DownEncoderBlock2D"] * 3,
        "up_block_types": ["UpDecoderBlock2D"] * 3,
        "block_out_channels": [8, 16, 16],
        "latent_channels": 4,
    }


SMALLEST = 32
"""Pixels of images for which the autoencoder has two halvings, and not one."""


def _images(place: str, size: int) -> Config:
    config = of_data(place)
    own = {} if place == "digits" else {"images.size": size, "images.channels": 3}
    return changed(config, own)


def _start(place: str, size: int, vae: str, steps: int, seed: int) -> Config:
    """What all ways have in common."""
    config = changed(_images(place, size), {"steps": steps, "seed": seed})
    return changed(of_reconstructions(from_vae(config, vae)), SHARED)


def _grid(
    study: Study, places: Mapping[str, tuple[str, int]], steps: int, seed: int, quick: bool
) -> Iterator[tuple[str, Config]]:
    """Each setting of the grid for each way that has a discriminator, at half the updates."""
    name, (place, size) = next(iter(places.items()))
    vae = _autoencoder(study, name, place, size, seed, quick)
    start = _start(place, size, vae, steps // 2, seed)
    settings = [*product(*GRID.values())]
    for number, (rate, push, penalty, begin) in enumerate(settings[:2] if quick else settings):
        values = {
            "regularizer.weight": penalty,
            "path.ml": begin,
            "path.transfer": 0.1,
            "path.adversarial": 0.9 - begin,
        } | {
            f"optimization.{network}": rate for network in ("generator", "encoder", "discriminator")
        }
        for way in WAYS:
            if way != "ml":
                config = changed(
                    METHODS[way].apply(changed(start, values)), _pushed(way, start, push)
                )
                yield f"{number}/{way}", config


def _pushed(way: str, start: Config, push: float) -> dict[str, Any]:
    """How hard the discriminator pushes."""
    if way in RECIPES:
        return {"objective.weight": push * METHODS[way].apply(start).objective.weight}
    assert start.realism is not None
    odds = push * start.realism / (1 - start.realism)
    return {"realism": odds / (1 + odds)}


def unharmed(runs: list[Record]) -> dict[str, Record]:
    """By way: how many settings of the grid end no further from the data than they began.

    Args:
        runs: Of the grid, each with its evaluations before and after.
    """
    found: dict[str, Record] = {}
    for run in runs:
        way = run["method"].split("/")[1]
        before, after = (measured(run["evaluations"][at], DISTANCE) for at in (0, -1))
        of = found.setdefault(way, {"settings": 0, "unharmed": 0, "worst": 0.0})
        of["settings"] += 1
        of["unharmed"] += after <= before
        of["worst"] = round(max(of["worst"], after / before), 3)
    return found


def _means(record: Record, name: str, metric: str) -> dict[str, float]:
    """Of a set, by way: the mean of a metric over the trials."""
    values: dict[str, list[float]] = {}
    for run in record["runs"]:
        of, way = run["method"].split("/")
        if of == name:
            values.setdefault(way, []).append(measured(run["evaluations"][-1], metric))
    return {way: round(fmean(of), 4) for way, of in values.items()}


def _sets(record: Record) -> list[str]:
    return [*dict.fromkeys(run["method"].split("/")[0] for run in record["runs"])]


def _parts(record: Record) -> list[tuple[str, str]]:
    """Sets, each with the encoder trained and frozen, as there are runs."""
    methods = (run["method"].split("/") for run in record["runs"])
    return [*dict.fromkeys((name, ", frozen" * way.endswith(", frozen")) for name, way in methods)]


def claims(record: Record) -> list[Claim]:
    """Whether each bridge is sharper at less error than what is usual, and never does harm.

    Args:
        record: Of :func:`measure`.
    """
    found = []
    for name, frozen in _parts(record):
        own = [f"{way}{frozen}" for way in WAYS]
        distance, psnr = (
            {way.removesuffix(frozen): of[way] for way in own}
            for of in (_means(record, name, metric) for metric in (DISTANCE, PSNR))
        )
        best = min(RECIPES, key=lambda way: distance[way])
        for mine in BRIDGES:
            least, most = psnr[best] + DB_BETTER, LESS * distance["ml"]
            closer = distance[mine] <= distance[best]
            of = f"{name}{frozen}, {mine}"
            found += [
                Claim(
                    f"{of}: no further from the data than the better recipe, and 0.5 dB closer",
                    closer and psnr[mine] >= least,
                    [distance, psnr],
                ),
                Claim(
                    f"{of}: 40 % less distance than more of the same, at most 0.5 dB for it",
                    distance[mine] <= most and psnr[mine] >= psnr["ml"] - DB_WORSE,
                    [distance, psnr],
                ),
            ]
    counts = {way: of["unharmed"] for way, of in record["unharmed"].items()}
    about = "over the grid {} never ends further from the data than where it began"
    return found + [
        Claim(about.format(mine), counts[mine] == record["unharmed"][mine]["settings"], [counts])
        for mine in BRIDGES
    ]


COLORS = {
    "alpha-bridge": "#2f6bd8",
    "hinge-bridge": "#2a8f5a",
    "vqgan-adaptive": "#cf6a17",
    "vqgan-fixed": "#8a4fbe",
}


def draw(record: Record) -> "Figure":
    """For each set the distance against PSNR, a point for each trial; and the grid's factors."""
    from matplotlib.figure import Figure

    names = _sets(record)
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    axes = figure.subplots(1, len(names) + 1, squeeze=False)[0]
    for panel, name in zip(axes, names, strict=False):
        for run in record["runs"]:
            of, way = run["method"].split("/")
            if of != name:
                continue
            row, plain = run["evaluations"][-1], way.removesuffix(", frozen")
            color, marker = COLORS.get(plain, "#777777"), "o" if plain == way else "s"
            panel.plot(measured(row, PSNR), measured(row, DISTANCE), marker, ms=4, color=color)
        panel.set_title(name, fontsize=TEXT)
        panel.set_xlabel("PSNR, dB", fontsize=SMALL)
        panel.set_yscale("log")
        ruled(panel)
    axes[0].set_ylabel("Fréchet distance", fontsize=SMALL)
    for way, color in COLORS.items():
        runs = [run for run in record["grid"] if run["method"].endswith(f"/{way}")]
        factors = sorted(
            measured(run["evaluations"][-1], DISTANCE) / measured(run["evaluations"][0], DISTANCE)
            for run in runs
        )
        axes[-1].plot(factors, color=color, label=way)
    axes[-1].axhline(1, color="#999999", lw=0.8)
    axes[-1].set_yscale("log")
    axes[-1].set_title("grid: distance, times the start's", fontsize=TEXT)
    axes[-1].legend(frameon=False, fontsize=SMALL)
    ruled(axes[-1])
    if record["settings"]["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure
