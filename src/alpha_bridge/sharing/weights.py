"""Tensors in files that hold nothing else, and their sums."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

__all__ = ["own_memory", "sha256"]


def own_memory(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that share no memory and are dense in order, as safetensors wants them."""
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}


def sha256(file: Path) -> str:
    """The SHA-256 sum of a file, in hexadecimal digits.

    Raises:
        OSError: It cannot be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
