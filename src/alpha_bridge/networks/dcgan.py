r"""The DCGAN's networks for square images of 8 to 64 pixels, and an encoder like them.

As in the DCGAN, every layer is a convolution of stride two with 4×4 kernels down to a base of 4 to
7 pixels, the widths double with each halving, and there is no fully connected layer: the last
convolution covers the whole base. The generator has rectifiers and a tanh, the other two leaky
rectifiers of slope 0.2.

Ours: there is no batch normalisation. It would let the samples of a batch see one another, while
the bridge weighs each sample by itself, the encoder is a distribution given one image, and R1 is
the slope at one image; the GANs for which R1 was made do without it too. What it did for the scale
of the signal, the first weights do: their variance is :math:`2 / n` after a rectifier, with n the
number of inputs of a unit.

Source:
    Radford, Metz and Chintala, Unsupervised Representation Learning with Deep Convolutional
    Generative Adversarial Networks, ICLR 2016; Mescheder, Geiger and Nowozin, Which Training
    Methods for GANs do actually Converge?, ICML 2018; He et al., Delving Deep into Rectifiers,
    ICCV 2015.
"""

from itertools import pairwise

from torch import nn

from ..checks import times_halved
from ..settings import ModelConfig
from .blueprint import shareable
from .halving import convolutions, require_sizes, widths
from .surrogate import GaussianHead

__all__ = ["DCGANDiscriminator", "DCGANEncoder", "DCGANGenerator"]


class _DCGANBody(nn.Sequential):
    """Images to features ``(batch, outputs)``."""

    def __init__(
        self, size: int, channels: int, width: int, outputs: int, trials: int | None
    ) -> None:
        require_sizes(trials, channels=channels, width=width, outputs=outputs)
        halvings = times_halved(size)
        each = [channels, *widths(width, halvings)]
        layers = convolutions(each)
        head = nn.Conv2d(each[-1], outputs, size >> halvings)
        super().__init__(*layers, head, nn.Flatten())
        for layer in layers[::2]:
            assert isinstance(layer, nn.Conv2d)
            _begin(layer, inputs=layer.in_channels * 16)


@shareable
class DCGANDiscriminator(_DCGANBody):
    """Discriminator of images: ``(batch, channels, size, size)`` to logits ``(batch, 1)``."""

    def __init__(
        self, size: int, channels: int, width: int = ModelConfig.width, trials: int | None = None
    ) -> None:
        """Draw the first weights, for images of one size.

        Args:
            size: Pixels of a side: base · 2ᵏ with a base of 4 to 7, such as 8, 28 or 64.
            channels: Colours, one to three.
            width: Channels of the layer next to the image; they double with each further one.
            trials: None; images have no stacked trials.
        """
        super().__init__(size, channels, width, 1, trials)


@shareable
class DCGANEncoder(_DCGANBody):
    """Encoder of images: ``(batch, channels, size, size)`` to two ``(batch, latent)``."""

    def __init__(
        self,
        latent: int,
        size: int,
        channels: int,
        width: int = ModelConfig.width,
        trials: int | None = None,
    ) -> None:
        """Draw the first weights; as for :class:`DCGANDiscriminator`, with a latent's size."""
        super().__init__(size, channels, width, 2 * latent, trials)
        self.append(GaussianHead())


@shareable
class DCGANGenerator(nn.Sequential):
    """Generator of images: latents ``(batch, latent)`` to images in [−1, 1].

    Example:
        >>> import torch
        >>> DCGANGenerator(latent=2, size=32, channels=3, width=4)(torch.zeros(5, 2)).shape
        torch.Size([5, 3, 32, 32])
    """

    def __init__(
        self,
        latent: int,
        size: int,
        channels: int,
        width: int = ModelConfig.width,
        trials: int | None = None,
    ) -> None:
        """Draw the first weights; arguments as of :class:`DCGANEncoder`."""
        require_sizes(trials, latent=latent, channels=channels, width=width)
        halvings = times_halved(size)
        each = [*reversed(widths(width, halvings)), channels]
        first = nn.ConvTranspose2d(latent, each[0], size >> halvings)
        _begin(first, inputs=latent)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(each):
            layer = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
            _begin(layer, inputs=inputs * 4)  # a quarter of the kernel meets each pixel
            layers += [nn.ReLU(inplace=True), layer]
        super().__init__(nn.Unflatten(-1, (latent, 1, 1)), first, *layers, nn.Tanh())
        self.latent_shape = (latent,)


def _begin(layer: nn.Conv2d | nn.ConvTranspose2d, inputs: int) -> None:
    """Draw first weights that keep the scale of a signal through a rectifier."""
    nn.init.normal_(layer.weight, std=(2 / inputs) ** 0.5)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
