"""The runs of an experiment, each written as it ends, so that an interrupted one can go on."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from alpha_bridge.checks import at_least
from alpha_bridge.files import explained, writing
from alpha_bridge.recipe import Config
from alpha_bridge.runs.plots import save_figure

from .curves import follow
from .scores import in_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Plan", "Tell", "Train", "carry_out", "conduct", "publish", "silent", "spread_out"]

Record = dict[str, Any]
Tell = Callable[[str], None]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Plan:
    """One run that an experiment asks for.

    Attributes:
        labels: What tells it from the experiment's other runs, such as the method.
        config: What is trained.
        updates: Numbers of updates done at which it is measured.
        shown: Numbers of updates done at which samples are kept.
    """

    labels: Mapping[str, Any]
    config: Config
    updates: Sequence[int]
    shown: Sequence[int] = field(default=())

    @property
    def key(self) -> Record:
        """All that its numbers depend on."""
        config = self.config.model_dump(mode="json")
        return {"updates": [*self.updates], "shown": [*self.shown], "config": config}


def carry_out(
    plans: Sequence[Plan], ledger: Path, tell: Tell = silent, jobs: int = 1
) -> list[Record]:
    """Train what is planned, but for what the ledger has already.

    Args:
        plans: The runs.
        ledger: A file with a line for each run that has ended; it is made if it is missing.
        tell: Told in one line of each run that ends.
        jobs: Runs that are trained at a time, each by a process of its own, one or more.

    Returns:
        For each plan its labels and what :func:`experiments.curves.follow` gives.
    """
    known = {_text(line["key"]): line["found"] for line in _lines(ledger)}
    keyed = [(_text(plan.key), plan) for plan in plans]
    new = {key: plan for key, plan in keyed if key not in known}
    told = count(1)

    def report(ended: Collection[str]) -> None:
        for key, plan in keyed:
            if key in ended:
                named = "  ".join(str(value) for value in plan.labels.values())
                tell(f"{next(told)}/{len(plans)}  {named}  {in_words(known[key])}")

    report(known)
    for key, found in spread_out(_follow, new, jobs):
        known[key] = found
        with explained(ledger), ledger.open("a", encoding="utf-8") as file:
            file.write(_text({"key": new[key].key, "found": found}) + "\n")
        report({key})
    return [{**plan.labels, **known[key]} for key, plan in keyed]


def spread_out(
    work: Callable[[_Item], _Result], items: Mapping[str, _Item], jobs: int
) -> Iterator[tuple[str, _Result]]:
    """Do the same work on each item; with several jobs they share the processor's cores.

    Args:
        work: What is done; with several jobs it goes to other processes, so that it must be a
            function of a module, or such a one with arguments filled in.
        items: What it is done on, by name.
        jobs: Items at a time, each in a process of its own, one or more.

    Yields:
        Name and result of each item as it ends.

    Raises:
        BaseException: What the work raised; items that have not begun are left.
    """
    if jobs == 1:
        yield from ((name, work(item)) for name, item in items.items())
        return
    threads = max(1, torch.get_num_threads() // jobs)
    # spawned: a fork would take over the state of torch's threads
    with ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(threads,)
    ) as pool:
        futures = {pool.submit(work, item): name for name, item in items.items()}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _follow(plan: Plan) -> Record:
    return follow(plan.config, plan.updates, plan.shown)


Train = Callable[[Sequence[Plan]], list[Record]]
"""What an experiment trains its plans with."""


def conduct(
    name: str,
    folder: str | Path,
    measure: Callable[[Train], Record],
    draw: Callable[[Record], "Figure"],
    tell: Tell = silent,
    jobs: int = 1,
) -> Record:
    """Measure an experiment, go on where an interrupted one stood, and write what was found.

    Args:
        name: Of the experiment.
        folder: Where to write ``NAME.json`` and ``NAME.png``; it is made if it is missing.
        measure: From what trains to the record.
        draw: From the record to the picture.
        tell: Told in one line of each run that ends.
        jobs: Runs that are trained at a time, each by a process of its own, one or more.

    Returns:
        The record, with ``jobs``, and ``elapsed``: seconds that the whole experiment took, or None
        if it was interrupted on the way.

    Raises:
        ValueError: ``jobs`` is below one.
    """
    at_least(1, "jobs", jobs)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ledger = ledger_of(folder, name)
    interrupted, since = ledger.exists(), perf_counter()
    record = measure(lambda plans: carry_out(plans, ledger, tell, jobs))
    record["jobs"] = jobs
    record["elapsed"] = None if interrupted else round(perf_counter() - since, 1)
    return publish(name, folder, record, draw)


def publish(
    name: str, folder: str | Path, record: Record, draw: Callable[[Record], "Figure"]
) -> Record:
    """Write an experiment's record and picture, and take away the ledger that led to it.

    Args:
        name: Of the experiment.
        folder: Where to write ``NAME.json`` and ``NAME.png``; it is made if it is missing.
        record: Its numbers: lists have a line for each element.
        draw: From the record to the picture.

    Returns:
        The record.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f" {_text(key)}: {_value(value)}" for key, value in record.items())
    with writing(folder / f"{name}.json") as file:
        file.write(f"{{\n{lines}\n}}\n".encode())
    save_figure(draw(record), folder / f"{name}.png")
    ledger_of(folder, name).unlink(missing_ok=True)
    return record


def ledger_of(folder: Path, name: str) -> Path:
    """The file of the runs of an experiment that has not ended."""
    return folder / f"{name}.partial.jsonl"


def _lines(ledger: Path) -> list[Record]:
    """What a ledger holds; a last line that was cut short is taken away."""
    if not ledger.exists():
        return []
    whole = [line for line in ledger.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"]
    with writing(ledger) as file:
        file.writelines(whole)
    return [json.loads(line) for line in whole]


def _value(value: object) -> str:
    if not isinstance(value, list) or not value:
        return _text(value)
    return "[\n" + ",\n".join(f"  {_text(item)}" for item in value) + "\n ]"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
