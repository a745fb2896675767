"""The commands that give a run's model to others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from tyro.conf import Positional

from ..files import require_free

__all__ = ["Export", "Push"]


@dataclass(frozen=True)
class Export:
    """Write a run's model to a folder that alpha_bridge.sharing.load reads."""

    run: Positional[Path]
    """Folder of the run."""
    out: Path
    """A new or empty folder."""
    onnx: bool = False
    """Write generator.onnx and encoder.onnx as well, and check them with onnxruntime."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""
    pictures: bool = True
    """Show samples on the model's page; leave them out where they must not be shared."""

    def __call__(self, console: Console) -> None:
        """Write, and name the folder."""
        from ..runs.opening import opened

        run, _ = opened(self.run, self.step)
        require_free(self.out)
        from ..commands import export

        differences = export(run, self.out, self.step, self.onnx, self.pictures)
        for network, difference in differences.items():
            file = self.out / f"{network}.onnx"
            console.print(f"{file}: within {difference:.2g} of torch", soft_wrap=True)
        console.print(str(self.out), soft_wrap=True)


@dataclass(frozen=True)
class Push:
    """Upload a run's model to the hub."""

    run: Positional[Path]
    """Folder of the run."""
    hub_id: Positional[str]
    """Where to put it: owner/name."""
    private: bool = False
    """Let nobody else see it, if it is not there yet."""
    step: int | None = None
    """Updates of the checkpoint; by default the latest."""
    pictures: bool = True
    """Show samples on the model's page; leave them out where they must not be shared."""

    def __call__(self, console: Console) -> None:
        """Upload, and name the address."""
        from ..runs.arguments import require_hub_id
        from ..runs.opening import opened

        run, _ = opened(self.run, self.step)
        require_hub_id(self.hub_id)
        from ..commands import push

        address = push(run, self.hub_id, self.private, self.step, self.pictures)
        console.print(address, soft_wrap=True)
