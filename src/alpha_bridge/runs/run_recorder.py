"""The flight recorder of a run: where incidents are written, and what it does about them."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from ..files import GONE_BACK
from ..training import Event, FlightRecorder
from ..training.incidents import Incident
from ..training.progress import Bars
from .going import Going
from .rollback import ROLL_BACK, watch_after


def recorder_of(going: Going, bars: Bars) -> FlightRecorder:
    """What watches the updates of a run, and writes into it what went wrong."""
    parts, trials = going.parts, going.trials
    config, run = parts.config, trials.run
    watch = watch_after(config.watch, going.rollbacks)
    written = {config.record_every, config.evaluation.every, config.checkpoint_every, watch.every}

    def keep(incident: Incident, bundle: Path | None, answer: str) -> None:
        own = trials.runs[incident.trial : incident.trial + 1] if incident.trial is not None else ()
        times = {GONE_BACK: going.rollbacks + 1} if answer == ROLL_BACK else {}
        for one in (*own, run):  # after a kill the run goes by its own line, and has it last
            place = bundle and os.path.relpath(bundle, one.folder)
            one.append_incident({**vars(incident), "answer": answer, **times, "bundle": place})

    def place(incident: Incident) -> Path | None:
        taken = {of.get("bundle") for of in run.incidents}
        names = (run.bundle_folder(incident.step, incident.kind, number) for number in count(1))
        folder = next(of for of in names if os.path.relpath(of, run.folder) not in taken)
        others = {path for path in folder.parent.glob("*/") if path != folder}
        return folder if len(others) < watch.bundles else None

    def due(event: Event) -> bool:
        written_now = any(event.step % every == 0 for every in written)
        return written_now or event.boundary or event.step in config.snapshot_steps

    content = {"seed": config.seed, "config": config.model_dump(mode="json")}
    # a bundle has no network of features, so that nothing could be made again from it
    placed = place if config.objective.features == "none" else None
    return FlightRecorder(
        watch, bars.say, keep, placed, content, due, parts.noise(), spare=run.folder
    )
