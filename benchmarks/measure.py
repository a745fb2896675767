"""What all benchmarks share: a clock, ceilings of the machine, and pages that take their tables."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from resource import struct_rusage
from statistics import median
from time import perf_counter
from typing import Any

import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from experiments.pages.markdown import put as put  # noqa: E402
from experiments.pages.markdown import table as table  # noqa: E402

PAGE = HERE.parent / "docs" / "speed.md"
Work = Callable[[], object]


def seconds(work: Work, count: int = 1) -> float:
    """Time of ``count`` calls, from one moment to another at which the device has nothing to do."""
    synchronize()
    begin = perf_counter()
    for _ in range(count):
        work()
    synchronize()
    return perf_counter() - begin


def synchronize() -> None:
    """Wait until the accelerator, if there is one, has done all that it was told."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()


def take_turns(sides: Mapping[str, Work], rounds: int) -> dict[str, list[float]]:
    """Times of several sides that take turns, by side, after one round that does not count."""
    for work in sides.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            times[name].append(seconds(work))
    return times


def ratio(other: list[float], ours: list[float]) -> dict[str, float]:
    """Median times of two sides that took turns, and the median of their ratios."""
    ratios = [one / two for one, two in zip(other, ours, strict=True)]
    return {
        "other_seconds": median(other),
        "ours_seconds": median(ours),
        "ratio": median(ratios),
        "lowest_ratio": min(ratios),
        "highest_ratio": max(ratios),
    }


def repeated(work: Work, count: int) -> Work:
    """``count`` calls of ``work`` as one."""

    def calls() -> None:
        for _ in range(count):
            work()

    return calls


def compare(other: Work, ours: Work, rounds: int = 5) -> dict[str, float]:
    """:func:`ratio` of two sides."""
    times = take_turns({"other": other, "ours": ours}, rounds)
    return ratio(times["other"], times["ours"])


def fastest(work: Work, operations: float, rounds: int = 5, least_seconds: float = 0.1) -> float:
    """Operations a second of ``work`` at its best, each round long enough for the clock."""
    work()
    count = max(1, round(least_seconds / max(seconds(work), 1e-6)))
    return max(operations * count / seconds(work, count) for _ in range(rounds))


def matmul_peak(size: int, batch: int = 1, dtype: torch.dtype = torch.float32) -> float:
    """Floating point operations a second of ``batch`` products of square matrices."""
    shape = (batch, size, size) if batch > 1 else (size, size)
    device = torch.accelerator.current_accelerator() or "cpu"
    one, other, out = (torch.randn(shape, device=device).to(dtype) for _ in range(3))
    return fastest(lambda: torch.matmul(one, other, out=out), 2 * batch * size**3)


def copy_bandwidth(size: int) -> float:
    """Bytes a second, read and written, of a copy of ``size`` bytes."""
    device = torch.accelerator.current_accelerator() or "cpu"
    source = torch.zeros(size // 4, device=device)
    target = torch.empty_like(source)
    return fastest(lambda: target.copy_(source), 2 * size)


def finished(
    command: Sequence[str | Path], env: Mapping[str, str], folder: Path | None = None
) -> tuple[float, struct_rusage]:
    """Seconds of a command that must succeed, in a folder, and what it used; it prints nothing."""
    begin = perf_counter()
    away = subprocess.DEVNULL
    process = subprocess.Popen([*map(str, command)], env=env, cwd=folder, stdout=away, stderr=away)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}")
    return perf_counter() - begin, used


def machine() -> dict[str, object]:
    """Where it was measured."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _processor() -> str:
    """The processor's name: on Linux, Python does not tell it."""
    information = Path("/proc/cpuinfo")
    text = information.read_text(encoding="utf-8") if information.is_file() else ""
    named = re.search(r"model name\s*: (.*)", text)
    return named[1] if named else platform.processor() or platform.machine()


def write_json(path: Path, results: Any) -> None:
    """Write results for people and programs to read."""
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
