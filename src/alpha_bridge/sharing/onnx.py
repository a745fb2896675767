"""Generator and encoder as ONNX files that onnxruntime is seen to agree with torch on."""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from ..causes import one_line

__all__ = ["ATOL", "RTOL", "export", "require_installed"]

RTOL, ATOL = 1e-4, 1e-5
"""How far onnxruntime may be from torch, relative to the value and beside it, in model units."""

NEEDED = ("onnx", "onnxruntime", "onnxscript")
TRACED, CHECKED = 2, (1, 5)
"""Samples of the batch that the exporter sees, and of those that the files are checked with."""


class Arms(Protocol):
    """What has a generator and an encoder: an :class:`~alpha_bridge.AlphaBridge`."""

    generator: nn.Module
    encoder: nn.Module

    @property
    def batch_ndim(self) -> int:
        """Number of leading dimensions, of which the last is the batch."""

    def prior(self, count: int, rng: torch.Generator | None = None) -> Tensor:
        """Latents, shape ``(*trials, count, *latent_shape)``."""


@dataclass(frozen=True)
class _Arm:
    """A network with what it is to be tried on, and the names of what goes in and comes out."""

    name: str
    network: nn.Module
    x: Tensor
    inputs: Sequence[str]
    outputs: Sequence[str]
    axis: int

    def batch(self, size: int) -> Tensor:
        return self.x.narrow(self.axis, 0, size).contiguous()

    def __call__(self, size: int) -> tuple[Tensor, ...]:
        with torch.no_grad():
            y = self.network(self.batch(size))
        return (y,) if isinstance(y, Tensor) else tuple(y)


def require_installed() -> None:
    """See that what ONNX needs is there.

    Raises:
        ValueError: It is not.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ValueError(
            f"ONNX needs {', '.join(missing)}: install it with pip install 'alpha-bridge[onnx]'"
        )


def export(bridge: Arms, folder: str | Path) -> dict[str, float]:
    """Write ``generator.onnx`` and ``encoder.onnx``, for batches of any size, in model units.

    The generator maps ``latent`` to ``sample``, the encoder ``sample`` to ``mean`` and
    ``log_variance``. Both files are run by onnxruntime on batches that the exporter did not see,
    and stay only if they give what torch gives.

    Args:
        bridge: An :class:`~alpha_bridge.AlphaBridge`; it is left as it is.
        folder: Where to put the files; made if it is not there.

    Returns:
        The largest difference between onnxruntime and torch, by network.

    Raises:
        ValueError: A package is missing, a network cannot be exported, or onnxruntime differs from
            torch by more than ``RTOL`` of a value and ``ATOL``; no file is left behind.
        FileExistsError: One of the files is there already.
    """
    require_installed()
    folder = Path(folder)
    for name in ("generator", "encoder"):
        if (folder / f"{name}.onnx").exists():
            raise FileExistsError(f"{folder / name}.onnx exists: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".onnx-", dir=folder) as partial:
        arms = _arms(bridge)
        files = [_write(arm, Path(partial)) for arm in arms]
        differences = {
            arm.name: _difference(arm, file) for arm, file in zip(arms, files, strict=True)
        }
        for file in files:
            file.replace(folder / file.name)
    return differences


def _arms(bridge: Arms) -> list[_Arm]:
    axis = bridge.batch_ndim - 1
    generator, encoder = (
        copy.deepcopy(network).cpu().eval() for network in (bridge.generator, bridge.encoder)
    )
    device = bridge.prior(1).device
    rng = torch.Generator(device).manual_seed(0)
    z = bridge.prior(max(CHECKED), rng).cpu()
    decode = _Arm("generator", generator, z, ("latent",), ("sample",), axis)
    (x,) = decode(max(CHECKED))
    return [decode, _Arm("encoder", encoder, x, ("sample",), ("mean", "log_variance"), axis)]


def _write(arm: _Arm, folder: Path) -> Path:
    path = folder / f"{arm.name}.onnx"
    batch = torch.export.Dim("batch")
    try:
        with _quiet():
            torch.onnx.export(
                arm.network,
                (arm.batch(TRACED),),
                path,
                input_names=arm.inputs,
                output_names=arm.outputs,
                dynamic_shapes=({arm.axis: batch},),
                external_data=False,
                verbose=False,
            )
    except Exception as error:
        raise ValueError(f"the {arm.name} cannot be exported to ONNX: {one_line(error)}") from error
    return path


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's warnings to itself: what it writes is checked."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.setLevel(level)


def _difference(arm: _Arm, file: Path) -> float:
    """The largest difference between onnxruntime and torch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for size in CHECKED:
        given = session.run(list(arm.outputs), {arm.inputs[0]: arm.batch(size).numpy()})
        for name, ours, theirs in zip(arm.outputs, arm(size), given, strict=True):
            apart = (torch.from_numpy(theirs) - ours).abs()
            largest = max(largest, apart.max().item())
            if not (apart <= ATOL + RTOL * ours.abs()).all():
                raise ValueError(
                    f"onnxruntime differs from torch by {apart.max().item():.3g} in the {name} of "
                    f"the {arm.name}, more than {RTOL:g} of the value and {ATOL:g}: the files are "
                    "not kept"
                )
    return largest
