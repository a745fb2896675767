"""A model, or its snapshots along α, as ONNX files, checked against torch by onnxruntime."""

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
from torch.func import functional_call

from ..errors import one_line
from ..files import writing
from ..gaussian import moments
from ..model import AlphaBridge

__all__ = ["ATOL", "RTOL", "export", "export_along", "require_installed"]

RTOL, ATOL = 1e-4, 1e-5
"""How far onnxruntime may be from torch, relative to the value and beside it, in model units."""

NEEDED = ("onnx", "onnxruntime", "onnxscript")
TRACED, CHECKED = 2, (1, 2, 7)
"""Samples of the batch that the exporter sees, and of those that the files are checked with."""


@dataclass(frozen=True)
class _Export:
    """A network, samples to check it with, and the names of its inputs and outputs.

    Attributes:
        snapshots: How many models the network holds; its last input is then the number of one.
    """

    name: str
    network: nn.Module
    x: Tensor
    inputs: Sequence[str]
    outputs: Sequence[str]
    axis: int
    snapshots: int = 0

    def given(self, size: int) -> Iterator[tuple[Tensor, ...]]:
        """The inputs for a batch, of every model that the network holds."""
        x = self.x.narrow(self.axis, 0, size).contiguous()
        if not self.snapshots:
            yield (x,)
        for snapshot in range(self.snapshots):
            yield x, torch.tensor([snapshot])

    def __call__(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        with torch.no_grad():
            y = self.network(*inputs)
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


def export_along(bridges: Sequence[AlphaBridge], ratio: bool = True) -> dict[str, bytes]:
    """Snapshots of a model as ONNX files: ``generator``, ``encoder`` and ``discriminator``.

    Inputs and outputs are those of :func:`export`, and the discriminator maps ``sample`` to
    ``log_ratio``, shape ``(batch,)``. The second input of each, ``snapshot``, of shape ``(1,)``, is
    the number of the model in ``bridges``. Every model is checked as :func:`export` does.

    Args:
        bridges: Models of the same networks, not stacked; left as they are.
        ratio: Whether the discriminator is one of the files.

    Returns:
        The content of each file.

    Raises:
        ValueError: As for :func:`export`.
    """
    require_installed()
    generator, encoder, discriminator = (
        _Chosen(of_all).cpu().eval() for of_all in zip(*map(_networks, bridges), strict=True)
    )

    def along(name: str, network: nn.Module, x: Tensor, given: str, *outputs: str) -> _Export:
        return _Export(name, network, x, (given, "snapshot"), outputs, 0, len(bridges))

    decode = along("generator", generator, _latents(bridges[0]), "latent", "sample")
    (x,) = decode(next(decode.given(max(CHECKED))))
    exports = [decode, along("encoder", encoder, x, "sample", "mean", "log_variance")]
    if ratio:
        exports.append(along("discriminator", discriminator, x, "sample", "log_ratio"))
    files = {of.name: _in_onnx(of) for of in exports}
    for of in exports:
        _difference(of, files[of.name])
    return files


def _arms(bridge: AlphaBridge) -> list[_Export]:
    axis = bridge.batch_ndim - 1
    generator, encoder = (copy.deepcopy(of).cpu().eval() for of in _networks(bridge)[:2])
    decode = _Export("generator", generator, _latents(bridge), ("latent",), ("sample",), axis)
    (x,) = decode(next(decode.given(max(CHECKED))))
    return [decode, _Export("encoder", encoder, x, ("sample",), ("mean", "log_variance"), axis)]


def _latents(bridge: AlphaBridge) -> Tensor:
    rng = torch.Generator(bridge.prior(1).device).manual_seed(0)
    return bridge.prior(max(CHECKED), rng).cpu()


def _networks(bridge: AlphaBridge) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Generator, encoder and discriminator, giving what their files give."""
    encoder = _Moments(bridge.encoder, bridge.batch_ndim)
    return bridge.generator, encoder, _LogRatio(bridge.discriminator)


class _Moments(nn.Module):
    """An encoder that gives mean and log-variance as a pair, however it does by itself."""

    def __init__(self, encoder: nn.Module, dim: int) -> None:
        super().__init__()
        self.encoder, self.dim = encoder, dim

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return moments(self.encoder(x), self.dim)


class _LogRatio(nn.Module):
    """A discriminator of whole samples that gives a number for each, however it does by itself."""

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, x: Tensor) -> Tensor:
        return self.discriminator(x).flatten()  # type: ignore[no-any-return]


class _Chosen(nn.Module):
    """Networks of one architecture as one, whose second input is the number of that which runs."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.network = copy.deepcopy(networks[0])
        states = [network.state_dict() for network in networks]
        self.names = [*states[0]]
        for place, name in enumerate(self.names):
            self.register_buffer(f"all{place}", torch.stack([state[name] for state in states]))

    def forward(self, x: Tensor, snapshot: Tensor) -> Any:  # noqa: ANN401
        state = {
            name: self.get_buffer(f"all{place}").index_select(0, snapshot).squeeze(0)
            for place, name in enumerate(self.names)
        }
        return functional_call(self.network, state, (x,))


def _in_onnx(arm: _Export) -> bytes:
    """The network as the content of an ONNX file."""
    given = next(arm.given(TRACED))
    shapes = ({arm.axis: torch.export.Dim("batch")}, *(None for _ in given[1:]))
    try:
        with _quiet():
            written = torch.onnx.export(
                _traced(arm.network, given, shapes),
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


def _traced(
    network: nn.Module, given: tuple[Tensor, ...], shapes: tuple[Any, ...]
) -> ExportedProgram:
    """The network's graph. Left to itself, torch.onnx makes one for batches of one size."""
    try:
        return torch.export.export(network, given, dynamic_shapes=shapes)
    except Exception:  # by the code itself, which knows what len(x) is
        return torch.export.export(network, given, dynamic_shapes=shapes, strict=True)


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
    for given in (inputs for size in CHECKED for inputs in arm.given(size)):
        named = {name: x.numpy() for name, x in zip(arm.inputs, given, strict=True)}
        try:
            found = session.run(list(arm.outputs), named)
        except Exception as error:
            raise ValueError(
                f"the {arm.name} in ONNX does not take a batch of {given[0].shape[arm.axis]} "
                f"({one_line(error)}): let "
                "it work out its shapes from the input's; the files are not kept"
            ) from error
        for name, ours, theirs in zip(arm.outputs, arm(given), found, strict=True):
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
