r"""The model that is moved along α: a generator, its encoder, and the discriminator between.

:math:`p_\theta(x)` is :math:`x = G_\theta(z)`, :math:`z \sim N(0, I)`, equation (5); with noise σ
on top it is the semi-implicit surrogate (13); :math:`q_\phi(z|x)` is its inference arm.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from .checks import at_least, positive
from .chunks import CHUNK, in_parts
from .gaussian import importance_weighted_bound, log_likelihood, log_normal, moments, reparameterize
from .interpolation import Curve, slerp
from .observation import WHOLE, DrawnRows, RowFamily, Scope
from .settings import NOISE

__all__ = ["NETWORKS", "AlphaBridge", "NetworkName"]

NetworkName = Literal["generator", "encoder", "discriminator"]
NETWORKS: tuple[NetworkName, ...] = ("generator", "encoder", "discriminator")


class AlphaBridge(nn.Module):
    r"""Generator :math:`G_\theta`, encoder :math:`q_\phi`, discriminator :math:`f_\beta`, noise σ.

    Any three modules will do. If the generator has a ``trial_shape``, every tensor starts with
    those dimensions: independent replicas that train side by side.

    Attributes:
        generator: θ: latents ``(*trials, batch, *latent_shape)`` to samples
            ``(*trials, batch, *event)``.
        encoder: φ: samples to mean and log-variance of :math:`q_\phi(z|x)`, each of the shape of
            the latents, in any of the ways of :func:`~alpha_bridge.gaussian.moments`: a pair, or
            one tensor that holds both as its halves.
        discriminator: β: samples to logits ``(*trials, batch)`` or ``(*trials, batch, 1)``, the
            log density ratio (6). One that sees patches of images has an attribute ``scope``,
            :class:`~alpha_bridge.observation.Patches`, and a logit for each of them.
        log_sigma: log σ, shape ``(*trials, 1)``; a parameter of θ if it is learned.
        latent_shape: Shape of one latent, or None until the first call of :meth:`posterior`.

    Example:
        >>> from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
        >>> bridge = AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3))
        >>> bridge.sample(5).shape
        torch.Size([5, 3])

    Source:
        Zhao et al., AAAI 2020, sections 2 and 3.2.
    """

    log_sigma: Tensor

    def __init__(
        self,
        generator: nn.Module,
        encoder: nn.Module,
        discriminator: nn.Module,
        noise: float = NOISE,
        learn_noise: bool = False,
        latent_shape: tuple[int, ...] | None = None,
    ) -> None:
        r"""Put the three networks together.

        Args:
            generator: :math:`G_\theta`.
            encoder: :math:`q_\phi`.
            discriminator: :math:`f_\beta`.
            noise: σ of (13), positive, in the units of the samples.
            learn_noise: Whether σ is learned with θ; ``noise`` is then where it starts.
            latent_shape: Shape of one latent; by default the generator's ``latent_shape``, or
                that of the encoder's first output.

        Raises:
            ValueError: A network is no module, or ``noise`` is not positive.
        """
        super().__init__()
        positive("noise", noise)
        for name, network in zip(NETWORKS, (generator, encoder, discriminator), strict=True):
            if not isinstance(network, nn.Module):
                raise ValueError(
                    f"the {name} must be a torch.nn.Module, got {type(network).__name__}: "
                    "wrap it in one"
                )
        self.generator, self.encoder, self.discriminator = generator, encoder, discriminator
        self.trial_shape: tuple[int, ...] = getattr(generator, "trial_shape", ())
        self.latent_shape: tuple[int, ...] | None = latent_shape or getattr(
            generator, "latent_shape", None
        )
        log_sigma = torch.full((*self.trial_shape, 1), noise).log()
        if learn_noise:
            self.log_sigma = nn.Parameter(log_sigma)
        else:
            self.register_buffer("log_sigma", log_sigma)

    @property
    def batch_ndim(self) -> int:
        """Number of leading dimensions that are not of one sample: the trials and the batch."""
        return len(self.trial_shape) + 1

    @property
    def sigma(self) -> Tensor:
        """σ of the surrogate (13), shape ``(*trials, 1)``."""
        return self.log_sigma.exp()

    @property
    def encoder_is_frozen(self) -> bool:
        """Whether no parameter of the encoder is trained, so that latents stay what they are."""
        return not any(parameter.requires_grad for parameter in self.encoder.parameters())

    def train(self, mode: bool = True) -> "AlphaBridge":
        """Set the mode of all networks, but for a frozen encoder, which is never in training."""
        super().train(mode)
        if self.encoder_is_frozen:
            self.encoder.eval()
        return self

    def network_parameters(self, network: NetworkName) -> Iterator[nn.Parameter]:
        """Parameters that ``network`` trains; a learned σ is the generator's."""
        yield from (p for p in self.get_submodule(network).parameters() if p.requires_grad)
        if network == "generator" and isinstance(self.log_sigma, nn.Parameter):
            yield self.log_sigma

    def with_arms(self, generator: nn.Module, encoder: nn.Module) -> "AlphaBridge":
        """Same model with another generator and encoder, such as their moving averages.

        The discriminator and σ are shared, and so is the mode they are in: after ``eval()`` on
        either model, call ``train()`` before training goes on.
        """
        other = copy.copy(self)
        other._modules = {**self._modules, "generator": generator, "encoder": encoder}
        return other

    def with_noise(self, sigma: float) -> "AlphaBridge":
        """Same model with another, fixed σ; the networks are shared, as for :meth:`with_arms`."""
        other = copy.copy(self)
        other._parameters = {k: v for k, v in self._parameters.items() if k != "log_sigma"}
        log_sigma = torch.full_like(self.log_sigma.detach(), positive("sigma", sigma)).log()
        other._buffers = {**self._buffers, "log_sigma": log_sigma}
        return other

    def prior(self, count: int, rng: torch.Generator | None = None) -> Tensor:
        """Draw ``count`` latents from N(0, I), shape ``(*trials, count, *latent_shape)``.

        Raises:
            ValueError: ``count`` is below one, or the shape of a latent is not known yet.
        """
        at_least(1, "count", count)
        if self.latent_shape is None:
            raise ValueError(
                "the shape of a latent is not known yet: give AlphaBridge(latent_shape=...) "
                "or encode a sample first"
            )
        return _normal((*self.trial_shape, count, *self.latent_shape), self.log_sigma, rng)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        r"""Mean and log-variance of :math:`q_\phi(z|x)`, each ``(*trials, batch, *latent)``."""
        mean, log_variance = moments(self.encoder(x), self.batch_ndim)
        if self.latent_shape is None:
            self.latent_shape = tuple(mean.shape[self.batch_ndim :])
        return mean.to(x.dtype), log_variance.to(x.dtype)

    def encode(self, x: Tensor, draw: bool = False, rng: torch.Generator | None = None) -> Tensor:
        r"""Latents of ``x``: the mean of :math:`q_\phi(z|x)`, or a draw from it by ``rng``."""
        mean, log_variance = self.posterior(x)
        if not draw:
            return mean
        return reparameterize(mean, log_variance, _normal(mean.shape, mean, rng))

    def decode(self, z: Tensor) -> Tensor:
        r"""Samples :math:`G_\theta(z)`, without the noise of (13).

        Rows of a table are drawn, from what a generator with ``rows`` makes of z.
        """
        if self.rows is not None:
            return self.draw(z).x
        x = self.generator(z)
        # mixed precision is for the networks alone
        return x.to(z.dtype) if isinstance(x, Tensor) else x

    @property
    def rows(self) -> RowFamily | None:
        """The columns of what the generator describes; None where it makes samples itself."""
        return getattr(self.generator, "rows", None)

    def draw(self, z: Tensor, noise: Tensor | None = None) -> DrawnRows:
        """Rows of a table for latents, by :meth:`~alpha_bridge.observation.RowFamily.draw`."""
        assert self.rows is not None
        return self.rows.draw(self.generator(z).to(z.dtype), noise)

    def log_ratio(self, x: Tensor) -> Tensor:
        r"""Estimate of :math:`f(x) = \log q(x) - \log p_\theta(x)`, equation (6), in nats.

        That of patches is their total, which is f where those that do not overlap are independent,
        and patches are alike at all places.

        Args:
            x: Samples, shape ``(*trials, batch, *event)``.

        Returns:
            Logits, shape ``(*trials, batch)``.

        Raises:
            ValueError: The discriminator gives more than one number for each sample, or trials and
                batch in another order.
        """
        return self.scope.total(self.logits(x))

    @property
    def scope(self) -> Scope:
        """What of a sample has a logit of its own."""
        found: Scope = getattr(self.discriminator, "scope", WHOLE)
        return found

    def logits(self, x: Tensor) -> Tensor:
        """The log ratio (6) of all that has a logit, ``(*trials, batch)``, or ``(batch, h, w)`` of
        patches; arguments as of :meth:`log_ratio`."""
        if self.scope is WHOLE:
            return self._log_ratio(self.discriminator, x)
        return self.discriminator(x).to(x.dtype)  # type: ignore[no-any-return]

    def latent_log_ratio(self, z: Tensor) -> Tensor:
        r"""Estimate of :math:`g(z) = \log p(z) - \log q_\phi(z)`, section 3.3, likewise.

        Raises:
            ValueError: The discriminator has no part ``of_z`` for latents, or as for
                :meth:`log_ratio`.
        """
        of_z = getattr(self.discriminator, "of_z", None)
        if of_z is None:
            raise ValueError(
                f"the discriminator, a {type(self.discriminator).__name__}, has no part of_z for "
                "latents: give alpha_bridge.networks.Marginals"
            )
        return self._log_ratio(of_z, z)

    def _log_ratio(self, discriminator: nn.Module, samples: Tensor) -> Tensor:
        logits = discriminator(samples)
        batch = samples.shape[: self.batch_ndim]
        if _lengths(logits.shape) != _lengths(batch):
            raise ValueError(
                f"the discriminator must give one number for each sample, got shape "
                f"{tuple(logits.shape)} for a batch of shape {tuple(batch)}"
            )
        return logits.reshape(batch).to(samples.dtype)  # type: ignore[no-any-return]

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator | None = None) -> Tensor:
        r"""Draw :math:`x = G_\theta(z)`, :math:`z \sim N(0, I)`, equation (5).

        Args:
            count: Number of samples (of each trial), one or more.
            rng: Where the latents come from; torch's global generator by default.

        Returns:
            Samples, shape ``(*trials, count, *event)``.
        """
        return self.decode(self.prior(count, rng))

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Decode the encoded mean of ``x``; the shape of ``x``."""
        return self.decode(self.encode(x))

    @torch.no_grad()
    def best_sigma(self, x: Tensor, rng: torch.Generator | None = None) -> float:
        r"""The σ that makes the evidence lower bound (3) largest on ``x``.

        .. math:: \sigma_*^2 = E \|x - G_\theta(z)\|^2 / d, \qquad z \sim q_\phi(z|x)

        Args:
            x: Samples of a single trial, shape ``(batch, *event)``.
            rng: Where the draws come from; by default always the same.

        Returns:
            The root mean squared error of what draws from the encoder are decoded to.
        """
        rng = rng or torch.Generator().manual_seed(0)
        errors = [
            (part - self.decode(self.encode(part, draw=True, rng=rng))).square().flatten(1).mean(1)
            for part in (part.to(self.log_sigma.device) for part in in_parts(x, CHUNK))
        ]
        return float(torch.cat(errors).mean().sqrt())

    @torch.no_grad()
    def interpolate(
        self, start: Tensor, end: Tensor, count: int = 8, between: Curve = slerp
    ) -> Tensor:
        """Samples on the way from the samples ``start`` to ``end``; see :meth:`traverse`."""
        return self.traverse(self.encode(start), self.encode(end), count, between)

    @torch.no_grad()
    def traverse(
        self, start: Tensor, end: Tensor, count: int = 8, between: Curve = slerp
    ) -> Tensor:
        """Samples along the way from one latent to another.

        Args:
            start: Latents, shape ``(*trials, batch, *latent_shape)``.
            end: Latents of the same shape.
            count: Number of points on the way, both ends included, two or more.
            between: The curve between two latents.

        Returns:
            Samples, shape ``(count, *trials, batch, *event)``.

        Raises:
            ValueError: ``count`` is below two.
        """
        at_least(2, "count", count)
        flat_start, flat_end = start.flatten(self.batch_ndim), end.flatten(self.batch_ndim)
        shares = (index / (count - 1) for index in range(count))
        points = [between(flat_start, flat_end, share).reshape(start.shape) for share in shares]
        return torch.stack([self.decode(z) for z in points])

    @torch.no_grad()
    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        r"""Log-likelihood given latents, :math:`\log \tilde p_\theta(x|z)`, equation (13).

        Args:
            x: Samples, shape ``(*trials, batch, *event)``.
            z: A latent for each.

        Returns:
            Nats, shape ``(*trials, batch)``; of rows of a table that of all columns.
        """
        if self.rows is not None:
            return self.rows.log_likelihood(x, self.generator(z).to(z.dtype))
        return log_likelihood(x, self.decode(z), self.sigma, x.ndim - self.batch_ndim)

    @torch.no_grad()
    def log_likelihood_bound(
        self,
        x: Tensor,
        draws: int = 50,
        rng: torch.Generator | None = None,
        common: bool = False,
    ) -> Tensor:
        r"""Importance-weighted bound on :math:`\log \tilde p_\theta(x)` of the surrogate (13).

        Args:
            x: Samples, shape ``(*trials, batch, *event)``.
            draws: K, the number of latents drawn for each sample.
            rng: Where the draws come from; torch's global generator by default.
            common: Whether all samples have the same draws, so that the bound of each does not
                depend on the others.

        Returns:
            Nats, shape ``(*trials, batch)``.

        Raises:
            ValueError: ``draws`` is below one.
        """
        at_least(1, "draws", draws)
        mean, log_variance = self.posterior(x)
        latent_dim = mean.ndim - self.batch_ndim
        drawn = mean.narrow(self.batch_ndim - 1, 0, 1) if common else mean

        def log_weight() -> Tensor:
            z = reparameterize(mean, log_variance, _normal(drawn.shape, x, rng))
            zero = torch.zeros_like(mean)
            return (
                self.log_likelihood(x, z)
                + log_normal(z, zero, zero, latent_dim)
                - log_normal(z, mean, log_variance, latent_dim)
            )

        return importance_weighted_bound(torch.stack([log_weight() for _ in range(draws)]))


def _lengths(shape: torch.Size) -> list[int]:
    """The dimensions that a reshape has to keep in order."""
    return [length for length in shape if length != 1]


def _normal(shape: Sequence[int], like: Tensor, rng: torch.Generator | None) -> Tensor:
    """Standard normal draws for ``like``, wherever the generator is."""
    home = like.device if rng is None else rng.device
    return torch.randn(shape, generator=rng, device=home, dtype=like.dtype).to(like.device)
