"""The files of an experiment on images: its record and samples, whole or as far as it got."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alpha_bridge.files import read_json, writing
from alpha_bridge.recipe import Config, read_config
from alpha_bridge.runs.plots.records import Array

__all__ = [
    "Samples",
    "ended_runs",
    "keep_samples",
    "kept_samples",
    "key_of",
    "partial_of",
    "resumed_samples",
    "write",
]

Record = dict[str, Any]
Samples = Mapping[str, Mapping[int, Array]]
"""By method and number of updates done, as runs keep them."""


def partial_of(path: Path) -> Path:
    """What stands in the place of an experiment's record until all its runs have ended."""
    return path.with_suffix(".partial.json")


def ended_runs(path: Path) -> dict[str, Record]:
    """The runs of an interrupted experiment that had ended, by all that they depend on."""
    partial = partial_of(path)
    known = read_json(partial)["runs"] if partial.exists() else []
    return {key_of(read_config(run["config"])): run for run in known if "seconds" in run}


def key_of(config: Config) -> str:
    """All that a run depends on: its configuration, but for what data and a VAE decide."""
    own = config.model_copy(update={"event_shape": None, "architecture": None})
    return own.model_dump_json()


def write(record: Record, path: Path) -> None:
    """Write a record that is whole or not there, in place of the one before."""
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    with writing(path) as file:
        file.write(f"{text}\n".encode())


def keep_samples(samples: Samples, path: Path) -> None:
    """Write samples by method and number of updates, all of them or none."""
    named = {f"{name}/{step}": x for name, of in samples.items() for step, x in of.items()}
    with writing(path) as file:
        np.savez_compressed(file, **named)  # type: ignore[arg-type]


def kept_samples(path: Path) -> dict[str, dict[int, Array]]:
    """Read what :func:`keep_samples` wrote."""
    samples: dict[str, dict[int, Array]] = {}
    with np.load(path, allow_pickle=False) as kept:
        for key in kept.files:
            name, step = key.rsplit("/", 1)
            samples.setdefault(name, {})[int(step)] = kept[key]
    return samples


def resumed_samples(path: Path) -> dict[str, dict[int, Array]]:
    """The samples that an interrupted experiment has kept beside its record; none without one."""
    kept = path.with_suffix(".npz")
    return kept_samples(kept) if partial_of(path).exists() and kept.exists() else {}
