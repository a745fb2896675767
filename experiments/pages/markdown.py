"""What all builders of pages share: tables in Markdown, and places in a page that they fill."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from alpha_bridge.recipe import Config, read_config
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.recipe.reading import known_keys, value_of

from ..framework import trials_of

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = DOCS / "results"

FILLED = frozenset(
    {"seed", "data", "event_shape", "prior_shape", "init", "architecture", "latent_scale"}
)
"""Keys that a run's configuration has from its seed, its data and its VAE."""


def put(page: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in a page."""
    before, rest = page.read_text(encoding="utf-8").split(f"<!-- {name} -->")
    _, after = rest.split(f"<!-- /{name} -->")
    whole = f"{before}<!-- {name} -->\n{text}\n<!-- /{name} -->{after}"
    page.write_text(whole, encoding="utf-8")


def recorded(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of those experiments that a folder has, with their names."""
    for name in names:
        file = folder / f"{name}.json"
        if file.is_file():
            yield name, json.loads(file.read_text(encoding="utf-8"))


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table of what differs between rows; what does not stands in a line above it."""
    columns = [*zip(head, *rows, strict=True)]
    same = {name: value for name, *cells in columns[1:] if (value := _shared(cells))}
    apart = [column for column in columns if column[0] not in same and any(column[1:])]
    lines = [*zip(*apart, strict=True)]
    lines.insert(1, ("---",) * len(apart))
    shown = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    named = "; ".join(f"{name} = {value}" for name, value in same.items())
    return f"Throughout, {named}.\n\n{shown}" if named else shown


def _shared(cells: list[str]) -> str:
    """What several cells of a column have, all that are not empty; an empty text if they differ."""
    filled = [cell for cell in cells if cell]
    return filled[0] if len(filled) > 1 and len({*filled}) == 1 else ""


def claims(record: dict[str, Any]) -> list[str]:
    """Each claim of a record, whether it holds, and where: one seed decides nothing."""
    if trials_of(record) == 1:
        numbers = [[claim["about"], _where(claim["found"], False)] for claim in record["claims"]]
        return [
            "One seed decides nothing: these are numbers.",
            table(["statement", "where"], numbers),
        ]
    rows = [
        [claim["about"], "yes" if claim["holds"] else "**no**", _where(claim["found"], True)]
        for claim in record["claims"]
    ]
    return [table(["statement", "holds", "where"], rows)]


def _where(found: list[dict[str, Any]], several: bool) -> str:
    """At which updates a statement holds; where it is not about updates, the numbers."""
    if all("update" in point for point in found):
        if not several:
            return ""
        held = [f"{point['update']:,}" for point in found if point["holds"]]
        return f"{len(held)} of {len(found)}" + (f": {', '.join(held)}" if held else "")
    return "; ".join(f"{name} {cell(v)}" for point in found for name, v in point.items())


def plus_minus(mean: float, deviation: float, digits: int = 4) -> str:
    """A mean of so many digits, and the deviation over trials where there is one."""
    center = f"{mean:.{digits}g}"
    return f"{center} ± {deviation:.{max(digits - 2, 1)}g}" if deviation else center


def changes(record: dict[str, Any]) -> list[str]:
    """What was trained with in place of the preset's settings, all of it ours."""
    name = record["settings"]["preset"]
    own = {run["method"]: changed_by(run, PRESETS[name]) for run in record["runs"]}
    first, *others = own.values()
    shared = {k: v for k, v in first.items() if all(k in of and of[k] == v for of in others)}
    rows = [
        [method, listed({k: v for k, v in of.items() if k not in shared}) or "nothing else"]
        for method, of in own.items()
    ]
    common = f"Changed in the preset `{name}` (ours): {listed(shared) or 'nothing'}; and"
    return [common, table(["method", "changes"], rows)]


def changed_by(run: dict[str, Any], preset: Config) -> dict[str, object]:
    """Where the configuration that a run had is not that of the preset, and what it is."""
    config = read_config(run["config"])
    values = {key: value_of(config, key) for key in known_keys() if key not in FILLED}
    return {key: value for key, value in values.items() if value != value_of(preset, key)}


def listed(values: dict[str, object]) -> str:
    """Settings in a cell of a table."""
    plain = {key: [*value] if isinstance(value, tuple) else value for key, value in values.items()}
    return ", ".join(f"`{key}` {value}" for key, value in plain.items())


def cell(value: object) -> str:
    """A number or a text; None is a failure."""
    if value is None:
        return "failed"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
