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
