r"""Any encoder and decoder of a trained VAE as the two arms of a bridge.

The bridge's prior is :math:`N(0, I)`. Where a VAE's latents have another scale, the arms work with

.. math:: z' = s \, (z - m)

and the networks themselves, with all that their files say, stay what they were.
"""

import torch
from torch import Tensor, nn

__all__ = ["Numbers", "VAEEncoder", "VAEGenerator", "latent_size"]

Numbers = float | Tensor
"""A number, or one for each channel of a latent, which broadcasts with it."""

MOMENTS = (("mean", "logvar"), ("mean", "log_variance"), ("embedding", "log_covariance"))
SAMPLES = ("sample", "reconstruction")


class _Arm(nn.Module):
    """A network, and the map between its latents and those of the bridge."""

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, scale: Numbers, shift: Numbers) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("scale", _positive(scale))
        self.register_buffer("shift", torch.as_tensor(shift, dtype=torch.float32).clone())


class VAEGenerator(_Arm):
    """A VAE's decoder as the bridge's generator: :math:`x = D(z' / s + m)`.

    Attributes:
        network: D; its output is a tensor, or has one as ``sample`` or ``reconstruction``.
        latent_shape: Shape of one latent.
        origin: What the decoder says of where it came from, if anything.

    Example:
        >>> VAEGenerator(nn.Linear(2, 3), latent_shape=(2,))(torch.zeros(5, 2)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        network: nn.Module,
        latent_shape: tuple[int, ...],
        scale: Numbers = 1.0,
        shift: Numbers = 0.0,
    ) -> None:
        """Wrap a decoder.

        Args:
            network: D.
            latent_shape: Shape of one latent.
            scale: s, positive.
            shift: m.

        Raises:
            ValueError: ``scale`` is not positive.
        """
        super().__init__(network, scale, shift)
        self.latent_shape = latent_shape
        self.origin = getattr(network, "origin", None)

    def forward(self, z: Tensor) -> Tensor:
        """Decode latents ``(batch, *latent_shape)`` to samples ``(batch, *event)``."""
        return _samples(self.network(z / self.scale + self.shift))


class VAEEncoder(_Arm):
    r"""A VAE's encoder as the bridge's: :math:`\mu' = s (\mu - m)`, :math:`v' = v + 2 \log s`.

    Attributes:
        network: It gives mean and log-variance as a pair, as the two halves of a tensor along
            dimension 1, or as attributes: ``mean`` and ``logvar`` or ``log_variance``,
            ``embedding`` and ``log_covariance``, with or without ``latent_dist`` around them.

    Example:
        >>> mean, log_variance = VAEEncoder(nn.Linear(3, 4))(torch.zeros(5, 3))
        >>> mean.shape
        torch.Size([5, 2])
    """

    def __init__(self, network: nn.Module, scale: Numbers = 1.0, shift: Numbers = 0.0) -> None:
        """Wrap an encoder.

        Args:
            network: The encoder.
            scale: s, positive.
            shift: m.

        Raises:
            ValueError: ``scale`` is not positive.
        """
        super().__init__(network, scale, shift)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode samples ``(batch, *event)`` to two tensors ``(batch, *latent)``."""
        mean, log_variance = _moments(self.network(x))
        return (mean - self.shift) * self.scale, log_variance + 2 * self.scale.log()


def latent_size(mean: Tensor, log_variance: Tensor) -> float:
    r"""Root mean square of draws from the encoder, which is 1 if they follow the prior.

    .. math:: \sqrt{E[\mu^2 + e^v]}

    Args:
        mean: μ of many samples, shape ``(batch, *latent)``.
        log_variance: v, the same shape.

    Example:
        >>> latent_size(torch.zeros(2, 3), torch.zeros(2, 3))
        1.0
    """
    return float((mean.square() + log_variance.exp()).mean().sqrt())


def _positive(scale: Numbers) -> Tensor:
    numbers = torch.as_tensor(scale, dtype=torch.float32).clone()
    if not (numbers > 0).logical_and(numbers.isfinite()).all():
        raise ValueError(f"the latent scale must be positive and finite, got {scale}")
    return numbers


def _samples(output: object) -> Tensor:
    if isinstance(output, Tensor):
        return output
    for name in SAMPLES:
        if isinstance(found := getattr(output, name, None), Tensor):
            return found
    raise ValueError(
        f"a decoder must give a tensor, or one as {' or '.join(SAMPLES)}, got "
        f"{type(output).__name__}: wrap it in a module that does"
    )


def _moments(output: object) -> tuple[Tensor, Tensor]:
    if isinstance(output, Tensor) and output.shape[1] % 2 == 0:
        mean, log_variance = output.chunk(2, 1)
        return mean, log_variance
    if isinstance(output, tuple | list) and len(output) == 2:
        return output[0], output[1]
    output = getattr(output, "latent_dist", output)
    for names in MOMENTS:
        first, second = (getattr(output, name, None) for name in names)
        if isinstance(first, Tensor) and isinstance(second, Tensor):
            return first, second
    shape = f" of shape {tuple(output.shape)}" if isinstance(output, Tensor) else ""
    raise ValueError(
        "an encoder must give mean and log-variance, as a pair, as the halves of a tensor along "
        f"dimension 1 or as attributes, got {type(output).__name__}{shape}: wrap it in a module "
        "that does"
    )
