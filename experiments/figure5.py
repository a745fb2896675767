"""Figure 5: what the same latents show through time on MNIST, kept or forgotten.

Three methods train the same networks for as many updates: likelihood and then the reverse-KL GAN
at once (``naive``), the α-Bridge, and the reverse-KL GAN alone (``rkl-gp``), which has no Step I
to keep anything of. The GAN is trained twice: with the rate of the discriminator that ``naive``
has, and with the bridge's. All settings are ours: the paper's appendix is lost.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH, evenly
from alpha_bridge.runs.plots.pictures import small
from alpha_bridge.runs.plots.records import Array

from .comparison import curves, metric_names, name_columns, shade_steps, show_rows
from .files import Samples
from .runs import Tell, silent
from .scores import Claim
from .watched import configurations, due, ends, last_means, pictured, preset_on

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BRIDGE", "HELD", "SHARED", "claims", "draw", "reproduce"]

SHARED: dict[str, Any] = {
    "steps": 10_000,
    "model.noise": 1.6,
    "path.ml": 0.3,
    "path.transfer": 0.1,
    "path.adversarial": 0.6,
    "optimization.generator": 1.5e-3,
    "optimization.encoder": 1.5e-3,
    "optimization.discriminator": 1.5e-3,
    "evaluation.every": 500,
    "evaluation.shown": 1000,
}
"""What all methods change in the preset; as many images are decoded again for the drift."""

HELD: dict[str, Any] = {
    "path.end": 0.9,
    "gamma.c": 12.0,
    "gamma.d": -6.0,
    "optimization.hold": 0.01,
}
"""A path that leaves the likelihood a say to the end (κ is 0.06 at α = 0.9), and an encoder that is
held, so that each latent keeps its meaning."""

SLOWER: dict[str, Any] = {"optimization.discriminator": 5e-4}
"""A third of the rate: the bridge begins near the data, and comes nearer with a slower β."""

BRIDGE: dict[str, Any] = HELD | SLOWER
"""What the α-Bridge changes beside it."""

SETTINGS: dict[str, dict[str, Any]] = {
    "naive": SHARED,
    "alpha-bridge": SHARED | BRIDGE,
    "rkl-gp": SHARED,
    "rkl-gp, slower β": SHARED | SLOWER | {"method": "rkl-gp"},
}
"""What each method changes in the preset, before it leaves out the steps that it does not have."""

BASELINES = {
    "naive or of rkl-gp": ("naive", "rkl-gp"),
    "rkl-gp with the bridge's rate of the discriminator": ("rkl-gp, slower β",),
}
"""What the bridge's distance is held to."""

PICTURED = ("naive", "alpha-bridge", "rkl-gp")
"""Whose samples are shown."""

QUICK: dict[str, Any] = {"steps": 900, "evaluation.every": 60, "evaluation.samples": 500}
"""What every method changes in the miniature as well."""

LATENTS, COLUMNS = 4, 10
"""Latents of each method in the picture, and numbers of updates."""

KEPT, MORE = 0.75, 0.2
"""The share of labels that the bridge is to keep, and how much more it is than naive's."""

METRICS = ("frechet_distance", "reconstruction_error", "retention", "drift")

Record = dict[str, Any]


def reproduce(
    folder: str | Path,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    tell: Tell = silent,
    data: str | None = None,
    jobs: int = 1,
) -> Record:
    """Train every method with every seed, and write ``figure5.json``, ``.png`` and ``.npz``.

    They are written anew after each evaluation and each run, so that what there is can be looked
    at. The ``.npz`` has the samples of the first seed, by method and number of updates.

    Args:
        folder: Where to write; it is made if it is missing. Runs that an interrupted experiment
            has ended there are not trained again.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials of each method; None for 3, or 1 in the miniature.
        quick: Whether to train a miniature on the built-in digits, for a minute or two.
        tell: Told in a line of each evaluation.
        data: A hub id, a folder or a file of images; None for the preset's.
        jobs: Runs that are trained at a time, each by a process of its own, one or more.

    Returns:
        What ``figure5.json`` holds: ``settings``; ``runs``, each with its method, seed, whole
        configuration and evaluations; ``last``, means and deviations at the end; and ``claims``.

    Raises:
        ValueError: A number is out of its range, or the data cannot be used.
    """
    base = "digits" if quick else "mnist"
    preset = preset_on(base, data)
    settings = {name: own | QUICK if quick else own for name, own in SETTINGS.items()}
    trials = (1 if quick else 3) if trials is None else trials
    configs = [*configurations(preset, settings, seed, trials)]
    bridge = next(config for name, config in configs if name == "alpha-bridge")
    record: Record = {
        "figure": "Figure 5",
        "settings": {
            "seed": seed,
            "trials": trials,
            "quick": quick,
            "data": preset.data,
            "preset": base,
            "methods": settings,
            "ends_of_steps": ends(bridge),
            "note": "all settings are ours: the paper's are not published",
        },
    }
    path = Path(folder) / "figure5.json"

    def chosen(seen: Mapping[int, Array]) -> dict[int, Array]:
        return {step: shown[:LATENTS] for step, shown in seen.items()}

    return pictured(record, configs, due(bridge), path, chosen, draw, tell, claims, jobs=jobs)


def claims(record: Record) -> list[Claim]:
    """Whether the numbers show what the figure is to show, by the means over trials at the end.

    Args:
        record: With ``last``.

    Returns:
        That the bridge's Fréchet distance is no larger than the baselines'; and where the data have
        labels, that its retention is at least 0.75, and at least 0.2 above that of naive
        fine-tuning. Nothing before all methods have been measured.
    """
    if len(record.get("last", {})) < len(SETTINGS):
        return []
    kept, distance = (last_means(record, metric) for metric in ("retention", "frechet_distance"))
    bridge = "alpha-bridge"
    found = []
    for others, of in BASELINES.items():
        seen = {method: distance[method] for method in (bridge, *of)}
        about = f"the bridge's Fréchet distance is no larger than that of {others}"
        found.append(Claim(about, seen[bridge] <= min(seen.values()), [seen]))
    if kept:
        more = kept[bridge] - kept["naive"]
        about = f"the bridge keeps at least {KEPT:g} of the labels"
        found.append(Claim(about, kept[bridge] >= KEPT, [kept]))
        about = f"it keeps at least {MORE:g} more than naive fine-tuning"
        found.append(Claim(about, more >= MORE, [kept]))
    return found


def draw(record: Record, samples: Samples) -> "Figure":
    """The pictures of each method, and its numbers along training.

    Args:
        record: As :func:`reproduce` gives it.
        samples: By method and number of updates, uint8 ``(N, H, W, C)``.

    Returns:
        A row of pictures for each method that is pictured, the same latents below one another and
        the updates from the end of Step I on beside one another; below them a panel for each
        metric.
    """
    from matplotlib.figure import Figure

    samples = {name: of for name, of in samples.items() if name in PICTURED}
    marks = record["settings"]["ends_of_steps"]
    steps = evenly([step for step in next(iter(samples.values())) if step >= marks[0]], COLUMNS)
    names = metric_names(record, *METRICS)
    height = WIDTH / COLUMNS * LATENTS * len(samples) + 2.6
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.add_gridspec(
        len(samples) + 1, len(names), height_ratios=[*[LATENTS] * len(samples), 2.4]
    )
    for row, (name, of) in enumerate(samples.items()):
        axes = figure.add_subplot(grid[row, :])
        show_rows(axes, np.stack([small(of[step]) for step in steps], axis=1))
        axes.set_ylabel(name, fontsize=TEXT)
        if row == 0:
            name_columns(axes, [_spoken(step, marks) for step in steps])
    for column, name in enumerate(names):
        axes = figure.add_subplot(grid[len(samples), column])
        curves(axes, record, name)
        shade_steps(axes, marks)
    figure.axes[len(samples)].legend(frameon=False, fontsize=SMALL)
    if record["settings"]["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure


def _spoken(step: int, marks: tuple[int, int, int]) -> str:
    """Which step of the bridge an update belongs to, and its number."""
    numeral = "I" if step <= marks[0] else "II" if step <= marks[1] else "III"
    return f"{numeral} · {step:,}"
