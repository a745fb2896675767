"""The last state of a run that was good, from which an incident is made again."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from safetensors.torch import load
from torch import Tensor

from ..files.tensors import write_tensors
from .bundle import Tensors
from .checkpoint import size_of
from .state import TrainState, cloned

LARGE = 64 * 2**20
"""Bytes of a state from which it is kept on disk; less is written more often than it is worth."""


class LastGood:
    """A copy of a state: in memory, or of a large state that the processor trains, on disk.

    There an update takes seconds, and writing a few hundred megabytes every hundred updates costs
    nothing; on an accelerator it would be a twentieth of the time. The files have no names, so that
    they are gone with the process, however it ends; they take the room of a checkpoint. Where the
    disk is full, memory serves.

    Attributes:
        step: Updates done at that state.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """``folder`` is where files may be written; without one all is kept in memory."""
        self.folder, self.step = folder, 0
        self.kept: Tensors = {}
        self.files: dict[str, IO[bytes]] = {}

    def keep(self, state: TrainState) -> None:
        """Take over a state in place of the one before."""
        self.kept, self.step = {}, state.step  # two copies at a time are one too many
        tensors = state.tensors()
        if not self._written(tensors, state.model.log_sigma.device.type):
            self.close()
            self.kept = cloned(tensors)

    def tensors(self) -> Tensors:
        """By file and name, as :meth:`TrainState.tensors` gave them."""
        return self.kept or {name: self._read(stream) for name, stream in self.files.items()}

    def close(self) -> None:
        """Forget the state, and give its files back to the disk."""
        self.kept = {}
        for stream in self.files.values():
            with suppress(OSError):  # what a full disk had no room for is written once more
                stream.close()
        self.files.clear()

    def _written(self, tensors: Tensors, device: str) -> bool:
        if self.folder is None or device != "cpu" or size_of(tensors) < LARGE:
            return False
        try:
            for name, named in tensors.items():
                if name not in self.files:
                    self.files[name] = TemporaryFile(dir=self.folder)  # noqa: SIM115
                self.files[name].seek(0)
                self.files[name].truncate()
                write_tensors(named, self.files[name])
                self.files[name].flush()
        except OSError:
            return False
        return True

    def _read(self, stream: IO[bytes]) -> dict[str, Tensor]:
        stream.seek(0)
        found: dict[str, Tensor] = load(stream.read())
        return found
