"""A discriminator of patches: fully convolutional, for images of any size."""

from torch import Tensor, nn

from ..checks import at_least, not_stacked
from ..observation import Patches
from ..settings import ModelConfig
from .blueprint import shareable
from .conv import _widths

__all__ = ["PatchDiscriminator"]


@shareable
class PatchDiscriminator(nn.Module):
    """Images ``(batch, channels, height, width)`` to a logit for each patch, ``(batch, h, w)``.

    Convolutions of stride two with 4×4 kernels, whose widths double, and a 3×3 one: after k
    halvings logits are :math:`2^k` pixels apart, and each sees 8, 18, 38 or 78 pixels for k = 1
    to 4. There is no normalisation, which would let images of a batch see one another.

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
        """Build it.

        Args:
            channels: Colours, one or more.
            width: Channels of the layer next to the image; they double with each further one.
            halvings: k, one to four.
            trials: None; images have no stacked trials.

        Raises:
            ValueError: A number is out of its range.
        """
        not_stacked(trials)
        at_least(1, "channels", channels)
        at_least(1, "width", width)
        if not 1 <= halvings <= 4:
            raise ValueError(f"halvings must lie in [1, 4], got {halvings}")
        layers: list[nn.Module] = []
        inputs, size, padding = channels, 1, 0
        for level, outputs in enumerate(_widths(width, halvings)):
            layers += [
                nn.Conv2d(inputs, outputs, 4, stride=2, padding=1),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            inputs, size, padding = outputs, size + 3 * 2**level, padding + 2**level
        stride = 2**halvings
        layers += [nn.Conv2d(inputs, inputs, 3, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        super().__init__()
        self.layers = nn.Sequential(*layers, nn.Conv2d(inputs, 1, 1))
        self.scope = Patches(size + 2 * stride, stride, padding + stride)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x)
        return logits.squeeze(-3)
