"""Tensors as the bytes of a safetensors file."""

from collections.abc import Mapping

from safetensors.torch import save
from torch import Tensor


def serialized(tensors: Mapping[str, Tensor]) -> bytes:
    """The content of a file of tensors by name."""
    # safetensors takes only tensors that are dense in order and share no memory
    own = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    return save(own)
