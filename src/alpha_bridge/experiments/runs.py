"""The runs of an experiment, each written as it ends, so that an interrupted one can go on."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import Config
from .curves import follow
from .scores import in_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Plan", "Tell", "carry_out", "conduct", "publish", "silent"]

Record = dict[str, Any]
Tell = Callable[[str], None]


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


def carry_out(plans: Sequence[Plan], ledger: Path, tell: Tell = silent) -> list[Record]:
    """Train what is planned, but for what the ledger has already.

    Args:
        plans: The runs.
        ledger: A file with a line for each run that has ended; it is made if it is missing.
        tell: Told in one line of each run that ends.

    Returns:
        For each plan its labels and what :func:`alpha_bridge.experiments.curves.follow` gives.
    """
    known = {_text(line["key"]): line["found"] for line in _lines(ledger)}
    runs = []
    for done, plan in enumerate(plans, 1):
        key = _text(plan.key)
        if key not in known:
            known[key] = follow(plan.config, plan.updates, plan.shown)
            with ledger.open("a", encoding="utf-8") as file:
                file.write(_text({"key": plan.key, "found": known[key]}) + "\n")
        runs.append({**plan.labels, **known[key]})
        named = "  ".join(str(value) for value in plan.labels.values())
        tell(f"{done}/{len(plans)}  {named}  {in_words(runs[-1])}")
    return runs


def conduct(
    name: str,
    folder: str | Path,
    measure: Callable[[Path], Record],
    draw: Callable[[Record], "Figure"],
) -> Record:
    """Measure an experiment, go on where an interrupted one stood, and write what was found.

    Args:
        name: Of the experiment.
        folder: Where to write ``NAME.json`` and ``NAME.png``; it is made if it is missing.
        measure: From the ledger to the record.
        draw: From the record to the picture.

    Returns:
        The record.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    record = measure(ledger_of(folder, name))
    publish(folder, name, record, draw(record))
    return record


def publish(folder: Path, name: str, record: Record, figure: "Figure") -> None:
    """Write an experiment's record and picture, and take away the ledger that led to it.

    Args:
        folder: Where to write.
        name: Of the experiment.
        record: Its numbers: lists have a line for each element.
        figure: Its picture.
    """
    lines = ",\n".join(f" {_text(key)}: {_value(value)}" for key, value in record.items())
    (folder / f"{name}.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    figure.savefig(folder / f"{name}.png", dpi=150)
    ledger_of(folder, name).unlink(missing_ok=True)


def ledger_of(folder: Path, name: str) -> Path:
    """The file of the runs of an experiment that has not ended."""
    return folder / f"{name}.partial.jsonl"


def _lines(ledger: Path) -> list[Record]:
    """What a ledger holds; a last line that was cut short is taken away."""
    if not ledger.exists():
        return []
    whole = [line for line in ledger.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"]
    ledger.write_bytes(b"".join(whole))
    return [json.loads(line) for line in whole]


def _value(value: object) -> str:
    if not isinstance(value, list) or not value:
        return _text(value)
    return "[\n" + ",\n".join(f"  {_text(item)}" for item in value) + "\n ]"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
