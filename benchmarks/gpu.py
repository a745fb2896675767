"""Speed of one update of Step II on the accelerator that is there, beside the card's ceilings.

    python benchmarks/gpu.py --out gpu.json --data CIFAR10 --tests

Models and batch are those of the presets ``cifar10`` (32×32) and ``celeba`` (64×64), α = .5, R1 at
every fourth update; nothing is loaded. float32 is full precision everywhere; TF32 is used
everywhere where it is named, while torch's default is to use it in convolutions alone. The
ceilings are measured here: products of large matrices in that precision, and copies. With --data
the preset ``cifar10`` is then trained for as many updates as fit into --run-seconds, and with
--tests some tests run on the accelerator. What has no time left in --minutes is left out, and
says so: the last rows, which are compiled ones, and not those of bfloat16, which come first. What
fails is a row with its error. The file is written anew after each row.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from measure import (
    HERE,
    Work,
    copy_bandwidth,
    machine,
    matmul_peak,
    seconds,
    synchronize,
    table,
    write_json,
)
from updates import CELEBA, CIFAR10, Updates

from alpha_bridge.recipe import Config

SIZES = {"64×64": CELEBA, "32×32": CIFAR10}
PRECISIONS = {
    "bfloat16": ("bf16", torch.bfloat16, False),
    "TF32": ("no", torch.float32, True),
    "float32": ("no", torch.float32, False),
}
"""accelerate's mixed precision, the type of the products' factors, whether TF32 is allowed; as the
sizes and the modes, in the order of their rows."""


def plain(step: Updates) -> Work:
    """One cycle of updates, as in training."""

    def cycle() -> None:
        for _ in range(step.cycle):
            step()

    return cycle


def captured(step: Updates) -> Work:
    """One cycle of updates as CUDA graphs: one that pays the penalty, one that does not.

    A graph is fixed in all that Python decides: α, γ, whether the penalty is due, and whether all
    logits allow one backward pass, so that each player has passes of its own. Samples and noise may
    change, by copies into the tensors that it was captured with.
    """
    for optimizer in step.state.optimizers.values():
        for group in optimizer.param_groups:
            group["capturable"] = True
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # what is made at the first use must not be captured
        for _ in range(2 * step.cycle):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    due, rest = capture(step), capture(step)

    def cycle() -> None:
        due.replay()
        for _ in range(step.cycle - 1):
            rest.replay()

    return cycle


def _passes(config: Config, mode: str) -> Config:
    """One backward pass for several players, but where an update is captured."""
    objective = replace(config.objective, one_backward=mode != "CUDA graphs")
    return config.model_copy(update={"objective": objective})


def capture(step: Updates) -> torch.cuda.CUDAGraph:
    """The next update as a graph; capturing counts it, and computes nothing."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph


@dataclass(frozen=True)
class Mode:
    """How updates are run: what :class:`Updates` is given, and how a cycle of them is made."""

    run: Callable[[Updates], Work] = plain
    compiled: bool = False
    channels_last: bool = True


MODES = {
    "eager": Mode(),
    "CUDA graphs": Mode(captured),
    "contiguous": Mode(channels_last=False),
    "compiled": Mode(compiled=True),
}
"""All but ``contiguous`` have channels last, as training has."""

FIRST = ("eager", "CUDA graphs")
"""Modes that every precision has before another one has any."""

TESTS = ("tests/networks", "tests/training/test_loop.py", "tests/training/test_machine.py")


@dataclass
class Report:
    """What was found so far, in a file after each row, until the time is over."""

    out: Path | None
    minutes: float
    results: dict[str, Any] = field(default_factory=dict)
    begin: float = field(default_factory=monotonic)

    def left(self) -> float:
        """Seconds that are left."""
        return 60 * self.minutes - (monotonic() - self.begin)

    def add(
        self, row: dict[str, object], work: Callable[[], dict[str, object]], keep: float = 0.0
    ) -> None:
        """A row with what ``work`` gives, or why it gives nothing; ``keep`` seconds are left."""
        try:
            row |= work() if self.left() > keep else {"error": "no time was left"}
        except Exception as error:  # one mode that fails leaves the others
            row["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
        self.results["rows"].append(row)
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        self.write()

    def write(self) -> None:
        if self.out:
            write_json(self.out, self.results)


def speed(step: Updates, work: Work, least_seconds: float) -> float:
    """Updates a second, the median of five rounds."""
    work()
    synchronize()
    count = max(1, round(least_seconds / seconds(work)))
    times = sorted(seconds(work, count) for _ in range(5))
    return step.cycle * count / times[2]


def measured(
    config: Config, precision: str, mode: str, least_seconds: float, ceiling: float
) -> dict[str, object]:
    """Updates a second, and operations a second of those that an update needs.

    What a mode computes beyond them, as the separate passes of CUDA graphs, does not count.
    """
    mixed, how = PRECISIONS[precision][0], MODES[mode]
    operations = Updates(config, precision=mixed).operations()
    if how.compiled:
        torch._dynamo.reset()  # graphs of the rows before
    step = Updates(_passes(config, mode), 0.5, mixed, how.compiled, how.channels_last)
    updates = speed(step, how.run(step), least_seconds)
    return {
        "updates_per_second": updates,
        "images_per_second": updates * config.batch_size,
        "operations_per_second": updates * operations,
        "share_of_ceiling": updates * operations / ceiling,
    }


def measure(options: argparse.Namespace, report: Report) -> None:
    """All rows, and the ceilings that they are held against."""
    device = torch.accelerator.current_accelerator()
    cuda = device is not None and device.type == "cuda"
    product, copied = (8192, 2**30) if device else (1024, 2**26)
    ceilings: dict[str, float] = {"copy_bytes_per_second": copy_bandwidth(copied)}
    found = {"machine": machine() | {"accelerator": card(device)}, "ceilings": ceilings, "rows": []}
    report.results |= found
    for precision in PRECISIONS:
        if cuda or precision != "TF32":
            allow(precision)
            dtype = PRECISIONS[precision][1]
            ceilings[f"{precision}_operations_per_second"] = matmul_peak(product, dtype=dtype)
    for mode, size, precision in order(options, cuda):
        allow(precision)
        config = sized(SIZES[size], options)
        row = {"images": size, "precision": precision, "mode": mode}
        row |= {"batch_size": config.batch_size}
        ceiling = ceilings[f"{precision}_operations_per_second"]
        work = partial(measured, config, precision, mode, options.seconds, ceiling)
        report.add(row, work, kept_for_later(options))


def order(options: argparse.Namespace, cuda: bool) -> list[tuple[str, str, str]]:
    """Mode, size and precision of all rows, first of those that must not be left out.

    Every precision has its rows at both sizes, eager and as CUDA graphs, before another mode has
    any: what is compiled takes longest, and tells least.
    """
    modes = [mode for mode in MODES if mode in options.modes and (cuda or mode != "CUDA graphs")]
    sizes = [size for size in SIZES if size in options.sizes]
    precisions = [precision for precision in PRECISIONS if cuda or precision != "TF32"]
    early = [mode for mode in modes if mode in FIRST]
    rows = [(mode, size, one) for one in precisions for size in sizes for mode in early]
    late = [mode for mode in modes if mode not in FIRST]
    return rows + [(mode, size, one) for mode in late for one in precisions for size in sizes]


def allow(precision: str) -> None:
    """Let products and convolutions have TF32, or not."""
    tf32 = PRECISIONS[precision][2]
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32


def kept_for_later(options: argparse.Namespace) -> float:
    """Seconds that the parts after the table need."""
    return (1.5 * options.run_seconds if options.data else 0) + (120 if options.tests else 0)


def sized(config: Config, options: argparse.Namespace) -> Config:
    """A preset with the batch that is asked for, or tiny."""
    if options.quick:
        model = replace(config.model, width=2, hidden=(4,))
        config = config.model_copy(update={"model": model, "batch_size": 2})
    return config.model_copy(update={"batch_size": options.batch}) if options.batch else config


def trained(options: argparse.Namespace, report: Report) -> dict[str, object]:
    """The preset ``cifar10`` for about so many seconds, with its evaluation and its page."""
    rates = [
        row["updates_per_second"]
        for row in report.results["rows"]
        if (row["images"], row["precision"], row["mode"]) == ("32×32", "float32", "eager")
        and "error" not in row
    ]
    steps = 20 if options.quick else max(100, round(options.run_seconds * max(rates, default=1)))
    quick = ["--model.width=2", "--model.hidden=4", "--batch-size=4", "--evaluation.samples=20"]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [
            *(sys.executable, "-m", "alpha_bridge", "train", "cifar10", f"--data={options.data}"),
            *(f"--steps={steps}", "--seed=0", f"--out={run}", "--evaluation.features=pixels"),
            *(quick if options.quick else []),
        ]
        begin = monotonic()
        ended(command, report)
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return {"updates": steps, "seconds": monotonic() - begin, "last": json.loads(lines[-1])}


def tested(report: Report) -> dict[str, object]:
    """What pytest says in the end of some tests, on the accelerator."""
    begin = monotonic()
    printed = ended([sys.executable, "-m", "pytest", "-q", *TESTS], report, HERE.parent)
    return {"tests": printed.splitlines()[-1], "seconds": monotonic() - begin}


def ended(command: list[str], report: Report, folder: Path | None = None) -> str:
    """What a command printed; ``RuntimeError`` with its last line if it failed."""
    limit = max(report.left(), 1)
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=folder)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr).strip().splitlines()[-1])
    return done.stdout.strip()


def card(device: torch.device | None) -> str | None:
    """The accelerator's name."""
    if device is None:
        return None
    return torch.cuda.get_device_name() if device.type == "cuda" else device.type


def page(results: dict) -> str:
    """The table that is printed at the end."""
    cells = [
        [
            row["images"],
            row["precision"],
            row["mode"],
            f"{row['updates_per_second']:.3g}",
            f"{row['images_per_second']:,.0f}",
            f"{row['operations_per_second'] / 1e12:.3g}",
            f"{row['share_of_ceiling']:.0%}",
        ]
        for row in results["rows"]
        if "share_of_ceiling" in row
    ]
    head = ["images", "precision", "mode", "updates/s", "images/s", "TFLOP/s", "of the ceiling"]
    ceilings = results["ceilings"]
    known = ", ".join(
        f"{ceilings[f'{precision}_operations_per_second'] / 1e12:.3g} TFLOP/s in {precision}"
        for precision in PRECISIONS
        if f"{precision}_operations_per_second" in ceilings
    )
    copies = f"{ceilings['copy_bytes_per_second'] / 1e9:.0f} GB/s"
    return f"{table(head, cells)}\n\nCeilings: products {known}; copies {copies}."


def main() -> None:
    """Measure what is asked for, print the table, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--batch", type=int, help="samples of an update (the preset's)")
    parser.add_argument("--seconds", type=float, default=1.0, help="least length of a round")
    parser.add_argument("--minutes", type=float, default=12.0, help="of all parts together")
    parser.add_argument("--data", help="CIFAR-10: a folder, or its id on the hub; trains")
    parser.add_argument("--run-seconds", type=float, default=120.0, help="of that training, about")
    parser.add_argument("--tests", action="store_true", help="run tests on the accelerator, too")
    parser.add_argument("--quick", action="store_true", help="tiny networks, to try the script")
    options = parser.parse_args()
    if not torch.accelerator.is_available():
        print("No accelerator was found: these are the processors, without CUDA graphs and TF32.")
    report = Report(options.out, options.minutes)
    measure(options, report)
    print(f"\n{page(report.results)}")
    if options.data:
        report.add({"run": "cifar10"}, lambda: trained(options, report))
    if options.tests:
        report.add({"run": "tests"}, lambda: tested(report))
    report.write()


if __name__ == "__main__":
    main()
