"""What a second process gains: the tables of ``docs/distributed.md``.

    python benchmarks/scaling.py

measures one process against two, of one thread each, on the networks of the preset ``mnist`` at
α = .5, and writes ``benchmarks/scaling.json`` and the page. Both processes start once and take
turns: they train together, then so that gradients are exchanged after the backward passes, then the
first one alone while the second sleeps, and so on. One of the batches is found here: that at which
the exchange by itself is a tenth of an update. ``--quick`` tries everything on tiny networks and
writes nothing but ``--out``; ``--page`` writes the page from the results that are there.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from measure import HERE, machine, put, seconds, table, write_json
from plan import BYTES, CELEBA, GOAL, PAGE, parameters, parts_of_steps, write_plan
from torch.nn import Parameter
from updates import MNIST

from alpha_bridge.path import constant
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.recipe.slots import REGULARIZERS
from alpha_bridge.training import Callback, Event, available_accelerator, fit
from alpha_bridge.training.exchange import Exchange
from alpha_bridge.training.processes import agreement, of_main_process

RESULTS = HERE / "scaling.json"
SHARES = (32, 128)
"""Samples of a process at which an update is timed, to find the batch of a given exchange."""

LARGEST = 2048
"""No batch that is found is larger."""


class Clock(Callback):
    """When each update was done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def after(self, event: Event) -> None:  # noqa: ARG002
        self.times.append(perf_counter())


class AfterPasses(Exchange):
    """All gradients at once, after the last backward pass."""

    def __init__(self, parts: Iterable[list[Parameter]], accelerator: Any) -> None:
        super().__init__([list(chain.from_iterable(parts))], accelerator)

    def during(self, parameters: list[Parameter]) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()


def update_seconds(config: Config, batch: int, count: int, accelerator: Any) -> float:
    """Seconds of an update on noise, in whole cycles of the lazy penalty; the first is left out."""
    clock, cycle = Clock(), config.regularizer.every
    assert config.event_shape is not None
    fit(
        build_model(config),
        torch.rand(max(batch, 512), *config.event_shape) * 2 - 1,
        constant(0.5, cycle * (count + 1)),
        regularizer=REGULARIZERS[config.regularizer.kind](config.regularizer),
        batch_size=batch,
        callbacks=[clock],
        progress=False,
        accelerator=accelerator,
    )
    return (clock.times[-1] - clock.times[cycle - 1]) / (cycle * count)


def quick(config: Config) -> Config:
    """The same with tiny networks."""
    return config.model_copy(update={"model": replace(config.model, width=2, hidden=(4,))})


def launch(options: list[str]) -> None:
    """Start the two processes and wait for their end."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*launcher, __file__, *options], env=environment, check=True)


def measure(config: Config, batches: list[int], rounds: int, count: int, out: Path) -> None:
    """What each of the two processes does."""
    both = available_accelerator()
    alone = SimpleNamespace(
        num_processes=1,
        mixed_precision="no",
        process_index=0,
        is_main_process=True,
        device=both.device,
        autocast=nullcontext,
    )
    first = both.is_main_process

    def single(batch: int) -> float:
        return update_seconds(config, batch, count, alone) if first else 1.0

    with agreement(both) as wait:
        flat = torch.zeros(sum(parameters(config).values()))
        exchange = median(seconds(lambda: both.reduce(flat, "mean")) for _ in range(20))
        agreed = median(seconds(lambda: wait(False)) for _ in range(20))
        shares = {share: median(single(share) for _ in range(rounds)) for share in SHARES}
        wait(False)
        exchange, shares = of_main_process((exchange, shares), both)
        found = []
        for batch in sorted({*batches, batch_of_goal(exchange, shares)}):
            one, two, after = [], [], []
            for _ in range(rounds):
                wait(False)
                two.append(update_seconds(config, batch, count, both))
                with patch("alpha_bridge.training.update.Exchange", AfterPasses):
                    after.append(update_seconds(config, batch, count, both))
                one.append(single(batch))
            part = exchange_part(exchange, shares, batch)
            found.append({"batch": batch, "exchange_part": part, **compared(one, two, after)})
        wait(False)
    if first:
        costs = {"bytes": BYTES * flat.numel(), "exchange": exchange, "agreement": agreed}
        rows = {"machine": machine(), "rounds": rounds, "updates": config.regularizer.every * count}
        write_json(out, {**rows, "batches": found, "costs": costs})
    both.end_training()


# The batch at which the exchange is a tenth


def line(shares: dict[int, float]) -> tuple[float, float]:
    """What an update takes without samples, and for each: seconds grow along a line."""
    (small, least), *_, (large, most) = sorted(shares.items())
    each = max((most - least) / (large - small), 1e-9)
    return least - each * small, each


def batch_of_goal(exchange: float, shares: dict[int, float]) -> int:
    """The batch of two processes at which an exchange takes :data:`GOAL` of the update.

    Of the update of a share and the exchange after it, as if neither hid the other.
    """
    fixed, each = line(shares)
    share = round((exchange * (1 / GOAL - 1) - fixed) / each)
    return min(max(2 * share, 2), LARGEST)


def exchange_part(exchange: float, shares: dict[int, float], batch: int) -> float:
    """Part of an update of two processes that an exchange after it would take."""
    fixed, each = line(shares)
    return exchange / (exchange + fixed + each * batch / 2)


# Results


def compared(one: list[float], two: list[float], after: list[float]) -> dict[str, float]:
    """Seconds of an update in one and in two processes, and what the second one gains.

    ``after`` are those of two processes that exchange gradients after the backward passes.
    """
    gains = [alone / shared for alone, shared in zip(one, two, strict=True)]
    return {
        "one_seconds": median(one),
        "two_seconds": median(two),
        "after_seconds": median(after),
        "gain": median(gains),
        "lowest_gain": min(gains),
        "highest_gain": max(gains),
        "gain_after": median(alone / late for alone, late in zip(one, after, strict=True)),
    }


def table_of_gains(found: dict[str, Any]) -> str:
    """One process against two, and how much of an update the exchange is."""
    rows = [
        [
            str(row["batch"]),
            f"{row['exchange_part']:.0%}",
            f"{1e3 * row['one_seconds']:.1f}",
            f"{1e3 * row['two_seconds']:.1f}",
            f"{row['gain']:.2f}",
            f"{row['lowest_gain']:.2f} to {row['highest_gain']:.2f}",
            f"{row['gain_after']:.2f}",
        ]
        for row in found["batches"]
    ]
    head = ["global batch", "exchange", "one process (ms)", "two (ms)", "gain", "over rounds"]
    costs, where = found["costs"], found["machine"]
    return (
        f"{table([*head, 'gain if after the passes'], rows)}\n\n"
        f"Medians of {found['rounds']} rounds of {found['updates']} updates; "
        f"{where['processor']}, {where['cores']} cores, torch {where['torch']}. By themselves, the "
        f"exchange of {costs['bytes'] / 1e6:.2f} MB of gradients takes "
        f"{1e3 * costs['exchange']:.2f} ms and the agreement {1e3 * costs['agreement']:.2f} ms."
    )


def write_page() -> None:
    """Write the tables from the results."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    put(PAGE, "gains", table_of_gains(found))
    write_plan(found)


def main() -> None:
    """Measure in two processes, and write the results and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cycles", type=int, default=10, help="cycles of the penalty in a round")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--page", action="store_true", help="write the page and measure nothing")
    parser.add_argument("--quick", action="store_true", help="tiny networks, one round, no page")
    options = parser.parse_args()
    if options.quick:
        options.batches, options.rounds, options.cycles = [8], 1, 1
        if options.out == RESULTS:
            parser.error("--quick is no record: say --out FILE")
    config, large = (quick(c) if options.quick else c for c in (MNIST, CELEBA))
    if "RANK" in os.environ:
        measure(config, options.batches, options.rounds, options.cycles, options.out)
        return
    if not options.page:
        launch(sys.argv[1:])
        found = json.loads(options.out.read_text(encoding="utf-8"))
        write_json(options.out, {**found, "parts": parts_of_steps(large)})
    if options.out == RESULTS:
        write_page()


if __name__ == "__main__":
    main()
