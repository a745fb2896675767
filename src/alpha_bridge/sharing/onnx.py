"""Generator and encoder as ONNX files, checked against torch by onnxruntime."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from ..errors import one_line
from ..files import writing
from ..gaussian import moments
from ..model import AlphaBridge

__all__ = ["ATOL", "RTOL", "export", "require_installed"]

RTOL, ATOL = 1e-4, 1e-5
"""How far onnxruntime may be from torch, relative to the value and beside it, in model units."""

NEEDED = ("onnx", "onnxruntime", "onnxscript")
TRACED, CHECKED = 2, (1, 2, 7)
"""Samples of the batch that the exporter sees, and of those that the files are checked with."""


@dataclass(frozen=True)
class _Export:
    """A network, samples to check it with, and the names of its inputs and outputs."""

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
    """Raise a :class:`ValueError` if a package that ONNX needs is missing."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ValueError(
            f"ONNX needs {', '.join(missing)}: install it with pip install 'alpha-bridge[onnx]'"
        )


def export(bridge: AlphaBridge, folder: str | Path) -> dict[str, float]:
    """Write ``generator.onnx`` and ``encoder.onnx``, for batches of any size, in model units.

    The generator maps ``latent`` to ``sample``, the encoder ``sample`` to ``mean`` and
    ``log_variance``. Both are run by onnxruntime on batches of 1, 2 and 7 samples, of which the
    exporter has seen one, and are written only if they give what torch gives.

    Args:
        bridge: Left as it is.
        folder: Where to put the files; made if it is not there.

    Returns:
        The largest difference between onnxruntime and torch, by network.

    Raises:
        ValueError: A package is missing, a network cannot be exported for batches of any size, or
            onnxruntime differs from torch by more than ``RTOL`` of a value and ``ATOL``; no file is
            left behind.
        FileExistsError: One of the files is there already.
        PermissionError: The folder cannot be written.
        NotWritten: The disk is full or broken.
    """
    require_installed()
    folder = Path(folder)
    for name in ("generator", "encoder"):
        if (folder / f"{name}.onnx").exists():
            raise FileExistsError(f"{folder / name}.onnx exists: choose another folder")
    files, differences = {}, {}
    for arm in _arms(bridge):
        files[arm.name] = _in_onnx(arm)
        differences[arm.name] = _difference(arm, files[arm.name])
    with ExitStack() as stack:  # all of them, or none
        for name, content in files.items():
            stack.enter_context(writing(folder / f"{name}.onnx")).write(content)
    return differences


def _arms(bridge: AlphaBridge) -> list[_Export]:
    axis = bridge.batch_ndim - 1
    generator, encoder = (
        copy.deepcopy(network).cpu().eval() for network in (bridge.generator, bridge.encoder)
    )
    device = bridge.prior(1).device
    rng = torch.Generator(device).manual_seed(0)
    z = bridge.prior(max(CHECKED), rng).cpu()
    decode = _Export("generator", generator, z, ("latent",), ("sample",), axis)
    (x,) = decode(max(CHECKED))
    pair = _Moments(encoder, bridge.batch_ndim).eval()
    return [decode, _Export("encoder", pair, x, ("sample",), ("mean", "log_variance"), axis)]


class _Moments(nn.Module):
    """An encoder that gives mean and log-variance as a pair, however it does by itself."""

    def __init__(self, encoder: nn.Module, dim: int) -> None:
        super().__init__()
        self.encoder, self.dim = encoder, dim

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return moments(self.encoder(x), self.dim)


def _in_onnx(arm: _Export) -> bytes:
    """The network as the content of an ONNX file."""
    shapes = ({arm.axis: torch.export.Dim("batch")},)
    try:
        with _quiet():
            written = torch.onnx.export(
                _traced(arm.network, arm.batch(TRACED), shapes),
                input_names=arm.inputs,
                output_names=arm.outputs,
                dynamic_shapes=shapes,
                external_data=False,
                verbose=False,
            )
    except Exception as error:
        raise ValueError(
            f"the {arm.name} cannot be exported to ONNX for batches of any size: let it work out "
            f"its shapes from the input's, without a loop over samples ({one_line(error)})"
        ) from error
    assert written is not None
    content: bytes = written.model_proto.SerializeToString()
    return content


def _traced(network: nn.Module, x: Tensor, shapes: tuple[dict[int, Any]]) -> ExportedProgram:
    """The network's graph. Left to itself, torch.onnx makes one for batches of one size."""
    try:
        return torch.export.export(network, (x,), dynamic_shapes=shapes)
    except Exception:  # by the code itself, which knows what len(x) is
        return torch.export.export(network, (x,), dynamic_shapes=shapes, strict=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's logs and warnings: what it writes is checked."""
    level = logging.root.manager.disable
    try:
        logging.disable()
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(level)


def _difference(arm: _Export, file: bytes) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # its message is in the error
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for size in CHECKED:
        try:
            given = session.run(list(arm.outputs), {arm.inputs[0]: arm.batch(size).numpy()})
        except Exception as error:
            raise ValueError(
                f"the {arm.name} in ONNX does not take a batch of {size} ({one_line(error)}): let "
                "it work out its shapes from the input's; the files are not kept"
            ) from error
        for name, ours, theirs in zip(arm.outputs, arm(size), given, strict=True):
            largest = max(
                largest, _apart(ours, torch.from_numpy(theirs), f"{name} of the {arm.name}")
            )
    return largest


def _apart(ours: Tensor, theirs: Tensor, what: str) -> float:
    """The largest difference; one that is too large is refused."""
    if ours.shape != theirs.shape:
        raise ValueError(
            f"onnxruntime gives the shape {tuple(theirs.shape)} for the {what}, torch "
            f"{tuple(ours.shape)}: the files are not kept"
        )
    apart = (theirs - ours).abs()
    if not (apart <= ATOL + RTOL * ours.abs()).all():
        raise ValueError(
            f"onnxruntime differs from torch by {apart.max().item():.3g} in the {what}, more than "
            f"{RTOL:g} of the value and {ATOL:g}: the files are not kept"
        )
    return apart.max().item()
