"""The page of a comparison of methods: one file, made from the folder of the comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..files import within, writing
from ..recipe import Config, known_keys, read_config, value_of
from ..recipe.methods import METHODS
from . import plots
from .folder import Run
from .method_runs import MethodRuns
from .method_scores import MetricRow, conclusions
from .page import template
from .panel import Panel, svg
from .sample_files import is_image
from .table_panels import panels_of, profile_of

SHOWN = 24
"""Images of each method."""

OF_A_RUN = ("method", "seed")
"""Keys in which runs differ in any case."""


def write_methods_page(runs: MethodRuns, rows: Sequence[MetricRow]) -> Path:
    """Write ``comparison.html`` into the folder; the page loads nothing, from here or elsewhere."""
    config, seeds = runs.asked, max(map(len, runs.configs.values()))
    page = template("methods").render(
        title=Path(config.data).name,
        facts=[
            f"{len(runs.configs)} methods",
            f"{seeds} {'seed' if seeds == 1 else 'seeds'} each",
            f"{config.steps:,} updates",
        ],
        budget="The budget of all methods is the same.",
        methods=[*runs.configs],
        rows=rows,
        conclusions=[*conclusions(runs, rows)],
        pictures=[*_pictures(runs)],
        changes=[*_changes(runs)],
    )
    path = within(runs.folder, runs.folder / "comparison.html")
    with writing(path) as file:
        file.write(page.encode())
    return path


def _pictures(runs: MethodRuns) -> Iterator[Panel]:
    """The curves of all methods, and what the first run of each generates."""
    trained = {method: ended for method in runs.configs if (ended := runs.ended(method))}
    records = {method: [run.records for run in ended] for method, ended in trained.items()}
    if records:
        yield Panel(
            "Metrics over updates",
            "Each panel is one metric with its protocol. A line is the mean of a method over its "
            "seeds, and the band around it one standard deviation.",
            f"Curves of {', '.join(records)}.",
            svg(plots.curves_of_runs(records)),
        )
    for method, (run, *_) in trained.items():
        yield from _samples(method, run)


def _samples(method: str, run: Run) -> Iterator[Panel]:
    """What a run generates at its end, beside the data where there is room for both."""
    table = profile_of(run)
    if table is not None:
        columns, *_ = panels_of(*table)
        yield columns._replace(title=f"Columns of {method}")
        return
    samples, pairs = run.samples, run.reconstructions
    if not samples:
        return
    step, last = max(samples), samples[max(samples)]
    caption = f"Of the first seed, after {step:,} updates"
    if is_image(last):
        drawn = plots.image_grid(last[:SHOWN], SHOWN // 2)
    elif last.shape[1] > 1:
        data = pairs[max(pairs)][0] if pairs else None
        drawn = plots.scatter_through_time({step: last}, data, run.records)
        caption += "" if data is None else ", in blue over the data in light red"
    else:
        return
    yield Panel(f"Samples of {method}", f"{caption}.", f"Samples of {method}.", svg(drawn))


def _changes(runs: MethodRuns) -> Iterator[tuple[str, str, list[tuple[str, object]]]]:
    """Each method, what it is, and the settings in which methods differ."""
    own = {method: _trained(runs, method) for method in runs.configs}
    keys = [
        key
        for key in known_keys()
        if key not in OF_A_RUN and len({repr(value_of(of, key)) for of in own.values()}) > 1
    ]
    for method, config in own.items():
        settings = [(key, value_of(config, key)) for key in keys]
        yield method, METHODS[method].summary, settings


def _trained(runs: MethodRuns, method: str) -> Config:
    """What the first run of a method was trained with, decisions included."""
    run = runs.runs(method)[0]
    return read_config(run.config_path) if run.config_path.is_file() else runs.configs[method][0]
