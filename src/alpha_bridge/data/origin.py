"""Where a data set comes from: a folder or the hub, and how to tell that it has changed."""

import contextlib
import glob
import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..causes import one_line

if TYPE_CHECKING:
    from datasets import DatasetDict

__all__ = ["Folder", "Hub", "quiet"]


class Folder:
    """A folder on this machine, known by the names, sizes and times of its files."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise ValueError(
                f"'{path}' is no folder and no .npy file: give a folder of images with --data PATH"
            )
        self.name = str(path.resolve())
        if glob.has_magic(self.name):  # ``datasets`` would take the name for a pattern
            raise ValueError(f"data folder '{self.name}' has one of *?[ in its path: rename it")

    def fingerprint(self) -> str:
        """What changes when the data may have changed."""
        root = Path(self.name)
        files = sorted(file for file in root.rglob("*") if file.is_file())
        if not files:
            raise ValueError(f"data folder '{root}' is empty: give a folder of images")
        digest = hashlib.sha256(self.name.encode())
        for file in files:
            status = file.stat()
            record = [str(file.relative_to(root)), status.st_size, status.st_mtime_ns]
            digest.update(json.dumps(record).encode())
        return digest.hexdigest()

    def load(self, scratch: Path) -> "DatasetDict":
        """Its splits; what has to be written on the way goes to ``scratch``."""
        import datasets

        try:
            # into the scratch folder: what is on this disk already needs no second copy
            return datasets.load_dataset(self.name, cache_dir=str(scratch))
        except Exception as error:  # anything that a broken file makes a reader raise
            raise ValueError(
                f"data folder '{self.name}' could not be loaded ({one_line(error)}): "
                "give a folder of images or of parquet files with --data PATH"
            ) from error


class Hub:
    """A data set of the hub, known by its id and revision."""

    def __init__(self, name: str, cache: Path) -> None:
        if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
            raise FileNotFoundError(
                f"data path '{name}' does not exist: give an existing folder with --data PATH"
            )
        self.name = name
        self._note = cache / "hub" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.txt"
        self._newest = self._newest_revision()
        self._last = self._note.read_text() if self._note.exists() else None

    def _newest_revision(self) -> str | None:
        """Its commit on the hub; None without a network, which ``datasets`` is slow to notice."""
        import huggingface_hub

        try:
            return huggingface_hub.HfApi().dataset_info(self.name, timeout=10).sha
        except huggingface_hub.errors.GatedRepoError as error:
            raise ValueError(
                f"data set '{self.name}' is gated: accept its terms on the hub and log in with "
                "'hf auth login', or give a local folder with --data PATH"
            ) from error
        except Exception:  # whatever the network layer of the day raises
            return None

    def fingerprint(self) -> str:
        """What changes when the data may have changed."""
        return f"{self.name}@{self._newest or self._last}"

    def load(self, scratch: Path) -> "DatasetDict":  # noqa: ARG002
        """Its splits, kept where the hub's libraries keep them."""
        import datasets
        from huggingface_hub.errors import HFValidationError

        try:
            with contextlib.nullcontext() if self._newest else _offline():
                data = datasets.load_dataset(self.name, revision=self._newest)
        except (ConnectionError, FileNotFoundError, HFValidationError) as error:
            raise ValueError(
                f"data set '{self.name}' could not be loaded: no network or no such id; "
                "give a local folder with --data PATH"
            ) from error
        except Exception as error:
            raise ValueError(
                f"data set '{self.name}' could not be loaded ({one_line(error)}): "
                "give another id, or a local folder with --data PATH"
            ) from error
        if self._newest:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            self._note.write_text(self._newest)
        return data


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Have the hub's libraries look only at what was downloaded before."""
    import datasets
    import huggingface_hub

    places: tuple[Any, ...] = (datasets.config, huggingface_hub.constants)
    before = [place.HF_HUB_OFFLINE for place in places]
    try:
        for place in places:
            place.HF_HUB_OFFLINE = True
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = value


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the progress bars and warnings of ``datasets`` from the terminal."""
    import datasets

    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    bars = datasets.are_progress_bars_disabled()
    try:
        datasets.disable_progress_bars()
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if not bars:
            datasets.enable_progress_bars()
