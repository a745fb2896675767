"""Whether a long training stays as it began: memory, open files, updates a second.

Where others use the machine, updates a second of the processor's time say more.

    python benchmarks/steady.py --minutes 60

A preset is trained into a temporary folder as ``alpha-bridge train`` does it, with an evaluation
and a checkpoint about every minute. ``benchmarks/steady.json`` is written as it goes on.
"""

import argparse
import tempfile
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TypedDict

import psutil
from measure import HERE, machine, write_json
from rich.console import Console

from alpha_bridge.errors import Interrupted
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.runs.recording import train_run
from alpha_bridge.training import Callback, Event

CALIBRATION = 300
"""Updates from which it is estimated how many a period has."""


class Moment(TypedDict):
    """What a process needs at one moment of its training."""

    seconds: float
    update: int
    resident_mb: float
    open_files: int
    updates_per_second: float
    updates_per_cpu_second: float


class Meter(Callback):
    """Notes what this process needs every ``every`` seconds, and stops after ``seconds``."""

    def __init__(self, seconds: float, every: float, out: Path | None = None) -> None:
        self.seconds, self.every, self.out = seconds, every, out
        self.process, self.moments = psutil.Process(), list[Moment]()
        self.begin = self.latest = self.worked = 0.0
        self.update = 0

    def after(self, event: Event) -> None:
        now = perf_counter()
        if not self.begin:
            self.begin, self.latest, self.worked = now, now, process_time()
            self.update = event.step
        if now - self.latest < self.every or event.step == self.update:
            return
        done, worked = event.step - self.update, process_time()
        self.moments.append(
            {
                "seconds": round(now - self.begin, 2),
                "update": event.step,
                "resident_mb": round(self.process.memory_info().rss / 1e6, 2),
                "open_files": self.process.num_fds(),
                "updates_per_second": round(done / (now - self.latest), 2),
                "updates_per_cpu_second": round(done / (worked - self.worked), 2),
            }
        )
        self.latest, self.worked, self.update = now, worked, event.step
        if self.out is not None:
            write_json(self.out, {"machine": machine()} | self.results())

    def wants_to_stop(self) -> bool:
        return bool(self.begin) and perf_counter() - self.begin >= self.seconds

    def results(self) -> dict[str, object]:
        """All moments, and the medians of their first and last thirds."""
        third = max(1, len(self.moments) // 3)
        parts = {"first_third": self.moments[:third], "last_third": self.moments[-third:]}
        keys = ("resident_mb", "open_files", "updates_per_second", "updates_per_cpu_second")
        medians = {
            name: {key: median(moment[key] for moment in part) for key in keys}  # type: ignore[literal-required]
            for name, part in parts.items()
            if part
        }
        return medians | {"moments": self.moments}


def train(config: Config, *callbacks: Callback) -> None:
    """Train a run that is thrown away, with further callbacks."""
    # it ends early when its time is over
    with tempfile.TemporaryDirectory() as folder, suppress(Interrupted):
        train_run(config, Path(folder) / "run", False, Console(quiet=True), None, callbacks)


def measure(
    config: Config, seconds: float, period: float, every: float, out: Path | None = None
) -> dict[str, object]:
    """Train for so many seconds, with an evaluation and a checkpoint every ``period`` seconds."""
    few = Meter(float("inf"), 0.0)
    train(changed(config, {"steps": CALIBRATION, "record_every": CALIBRATION}), few)
    rate = median(moment["updates_per_second"] for moment in few.moments)
    between = max(1, round(rate * period))
    steps = max(CALIBRATION, round(2 * rate * seconds))  # more than there is time for
    cadence = {"checkpoint_every": between, "evaluation.every": between, "steps": steps}
    meter = Meter(seconds, every, out)
    train(changed(config, cadence), meter)
    return {"updates_between_checkpoints": between} | meter.results()


def main() -> None:
    """Measure, and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="gaussians25", help=f"one of {', '.join(PRESETS)}")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long it is trained")
    parser.add_argument("--period", type=float, default=60.0, help="seconds between checkpoints")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks")
    parser.add_argument("--out", type=Path, default=HERE / "steady.json", help="JSON file")
    given = parser.parse_args()
    config = PRESETS[given.preset]
    found = measure(config, 60 * given.minutes, given.period, given.every, given.out)
    write_json(given.out, {"machine": machine(), "preset": given.preset} | found)
    print({key: found.get(key) for key in ("first_third", "last_third")})


if __name__ == "__main__":
    main()
