"""How results are told: one JSON object, or a table."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from ..commands import Trained

__all__ = ["as_json", "comparison", "summary", "table"]


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
    """Metrics at the end of Step I and at the end."""
    table = Table("metric", "end of Step I", "end")
    for name, value in trained.last.items():
        before, spread = trained.first.get(name), trained.spread.get(name)
        end = f"{value:.4g}" if spread is None else f"{value:.4g} ± {spread:.2g}"
        table.add_row(name, "" if before is None else f"{before:.4g}", end)
    return table


def table(metrics: dict[str, float]) -> Table:
    """Metrics and their values."""
    rows = Table("metric", "value")
    for name, value in metrics.items():
        rows.add_row(name, f"{value:.4g}")
    return rows
