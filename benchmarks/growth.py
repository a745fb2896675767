"""How the cost of an update grows with batch, width, trials and image size.

    python benchmarks/growth.py

It writes ``benchmarks/growth.json``, and ``docs/growth.svg`` from it.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from measure import HERE, machine, seconds, write_json
from updates import GAUSSIANS, MNIST, Updates, preset

from alpha_bridge.recipe import Config
from alpha_bridge.runs.plots import BLUE, INK, LINE, MUTED, SMALL, TEXT, WIDTH

FIGURE = HERE.parent / "docs" / "growth.svg"

PANELS = {
    "batch_size": ("batch size", "28×28, width 32", (16, 32, 64, 128, 256)),
    "width": ("width", "28×28, batch 64", (8, 16, 32, 64)),
    "trials": ("stacked trials", "25 Gaussians, batch 128", (1, 2, 5, 10, 20)),
    "size": ("pixels of a side", "colour, width 32, batch 64", (8, 16, 32, 64)),
}
"""What grows: its name on the axis, what stays, and the values."""


def config(kind: str, value: int) -> Config:
    """The configuration of one point."""
    if kind == "trials":
        return GAUSSIANS.model_copy(update={"trials": value})
    if kind == "width":
        return MNIST.model_copy(update={"model": replace(MNIST.model, width=value)})
    if kind == "size":
        return preset("mnist", (3, value, value))
    return MNIST.model_copy(update={"batch_size": value})


def updates_per_second(settings: Config, least_seconds: float) -> float:
    """Of Step II at α = .5, the penalty in its turn, nothing loaded; the median of three rounds."""
    step = Updates(settings)
    once = seconds(step, step.cycle)
    cycles = max(1, round(least_seconds / once))
    return median(step.cycle * cycles / seconds(step, step.cycle * cycles) for _ in range(3))


def measure(least_seconds: float) -> dict[str, dict[str, float]]:
    """Updates a second of every point, by panel and value."""
    found: dict[str, dict[str, float]] = {}
    for kind, (_, _, values) in PANELS.items():
        found[kind] = {
            str(value): updates_per_second(config(kind, value), least_seconds) for value in values
        }
        print(kind, found[kind], flush=True)
    return found


def draw(found: dict[str, dict[str, float]]) -> Figure:
    """Four panels, each point with its number; dotted, what proportional cost would be."""
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    for axes, (kind, points) in zip(figure.subplots(1, 4), found.items(), strict=True):
        name, fixed, _ = PANELS[kind]
        values, speeds = [int(value) for value in points], list(points.values())
        area = 2 if kind == "size" else 1
        ideal = [speeds[-1] * (values[-1] / value) ** area for value in values]
        axes.plot(values, ideal, color=MUTED, linestyle=":", linewidth=1.2)
        axes.plot(values, speeds, color=BLUE, linewidth=2, marker="o", markersize=4)
        for value, speed in zip(values, speeds, strict=True):
            axes.annotate(
                f"{speed:.3g}",
                (value, speed),
                xytext=(4, 4),
                textcoords="offset points",
                color=INK,
                fontsize=SMALL,
            )
        axes.text(
            0.05,
            0.06,
            f"dotted: cost ∝ {'pixels' if area == 2 else name}",
            transform=axes.transAxes,
            color=MUTED,
            fontsize=SMALL,
        )
        axes.set(xscale="log", yscale="log", xlabel=name)
        low, high = min(*speeds, *ideal), max(*speeds, *ideal)
        axes.set_ylim(low / 2.2, high * 1.6)
        axes.set_xlim(values[0] / 1.5, values[-1] * 2.2)
        axes.set_xticks(values, [str(value) for value in values])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(NullLocator())
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_title(fixed, loc="left", color=MUTED, fontsize=SMALL)
        axes.tick_params(colors=MUTED, labelsize=SMALL)
        axes.xaxis.label.set(color=INK, fontsize=TEXT)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(LINE)
    figure.axes[0].set_ylabel("updates a second", color=INK, fontsize=TEXT)
    return figure


def main() -> None:
    """Measure, and write numbers and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="least length of a round")
    parser.add_argument("--out", type=Path, default=HERE / "growth.json", help="JSON file")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="SVG file")
    options = parser.parse_args()
    found = measure(options.seconds)
    write_json(options.out, {"machine": machine(), "updates_per_second": found})
    with mpl.rc_context({"svg.hashsalt": "growth"}):  # the same figure for the same numbers
        draw(found).savefig(options.figure, metadata={"Date": None})


if __name__ == "__main__":
    main()
