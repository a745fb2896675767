"""How results are told: lines, a table, or one JSON object."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..errors import printable
from ..metrics.definition import formatted

if TYPE_CHECKING:
    from ..commands import Trained

__all__ = ["Terminal", "as_json", "comparison", "said", "summary", "table", "warnings_in_a_line"]


class Terminal(Console):
    """Where commands tell what they do.

    Names of files and classes stand there letter by letter: nothing in them is markup, and control
    characters, which would speak to the terminal, are written out.
    """

    def __init__(self, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, highlight=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401
        return super().render_str(printable(text), **options)


def said(message: object) -> str:
    r"""What an error or a warning says, as one line.

    Example:
        >>> print(said("no file\n  'a\x1bc'"))
        alpha-bridge: no file 'a\x1bc'
    """
    return f"alpha-bridge: {printable(' '.join(str(message).split()))}"


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Let Python show warnings as errors are shown, without the place in the code."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"{said(message)}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


def as_json(value: object) -> str:
    """``value`` as JSON, which has no word for NaN or infinity but null.

    Example:
        >>> as_json({"a": math.inf})
        '{"a": null}'
    """
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def summary(trained: Trained) -> dict[str, object]:
    """What training left, for JSON."""
    return {
        "run": str(trained.run.folder),
        "report": str(trained.run.report_path),
        "seconds": round(trained.seconds, 3),
        "end_of_ml": trained.first,
        "end": trained.last,
        "spread": trained.spread,
    }


def comparison(trained: Trained) -> Table:
    """Metrics at the end of Step I and at the end, there with their deviation over trials."""
    end = "end ± deviation over trials (n − 1)" if trained.spread else "end"
    table = Table("metric", "end of Step I", end)
    for name, value in trained.last.items():
        before, spread = trained.first.get(name), trained.spread.get(name)
        after = formatted(value) + ("" if spread is None else f" ± {formatted(spread, 2)}")
        table.add_row(name, "" if before is None else formatted(before), after)
    return table


def table(metrics: dict[str, float]) -> Table:
    """Metrics and their values."""
    rows = Table("metric", "value")
    for name, value in metrics.items():
        rows.add_row(name, formatted(value))
    return rows
