"""Speed of one update of Step II on the accelerator that is there, beside the card's ceilings.

    python benchmarks/gpu.py --out gpu.json

Models and batch are those of the presets ``cifar10`` (32×32) and ``celeba`` (64×64), α = .5, R1 at
every fourth update; nothing is loaded. float32 is full precision everywhere; TF32 is used
everywhere where it is named, while torch's default is to use it in convolutions alone. The
ceilings are measured here: products of large matrices in that precision, and copies.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from measure import (
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

SIZES = {"32×32": CIFAR10, "64×64": CELEBA}
PRECISIONS = {
    "float32": ("no", torch.float32, False),
    "TF32": ("no", torch.float32, True),
    "bfloat16": ("bf16", torch.bfloat16, False),
}
"""accelerate's mixed precision, the type of the products' factors, whether TF32 is allowed."""


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


MODES: dict[str, tuple[bool, Callable[[Updates], Work]]] = {
    "eager": (False, plain),
    "compiled": (True, plain),
    "CUDA graphs": (False, captured),
}
"""Whether the networks are compiled, and how a cycle of updates is run."""


def speed(step: Updates, work: Work, least_seconds: float) -> float:
    """Updates a second, the median of five rounds."""
    work()
    synchronize()
    count = max(1, round(least_seconds / seconds(work)))
    times = sorted(seconds(work, count) for _ in range(5))
    return step.cycle * count / times[2]


def measure(modes: list[str], sizes: list[str], batch: int | None, least_seconds: float) -> dict:
    """All rows, and the ceilings that they are held against."""
    device = torch.accelerator.current_accelerator()
    cuda = device is not None and device.type == "cuda"
    product, copied = (8192, 2**30) if device else (1024, 2**26)
    ceilings: dict[str, float] = {"copy_bytes_per_second": copy_bandwidth(copied)}
    rows = []
    for precision, (mixed, dtype, tf32) in PRECISIONS.items():
        if tf32 and not cuda:
            continue
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
        ceiling = ceilings[f"{precision}_operations_per_second"] = matmul_peak(product, dtype=dtype)
        for size in sizes:
            config = SIZES[size]
            if batch:
                config = config.model_copy(update={"batch_size": batch})
            for mode in modes:
                compiled, run = MODES[mode]
                if mode == "CUDA graphs" and not cuda:
                    continue
                passes = _passes(config, mode)
                operations = Updates(passes, precision=mixed).operations()
                step = Updates(passes, precision=mixed, compiled=compiled)
                updates = speed(step, run(step), least_seconds)
                row = {
                    "images": size,
                    "precision": precision,
                    "mode": mode,
                    "batch_size": config.batch_size,
                    "updates_per_second": updates,
                    "images_per_second": updates * config.batch_size,
                    "operations_per_second": updates * operations,
                    "share_of_ceiling": updates * operations / ceiling,
                }
                rows.append(row)
                print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    return {
        "machine": machine() | {"accelerator": card(device)},
        "ceilings": ceilings,
        "rows": rows,
    }


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
    options = parser.parse_args()
    if not torch.accelerator.is_available():
        print("No accelerator was found: these are the processors, without CUDA graphs and TF32.")
    results = measure(options.modes, options.sizes, options.batch, options.seconds)
    print(f"\n{page(results)}")
    if options.out:
        write_json(options.out, results)


if __name__ == "__main__":
    main()
