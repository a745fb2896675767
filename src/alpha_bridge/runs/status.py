"""How a run stands, read from its folder without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Literal

from ..files.lock import is_locked
from ..files.manifest import require_readable
from ..files.run_folder import is_run
from ..metrics.definition import METRICS, metrics_of
from .best import scores_of
from .folder import Run
from .record_lines import Record

State = Literal["training", "finished", "stopped", "damaged"]


@dataclass(frozen=True)
class Progression:
    """A metric of a run by its full name: the last value, the best one, and the update of that."""

    metric: str
    last: float
    best: float
    best_step: int


@dataclass(frozen=True)
class RunStatus:
    """A run at a glance.

    Attributes:
        folder: Of the run.
        state: A process trains it, it has a checkpoint of all updates, or only of fewer; or what is
            there cannot be read. Sums of checkpoints are not looked at, since that reads every
            byte.
        data: What it trains on, ``None`` where that is not known.
        method: How.
        step: Updates that are recorded.
        saved: Updates of the last checkpoint, 0 without one.
        steps: Updates in all.
        metric: The one that ``--best`` names, or the first that is measured.
        damage: What cannot be read.
        command: What goes on with it.
    """

    folder: Path
    state: State
    data: str | None = None
    method: str | None = None
    step: int | None = None
    saved: int | None = None
    steps: int | None = None
    metric: Progression | None = None
    damage: str | None = None
    command: str | None = None

    @property
    def standing(self) -> str:
        """The state, and of a run that was stopped what is saved, where that is less."""
        if self.state != "stopped" or self.step == self.saved:
            return self.state
        return f"stopped, saved at {self.saved:,}" if self.saved else "stopped, no checkpoint"


def runs_below(folder: Path, levels: int) -> Iterator[Run]:
    """The runs in a folder, down to so many levels below it, by name; none in a run."""
    if is_run(folder):
        yield Run(folder)
    elif levels:
        try:
            inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        except OSError:
            return
        for path in inside:
            if path.is_dir() and not path.is_symlink():
                yield from runs_below(path, levels - 1)


def status_of(run: Run) -> RunStatus:
    """How a run stands; what cannot be read of it is its damage, not an error."""
    config: dict[str, Any] = {}
    step = saved = None
    try:
        config, records, kept = run.config, run.records, run.checkpoint_steps
        if type(config.get("steps")) is not int:
            raise ValueError(f"{run.config_path} does not say how many steps there are")
        saved = kept[-1] if kept else 0
        step = max([saved, *(record["step"] for record in records)])
        training = is_locked(run.folder)
        if kept and not training:
            require_readable(run.checkpoint_folder(kept[-1]))
    except (ValueError, OSError) as error:
        return RunStatus(
            run.folder, "damaged", **_named(config), step=step, saved=saved, damage=str(error)
        )
    ended = saved >= config["steps"]
    state: State = "training" if training else "finished" if ended else "stopped"
    return RunStatus(
        run.folder,
        state,
        **_named(config),
        step=step,
        saved=saved,
        metric=progression(records, config.get("best")),
        command=f"alpha-bridge report {_typed(run.folder)}"
        if training
        else _use(run, config)
        if ended
        else run.resuming,
    )


def progression(records: list[Record], beginning: str | None = None) -> Progression | None:
    """How a metric went, by default the first of those in the last record that has any."""
    measured = [record for record in records if metrics_of(record)]
    if not measured:
        return None
    names = [name for name in measured[-1] if name.split("/")[0] in METRICS]
    names = [name for name in names if name.startswith(beginning or "")]
    order = [*METRICS]
    for name in sorted(names, key=lambda name: order.index(name.split("/")[0])):
        if scores := scores_of(measured, name):
            best = max(scores, key=lambda step: scores[step])
            values = {of["step"]: of[name] for of in measured if of["step"] in scores}
            return Progression(name, values[max(scores)], values[best], best)
    return None


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: config.get(key) for key in ("data", "method")}
    steps = config.get("steps")
    texts = {key: None if value is None else str(value) for key, value in found.items()}
    return {**texts, "steps": steps if type(steps) is int else None}


def _use(run: Run, config: Mapping[str, Any]) -> str:
    """What shows what a finished run has learned."""
    stacked = type(config.get("trials")) is int and config["trials"] > 1
    folder = _typed(run.folder / "trial-0" if stacked else run.folder)
    objective = config.get("objective")
    kind = objective.get("kind") if isinstance(objective, dict) else None
    if config.get("prior") is not None:
        return f"alpha-bridge translate {folder} --images my/photos"
    if kind in ("reconstruction", "vqgan"):
        return f"alpha-bridge reconstruct {folder} --images my/photos"
    return f"alpha-bridge sample {folder}"


def _typed(folder: Path) -> str:
    text = str(folder)
    return quote(f"./{text}" if text.startswith("-") else text)
