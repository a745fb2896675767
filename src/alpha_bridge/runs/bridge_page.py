"""The page on which a model of points is moved along α: one file, which runs the networks itself.

It asks nothing of any server, and can be read from a disk.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from ..data import StandardUnits, Units
from ..files import writing
from ..model import AlphaBridge
from ..recipe import Config
from ..sharing.onnx import export_along
from . import plots
from .loading import data_of, latents_of, load_model, units_of
from .opening import RunAt, require_ratio
from .page import template
from .snapshots import Snapshot, snapshots
from .web_runtime import VERSION, web_runtime

POINTS = 500
"""Samples of the model, and of the data."""
DIGITS = 5
"""Decimal places of points and latents, in model units."""

Content = dict[str, Any]


def content_of(at: RunAt, points: bool = True) -> Content:
    """What a page shows of the checkpoints of a run in the plane, as JSON.

    Args:
        at: Of points in the plane, with one model, at the last checkpoint that is shown.
        points: Whether held-out points of the data are part of it.

    Raises:
        ValueError: A checkpoint cannot be used, or a network not be exported.
    """
    run, config, step = at
    shown = [snapshot for snapshot in snapshots(run) if snapshot.step <= step]
    models = [load_model(at._replace(step=snapshot.step)) for snapshot in shown]
    units = units_of(at)
    latents = latents_of(config, models[-1], POINTS, seed=0)
    data = _data(at, units) if points else torch.empty(0, 2)
    with torch.no_grad():
        samples = models[-1].decode(latents)
    limit = _limit(config, step, models, torch.cat([data, samples]))
    networks = export_along(models, ratio=limit is not None)
    return {
        "title": run.folder.resolve().name,
        "snapshots": [*map(_described, shown)],
        **_moments(units),
        **_frame(data if len(data) else samples),
        "limit": limit,
        "data": _rounded(data),
        "latents": _rounded(latents),
        "networks": {name: _packed(file) for name, file in networks.items()},
    }


def write_bridge_page(content: Content, path: Path) -> Path:
    """Write the page of what :func:`content_of` gave; ``ValueError`` without onnxruntime-web."""
    runtime = web_runtime()
    page = template("bridge").render(
        title=content["title"],
        content=json.dumps(content, ensure_ascii=False).replace("<", "\\u003c"),
        module=_packed(runtime.module),
        wasm=_packed(runtime.wasm),
        version=VERSION,
    )
    with writing(path) as file:
        file.write(page.encode())
    return path


def _data(at: RunAt, units: Units) -> Tensor:
    data = data_of(at, Console(quiet=True), option=None)
    return units.normalize(data.held_out(POINTS))


def _described(snapshot: Snapshot) -> dict[str, object]:
    numeral, name, *_ = plots.PHASES.get(snapshot.phase, ("", snapshot.phase))
    phase = f"Step {numeral}, {name}" if numeral else name
    return {
        "step": snapshot.step,
        "alpha": round(snapshot.alpha, DIGITS),
        "gamma": round(snapshot.gamma, DIGITS),
        "phase": phase,
    }


def _moments(units: Units) -> Content:
    """What makes a point of the networks one of the data: times ``std``, plus ``mean``."""
    if not isinstance(units, StandardUnits):
        return {"mean": [0.0, 0.0], "std": [1.0, 1.0]}
    return {"mean": units.mean.tolist(), "std": units.std.tolist()}


def _frame(x: Tensor) -> Content:
    """The square that is shown."""
    low, high = x.amin(0), x.amax(0)
    half = float((high - low).max()) * 0.6
    return {"center": _rounded((low + high) / 2), "half": round(half, DIGITS)}


def _limit(config: Config, step: int, models: list[AlphaBridge], x: Tensor) -> float | None:
    """A log ratio that few points exceed along the whole path; None where there is no ratio."""
    try:
        require_ratio(config, step)
    except ValueError:
        return None
    with torch.no_grad():
        f = torch.cat([model.log_ratio(x) for model in models])
    return max(1.0, round(float(f.abs().quantile(0.9)), 1))


def _rounded(x: Tensor) -> Any:  # noqa: ANN401
    return x.double().numpy().round(DIGITS).tolist()


def _packed(content: bytes) -> str:
    return b64encode(gzip.compress(content, 9, mtime=0)).decode()
