"""What 8 and 64 GPUs may reach: arithmetic from counts, parts of an update, and assumed links.

The tables stand in ``docs/distributed.md``; ``scaling.py`` writes them. The parts of an update are
seconds of the processor that it has used, which hardly depend on what else the machine does.
"""

import math
from statistics import median
from time import process_time
from typing import Any

from measure import HERE, put, table
from updates import CELEBA, Updates

from alpha_bridge.model import NETWORKS
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.training.update import completed

PAGE = HERE.parent / "docs" / "distributed.md"
BYTES = 4
"""Of a parameter's gradient."""

LINKS = {8: (300e9, 20e-6), 64: (25e9, 50e-6)}
"""Assumed for a ring of so many GPUs: bytes a second, and seconds of each hop."""

SUSTAINED = (10e12, 40e12)
"""Assumed of one GPU: operations a second, in plain float32 and in well fed bfloat16."""

GOAL = 0.1
"""Part of an update that the exchange may add to it."""

STEPS = {"I": 0.0, "II": 0.5, "III": 1.0}
"""α at which the steps of Algorithm 1 are measured."""


def parameters(config: Config) -> dict[str, int]:
    """Number of trained parameters of each network."""
    model = build_model(config)
    return {
        network: sum(parameter.numel() for parameter in model.network_parameters(network))
        for network in NETWORKS
    }


# Parts of an update


def parts_of_steps(
    config: Config = CELEBA, batch: int = 8, cycles: int = 5
) -> dict[str, dict[str, float]]:
    """:func:`parts_left` of each step of Algorithm 1."""
    small = config.model_copy(update={"batch_size": batch})
    return {step: parts_left(Updates(small, alpha), cycles) for step, alpha in STEPS.items()}


def parts_left(updates: Updates, cycles: int) -> dict[str, float]:
    """Part of an update that backward passes still take when a network's gradients are complete.

    Of a cycle of the penalty, whose every update is the median one over some cycles, after one
    that does not count.
    """
    moments: dict[str, float] = {}
    hooks = [
        parameter.register_post_accumulate_grad_hook(
            lambda _, network=network: moments.update({network: process_time()})
        )
        for network in NETWORKS
        for parameter in updates.state.parameters(network)
    ]
    measured = []
    for _ in range(updates.cycle * (cycles + 1)):
        begin = process_time()
        updates()
        end, last = process_time(), max(moments.values())
        measured.append([end - begin, *(last - moments[network] for network in NETWORKS)])
    for hook in hooks:
        hook.remove()
    whole, *left = (
        sum(median(values[place :: updates.cycle]) for place in range(updates.cycle))
        for values in zip(*measured[updates.cycle :], strict=True)
    )
    return {network: seconds / whole for network, seconds in zip(NETWORKS, left, strict=True)}


def table_of_parts(parts: dict[str, dict[str, float]]) -> str:
    """What remains of an update for each exchange to hide behind."""
    return table(
        ["step", *NETWORKS],
        [[step, *(f"{left[network]:.0%}" for network in NETWORKS)] for step, left in parts.items()],
    )


# The exchange


def ring(size: float, n: int) -> tuple[float, float]:
    """Seconds of a ring all-reduce of ``size`` bytes among ``n``: for the bytes, for the hops."""
    bandwidth, latency = LINKS[n]
    return 2 * (n - 1) / n * size / bandwidth, 2 * (n - 1) * latency


def shortest_update(exchanges: list[float], left: list[float]) -> float:
    """Seconds of the shortest update to which exchanges add no more than :data:`GOAL` of it.

    They follow each other: from the moment when part ``left[k]`` of the update is left of backward
    passes, exchange k and all after it must end within that part and the goal.
    """
    return max(sum(exchanges[k:]) / (GOAL + part) for k, part in enumerate(left))


def table_of_bytes(counts: dict[str, int]) -> str:
    """Gradients of one update."""
    rows = {**counts, "all": sum(counts.values())}
    return table(
        ["network", "parameters", "MB of gradients"],
        [[network, f"{n:,}", f"{BYTES * n / 1e6:.1f}"] for network, n in rows.items()],
    )


def table_of_plan(
    counts: dict[str, int], parts: dict[str, dict[str, float]], operations: float
) -> str:
    """The exchange of gradients, and what each GPU must have to do beside it."""
    rows = []
    for n, (bandwidth, latency) in LINKS.items():
        each = {network: ring(BYTES * counts[network], n) for network in NETWORKS}
        bytes_part, hops_part = (sum(part) for part in zip(*each.values(), strict=True))
        update = max(
            shortest_update(
                [sum(each[network]) for network in completed(alpha)],
                [parts[step][network] for network in completed(alpha)],
            )
            for step, alpha in STEPS.items()
        )
        after = sum(ring(BYTES * sum(counts.values()), n)) / GOAL
        rows.append(
            [
                str(n),
                f"{bandwidth / 1e9:.0f} GB/s, {1e6 * latency:.0f} µs",
                f"{1e3 * bytes_part:.2f} + {1e3 * hops_part:.2f} = "
                f"{1e3 * (bytes_part + hops_part):.2f}",
                f"{1e3 * update:.1f}",
                f"{1e3 * after:.1f}",
                *(in_all(n, rate * update / operations) for rate in SUSTAINED),
                f"{1e3 * ring(0, n)[1]:.2f}",
            ]
        )
    head = ["GPUs", "link", "three exchanges (ms)", "update from (ms)"]
    head += [
        "if one exchange after the passes",
        *(f"batch of a GPU at {r / 1e12:.0f} TFLOP/s" for r in SUSTAINED),
    ]
    return (
        f"{table([*head, 'agreement (ms)'], rows)}\n\n"
        f"An update takes {operations / 1e9:.2f} GFLOP for each sample, counted in the preset's "
        "products and convolutions, its penalty included."
    )


def in_all(n: int, batch: float) -> str:
    """The batch of one GPU and that of all."""
    return f"{math.ceil(batch):,} ({n * math.ceil(batch):,} in all)"


def write_plan(found: dict[str, Any]) -> None:
    """Write the tables, with the ``parts`` of the record of :mod:`scaling`."""
    counts = parameters(CELEBA)
    few = Updates(CELEBA.model_copy(update={"batch_size": 4}))
    put(PAGE, "bytes", table_of_bytes(counts))
    put(PAGE, "parts", table_of_parts(found["parts"]))
    operations = few.operations() / few.images
    put(PAGE, "plan", table_of_plan(counts, found["parts"], operations))
