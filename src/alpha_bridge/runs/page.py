"""The page that shows a run: one file, made from the run's folder and nothing else."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ..errors import printable
from ..files import writing
from ..metrics.definition import METRICS, Metric, definition, formatted, is_diagnostic, label, title
from ..metrics.table_profile import TableProfile
from ..recipe import DECIDED, DENSITIES, HISTORY, read_config
from . import plots
from .best import best_of
from .folder import Run
from .panel import Panel, svg
from .ratio_panel import ratio_panel
from .record_lines import Record
from .table_panels import examples_of, panels_of, profile_of


class MetricCard(NamedTuple):
    """A metric at a glance.

    Attributes:
        label: Its name.
        protocol: How it was measured.
        value: Its last value.
        step: Updates done by then.
        after_ml: Its value at the end of Step I, if training went on.
        verdict: Whether it is better or worse than that.
        badge: ``good`` where the value is so by itself, ``worse``, or nothing.
    """

    label: str
    protocol: str
    value: float
    step: int
    after_ml: float | None
    verdict: str
    badge: str


def write_report(run: Run) -> Path:
    """Write the page of a run, in progress or done: ``report.html`` in its folder.

    The page is complete in itself: it loads nothing, from here or elsewhere.
    """
    records, config = run.records, _below_home(run.config)
    names, modes, table = plots.metric_names(records), _modes(config), profile_of(run)
    page = template("report").render(
        title=run.folder.resolve().name,
        facts=_facts(records) + ([str(best)] if (best := best_of(run)) else []),
        cards=[_card(records, name, modes) for name in names if _values(records, name)],
        pictures=[*pictures_of(run, records, table)],
        examples=examples_of(table),
        names=names,
        evaluations=[record for record in records if any(name in record for name in names)],
        incidents=run.incidents,
        groups=_groups(config),
        changes=_changes(run, config),
        config=json.dumps(config, indent=2, ensure_ascii=False),
    )
    with writing(run.report_path) as file:
        file.write(page.encode())
    return run.report_path


def pictures_of(
    run: Run, records: Sequence[Record], table: tuple[int, TableProfile] | None = None
) -> Iterator[Panel]:
    """All figures of a run: what was done, what came of it, and how it went inside.

    Args:
        run: In progress or done.
        records: Those of the run.
        table: What was last seen of a table, by ``profile_of``.

    Yields:
        Each, which is drawn when it is asked for.
    """
    yield from _results(records, plots.metric_names(records))
    yield from _sample_pictures(run, records) if table is None else panels_of(*table)
    yield from ratio_panel(run)
    yield from _internals(records)


def _below_home(value: Any) -> Any:  # noqa: ANN401
    """A configuration whose paths do not tell whose home they are in: pages are shared."""
    if isinstance(value, dict):
        return {key: _below_home(of) for key, of in value.items()}
    if isinstance(value, list):
        return [*map(_below_home, value)]
    home = f"{Path.home()}/"
    return f"~/{value[len(home) :]}" if isinstance(value, str) and value.startswith(home) else value


@cache  # of all pages that a process writes, one for each stacked trial
def template(name: str) -> Template:
    """The template of a page, into which the common style is drawn."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=_readable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "label": label}
    return environment.get_template(f"{name}.html.jinja")


def _readable(value: object) -> object:
    """Text line by line without control characters, and without marks that turn its direction."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return "\n".join(map(printable, value.split("\n")))


def _facts(records: Sequence[Record]) -> list[str]:
    """How far the run has come."""
    if not records:
        return []
    last = records[-1]
    facts = [f"{last['step']:,} updates"]
    if last.get("phase") in plots.PHASES:
        numeral, name, *_ = plots.PHASES[last["phase"]]
        facts.append(f"Step {numeral}: {name}")
    if last.get("seconds") is not None:
        facts.append(_duration(last["seconds"]))
    return facts


def _modes(config: dict[str, Any]) -> int | None:
    """The number of modes of the data; None where nobody knows."""
    count = DENSITIES.get(str(config.get("data"))) if "mixture" in config else None
    return None if count is None else count(read_config({"mixture": config["mixture"]}).mixture)


def _card(records: Sequence[Record], name: str, modes: int | None) -> MetricCard:
    step, value = _values(records, name)[-1]
    ml = _values(plots.step_one(records), name)
    after_ml = ml[-1][1] if ml and ml[-1][0] < step else None
    measured, *protocol = title(name)
    verdict, badge = _verdict(definition(name), after_ml, value, modes)
    return MetricCard(measured, ", ".join(protocol), value, step, after_ml, verdict, badge)


def _verdict(
    metric: Metric | None, before: float | None, after: float, modes: int | None
) -> tuple[str, str]:
    """Whether a value has become better or worse, and its badge: being better is not being good."""
    if metric is None:
        return "", ""
    if metric is METRICS["modes"]:
        metric = metric._replace(good=modes)
    before = after if before is None else before
    worse = metric.improved(after, before)
    good = "good" if metric.is_good(after) and not worse else ""
    verdict = "better" if metric.improved(before, after) else "worse" if worse else ""
    return verdict, "worse" if worse and not metric.is_good(after) else good


def _values(records: Sequence[Record], name: str) -> list[tuple[int, float]]:
    """Steps and values of one name where it is a number."""
    return [(record["step"], record[name]) for record in records if record.get(name) is not None]


def _until(records: Sequence[Record]) -> str:
    return f"over {records[-1]['step']:,} updates"


def _results(records: Sequence[Record], metrics: Sequence[str]) -> Iterator[Panel]:
    """What was done and what came of it: the schedule and the metrics."""
    if {"alpha", "gamma"} <= {*plots.names_in(records)}:
        yield Panel(
            "Schedule",
            "α chooses the divergence: 0 is maximum likelihood, 1 is adversarial. "
            "γ is the share of the reverse twin gradient.",
            f"Two curves, α and γ, {_until(records)}.",
            svg(plots.schedule(records)),
        )
    if metrics:
        yield Panel(
            "Metrics",
            "Each panel is one metric with its protocol; the shades are the three steps of "
            "Algorithm 1.",
            f"Curves {_until(records)}: {'; '.join(map(label, metrics))}.",
            svg(plots.metric_curves(records)),
        )


def _internals(records: Sequence[Record]) -> Iterator[Panel]:
    """How training went on inside: losses and diagnostics."""
    names = plots.names_in(records)
    if any(name.startswith("loss/") for name in names):
        yield Panel(
            "Losses",
            "As recorded, and their running mean. The generator's loss changes its meaning with "
            "α: compare it within a step only.",
            f"Curves of the losses {_until(records)}.",
            svg(plots.losses(records)),
        )
    if any(map(is_diagnostic, names)):
        yield Panel(
            "Diagnostics",
            "Effective sample sizes of the weights: near zero, a few samples decide the gradient. "
            "Of the twin gradients: the cosine between them is near one where the ratio is well "
            "estimated, the ratio of their norms shows which one is larger, and their variances "
            "how noisy each is in one batch (the forward one times 1 − α).",
            f"Curves of the diagnostics {_until(records)}.",
            svg(plots.diagnostics(records)),
        )


def _sample_pictures(run: Run, records: Sequence[Record]) -> Iterator[Panel]:
    """What the samples can show; vectors of one coordinate are left to other tools."""
    if run.config.get("rows"):  # of a table that was measured before its columns were kept
        return
    samples, pairs = run.samples, run.reconstructions
    last_pairs = pairs[max(pairs)] if pairs else None
    shape = samples[max(samples)].shape if samples else ()
    steps = f"from {min(samples):,} to {max(samples):,} updates" if samples else ""
    if len(shape) == 4:
        yield Panel(
            "Samples through time",
            "Each row is one latent, each column a number of updates.",
            f"Images generated from the same latents {steps}.",
            svg(plots.through_time(samples, records)),
        )
        yield Panel(
            "Samples now",
            f"After {max(samples):,} updates.",
            f"A grid of generated images after {max(samples):,} updates.",
            svg(plots.image_grid(samples[max(samples)][:48], 12)),
        )
    elif shape and shape[1] > 1:
        data = None if last_pairs is None else last_pairs[0]
        yield Panel(
            "Samples through time",
            "The model in blue" + ("." if data is None else ", the data in light red."),
            f"Points generated from the same latents {steps}.",
            svg(plots.scatter_through_time(samples, data, records)),
        )
    if last_pairs is not None and last_pairs.shape[2] > 1:
        yield Panel(
            "Reconstructions",
            f"Encoded and decoded after {max(pairs):,} updates.",
            "Originals and their reconstructions.",
            svg(plots.reconstructions(last_pairs)),
        )


def _groups(config: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The settings that have a value, under the heading that the configuration gives them.

    Those that are of no use to this kind of data or path stand in the whole configuration alone.
    """
    useful = {
        "rows": False,  # where the columns lie, which only the program reads
        "mixture": str(config.get("data")) in DENSITIES,
        "images": len(config.get("event_shape") or ()) == 3,
        "control": config.get("path", {}).get("kind") == "adaptive",
    }
    config = _marked({key: value for key, value in config.items() if useful.get(key, True)})
    general = {
        key: value
        for key, value in config.items()
        if key not in (HISTORY, DECIDED) and not isinstance(value, dict)
    }
    nested = {key: value for key, value in config.items() if isinstance(value, dict)}
    groups = [(title, list(_settings(part))) for title, part in {"": general, **nested}.items()]
    return [(title, settings) for title, settings in groups if settings]


def _marked(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration in which it stands beside a value that it was decided."""
    marked = {k: {**v} if isinstance(v, dict) else v for k, v in config.items()}
    for key in config.get(DECIDED, ()):
        *parts, last = key.split(".")
        place = marked.get(parts[0], {}) if parts else marked
        if last in place:
            place[last] = f"{_text(place[last])} (decided)"
    return marked


def _changes(run: Run, config: dict[str, Any]) -> list[tuple[int, str, str, str]]:
    """What the run changed when it went on: updates done, setting, value before and after."""
    try:
        changes = read_config({HISTORY: config.get(HISTORY, [])}).changes
    except ValueError as error:
        raise ValueError(f"{run.config_path}: {error}") from error
    return [
        (of.step, of.key.replace("_", " ").replace(".", " › "), _text(of.before), _text(of.after))
        for of in changes
    ]


def _settings(part: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in part.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, dict):
            yield from _settings(value, f"{name} › ")
        elif value not in (None, [], ""):
            yield name, _text(value)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(value: float, figures: int = 4) -> str:
    """A number with a true minus sign."""
    return formatted(value, figures).replace("-", "−")


def _duration(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds."""
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {left} s"
