"""Tensors as the content of a safetensors file, one after the other."""

import json
from collections.abc import Iterator, Mapping
from typing import IO

import torch
from torch import Tensor

NAMES = {
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float64: "F64",
    torch.complex64: "C64",
    torch.float32: "F32",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.float8_e5m2fnuz: "F8_E5M2FNUZ",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ",
    torch.float8_e8m0fnu: "F8_E8M0",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""What the format calls the kinds of numbers, in the order in which the library writes them."""


def write_tensors(tensors: Mapping[str, Tensor], stream: IO[bytes]) -> None:
    """Write tensors by name into an open file.

    The library's own ways of writing raise no ``OSError`` where a disk is full, or take a second
    and a third copy of all tensors: 336 MB for Adam's moments of networks of 64×64 images.
    """
    for part in _parts(tensors):
        stream.write(part)


def serialized(tensors: Mapping[str, Tensor]) -> bytes:
    """The content of a file of tensors by name."""
    return b"".join(_parts(tensors))


def _parts(tensors: Mapping[str, Tensor]) -> Iterator[bytes | memoryview]:
    """The header, and the bytes of each tensor: large numbers first, so that all are aligned."""
    for name, value in tensors.items():
        if value.dtype not in NAMES:
            raise ValueError(f"safetensors has no {value.dtype}, of which {name} is: convert it")
    kinds = [*NAMES]
    ordered = sorted(tensors.items(), key=lambda of: (kinds.index(of[1].dtype), of[0]))
    header: dict[str, object] = {}
    end = 0
    for name, value in ordered:
        begin, end = end, end + value.nbytes
        kind, shape = NAMES[value.dtype], [*value.shape]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for _, value in ordered:
        dense = value.detach().cpu().resolve_conj().resolve_neg().contiguous().flatten()
        yield dense.view(torch.uint8).numpy().data
