"""A run is a folder: what training writes there, and what every later command reads.

::

    config.json                            the resolved configuration
    metrics.jsonl                          one JSON object a line, append-only
    samples/step-00001000.npy              what a fixed set of latents gives after 1000 updates
    samples/step-00001000.png              the same as a picture, if it is images
    samples/reconstructions-00001000.npy   originals, and what encoding and decoding makes of them
    samples/columns-00001000.json          of a table, what real and generated rows have in common
    checkpoints/step-00001000/             the state of training, with the units of the data
    incidents.jsonl                        what went wrong, a line each, and what was done
    incidents/step-00001000-collapse/      a bundle, from which alpha-bridge replay repeats it
    calibration.json                       how alpha-bridge ratio calibrated the log ratio
    report.html                            the page that shows all of it
    events.out.tfevents.*                  the records for TensorBoard, where it is installed
    .lock                                  held by the process that trains

Training can go on from the latest checkpoints, three by default. Of those before them the ends of
Steps I, II and III are kept, snapshots, and the best by a metric that is named: their networks
alone, without the optimisers' moments, which every command but ``train --resume`` takes.

Images are uint8 ``(N, H, W, C)``; vectors are float32 ``(N, D)``, or float64 where their digits
need it. Files appear complete or not at all. Nothing is read or written through a link that leads
out of the folder.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any
from uuid import uuid4

from ..files import (
    GONE_BACK,
    IDENTITY,
    append_line,
    parse_json,
    read_json,
    recover,
    recover_all,
    require_free,
    save_array,
    within,
    writing,
)
from ..files.manifest import step_name
from ..files.run_folder import CHECKPOINTS, CONFIG, RECORDS, WEIGHTS, lacks_config
from .record_lines import Record, fits, line_of, lines_of, record_of
from .sample_files import Array, load_array, load_samples, numbered, require_images_or_vectors

INCIDENTS = "incidents"
"""The folder of a run that holds their bundles."""


@dataclass(frozen=True)
class Run:
    """The folder of one run: ``create`` makes it, ``open`` comes back to it.

    Every property reads the folder anew.

    Example:
        >>> import tempfile
        >>> run = Run.create(Path(tempfile.mkdtemp()) / "first", {"seed": 0})
        >>> run.append({"step": 100, "phase": "ml", "alpha": 0.0})
        >>> run.config, run.records
        ({'seed': 0}, [{'step': 100, 'phase': 'ml', 'alpha': 0.0}])
        >>> run.identity == Run.open(run.folder).identity
        True
    """

    folder: Path

    @classmethod
    def create(cls, folder: str | Path, config: dict[str, Any]) -> "Run":
        """Begin a run in a folder that is free, see :meth:`require_free`; parents are made."""
        run = cls.require_free(folder)
        run.write_config(config)
        return run

    @classmethod
    def require_free(cls, folder: str | Path) -> "Run":
        """The run that can begin in a folder, before there is anything to write.

        Raises:
            FileExistsError: The folder holds something already.
            PermissionError: The folder cannot be read.
        """
        run = cls(Path(folder))
        try:
            if run.folder.is_dir():
                recover(run.config_path)  # a start that was killed has left nothing else
            require_free(run.folder)
        except FileExistsError as error:
            go_on = f"go on with {run.resuming}, or " if run.config_path.is_file() else ""
            raise FileExistsError(
                f"{folder} is not empty: {go_on}choose another with --out"
            ) from error
        except OSError as error:
            raise PermissionError(
                f"cannot read {folder} ({error.strerror}): choose another folder with --out"
            ) from error
        return run

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Come back to a run; ``FileNotFoundError`` if the folder is not that of one."""
        run = cls(Path(folder))
        if is_exported(run.folder):
            raise FileNotFoundError(
                f"{folder} is an exported model, and no run: give the run that it came from, or "
                "load it with alpha_bridge.sharing.load"
            )
        if lacks_config(run.folder):
            raise FileNotFoundError(
                f"{folder} has no config.json: restore it from a copy, or give another run"
            )
        if not run.config_path.is_file():
            raise FileNotFoundError(
                f"{folder} is not a run: it has no config.json; give the folder that --out named"
            )
        return run

    @property
    def config_path(self) -> Path:
        """The resolved configuration."""
        return self.inside(CONFIG)

    @property
    def metrics_path(self) -> Path:
        """The records, one a line."""
        return self.inside(RECORDS)

    @property
    def incidents_path(self) -> Path:
        """What went wrong, one a line."""
        return self.inside("incidents.jsonl")

    @property
    def calibration_path(self) -> Path:
        """How the log ratio was calibrated, if it was."""
        return self.inside("calibration.json")

    @property
    def report_path(self) -> Path:
        """The page that shows the run."""
        return self.inside("report.html")

    @property
    def resuming(self) -> str:
        """The command that goes on with its training, as it is typed."""
        folder = str(self.folder)
        # a name alone could be that of a preset
        return f"alpha-bridge train {quote(folder if '/' in folder else f'./{folder}')} --resume"

    def inside(self, *parts: str) -> Path:
        """A place in the folder; ``ValueError`` if a link there leads out of it."""
        return within(self.folder, self.folder.joinpath(*parts))

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, without what else is known of the run there."""
        content = read_json(self.config_path)
        return {key: value for key, value in content.items() if key not in (IDENTITY, GONE_BACK)}

    @property
    def identity(self) -> str | None:
        """What its checkpoints carry and no other run has; None where there is none."""
        path = self.config_path
        return read_json(path).get(IDENTITY) if path.is_file() else None

    @property
    def gone_back(self) -> int:
        """How often its training went back after an incident, and has what that changed."""
        path = self.config_path
        times = read_json(path).get(GONE_BACK, 0) if path.is_file() else 0
        if type(times) is not int:
            raise ValueError(
                f"{path} is damaged ({GONE_BACK} is {times!r}, no number): restore it from a copy"
            )
        return times

    def recover(self) -> None:
        """End what a kill interrupted while anything in the folder was written."""
        for name in ("", "samples", CHECKPOINTS, INCIDENTS):
            folder = self.inside(name)
            recover_all(folder)

    def write_config(self, config: dict[str, Any], gone_back: int | None = None) -> None:
        """Write the resolved configuration, in place of the one before.

        Args:
            config: The configuration.
            gone_back: How often training went back, with what that changes; by default as often as
                before.
        """
        identity = self.identity if self.config_path.is_file() else uuid4().hex
        times = self.gone_back if gone_back is None else gone_back
        own: dict[str, Any] = {} if identity is None else {IDENTITY: identity}
        own |= {GONE_BACK: times} if times else {}
        with writing(self.config_path) as file:
            file.write((json.dumps(own | config, indent=2) + "\n").encode())

    def append(self, record: Record) -> None:
        """Add a line to the records, whole and at once.

        A number that is not finite is written as null: JSON has no other word for it.

        Raises:
            ValueError: The record has no ``step``, the number of updates done.
        """
        if "step" not in record:
            raise ValueError(f"a record needs a step, got {sorted(record)}")
        append_line(self.metrics_path, line_of(record))

    @property
    def records(self) -> list[Record]:
        """The records in order of ``step``.

        Of two lines for one step the later wins, since a resumed run repeats what came after its
        checkpoint. A last line that a killed process left unfinished is no record.

        Raises:
            ValueError: A finished line is no record.
        """
        records = [record_of(line, source) for line, source in lines_of(self.metrics_path)]
        by_step = {record["step"]: record for record in records}
        return [by_step[step] for step in sorted(by_step)]

    def append_incident(self, incident: Record) -> None:
        """Add a line to the incidents; those of updates that are made anew stay."""
        append_line(self.incidents_path, line_of(incident))

    @property
    def incidents(self) -> list[Record]:
        """What went wrong, in order: ``step``, ``kind``, ``what``, ``answer`` and the numbers."""
        found = [parse_json(*of) for of in lines_of(self.incidents_path)]
        for incident, (_, source) in zip(found, lines_of(self.incidents_path), strict=True):
            wrong = [k for k in ("kind", "what", "answer") if not isinstance(incident.get(k), str)]
            if wrong or not fits("step", incident.get("step")):
                raise ValueError(
                    f"{source} is damaged (it has no {[*wrong, 'step'][0]}): restore it from a copy"
                )
        return found

    def bundle_folder(self, step: int, kind: str, number: int = 1) -> Path:
        """Where the bundle of an incident after ``step`` updates belongs, the first or a later."""
        return self.inside(INCIDENTS, f"{step_name(step)}-{kind}{f'-{number}' * (number > 1)}")

    def write_samples(self, step: int, samples: Array) -> None:
        """Keep what a fixed set of latents gives after ``step`` updates, images or vectors."""
        path = self.inside("samples", f"{step_name(step)}.npy")
        save_array(require_images_or_vectors(samples), path)

    @property
    def samples(self) -> dict[int, Array]:
        """Samples by the number of updates done, in order: of the same latents, so of one shape."""
        found = self._arrays("step-", 1)
        shapes = [array.shape for array in found.values()]
        for step, array in found.items():
            if shapes.count(array.shape) < len(shapes) / 2:
                raise ValueError(
                    f"{self.inside('samples', step_name(step))}.npy is damaged (its shape is "
                    f"{array.shape}, unlike the others'): remove it, or restore it from a copy"
                )
        return found

    def samples_picture(self, step: int) -> Path:
        """Where the picture of the samples after ``step`` updates belongs."""
        return self.inside("samples", f"{step_name(step)}.png")

    def write_reconstructions(self, step: int, pairs: Array) -> None:
        """Keep originals beside their reconstructions after ``step`` updates.

        Args:
            step: Updates done.
            pairs: Uint8 ``(2, N, H, W, C)``, or float32 or float64 ``(2, N, D)``.

        Raises:
            ValueError: ``pairs`` is neither.
        """
        if len(pairs) != 2:
            raise ValueError(f"pairs must have a leading dimension of 2, got shape {pairs.shape}")
        require_images_or_vectors(pairs[0])
        save_array(pairs, self.inside("samples", f"reconstructions-{step:08d}.npy"))

    @property
    def reconstructions(self) -> dict[int, Array]:
        """Pairs of original and reconstruction by the number of updates done, in order."""
        return self._arrays("reconstructions-", 2)

    def write_profile(self, step: int, content: Record) -> None:
        """Keep what real and generated rows of a table look like after ``step`` updates."""
        with writing(self.inside("samples", f"columns-{step:08d}.json")) as file:
            file.write(json.dumps(content, ensure_ascii=False).encode())

    @property
    def profile(self) -> tuple[int, Path] | None:
        """The last of those, if there is one: the updates done, and its file."""
        found = numbered(self.inside("samples"), "columns-", ".json")
        return (max(found), within(self.folder, found[max(found)])) if found else None

    def forget(self, step: int) -> None:
        """Remove records and samples of updates after ``step``, which are about to be made anew."""
        kept = [line_of(record) for record in self.records if record["step"] <= step]
        with writing(self.metrics_path) as file:
            file.writelines(kept)
        arrays = (("step-", ".npy"), ("step-", ".png"), ("reconstructions-", ".npy"))
        for prefix, suffix in (*arrays, ("columns-", ".json")):
            for number, path in numbered(self.inside("samples"), prefix, suffix).items():
                if number > step:
                    path.unlink()

    def checkpoint_folder(self, step: int) -> Path:
        """Where the state of training after ``step`` updates belongs."""
        return self.inside(CHECKPOINTS, step_name(step))

    @property
    def checkpoint_steps(self) -> list[int]:
        """Numbers of updates at which there is a checkpoint, in order."""
        return sorted(numbered(self.inside(CHECKPOINTS), "step-", ""))

    @property
    def units(self) -> Array | None:
        """Mean and deviation ``(2, D)`` of vectors, in a run of before checkpoints had units."""
        path = self.inside("units.npy")
        if not path.exists():
            return None
        units = load_array(path, "restore it from a copy")
        if units.ndim != 2 or len(units) != 2 or units.dtype.kind != "f":
            raise ValueError(
                f"{path} is damaged (it holds {units.dtype} of shape {units.shape}): restore it "
                "from a copy"
            )
        return units

    def _arrays(self, prefix: str, sets: int) -> dict[int, Array]:
        """What is kept under ``prefix``, ``sets`` of samples each, by the number of updates."""
        paths = numbered(self.inside("samples"), prefix, ".npy")
        return {
            step: load_samples(within(self.folder, paths[step]), sets) for step in sorted(paths)
        }


def is_exported(folder: Path) -> bool:
    """Whether a folder has a model that was exported, and no run."""
    return (folder / WEIGHTS).is_file()
