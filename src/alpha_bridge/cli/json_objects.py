"""The results of commands as JSON objects, for programs that read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..commands import EditedRows, MissedRows, ReconstructedRows
from .printing import as_json, as_text

if TYPE_CHECKING:
    from ..commands import (
        Compared,
        Diagnosis,
        Edited,
        Missed,
        Outliers,
        Overview,
        Ratio,
        Reconstructed,
        Replayed,
        Trained,
    )
    from ..runs.status import RunStatus


def _trained(trained: Trained) -> str:
    content = {
        "run": str(trained.run.folder),
        "report": str(trained.run.report_path),
        "seconds": round(trained.seconds, 3),
        "notes": trained.notes,
        "end_of_ml": trained.first,
        "end": trained.last,
        "spread": trained.spread,
        "best": None if trained.best is None else trained.best._asdict(),
    }
    return as_json(content)


def _reconstructed(done: Reconstructed | ReconstructedRows) -> str:
    content = asdict(done) | {"file": str(done.path)}
    del content["path"]
    return as_json(content)


def _edited(edited: Edited | EditedRows) -> str:
    directions = [
        {"attribute": direction.name, "scale": direction.scale} | asdict(direction.evidence)
        for direction in edited.directions
    ]
    if isinstance(edited, EditedRows):
        for of, effect in zip(directions, edited.effects, strict=True):
            of |= {"having": effect.having, "moved": effect.moved, "rows": effect.rows}
        strengths = list(edited.strengths)
        return as_json({"file": str(edited.path), "strengths": strengths, "directions": directions})
    before, after = edited.errors or (None, None)
    content = {
        "file": str(edited.path),
        "columns": list(edited.columns),
        "directions": directions,
        "error": before,
        "refined_error": after,
    }
    return as_json(content)


def _missed(found: Missed | MissedRows) -> str:
    """The numbers of the samples that were asked for."""
    if isinstance(found, MissedRows):
        rows = _plain(found.shown)
        return as_json({"file": str(found.table), "ranked": found.ranked, "rows": rows})
    content = json.loads(_file(found.table))
    return as_json(content | {"samples": content["samples"][: len(found.shown)]})


def _plain(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Rows of a table as JSON has them."""
    return [{name: as_text(cell) for name, cell in row.items()} for row in rows]


def _outliers(found: Outliers) -> str:
    content = {"samples": len(found.outlier), "outliers": int(found.outlier.sum())}
    return as_json({**content, "file": str(found.table)})


def _compared(found: Compared) -> str:
    first, second = map(_plain, found.apart)
    content = {
        "p_value": found.test.p_value,
        "accuracy": found.test.accuracy,
        "samples": found.counts,
        "first": first,
        "second": second,
        "file": None if found.table is None else str(found.table),
    }
    return as_json(content)


def _ratio(found: Ratio) -> str:
    own = {"record": str(found.record), "table": None if found.table is None else str(found.table)}
    return as_json({**found.calibration, **own})


def _replayed(done: Replayed) -> str:
    return as_json(asdict(done) | {"equal": done.equal})


def _as_record(run: RunStatus) -> dict[str, Any]:
    return asdict(run) | {"folder": str(run.folder)}


def _overview(found: Overview) -> str:
    starts = [
        {"path": str(start.found.path), "kind": start.found.kind, "command": start.command}
        for start in found.starts
    ]
    runs = [*map(_as_record, found.runs)]
    return as_json({"runs": runs, "further": found.further, "starts": starts, "cut": found.cut})


def _diagnosed(found: Diagnosis) -> str:
    return as_json({"healthy": found.healthy, "checks": [*map(asdict, found.checks)]})


def _file(path: Path) -> str:
    return path.read_text(encoding="utf-8").rstrip("\n")


JSON: Mapping[str, Callable[[Any], str]] = {
    "train": _trained,
    "reconstruct": _reconstructed,
    "edit": _edited,
    "missed": _missed,
    "ratio": _ratio,
    "outliers": _outliers,
    "compare": _compared,
    "compare --methods": lambda found: _file(found.runs.path),
    "evaluate": as_json,
    "replay": _replayed,
    "frontier": lambda found: _file(found.table),
    "verify": lambda found: as_json(asdict(found)),
    "runs": lambda found: as_json([*map(_as_record, found.runs)]),
    "overview": _overview,
    "doctor": _diagnosed,
}
"""By command that takes ``--json``."""
