"""What several processes gain, and what 8 and 64 GPUs may: the tables of ``docs/distributed.md``.

    python benchmarks/scaling.py

measures one process against two, of one thread each, on the preset ``mnist`` at α = .5, and
writes ``benchmarks/scaling.json`` and the page. Both processes start once and take turns: they
train together, then the first one alone while the second sleeps, and so on. ``--page`` writes the
page from the results that are there.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import torch
from measure import HERE, machine, put, seconds, table, write_json
from updates import CELEBA, MNIST, Updates

from alpha_bridge.model import NETWORKS
from alpha_bridge.path import constant
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.recipe.slots import REGULARIZERS
from alpha_bridge.training import Callback, Event, available_accelerator, fit
from alpha_bridge.training.processes import agreement

RESULTS = HERE / "scaling.json"
PAGE = HERE.parent / "docs" / "distributed.md"
BYTES = 4
"""Of a parameter's gradient."""

LINKS = {8: (300e9, 20e-6), 64: (25e9, 50e-6)}
"""Assumed for a ring of so many GPUs: bytes a second, and seconds of each hop."""

SUSTAINED = (10e12, 40e12)
"""Assumed of one GPU: operations a second, in plain float32 and in well fed bfloat16."""

GOAL = 0.1
"""Share of an update that the exchange may take."""


# One process against two


class Clock(Callback):
    """When each update was done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def after(self, event: Event) -> None:  # noqa: ARG002
        self.times.append(perf_counter())


def update_seconds(batch: int, count: int, accelerator: Any) -> float:
    """Seconds of an update on noise, in whole cycles of the lazy penalty; the first is left out."""
    clock, cycle = Clock(), MNIST.regularizer.every
    assert MNIST.event_shape is not None
    fit(
        build_model(MNIST),
        torch.rand(max(batch, 512), *MNIST.event_shape) * 2 - 1,
        constant(0.5, cycle * (count + 1)),
        regularizer=REGULARIZERS[MNIST.regularizer.kind](MNIST.regularizer),
        batch_size=batch,
        callbacks=[clock],
        accelerator=accelerator,
    )
    return (clock.times[-1] - clock.times[cycle - 1]) / (cycle * count)


def launch(options: list[str]) -> None:
    """Start the two processes and wait for their end."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*launcher, __file__, *options], env=environment, check=True)


def measure(batches: list[int], rounds: int, count: int, out: Path) -> None:
    """What each of the two processes does."""
    both = available_accelerator()
    alone = SimpleNamespace(
        num_processes=1, process_index=0, device=both.device, autocast=nullcontext
    )
    first = both.is_main_process
    found: list[dict[str, float]] = []
    with agreement(both) as wait:
        for batch in batches:
            one, two = [], []
            for _ in range(rounds):
                wait(False)
                two.append(update_seconds(batch, count, both))
                one.append(update_seconds(batch, count, alone) if first else 1.0)
            found.append({"batch": batch, **compared(one, two)})
        flat = torch.zeros(sum(parameters(MNIST).values()))
        wait(False)
        exchange = median(seconds(lambda: both.reduce(flat, "mean")) for _ in range(20))
        agreed = median(seconds(lambda: wait(False)) for _ in range(20))
    if first:
        costs = {"bytes": BYTES * flat.numel(), "exchange": exchange, "agreement": agreed}
        rows = {"machine": machine(), "rounds": rounds, "updates": MNIST.regularizer.every * count}
        write_json(out, {**rows, "batches": found, "costs": costs})
    both.end_training()


def compared(one: list[float], two: list[float]) -> dict[str, float]:
    """Seconds of an update in one and in two processes, and what the second one gains."""
    gains = [alone / shared for alone, shared in zip(one, two, strict=True)]
    return {
        "one_seconds": median(one),
        "two_seconds": median(two),
        "gain": median(gains),
        "lowest_gain": min(gains),
        "highest_gain": max(gains),
    }


def table_of_gains(found: dict[str, Any]) -> str:
    """One process against two, and what of an update is talk."""
    rows = [
        [
            str(row["batch"]),
            f"{1e3 * row['one_seconds']:.1f}",
            f"{1e3 * row['two_seconds']:.1f}",
            f"{row['gain']:.2f}",
            f"{row['lowest_gain']:.2f} to {row['highest_gain']:.2f}",
            f"{row['gain'] / 2:.0%}",
        ]
        for row in found["batches"]
    ]
    head = ["global batch", "one process (ms)", "two (ms)", "gain", "over rounds", "efficiency"]
    costs, where = found["costs"], found["machine"]
    return (
        f"{table(head, rows)}\n\n"
        f"Medians of {found['rounds']} rounds of {found['updates']} updates; "
        f"{where['processor']}, {where['cores']} cores, torch {where['torch']}. By themselves, the "
        f"exchange of {costs['bytes'] / 1e6:.2f} MB of gradients takes "
        f"{1e3 * costs['exchange']:.2f} ms and the agreement {1e3 * costs['agreement']:.2f} ms."
    )


# The plan


def parameters(config: Config) -> dict[str, int]:
    """Number of trained parameters of each player."""
    model = build_model(config)
    return {
        player: sum(parameter.numel() for parameter in model.network_parameters(player))
        for player in NETWORKS
    }


def ring(size: int, n: int) -> tuple[float, float]:
    """Seconds of a ring all-reduce of ``size`` bytes among ``n``: for the bytes, for the hops."""
    bandwidth, latency = LINKS[n]
    return 2 * (n - 1) / n * size / bandwidth, 2 * (n - 1) * latency


def table_of_bytes(counts: dict[str, int]) -> str:
    """Gradients of one update."""
    rows = {**counts, "all": sum(counts.values())}
    return table(
        ["player", "parameters", "MB of gradients"],
        [[player, f"{n:,}", f"{BYTES * n / 1e6:.1f}"] for player, n in rows.items()],
    )


def table_of_plan(size: int, operations: float) -> str:
    """The exchange of ``size`` bytes, and what each GPU must have to do beside it."""
    rows = []
    for n, (bandwidth, latency) in LINKS.items():
        bytes_part, hops_part = ring(size, n)
        exchange = bytes_part + hops_part
        update = exchange / GOAL
        rows.append(
            [
                str(n),
                f"{bandwidth / 1e9:.0f} GB/s, {1e6 * latency:.0f} µs",
                f"{1e3 * bytes_part:.2f} + {1e3 * hops_part:.2f} = {1e3 * exchange:.2f}",
                f"{1e3 * update:.1f}",
                *(in_all(n, rate * update / operations) for rate in SUSTAINED),
                f"{1e3 * hops_part:.2f}",
            ]
        )
    head = ["GPUs", "link", "exchange (ms)", "update from (ms)"]
    head += [f"batch of a GPU at {rate / 1e12:.0f} TFLOP/s" for rate in SUSTAINED]
    return (
        f"{table([*head, 'agreement (ms)'], rows)}\n\n"
        f"An update takes {operations / 1e9:.2f} GFLOP for each sample, counted in the preset's "
        "products and convolutions, its penalty included."
    )


def in_all(n: int, batch: float) -> str:
    """The batch of one GPU and that of all."""
    return f"{math.ceil(batch):,} ({n * math.ceil(batch):,} in all)"


def write_page() -> None:
    """Write the tables; that of the gains only where they have been measured."""
    counts = parameters(CELEBA)
    size = BYTES * sum(counts.values())
    few = Updates(CELEBA.model_copy(update={"batch_size": 4}))
    put(PAGE, "bytes", table_of_bytes(counts))
    put(PAGE, "plan", table_of_plan(size, few.operations() / few.images))
    if RESULTS.is_file():
        put(PAGE, "gains", table_of_gains(json.loads(RESULTS.read_text(encoding="utf-8"))))


def main() -> None:
    """Measure in two processes, and write the results and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cycles", type=int, default=10, help="cycles of the penalty in a round")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--page", action="store_true", help="write the page and measure nothing")
    options = parser.parse_args()
    if "RANK" in os.environ:
        measure(options.batches, options.rounds, options.cycles, options.out)
        return
    if not options.page:
        launch(sys.argv[1:])
    write_page()


if __name__ == "__main__":
    main()
