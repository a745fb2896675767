"""Figure 5: what the same latents show through time on MNIST, kept or forgotten.

Three methods train the same networks for as many updates: likelihood and then the reverse-KL GAN
at once (``naive``), the α-Bridge, and the reverse-KL GAN alone (``rkl-gp``), which has no Step I
to keep anything of. The GAN is trained twice: with the rate of the discriminator that ``naive``
has, and with the bridge's. All settings are ours: the paper's appendix is lost.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH, evenly
from alpha_bridge.runs.plots.pictures import small

from .framework import (
    Claim,
    Record,
    Samples,
    Study,
    compare,
    configurations,
    due,
    ends,
    last_means,
    preset_on,
)
from .framework.drawing import curves, name_columns, shade_steps, show_rows
from .framework.evaluations import chosen, metric_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BRIDGE", "HELD", "SHARED", "claims", "draw", "measure"]

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


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Train every method on MNIST, 3 trials; the miniature has one, on the built-in digits."""
    base = "digits" if quick else "mnist"
    preset = preset_on(base, data)
    settings = {name: own | QUICK if quick else own for name, own in SETTINGS.items()}
    trials = trials or (1 if quick else 3)
    configs = [*configurations(preset, settings, seed, trials)]
    bridge = next(config for name, config in configs if name == "alpha-bridge")
    return {
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
        **compare(study, configs, due(bridge), partial(chosen, count=LATENTS)),
    }


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
        distances = {method: distance[method] for method in (bridge, *of)}
        about = f"the bridge's Fréchet distance is no larger than that of {others}"
        found.append(Claim(about, distances[bridge] <= min(distances.values()), [distances]))
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
        record: As :func:`measure` gives it.
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
            name_columns(axes, [_update(step, marks) for step in steps])
    for column, name in enumerate(names):
        axes = figure.add_subplot(grid[len(samples), column])
        curves(axes, record["runs"], name)
        shade_steps(axes, marks)
    figure.axes[len(samples)].legend(frameon=False, fontsize=SMALL)
    if record["settings"]["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure


def _update(step: int, marks: tuple[int, int, int]) -> str:
    """Which step of the bridge an update belongs to, and its number."""
    numeral = "I" if step <= marks[0] else "II" if step <= marks[1] else "III"
    return f"{numeral} · {step:,}"
