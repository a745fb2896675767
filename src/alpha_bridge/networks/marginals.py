"""A discriminator for each of two spaces."""

from torch import Tensor, nn

from .blueprint import shareable

__all__ = ["Marginals"]


@shareable
class Marginals(nn.Module):
    """Two discriminators as one: of samples, and of latents.

    Attributes:
        of_x: From samples to logits; the module as a whole is called like it.
        of_z: From latents to logits.

    Example:
        >>> import torch
        >>> from alpha_bridge.networks import MLPDiscriminator
        >>> both = Marginals(MLPDiscriminator(3), MLPDiscriminator(2))
        >>> both(torch.zeros(5, 3)).shape, both.of_z(torch.zeros(5, 2)).shape
        (torch.Size([5, 1]), torch.Size([5, 1]))
    """

    def __init__(self, of_x: nn.Module, of_z: nn.Module) -> None:
        super().__init__()
        self.of_x, self.of_z = of_x, of_z

    def forward(self, x: Tensor) -> Tensor:
        return self.of_x(x)  # type: ignore[no-any-return]
