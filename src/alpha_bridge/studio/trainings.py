"""Trainings as processes of their own, which go on when the page and its server are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from ..errors import printable
from ..files import within, writing
from ..files.lock import holder, is_locked
from ..recipe import Config, changed, read_config
from ..recipe.availability import located
from ..recipe.decided import dialled
from ..recipe.presets import PRESETS, of_data
from ..runs.folder import Run
from ..runs.opening import require_trainable
from .workspace import Workspace

HIDDEN = ".studio"
"""In the folder of the studio: what trainings print, and the configurations they begin with."""
ENDING = 20.0
"""Seconds that a training may take to end, once it writes no more."""
END = 4000
"""Of what a training printed, the last bytes that are looked at."""


def configuration(
    data: str,
    realism: float | None = None,
    steps: int | None = None,
    snapshots: int = 0,
    seed: int = 0,
) -> Config:
    """What the command line would train on ``data`` with these options.

    Example:
        >>> configuration("digits", steps=100).steps
        100
    """
    config = PRESETS[data] if data in PRESETS else of_data(data)
    if realism is not None and config.realism is None:
        config = dialled(config)
    given = {"realism": realism, "steps": steps, "snapshots": snapshots or None, "seed": seed}
    return changed(config, {key: value for key, value in given.items() if value is not None})


def understood(config: Config) -> tuple[str, ...]:
    """How the data are read and what is decided from them, a line each; nothing is trained."""
    from ..recipe.assembly import assemble

    parts = assemble(located(config), fetch=())
    shape = " × ".join(map(str, parts.source.event_shape))
    size = "drawn from a known density" if parts.source.size is None else f"{parts.source.size:,}"
    return (f"training samples: {size}, each of shape {shape}", *parts.notes)


class Trainings:
    """The trainings in a workspace, from the page or from a terminal."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, config: Config) -> None:
        """Begin to train a run of that name.

        Raises:
            ValueError: It cannot be trained, or the name is none.
            OSError: There is such a folder already.
        """
        place = self.workspace.place(name)
        self._require_ended(name)
        config = located(config)
        require_trainable(config, place, resume=False, fetch=())
        file = self._hidden(f"{name}.json")
        with writing(file) as stream:
            stream.write(config.model_dump_json(indent=1).encode())
        self._run(name, "--config", str(file), "--out", str(place))

    def resume(self, name: str) -> None:
        """Go on with a run from its last checkpoint."""
        run = self.workspace.run(name)
        if self._alive(name) and not is_locked(run.folder):
            with suppress(subprocess.TimeoutExpired):  # it has let go of the run, and ends
                self._started[name].wait(ENDING)
        self._require_ended(name)
        config = read_config(run.config_path)
        require_trainable(config, run.folder, resume=True, fetch=())
        self._run(name, str(run.folder), "--resume")

    def pause(self, name: str) -> None:
        """Ask a training to end at its next update, with a checkpoint."""
        self._signal(name, signal.SIGTERM)

    def stop(self, name: str) -> None:
        """End a training at once; what came after its last checkpoint is lost."""
        self._signal(name, getattr(signal, "SIGKILL", signal.SIGTERM))

    def is_starting(self, name: str) -> bool:
        """Whether it was started here, and has not yet written anything."""
        return self._alive(name) and not (self.workspace.folder / name / "config.json").exists()

    def complaint(self, name: str) -> str | None:
        """The last line that a training printed, if it has ended with an error."""
        process = self._started.get(name)
        if process is None or process.poll() in (None, 0):
            return None
        with self._hidden(f"{name}.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - END))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
        if process.returncode < 0:
            return "the training was killed"
        return printable(lines[-1].removeprefix("alpha-bridge: ")) if lines else None

    def _require_ended(self, name: str) -> None:
        if self._alive(name):
            raise ValueError(f"{name} is being trained: pause it first")

    def _alive(self, name: str) -> bool:
        return name in self._started and self._started[name].poll() is None

    def _run(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", "alpha_bridge", "train", *arguments]
        with self._hidden(f"{name}.log").open("ab") as log:
            self._started[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _signal(self, name: str, number: int) -> None:
        process = self._started[name].pid if self._alive(name) else None
        folder = self.workspace.run(name).folder if process is None else Path()
        process = holder(folder) if process is None else process
        if process is None:
            raise ValueError(
                f"{name} is not being trained on this machine: there is nothing to end"
            )
        os.kill(process, number)

    def _hidden(self, name: str) -> Path:
        folder = self.workspace.folder
        place = within(folder, folder / HIDDEN / name.replace("/", "__"))
        place.parent.mkdir(exist_ok=True)
        return place


def remaining(run: Run) -> float | None:
    """Seconds until the end of a training at its last pace; None where that is not known."""
    records = [record for record in run.records[-3:] if record.get("seconds") is not None]
    if len(records) < 2:
        return None
    first, last = records[0], records[-1]
    seconds, updates = last["seconds"] - first["seconds"], last["step"] - first["step"]
    if seconds <= 0 or updates <= 0:  # it went on in another process
        return None
    left: int = run.config["steps"] - last["step"]
    return float(seconds / updates * left)
