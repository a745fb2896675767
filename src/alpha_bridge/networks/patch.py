"""A discriminator of patches: fully convolutional, for images of any size."""

from torch import Tensor, nn

from ..observation import Patches
from ..settings import ModelConfig
from .blueprint import shareable
from .halving import convolutions, require_sizes, widths

__all__ = ["PatchDiscriminator"]


@shareable
class PatchDiscriminator(nn.Module):
    """Images ``(batch, channels, height, width)`` to a logit for each patch, ``(batch, h, w)``.

    Convolutions of stride two with 4×4 kernels, whose widths double, and a 3×3 one: after k
    halvings logits are :math:`2^k` pixels apart, and each sees 8, 18, 38 or 78 pixels for k = 1
    to 4. All are one function of what they see, which knows where that lies only by the padding.
    There is no normalisation, which would let images of a batch see one another.

    Attributes:
        scope: The patches.

    Example:
        >>> import torch
        >>> discriminator = PatchDiscriminator(channels=3, halvings=2)
        >>> discriminator(torch.zeros(5, 3, 32, 48)).shape, discriminator.scope.size
        (torch.Size([5, 8, 12]), 18)

    Source:
        Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017.
    """

    def __init__(
        self,
        channels: int,
        width: int = ModelConfig.width,
        halvings: int = ModelConfig.halvings,
        trials: int | None = None,
    ) -> None:
        """Draw the first weights, for images of any size.

        Args:
            channels: Colours, one or more.
            width: Channels of the layer next to the image; they double with each further one.
            halvings: k, one to four.
            trials: None; images have no stacked trials.

        Raises:
            ValueError: A number is out of its range.
        """
        require_sizes(trials, channels=channels, width=width)
        if not 1 <= halvings <= 4:
            raise ValueError(f"halvings must lie in [1, 4], got {halvings}")
        each, stride = [channels, *widths(width, halvings)], 2**halvings
        super().__init__()
        self.layers = nn.Sequential(
            *convolutions(each),
            nn.Conv2d(each[-1], each[-1], 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(each[-1], 1, 1),
        )
        # the halvings see 3 · 2ᵏ − 2 pixels, and the 3×3 kernel a stride more on each side
        self.scope = Patches(5 * stride - 2, stride, 2 * stride - 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits.squeeze(-3)
