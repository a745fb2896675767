"""A run is a folder: what training writes there, and what every later command reads.

::

    config.json                            the resolved configuration
    metrics.jsonl                          one JSON object a line, append-only
    samples/step-00001000.npy              what a fixed set of latents gives after 1000 updates
    samples/step-00001000.png              the same as a picture, if it is images
    samples/reconstructions-00001000.npy   originals, and what encoding and decoding makes of them
    units.npy                              mean and deviation of vectors, if they are scaled
    checkpoints/step-00001000/             the state of training
    report.html                            the page that shows all of it
    .lock                                  held by the process that trains

Images are uint8 ``(N, H, W, C)``; vectors are float32 ``(N, D)``, or float64 where their digits
need it. Files appear complete or not at all.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import parse_json, read_json, require_free, writing

__all__ = ["Array", "Record", "Run", "save_array"]

Array = NDArray[Any]
Record = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """The folder of one run. Every property reads the folder anew.

    Attributes:
        folder: Where the run lives; make it with ``create``, come back to it with ``open``.

    Example:
        >>> import tempfile
        >>> run = Run.create(Path(tempfile.mkdtemp()) / "first", {"seed": 0})
        >>> run.append({"step": 100, "phase": "ml", "alpha": 0.0})
        >>> run.config, run.records
        ({'seed': 0}, [{'step': 100, 'phase': 'ml', 'alpha': 0.0}])
    """

    folder: Path

    @classmethod
    def create(cls, folder: str | Path, config: dict[str, Any]) -> "Run":
        """Begin a run in a folder that is new or empty.

        Args:
            folder: Where to put it; parents are made.
            config: The resolved configuration, of values that JSON knows.

        Raises:
            FileExistsError: The folder holds something already.
            PermissionError: The folder cannot be written.
        """
        run = cls.require_free(folder)
        run.write_config(config)
        return run

    @classmethod
    def require_free(cls, folder: str | Path) -> "Run":
        """Look whether a run can begin in a folder, before there is anything to write.

        Args:
            folder: Where the run is to live.

        Raises:
            FileExistsError: The folder holds something already.
            PermissionError: The folder cannot be read.
        """
        try:
            return cls(require_free(Path(folder)))
        except FileExistsError as error:
            raise FileExistsError(
                f"{folder} is not empty: continue it with --resume, or choose another with --out"
            ) from error
        except OSError as error:
            raise PermissionError(
                f"cannot read {folder} ({error.strerror}): choose another folder with --out"
            ) from error

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Come back to a run.

        Args:
            folder: A folder that ``create`` made.

        Raises:
            FileNotFoundError: The folder is not that of a run.
        """
        run = cls(Path(folder))
        if not run.config_path.is_file():
            raise FileNotFoundError(
                f"{folder} is not a run: it has no config.json; give the folder that --out named"
            )
        return run

    @property
    def config_path(self) -> Path:
        """The resolved configuration."""
        return self.folder / "config.json"

    @property
    def metrics_path(self) -> Path:
        """The records, one a line."""
        return self.folder / "metrics.jsonl"

    @property
    def report_path(self) -> Path:
        """The page that shows the run."""
        return self.folder / "report.html"

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration.

        Raises:
            ValueError: The file is damaged.
        """
        return read_json(self.config_path)

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the resolved configuration, in place of the one before.

        Args:
            config: Of values that JSON knows.
        """
        with writing(self.config_path) as file:
            file.write((json.dumps(config, indent=2) + "\n").encode())

    def append(self, record: Record) -> None:
        """Add a line to the records, whole and at once.

        A number that is not finite is written as null: JSON has no other word for it.

        Args:
            record: At least ``step``, the number of updates done; numbers may be numpy's.

        Raises:
            ValueError: The record has no ``step``.
        """
        if "step" not in record:
            raise ValueError(f"a record needs a step, got {sorted(record)}")
        self._cut_torn_line()
        with self.metrics_path.open("ab") as file:
            file.write(_line(record))

    @property
    def records(self) -> list[Record]:
        """The records in order of ``step``.

        Of two lines for one step the later wins, since a resumed run repeats what came after its
        checkpoint. A last line that a killed process left unfinished is no record.

        Raises:
            ValueError: A finished line is damaged.
        """
        if not self.metrics_path.exists():
            return []
        *lines, _unfinished = self.metrics_path.read_bytes().split(b"\n")
        records = [
            parse_json(line, f"line {number} of {self.metrics_path}")
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]
        by_step = {record["step"]: record for record in records}
        return [by_step[step] for step in sorted(by_step)]

    def write_samples(self, step: int, samples: Array) -> None:
        """Keep what a fixed set of latents gives after ``step`` updates.

        Args:
            step: Updates done.
            samples: Images, uint8 ``(N, H, W, C)``, or vectors, float32 or float64 ``(N, D)``.

        Raises:
            ValueError: ``samples`` is neither.
        """
        save_array(_images_or_vectors(samples), self.folder / "samples" / f"{_name(step)}.npy")

    @property
    def samples(self) -> dict[int, Array]:
        """Samples by the number of updates done, in order."""
        return _load_all(self.folder / "samples", "step-", ".npy")

    def samples_picture(self, step: int) -> Path:
        """Where the picture of the samples after ``step`` updates belongs."""
        return self.folder / "samples" / f"{_name(step)}.png"

    def write_reconstructions(self, step: int, pairs: Array) -> None:
        """Keep originals beside their reconstructions after ``step`` updates.

        Args:
            step: Updates done.
            pairs: Originals and reconstructions, uint8 ``(2, N, H, W, C)``, or float32
                or float64 ``(2, N, D)``.

        Raises:
            ValueError: ``pairs`` is neither.
        """
        if len(pairs) != 2:
            raise ValueError(f"pairs must have a leading dimension of 2, got shape {pairs.shape}")
        _images_or_vectors(pairs[0])
        save_array(pairs, self.folder / "samples" / f"reconstructions-{step:08d}.npy")

    @property
    def reconstructions(self) -> dict[int, Array]:
        """Pairs of original and reconstruction by the number of updates done, in order."""
        return _load_all(self.folder / "samples", "reconstructions-", ".npy")

    def forget(self, step: int) -> None:
        """Remove records and samples of updates after ``step``, which are about to be made anew.

        Args:
            step: Updates done.
        """
        kept = [_line(record) for record in self.records if record["step"] <= step]
        with writing(self.metrics_path) as file:
            file.writelines(kept)
        for prefix, suffix in (("step-", ".npy"), ("step-", ".png"), ("reconstructions-", ".npy")):
            for number, path in _numbered(self.folder / "samples", prefix, suffix).items():
                if number > step:
                    path.unlink()

    def checkpoint_folder(self, step: int) -> Path:
        """Where the state of training after ``step`` updates belongs."""
        return self.folder / "checkpoints" / _name(step)

    @property
    def checkpoint_steps(self) -> list[int]:
        """Numbers of updates at which there is a checkpoint, in order."""
        return sorted(_numbered(self.folder / "checkpoints", "step-", ""))

    def write_units(self, mean: Array, std: Array) -> None:
        """Keep the units of vectors: what the networks see is ``(x - mean) / std``.

        Args:
            mean: Shape ``(D,)``.
            std: Shape ``(D,)``.
        """
        save_array(np.stack([mean, std]), self.folder / "units.npy")

    @property
    def units(self) -> Array | None:
        """Mean and deviation of vectors, shape ``(2, D)``; None where nothing is scaled."""
        path = self.folder / "units.npy"
        return _load(path) if path.exists() else None

    def _cut_torn_line(self) -> None:
        """Remove an unfinished last line, so that the next one starts where a line starts."""
        if not self.metrics_path.exists():
            return
        with self.metrics_path.open("rb+") as file:
            whole = file.read()
            if not whole.endswith(b"\n"):
                file.truncate(whole.rfind(b"\n") + 1)


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _numbered(folder: Path, prefix: str, suffix: str) -> dict[int, Path]:
    """Paths by the number between ``prefix`` and ``suffix`` in their names."""
    numbers = {
        path.name.removeprefix(prefix).removesuffix(suffix): path
        for path in folder.glob(f"{prefix}*{suffix}")
    }
    return {int(number): path for number, path in numbers.items() if number.isdecimal()}


def _load_all(folder: Path, prefix: str, suffix: str) -> dict[int, Array]:
    paths = _numbered(folder, prefix, suffix)
    return {step: _load(paths[step]) for step in sorted(paths)}


def _load(path: Path) -> Array:
    try:
        array: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is damaged: remove it, or restore it from a copy") from error
    return array


def _images_or_vectors(samples: Array) -> Array:
    images = samples.dtype == np.uint8 and samples.ndim == 4
    vectors = samples.dtype in (np.float32, np.float64) and samples.ndim == 2
    if not (images or vectors):
        raise ValueError(
            "expected images, uint8 (N, H, W, C), or vectors, float32 or float64 (N, D); "
            f"got {samples.dtype} of shape {samples.shape}"
        )
    return samples


def _line(record: Record) -> bytes:
    return (json.dumps(_plain(record), ensure_ascii=False, allow_nan=False) + "\n").encode()


def _plain(value: object) -> object:
    """``value`` in what strict JSON knows: numpy's numbers as Python's, non-finite ones as null."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def save_array(array: Array, path: Path) -> None:
    """Write an array as ``.npy``.

    Raises:
        PermissionError: The file cannot be written.
        NotWritten: The disk is full or broken.
    """
    with writing(path) as file:
        np.save(file, array, allow_pickle=False)
