"""Tensors as files hold them."""

from collections.abc import Mapping

from torch import Tensor

__all__ = ["own_memory"]


def own_memory(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that share no memory and are dense in order, as safetensors wants them."""
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
