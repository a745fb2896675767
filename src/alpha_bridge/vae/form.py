"""In which form the weights of a VAE lie in its files, so that they go back in the same."""

import copy
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..files.vae_folder import VAEFiles

__all__ = ["Form"]


@dataclass(frozen=True)
class Form:
    """The form of a VAE's files; by default that which its library writes by itself.

    Attributes:
        variant: What diffusers calls these weights, such as ``fp16``.
        pickle: Whether they are kept as a pickle where the library has safetensors.
        largest: Bytes of the largest file of several.
        dtype: In which most of the numbers are kept.
        others: The same of the tensors that are kept in another, by name.

    Raises:
        ValueError: A value is none that a VAE's files could have.
    """

    variant: str | None = None
    pickle: bool = False
    largest: int | None = None
    dtype: str = "float32"
    others: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # a shared file may say anything
        variant = self.variant is None or re.fullmatch(r"\w+", self.variant)
        kinds = [getattr(torch, kind, None) for kind in (self.dtype, *self.others.values())]
        sized = self.largest is None or (type(self.largest) is int and self.largest > 0)
        if not (variant and sized and all(isinstance(kind, torch.dtype) for kind in kinds)):
            raise ValueError(f"no VAE has files of the form {self}: restore them from a copy")

    @classmethod
    def read(cls, files: VAEFiles, parts: Sequence[Mapping[str, Tensor]]) -> Self:
        """The form of ``files``, each with the tensors of one of ``parts``."""
        kinds = {
            name: str(tensor.dtype).removeprefix("torch.")
            for part in parts
            for name, tensor in part.items()
            if tensor.is_floating_point()
        }
        [(common, _)] = Counter(kinds.values()).most_common(1) or [(cls.dtype, 0)]
        sizes = [sum(tensor.nbytes for tensor in part.values()) for part in parts]
        return cls(
            files.variant,
            files.parts[0].suffix == ".bin",
            None if files.weights in files.parts else max(sizes),
            common,
            {name: kind for name, kind in kinds.items() if kind != common},
        )

    def as_json(self) -> dict[str, Any]:
        """What differs from the usual form."""
        usual = asdict(Form())
        return {key: value for key, value in asdict(self).items() if value != usual[key]}

    @property
    def dtypes(self) -> set[str]:
        """In which the numbers are kept."""
        return {self.dtype, *self.others.values()}

    def applied(self, model: nn.Module) -> nn.Module:
        """The model with its numbers in the precision of the files; itself, if it has that.

        Raises:
            ValueError: A number of training is beyond that precision.
        """
        if self.dtypes == {Form.dtype}:
            return model
        model = copy.deepcopy(model)
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            if tensor.is_floating_point():
                kind: torch.dtype = getattr(torch, self.others.get(name, self.dtype))
                tensor.data = tensor.data.to(kind)
                if not tensor.isfinite().all():
                    raise ValueError(
                        f"{name} has numbers beyond {kind}, in which the VAE came: restore an "
                        "earlier step, or train it from files in float32"
                    )
        return model
