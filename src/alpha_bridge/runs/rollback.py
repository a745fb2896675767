"""From where a run goes on after an incident, and with what changed."""

from __future__ import annotations

from dataclasses import fields, replace

from ..control import AdaptivePath
from ..files import GONE_BACK
from ..files.manifest import OPTIMIZERS, last_whole
from ..recipe import Config, changed, resumed
from ..recipe.assembly import Assembly
from ..settings import WatchConfig
from ..training.incidents import Incident
from .folder import Run
from .snapshots import recorded_alpha

ROLL_BACK = "roll-back"


def unfinished(run: Run) -> Incident | None:
    """The incident after which a run was killed before it had gone back; None without such.

    Its line says how often the run will have gone back, and the configuration how often it has.
    """
    lines = [line for line in run.incidents if line["answer"] == ROLL_BACK]
    if not lines or lines[-1].get(GONE_BACK, 0) <= run.gone_back:
        return None
    names = [of.name for of in fields(Incident)]
    if missing := [name for name in names if name not in lines[-1]]:
        raise ValueError(
            f"{run.incidents_path} is damaged (its last line has no {missing[0]}): restore it from "
            "a copy"
        )
    return Incident(**{name: lines[-1][name] for name in names})


def last_good(run: Run, began: int | None = None) -> int:
    """The update from which training can go on, 0 if there is none: the last one.

    Where an incident ``began`` after so many updates, it is the last one before it, or if none of
    these has Adam's moments any more, the first that has. If none was saved before it, it is 0: a
    state from inside the incident may bring it back.
    """
    steps = [step for step in run.checkpoint_steps if _goes_on(run, step)]
    if began is not None:
        earlier = any(step <= began for step in run.checkpoint_steps)
        steps = [step for step in steps if step <= began] or (steps[:1] if earlier else [])
    folders = {run.checkpoint_folder(step): step for step in steps}
    try:
        return folders[last_whole([*folders], resume=True)[0]] if folders else 0
    except (ValueError, OSError):  # what ended training says more
        return 0


def _goes_on(run: Run, step: int) -> bool:
    return (run.checkpoint_folder(step) / OPTIMIZERS).is_file()


def back_to(run: Run, parts: Assembly, incident: Incident, count: int) -> tuple[int, Config, str]:
    """Where a run goes on after an incident.

    Args:
        run: The run.
        parts: What it was trained with.
        incident: Why it goes back.
        count: How often it has, with this time.

    Returns:
        Updates done there, the configuration that it goes on with, and a line.
    """
    config, step = parts.config, last_good(run, incident.began)
    adaptive = isinstance(parts.path, AdaptivePath)
    alpha = recorded_alpha(run, incident.began) if adaptive else parts.path(incident.began)
    values = what_changes(config, alpha)
    config = resumed(config, changed(config, values), step, also=values)
    line = (
        f"roll-back {count} of {config.watch.rollbacks}: training goes on "
        f"{f'from update {step}' if step else 'from the beginning'}"
    )
    return step, config, line


def watch_after(watch: WatchConfig, count: int) -> WatchConfig:
    """What counts, and the answer, after so many roll-backs: after the last there is no other."""
    if count < watch.rollbacks:
        return watch
    answer = "stop" if watch.answer == ROLL_BACK else watch.answer
    return replace(watch, answer=answer, diverged="end")


def what_changes(config: Config, alpha: float) -> dict[str, float]:
    """What is changed after an incident that began at ``alpha``, by key."""
    path = config.path
    if (
        config.watch.change == "alpha"
        and path.sweeps == 1
        and min(path.start, path.end) < alpha < max(path.start, path.end)
    ):
        return _ending_at(float(f"{alpha:.6g}"), config)
    return half_rates(config)


def _ending_at(alpha: float, config: Config) -> dict[str, float]:
    """A path that ends at ``alpha`` along the same γ, by key."""
    # of γ's own, the dial's alone is made for the end of the path
    kept = config.gamma.kind == "realism" and config.gamma.end is None
    return {"path.end": alpha} | ({"gamma.end": config.path.end} if kept else {})


def half_rates(config: Config) -> dict[str, float]:
    """Half of each learning rate, by key."""
    rates = ("generator", "encoder", "discriminator")
    return {f"optimization.{name}": getattr(config.optimization, name) / 2 for name in rates}


def way_on(run: Run, config: Config, count: int) -> str:
    """From where a run that diverged, and went back so often, can go on, and how."""
    step = last_good(run)
    last = step and f"go on from the last good checkpoint, {run.checkpoint_folder(step)}"
    rates = " ".join(f"--{key} {rate:g}" for key, rate in half_rates(config).items())
    again = f" --watch.rollbacks {count + WatchConfig.rollbacks}" if count else ""
    return f"{last or 'begin again'}: {run.resuming} {rates}{again}"
