r"""Any encoder and decoder of a trained VAE as the two arms of a bridge.

The bridge's prior is :math:`N(0, I)`. Where a VAE's latents have another scale, the arms work with

.. math:: z' = s \, (z - m)

and the networks themselves, with all that their files say, stay what they were.
"""

import torch
from torch import Tensor, nn

from ..chunks import CHUNK, in_parts
from ..gaussian import moments
from ..model import AlphaBridge
from ..networks.blueprint import shareable
from ..networks.input_sizes import WrongSize, called, explained
from ..objective.joint import pairs
from .latents import Numbers, latent_size, require_latents

__all__ = ["VAEEncoder", "VAEGenerator", "bridge", "encoded", "fit_noise"]

SAMPLES = ("sample", "reconstruction")


def bridge(
    encoder: nn.Module,
    decoder: nn.Module,
    discriminator: nn.Module,
    x: Tensor,
    noise: float | None = None,
    learn_noise: bool = False,
    latent_scale: Numbers = 1.0,
    latent_shift: Numbers = 0.0,
    sampled: bool = True,
) -> AlphaBridge:
    r"""A bridge that begins with a trained VAE, so that Step I can be short.

    Args:
        encoder: Gives mean and log-variance in any of the ways of :class:`VAEEncoder`; its weights
            are trained in place.
        decoder: Gives samples in any of the ways of :class:`VAEGenerator`; likewise.
        discriminator: :math:`f_\beta`, with any first weights.
        x: A few hundred training samples in the units that the VAE takes, shape
            ``(batch, *event)``, to measure it on.
        noise: σ of (13); None for that of :meth:`~alpha_bridge.AlphaBridge.best_sigma`.
        learn_noise: Whether σ is learned with θ.
        latent_scale: s in :math:`z' = s (z - m)`, which takes the VAE's latents to the prior's
            N(0, I); a number, or one for each channel.
        latent_shift: m, likewise.
        sampled: Whether latents are drawn from the prior, which they then have to fit; False for
            :class:`~alpha_bridge.objective.ReconstructionBridge`, which draws none.

    Returns:
        The bridge; its samples are in the units of ``x``.

    Raises:
        ValueError: ``x`` is empty or not finite, the networks do not fit one another or ``x``, or
            the latents are far from the prior that they are drawn from.

    Example:
        >>> encoder, decoder, discriminator = nn.Linear(3, 4), nn.Linear(2, 3), nn.Linear(3, 1)
        >>> bridge(encoder, decoder, discriminator, torch.randn(99, 3)).sample(5).shape
        torch.Size([5, 3])
    """
    if not (len(x) and x.is_floating_point() and bool(x.isfinite().all())):
        raise ValueError(
            f"x must be samples of finite floats in the VAE's units, got {tuple(x.shape)} of "
            f"{x.dtype}{'' if len(x) else ', none'}: give a few hundred"
        )
    inference = VAEEncoder(encoder, latent_scale, latent_shift)
    samples = f"samples of shape {tuple(x.shape[1:])}"
    with explained(inference, called("encoder", encoder), samples):
        mean, log_variance = encoded(inference, x)
    if sampled:
        require_latents(latent_size(mean, log_variance), latent_scale)
    generator = VAEGenerator(decoder, tuple(mean.shape[1:]), latent_scale, latent_shift)
    sigma = 1.0 if noise is None else noise
    model = AlphaBridge(generator, inference, discriminator, sigma, learn_noise).eval()
    latents = f"the encoder's latents, of shape {tuple(mean.shape[1:])}"
    with explained(generator, called("decoder", decoder), latents):
        decoded = model.reconstruct(x[:1])
    if decoded.shape != x[:1].shape:
        raise ValueError(
            f"the VAE makes samples of shape {tuple(decoded.shape[1:])} of samples of shape "
            f"{tuple(x.shape[1:])}: give data and a decoder that fit each other"
        )
    _require_channels(discriminator, x[:1], mean[:1])
    if noise is None:
        fit_noise(model, x)
    return model.train()


@torch.no_grad()
def _require_channels(discriminator: nn.Module, x: Tensor, z: Tensor) -> None:
    """Refuse a discriminator of other channels, or of longer vectors, than samples have.

    It may be one of pairs, and of smaller images, if updates see squares of them.
    """
    home = next(discriminator.parameters(), x).device
    name, given = called("discriminator", discriminator), f"samples of shape {tuple(x.shape[1:])}"

    def takes(samples: Tensor) -> None:
        with explained(discriminator, name, given):
            discriminator(samples.to(home))

    try:
        takes(x)
    except WrongSize as error:
        if x.ndim > 2 and isinstance(error.layer, nn.Linear):
            return
        try:
            takes(pairs(x, z))
        except ValueError:
            raise error from error.__cause__
    except ValueError:  # training knows what it gives, and says what is wrong
        return


@torch.no_grad()
def encoded(encoder: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance of the latents of many samples, where these are."""
    encoder.eval()
    home = next(encoder.parameters(), x).device
    pairs = [encoder(part.to(home)) for part in in_parts(x, CHUNK)]
    mean, log_variance = (torch.cat(parts).to(x.device) for parts in zip(*pairs, strict=True))
    return mean, log_variance


@torch.no_grad()
def fit_noise(model: AlphaBridge, x: Tensor) -> None:
    """Set σ to the one of :meth:`~alpha_bridge.AlphaBridge.best_sigma`."""
    model.log_sigma.fill_(model.eval().best_sigma(x)).log_()


class _Rescaled(nn.Module):
    """A network, and the map between its latents and those of the bridge: s positive, and m."""

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, scale: Numbers = 1.0, shift: Numbers = 0.0) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("scale", _positive(scale))
        self.register_buffer("shift", torch.as_tensor(shift, dtype=torch.float32).clone())


@shareable
class VAEGenerator(_Rescaled):
    """A VAE's decoder as the bridge's generator: :math:`x = D(z' / s + m)`.

    Attributes:
        network: D; its output is a tensor, or has one as ``sample`` or ``reconstruction``.
        latent_shape: Shape of one latent.

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
        super().__init__(network, scale, shift)
        self.latent_shape = tuple(latent_shape)

    def forward(self, z: Tensor) -> Tensor:
        return _samples(self.network(z / self.scale + self.shift))


@shareable
class VAEEncoder(_Rescaled):
    r"""A VAE's encoder as the bridge's: :math:`\mu' = s (\mu - m)`, :math:`v' = v + 2 \log s`.

    Attributes:
        network: It gives mean and log-variance in any of the ways of
            :func:`~alpha_bridge.gaussian.moments`.

    Example:
        >>> mean, log_variance = VAEEncoder(nn.Linear(3, 4))(torch.zeros(5, 3))
        >>> mean.shape
        torch.Size([5, 2])
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = moments(self.network(x))
        return (mean - self.shift) * self.scale, log_variance + 2 * self.scale.log()


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
