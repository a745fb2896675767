"""What a table costs: our default fit beside CTGAN's and TVAE's, and a large table beside a small.

    python benchmarks/tables.py --data ../shared/data/adult --python ENVIRONMENT/bin/python
    python benchmarks/tables.py --rows 5000000 --small 50000

Each training is a process of its own, one after the other. Of CTGAN and TVAE two short fits are
measured, and their authors' 300 epochs are the line through both, unless ``--full`` fits them all.
It writes ``benchmarks/tables.json`` and, of the large table, ``docs/tables-memory.svg``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import matplotlib as mpl
import numpy as np
import pyarrow
import pyarrow.parquet
from matplotlib.figure import Figure
from measure import HERE, machine, write_json

from alpha_bridge.runs.plots import BLUE, INK, ORANGE, SMALL, TEXT, WIDTH

FIGURE = HERE.parent / "docs" / "tables-memory.svg"
SCRIPT = HERE.parent / "experiments" / "table_baselines.py"
RIVALS = ("tvae", "ctgan")
EPOCHS, SHORT = 300, (2, 12)
"""Of a fit by its authors' defaults, and of those that are measured."""
COLUMNS = 30
SHARD = 250_000
PERIOD = 0.2
"""Seconds between looks at a process."""


@dataclass
class Watched:
    """A process that has ended.

    Attributes:
        seconds: From its start to its end.
        peak_bytes: Of its resident memory, as of the last look. What the system says of a process
            that has ended begins with the peak of the one that started it.
        moments: Seconds and resident bytes along the way.
        first_file: Seconds until the file that was waited for was there; None if it never was.
    """

    seconds: float = 0.0
    peak_bytes: int = 0
    moments: list[tuple[float, int]] = field(default_factory=list)
    first_file: float | None = None


def watched(command: Sequence[str], waited_for: Path | None = None) -> Watched:
    """Run a command to its end, and look at it now and then."""
    found, since = Watched(), perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            now = perf_counter() - since
            found.moments.append((round(now, 2), resident(process.pid)))
            found.peak_bytes = max(found.peak_bytes, peak(process.pid))
            if found.first_file is None and waited_for is not None and waited_for.exists():
                found.first_file = round(now, 2)
            sleep(PERIOD)
        _, status, _ = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
            raise SystemExit(f"{command[0]} ended with {process.returncode}: {' '.join(last)}")
    found.seconds = round(perf_counter() - since, 1)
    return found


def resident(process: int) -> int:
    """Bytes of a process that are in memory now; 0 once it has ended."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def peak(process: int) -> int:
    """The most bytes of a process that were in memory so far; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def training(data: str, out: Path, *options: str) -> list[str]:
    """The command that trains on a table."""
    return [sys.executable, "-m", "alpha_bridge", "train", data, "--out", str(out), *options]


def side_by_side(data: str, python: str, full: bool, options: Sequence[str]) -> dict[str, object]:
    """Seconds and memory of our default fit and of the usual ones."""
    from experiments.tables import parts_of

    sides: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        run, rows = Path(folder, "run"), Path(folder, "training.parquet")
        pyarrow.parquet.write_table(parts_of(data)[0], rows)
        ours = watched(training(data, run, *options), run / "report.html")
        sides["alpha-bridge"] = {
            "seconds": ours.seconds,
            "peak_bytes": ours.peak_bytes,
            "first_report": ours.first_file,
            "options": [*options],
        }
        print("alpha-bridge", sides["alpha-bridge"], flush=True)
        for method in RIVALS:
            command = [python, str(SCRIPT), method, str(rows), str(Path(folder, "rows.parquet"))]
            sides[method] = _theirs(command, full)
            print(method, sides[method], flush=True)
    return sides


def _theirs(command: list[str], full: bool) -> dict[str, object]:
    if full:
        found = watched(command)
        return {"seconds": found.seconds, "peak_bytes": found.peak_bytes, "epochs": EPOCHS}
    short, long = (watched([*command, "--epochs", str(epochs)]) for epochs in SHORT)
    slope = (long.seconds - short.seconds) / (SHORT[1] - SHORT[0])
    return {
        "seconds": round(short.seconds + slope * (EPOCHS - SHORT[0]), 1),
        "peak_bytes": long.peak_bytes,
        "epochs": [*SHORT],
        "measured_seconds": [short.seconds, long.seconds],
    }


@contextmanager
def table_of(rows: int) -> Iterator[str]:
    """A folder of Parquet files with so many rows of 15 numbers and 15 categories."""
    with tempfile.TemporaryDirectory() as folder:
        for begin in range(0, rows, SHARD):
            draws, count = np.random.default_rng(begin), min(SHARD, rows - begin)
            hidden = draws.normal(size=count)
            cells = {}
            for at in range(COLUMNS // 2):
                cells[f"number{at}"] = (hidden + draws.normal(size=count)).round(3)
                shifted = np.abs(hidden + draws.normal(size=count)).astype(int).clip(0, 3 + at % 5)
                cells[f"kind{at}"] = shifted.astype(str)
            name = f"part-{begin // SHARD:05}.parquet"
            pyarrow.parquet.write_table(pyarrow.table(cells), Path(folder, name))
        yield folder


def of_size(rows: int, steps: int) -> dict[str, object]:
    """Resident memory along a training on so many rows, and updates a second."""
    with table_of(rows) as data, tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        every = max(1, steps // 20)
        options = ("--steps", str(steps), "--record-every", str(every))
        found = watched(training(data, run, *options, "--evaluation.every", str(steps)))
        lines = (run / "metrics.jsonl").read_text().splitlines()
    records = [record for record in map(json.loads, lines) if "loss/generator" in record]
    apart = [
        (after["step"] - before["step"]) / (after["seconds"] - before["seconds"])
        for before, after in pairwise(records)
        if after["seconds"] > before["seconds"]
    ]
    return {
        "rows": rows,
        "columns": COLUMNS,
        "steps": steps,
        "seconds": found.seconds,
        "peak_bytes": found.peak_bytes,
        "updates_per_second": round(median(apart), 2),
        "moments": found.moments,
    }


def draw(sizes: Sequence[dict]) -> Figure:
    """Resident memory over the seconds of each training."""
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    for of, color in zip(sizes, (ORANGE, BLUE), strict=False):
        seconds, resident = zip(*of["moments"], strict=True)
        label = f"{of['rows']:,} rows, {of['updates_per_second']:.3g} updates a second"
        axes.plot(seconds, np.divide(resident, 2**20), color=color, label=label)
    axes.set_ylim(0)
    axes.set_xlabel("seconds", color=INK, fontsize=TEXT)
    axes.set_ylabel("resident MiB", color=INK, fontsize=TEXT)
    axes.legend(frameon=False, fontsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Measure what is asked for, beside what the file has of the rest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", help="a table to fit, such as Adult")
    add("--python", help="that of an environment with ctgan")
    add("--full", action="store_true", help="fit all epochs of CTGAN and TVAE")
    add("--rows", type=int, help="rows of a large table")
    add("--small", type=int, default=50_000, help="rows of the one beside it")
    add("--steps", type=int, help="updates of our fits; by default ours, and 400 by size")
    add("--out", type=Path, default=HERE / "tables.json", help="JSON file")
    add("--figure", type=Path, default=FIGURE, help="SVG file")
    asked = parser.parse_args()
    if asked.rows is None and (asked.data is None or asked.python is None):
        parser.error("give --data and --python, or --rows")
    found = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    found["machine"] = machine()
    if asked.data is not None:
        options = () if asked.steps is None else ("--steps", str(asked.steps))
        found["fits"] = side_by_side(asked.data, asked.python, asked.full, options)
    if asked.rows is not None:
        found["sizes"] = [of_size(rows, asked.steps or 400) for rows in (asked.small, asked.rows)]
        with mpl.rc_context({"svg.hashsalt": "tables"}):  # the same figure for the same numbers
            draw(found["sizes"]).savefig(asked.figure, metadata={"Date": None})
    write_json(asked.out, found)


if __name__ == "__main__":
    main()
