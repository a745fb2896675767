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
    """The statements that an experiment holds its numbers to."""
    return table(
        ["statement", "holds", "where"],
        [
            [claim["about"], "yes" if claim["holds"] else "**no**", _where(claim["found"])]
            for claim in record["claims"]
        ],
    )


def cell(value: object) -> str:
    """A value as it stands in a table."""
    if value is None:
        return "failed"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _where(found: list[dict[str, Any]]) -> str:
    """At which updates a statement holds; where it is not about updates, the numbers."""
    if all("update" in point for point in found):
        held = [f"{point['update']:,}" for point in found if point["holds"]]
        return f"{len(held)} of {len(found)}" + (f": {', '.join(held)}" if held else "")
    return "; ".join(f"{name} {cell(v)}" for point in found for name, v in point.items())
