"""The results of commands as lines and tables, for people who read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from ..commands import EditedRows, MissedRows, ReconstructedRows
from ..errors import printable
from ..files.nearby import LOOKED_AT
from ..metrics.definition import formatted, label, title, with_deviation
from .json_objects import JSON

if TYPE_CHECKING:
    from ..commands import (
        Compared,
        ComparedMethods,
        Diagnosis,
        Edited,
        Frontier,
        Missed,
        Outliers,
        Overview,
        Ratio,
        Reconstructed,
        Replayed,
        RunList,
        Trained,
        Verified,
    )
    from ..files.nearby import Nearby
    from ..inference.coverage import Coverage
    from ..runs.status import RunStatus

ACROSS = 8
"""Columns of a table that are printed."""

SHOWN = 5
"""Samples that are named in a line."""

LEVEL = 0.05
"""p-values above it are no sign of a difference."""

INDENT = "    "
"""Of a command below what it is for."""

Lines = Iterator[str | Table]
Arguments = Mapping[str, Any]


def print_result(
    command: str, result: object, arguments: Arguments, console: Console, json: bool = False
) -> None:
    """Print what a command's function returned, in lines and tables or as one JSON object."""
    if json and not console.quiet:  # it is quiet in all processes of a run but the first
        print(JSON[command](result))
        return
    for line in LINES.get(command, _itself)(result, arguments):
        console.print(line, soft_wrap=isinstance(line, str))


def _itself(result: object, _: Arguments) -> Lines:
    yield str(result)


def comparison(trained: Trained) -> Table:
    """Metrics at the end of Step I and at the end, there with their deviation over trials."""
    end = "end ± deviation over trials (n − 1)" if trained.spread else "end"
    table = Table("metric", "end of Step I", end)
    for name, value in trained.last.items():
        before, spread = trained.first.get(name), trained.spread.get(name)
        table.add_row(
            name, "" if before is None else formatted(before), with_deviation(value, spread)
        )
    return table


def _trained(trained: Trained, _: Arguments) -> Lines:
    yield comparison(trained)
    if trained.best is not None:
        yield f"{trained.best}, {trained.run.checkpoint_folder(trained.best.step)}"
    yield f"{trained.seconds:.0f} s; report: {trained.run.report_path}"


def metrics_table(metrics: Mapping[str, float]) -> Table:
    """Metrics and their values."""
    table = Table("metric", "value")
    for name, value in metrics.items():
        table.add_row(name, formatted(value))
    return table


def _imputed(paths: Sequence[Path], _: Arguments) -> Lines:
    yield from map(str, paths)


def _evaluated(metrics: Mapping[str, float], _: Arguments) -> Lines:
    yield metrics_table(metrics)


def _reconstructed(done: Reconstructed | ReconstructedRows, arguments: Arguments) -> Lines:
    if isinstance(done, ReconstructedRows):
        if done.same is not None:
            yield f"{done.same:.1%} of the categories come back"
        if done.error is not None:
            yield f"root mean squared error of numbers {done.error:.4g}, of a deviation of about 1"
        yield str(done.path)
        return
    refined = f", refined {done.refined_error:.4g}" if arguments["refine"] else ""
    of_vae = "" if done.vae_error is None else f", of the VAE before {done.vae_error:.4g}"
    yield f"mean squared error {done.error:.4g}{refined}{of_vae}; {done.path}"


def _exported(differences: Mapping[str, float], arguments: Arguments) -> Lines:
    for network, difference in differences.items():
        yield f"{arguments['out'] / f'{network}.onnx'}: within {difference:.2g} of torch"
    if arguments["page"]:
        points = (
            "with points of the data" if arguments["pictures"] else "without points of the data"
        )
        yield f"{arguments['out'] / 'bridge.html'}: open it in a browser; {points}"
    yield str(arguments["out"])


def _edited(edited: Edited | EditedRows, arguments: Arguments) -> Lines:
    for direction in edited.directions:
        yield f"{direction.name}: {direction.evidence}"
    if isinstance(edited, EditedRows):
        yield from _effects(edited)
        yield str(edited.path)
        return
    if edited.errors and arguments["refine"]:
        before, after = edited.errors
        yield f"mean squared error {before:.4g}, refined {after:.4g}"
    yield str(edited.path)


def _effects(edited: EditedRows) -> Lines:
    least, most = edited.strengths[0], edited.strengths[-1]
    for direction, effect in zip(edited.directions, edited.effects, strict=True):
        before, after = effect.having
        moved = [*effect.moved.items()][:ACROSS]
        farthest = ", ".join(f"{printable(name)} {far:.2f}" for name, far in moved)
        yield (
            f"{direction.name}: of {effect.rows:,} training rows {before:.1%} have it at "
            f"{least:+.3g} and {after:.1%} at {most:+.3g}; how far other columns move between "
            "these (total variation, of numbers Kolmogorov's distance): "
            f"{farthest or 'none is left'}"
        )
    yield "categories are drawn by --seed, and not the likeliest, alike at every strength"


def _any(samples: Sequence[Coverage], key: str) -> bool:
    return any(getattr(sample, key) is not None for sample in samples)


def _rows(rows: Sequence[Mapping[str, object]]) -> Lines:
    """Rows of a table, and how many of its columns are left out."""
    names = [*rows[0]] if rows else []
    table = Table(*map(printable, names[:ACROSS]))
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in names[:ACROSS]))
    yield table
    if len(names) > ACROSS:
        yield f"{ACROSS} of {len(names)} columns are shown here, and all are in the file"


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else printable(str(cell))


def _missed(found: Missed | MissedRows, _: Arguments) -> Lines:
    if isinstance(found, MissedRows):
        yield from _rows(found.shown)
        yield f"of {found.ranked} rows, by log q − log p of data to model; {found.table}"
        return
    where = next((key for key in ("file", "row") if _any(found.shown, key)), "index")
    what = ["name"] if _any(found.shown, "name") else []
    titles = [where, *("class" for _ in what)]
    table = Table(*titles, "bound", "rank", "distance", "rank", "to a sample")
    for sample in found.shown:
        known = (getattr(sample, key) for key in (where, *what))
        table.add_row(
            *("" if of is None else printable(str(of)) for of in known),
            f"{sample.bound:.4g}",
            str(sample.bound_rank),
            f"{sample.distance:.4g}",
            str(sample.distance_rank),
            f"{sample.nearest:.4g}",
        )
    yield table
    yield f"of {len(found.samples)}, by the mean of both ranks; σ = {found.sigma:.4g}"
    yield f"{found.picture}, {found.table}"


def _ratio(found: Ratio, _: Arguments) -> Lines:
    table = Table("on the other half", "logits", "calibrated")
    before, after = found.calibration["before"], found.calibration["after"]
    for name, key in (
        ("log score (nats)", "log_score"),
        ("calibration error", "calibration_error"),
    ):
        table.add_row(name, formatted(before[key]), formatted(after[key]))
    yield table
    kind, fitted = found.calibration["calibration"], found.calibration["fitted"]
    yield f"{found.record}: {kind}, fitted to {fitted} samples of each side"
    if found.at is not None:
        f = found.at.value.tolist()
        yield (
            f"log ratio of {len(f)} samples: median {median(f):.4g}, from {min(f):.4g} to "
            f"{max(f):.4g}; {found.at.beyond.sum()} lie beyond what it was calibrated on"
        )
        yield str(found.table)


def _outliers(found: Outliers, arguments: Arguments) -> Lines:
    count = len(found.outlier)
    worst = sorted(range(count), key=lambda at: -found.outlyingness[at])[:SHOWN]
    yield f"the least usual: {', '.join(f'{at} ({found.outlyingness[at]:.3g})' for at in worst)}"
    yield (
        f"{found.outlier.sum()} of {count} samples are outliers, less usual than "
        f"{1 - arguments['contamination']:.0%} of the training samples"
    )
    yield str(found.table)


def _compared(found: Compared, arguments: Arguments) -> Lines:
    sides = (arguments["first"], arguments["second"])
    for side, other, least in zip(sides, sides[::-1], found.apart, strict=True):
        yield f"of {side}, with the least chance to be of {other}:"
        yield from _rows(least)
    alike = "no sign" if found.test.p_value > LEVEL else "they differ"
    yield (
        f"{found.counts[0]} and {found.counts[1]} samples: p = {found.test.p_value:.3g} ({alike}); "
        f"a classifier is right on {found.test.accuracy:.1%} of those that it has not seen"
    )
    if found.table is not None:
        yield str(found.table)


def _methods_compared(found: ComparedMethods, _: Arguments) -> Lines:
    from ..runs.method_scores import conclusions

    methods = [*found.runs.configs]
    table = Table()
    for name in ("metric", "better", *methods):
        table.add_column(name, overflow="fold")
    for row in found.rows:
        cells = (f"{row.cell(name)} *" if name == row.best else row.cell(name) for name in methods)
        table.add_row(row.metric, row.better, *cells)
    yield table
    yield "mean ± standard deviation over seeds (n − 1) at the end; * the best mean"
    yield from conclusions(found.runs, found.rows)
    yield str(found.page)


def _replayed(done: Replayed, _: Arguments) -> Lines:
    yield from done.notes
    table = Table("number", "then", "now")
    for name in {**done.before, **done.now}:
        table.add_row(name, *(_shown(side.get(name)) for side in (done.before, done.now)))
    yield table
    same = "every number is the same to the last digit" if done.equal else "the numbers differ"
    yield f"{done.incident}: {'it repeats' if done.repeats else 'it does not repeat'}; {same}"


def _shown(number: float | list[float] | None) -> str:
    if isinstance(number, list):
        return ", ".join(map(_shown, number))
    return "not finite" if number is None else formatted(number)


def _frontier(found: Frontier, _: Arguments) -> Lines:
    realism = title(found.realism)[0]
    table = Table("update", "α", "σ", "bound", "best σ", "its bound", realism, "score")
    for point in found.points:
        sigmas = (point.sigma, point.bound, point.best_sigma, point.best_bound)
        numbers = (point.alpha, *sigmas, point.metrics[found.realism], point.score)
        table.add_row(str(point.step), *map(formatted, numbers))
    yield table
    yield f"best: α = {found.best.alpha:.4g}, {found.checkpoint}"
    yield str(found.picture)


def _verified(found: Verified, _: Arguments) -> Lines:
    yield (
        f"equal bit for bit: {found.tensors} tensors of weights, averages and optimisers after "
        f"update {found.end}, with {found.kills} kills, {found.resuming} of them while it resumed; "
        f"{found.seconds:.0f} s"
    )


def _runs(found: RunList, _: Arguments) -> Lines:
    if not found.runs:
        yield f"there is no run in {found.folder}: start one with alpha-bridge train digits"
        return
    table = Table()
    for name in ("run", "data", "method", "updates", "state", "metric", "last", "best"):
        table.add_column(name, overflow="fold")
    for run in found.runs:
        numbers = ("", "", "")
        if run.metric is not None:
            last, best = formatted(run.metric.last), formatted(run.metric.best)
            numbers = (label(run.metric.metric), last, f"{best} at {run.metric.best_step:,}")
        texts = (str(run.folder), Path(run.data or "").name, run.method or "")
        cells = (*texts, _updates(run), run.standing, *numbers)
        table.add_row(*map(printable, cells))
    yield table
    yield from (run.damage for run in found.runs if run.damage is not None)


def _updates(run: RunStatus) -> str:
    known = ("?" if of is None else f"{of:,}" for of in (run.step, run.steps))
    return " of ".join(known)


def _overview(found: Overview, _: Arguments) -> Lines:
    for run in found.runs:
        yield f"{run.folder}: a run, {run.standing}, {_updates(run)} updates"
        yield INDENT + (run.command or f"{run.damage}")
    if found.further:
        yield f"and more runs, {found.further} of them"
        yield f"{INDENT}alpha-bridge runs"
    for start in found.starts:
        yield f"{start.found.path}: {_kind(start.found)}"
        yield f"{INDENT}{start.command}"
    if found.cut:
        yield f"this folder holds more than the {LOOKED_AT} files and folders that were looked at"
    if not (found.runs or found.starts):
        yield "there are no runs here, and no images, arrays, tables or VAEs"
        yield f"{INDENT}alpha-bridge train digits       trains on data that come with scikit-learn"
        yield f"{INDENT}alpha-bridge train my/photos    trains on a folder of images of your own"
    yield "alpha-bridge doctor checks this machine; alpha-bridge --help lists all commands"


def _kind(found: Nearby) -> str:
    if found.kind != "images":
        return {"VAE": "a trained VAE", "array": "an array", "table": "a table"}[found.kind]
    least = "at least " if found.images >= LOOKED_AT else ""
    return f"{least}{found.images} images"


def _diagnosed(found: Diagnosis, _: Arguments) -> Lines:
    for check in found.checks:
        remedy = f": {check.remedy}" if check.remedy else ""
        yield f"{check.status:<5}  {check.name}: {check.what}{remedy}"


LINES: Mapping[str, Callable[[Any, Arguments], Lines]] = {
    "train": _trained,
    "impute": _imputed,
    "reconstruct": _reconstructed,
    "edit": _edited,
    "missed": _missed,
    "ratio": _ratio,
    "outliers": _outliers,
    "compare": _compared,
    "compare --methods": _methods_compared,
    "evaluate": _evaluated,
    "replay": _replayed,
    "frontier": _frontier,
    "export": _exported,
    "verify": _verified,
    "runs": _runs,
    "overview": _overview,
    "doctor": _diagnosed,
    "studio": lambda *_: iter(()),
}
"""By command; the others print what they return, a file or an address."""
