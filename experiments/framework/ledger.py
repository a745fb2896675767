"""The runs of an experiment that have ended, on disk, so that an interrupted one goes on."""

import json
from pathlib import Path

import numpy as np

from alpha_bridge.files import explained, writing
from alpha_bridge.runs.plots.records import Array

from .plan import Outcome, Plan, Record, Samples, read_key

__all__ = ["Ledger", "read_samples", "write_samples"]


class Ledger:
    """A line of JSON for each run that has ended, and the samples that figures show.

    Attributes:
        resumed: Whether an interrupted experiment has left runs.
        records: By the key of its plan, the record of each run.
        samples: By name and number of updates.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Read what there is.

        Args:
            folder: Where the experiment writes.
            name: Of the experiment.
        """
        self.path, self._npz = folder / f"{name}.partial.jsonl", folder / f"{name}.npz"
        self.resumed = self.path.exists()
        self.records: dict[str, Record] = {
            read_key(line["key"]): line["record"] for line in self._lines()
        }
        kept = self.resumed and self._npz.exists()
        self.samples: dict[str, dict[int, Array]] = read_samples(self._npz) if kept else {}

    def _lines(self) -> list[Record]:
        """What the file holds; a last line that was cut short is taken away."""
        if not self.resumed:
            return []
        lines = self.path.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        with writing(self.path) as file:
            file.writelines(whole)
        return [json.loads(line) for line in whole]

    def add(self, plan: Plan, outcome: Outcome) -> None:
        """Keep what a run gave; one that is there already is left as it is."""
        if plan.key in self.records:
            return
        if plan.picture is not None and outcome.samples:
            for end, samples in outcome.samples.items():
                self.samples[plan.picture + end] = dict(samples)
            write_samples(self.samples, self._npz)
        line = json.dumps(
            {"key": plan.key, "record": outcome.record}, ensure_ascii=False, allow_nan=False
        )
        with explained(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self.records[plan.key] = outcome.record

    def close(self) -> None:
        """Take the lines away: the experiment has its record."""
        self.path.unlink(missing_ok=True)


def write_samples(samples: Samples, path: Path) -> None:
    """Write samples by name and number of updates, all of them or none."""
    named = {f"{name}/{step}": x for name, of in samples.items() for step, x in of.items()}
    with writing(path) as file:
        np.savez_compressed(file, **named)  # type: ignore[arg-type]


def read_samples(path: Path) -> dict[str, dict[int, Array]]:
    """Read what :func:`write_samples` wrote."""
    samples: dict[str, dict[int, Array]] = {}
    with np.load(path, allow_pickle=False) as kept:
        for key in kept.files:
            name, step = key.rsplit("/", 1)
            samples.setdefault(name, {})[int(step)] = kept[key]
    return samples
