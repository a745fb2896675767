"""An experiment as it is carried out: its runs are trained, kept and written."""

import json
from collections.abc import Callable, Collection, Sequence
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from alpha_bridge.checks import at_least
from alpha_bridge.files import writing
from alpha_bridge.runs.jobs import spread_out
from alpha_bridge.runs.plots import save_figure
from alpha_bridge.runs.plots.records import Array

from .ledger import Ledger
from .plan import Outcome, Plan, Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Study"]


class Study:
    """Trains the plans of an experiment, and writes what it found.

    Attributes:
        folder: Where it writes.
        report: Takes a line for each run that ends.
        samples: What figures show, by name and number of updates.
    """

    def __init__(
        self,
        name: str,
        folder: str | Path,
        report: Callable[[str], None] = lambda _: None,
        jobs: int = 1,
        cluster: str | None = None,
    ) -> None:
        """Open the folder, and go on where an interrupted experiment stood.

        Args:
            name: Of the experiment.
            folder: Where to write ``NAME.json`` and ``NAME.png``; it is made if it is missing.
            report: Takes a line for each run that ends.
            jobs: Runs at a time, each in a process of its own, one or more.
            cluster: Address of a Dask scheduler whose workers train in their place.
        """
        self.name, self.folder, self.report = name, Path(folder), report
        self.jobs, self.cluster = at_least(1, "jobs", jobs), cluster
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(self.folder, name)
        self._since = perf_counter()

    @property
    def samples(self) -> dict[str, dict[int, Array]]:
        return self.ledger.samples

    def train(self, plans: Sequence[Plan]) -> list[Record]:
        """Train what is planned, but for what has been trained before.

        Args:
            plans: The runs.

        Returns:
            The labels and the record of each.
        """
        ledger, number = self.ledger, count(1)
        keyed = [(plan.key, plan) for plan in plans]

        def report(ended: Collection[str]) -> None:
            for key, plan in keyed:
                if key in ended:
                    labels = [str(value) for value in plan.labels.values()]
                    described = plan.describe(ledger.records[key])
                    self.report("  ".join([f"{next(number)}/{len(plans)}", *labels, described]))

        report(ledger.records)
        new = {key: plan for key, plan in keyed if key not in ledger.records}
        for key, outcome in spread_out(_train, new, self.jobs, self.cluster):
            ledger.add(new[key], outcome)
            report({key})
        names = [plan.picture for plan in plans if plan.picture is not None]
        ledger.samples = dict(sorted(ledger.samples.items(), key=lambda of: _place(of[0], names)))
        return [{**plan.labels, **ledger.records[key]} for key, plan in keyed]

    def publish(self, record: Record, figure: "Figure") -> None:
        """Write the record and its picture, and take away the ledger that led to it.

        The record gets ``jobs``, and ``elapsed``: seconds of the whole experiment, None if it was
        interrupted on the way.
        """
        elapsed = None if self.ledger.resumed else round(perf_counter() - self._since, 1)
        record |= {"jobs": self.jobs, "elapsed": elapsed}
        lines = ",\n".join(f" {_text(key)}: {_value(value)}" for key, value in record.items())
        with writing(self.folder / f"{self.name}.json") as file:
            file.write(f"{{\n{lines}\n}}\n".encode())
        save_figure(figure, self.folder / f"{self.name}.png")
        self.ledger.close()


def _train(plan: Plan) -> Outcome:
    return plan()


def _place(name: str, pictures: Sequence[str]) -> int:
    """Where a run stands among those whose samples are kept, whichever of them ended first."""
    own = [n for n, picture in enumerate(pictures) if f"{name}/".startswith(f"{picture}/")]
    return own[0] if own else len(pictures)


def _value(value: object) -> str:
    """JSON with a line for each element of a list."""
    if not isinstance(value, list) or not value:
        return _text(value)
    return "[\n" + ",\n".join(f"  {_text(item)}" for item in value) + "\n ]"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
