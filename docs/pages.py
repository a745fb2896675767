"""What all scripts share that write numbers into pages."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def put(page: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in a page."""
    before, rest = page.read_text(encoding="utf-8").split(f"<!-- {name} -->")
    _, after = rest.split(f"<!-- /{name} -->")
    whole = f"{before}<!-- {name} -->\n{text}\n<!-- /{name} -->{after}"
    page.write_text(whole, encoding="utf-8")


def recorded(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of those experiments that ``folder`` has, with their names."""
    for name in names:
        file = folder / f"{name}.json"
        if file.is_file():
            yield name, json.loads(file.read_text(encoding="utf-8"))


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def claims(record: dict[str, Any]) -> str:
    """Each claim of a record, whether it holds, and where."""
    return table(
        ["statement", "holds", "where"],
        [
            [claim["about"], "yes" if claim["holds"] else "**no**", _where(claim["found"])]
            for claim in record["claims"]
        ],
    )


def _where(found: list[dict[str, Any]]) -> str:
    """At which updates a statement holds; where it is not about updates, the numbers."""
    if all("update" in point for point in found):
        held = [f"{point['update']:,}" for point in found if point["holds"]]
        return f"{len(held)} of {len(found)}" + (f": {', '.join(held)}" if held else "")
    return "; ".join(f"{name} {cell(v)}" for point in found for name, v in point.items())


def plus_minus(mean: float, deviation: float, digits: int = 4) -> str:
    """A mean of so many digits, and the deviation over trials where there is one."""
    center = f"{mean:.{digits}g}"
    return f"{center} ± {deviation:.{max(digits - 2, 1)}g}" if deviation else center


def changes(record: dict[str, Any]) -> str:
    """What each method changes in the preset, all of it ours."""
    rows = [
        [method, ", ".join(f"`{key}` {value}" for key, value in values.items())]
        for method, values in record["settings"]["methods"].items()
    ]
    return table(["method", f"changes in the preset `{record['settings']['preset']}` (ours)"], rows)


def cell(value: object) -> str:
    """A number or a word; None is a failure."""
    if value is None:
        return "failed"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
