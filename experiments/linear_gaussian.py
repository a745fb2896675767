r"""A linear Gaussian model, whose posterior is known at every moment, to hold an encoder to.

With a generator :math:`z \mapsto Wz + b` the surrogate (13) and its posterior are

.. math::
    \tilde p_\theta(x) = N(b, WW^\top + \sigma^2 I), \qquad
    p_\theta(z|x) = N(M^{-1} W^\top (x - b), \sigma^2 M^{-1}), \qquad M = W^\top W + \sigma^2 I

Latents and samples have as many dimensions, so that the generator without noise has an inverse,
:math:`W^{-1}(x - b)`, which is the posterior's limit for σ → 0.

Source:
    Tipping and Bishop, Probabilistic Principal Component Analysis, Journal of the Royal
    Statistical Society B 1999.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence

from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks.mlp import Linear
from alpha_bridge.training.state import stack

__all__ = ["LinearEncoder", "LinearGenerator", "errors", "linear_model", "posterior", "surrogate"]


class LinearGenerator(nn.Module):
    """The generator z ↦ Wz + b.

    Attributes:
        affine: W and b.
        fake_noise: Standard deviation of noise on all that it makes. With that of the surrogate,
            fakes are the surrogate's samples; a likelihood's gradient keeps its expectation.

    Example:
        >>> LinearGenerator(2, trials=10)(torch.zeros(10, 5, 2)).shape
        torch.Size([10, 5, 2])
    """

    def __init__(self, size: int, fake_noise: float = 0.0, trials: int | None = None) -> None:
        """Draw W and b as :class:`~alpha_bridge.networks.Linear` does.

        Args:
            size: Dimensions of latents and of samples.
            fake_noise: Zero or more, in the units of the samples.
            trials: Number of replicas, or None.
        """
        super().__init__()
        self.affine, self.fake_noise = Linear(size, size, trials), fake_noise
        self.trial_shape, self.latent_shape = self.affine.trial_shape, (size,)

    def forward(self, z: Tensor) -> Tensor:
        """Map ``(*trials, batch, size)`` to the same shape."""
        x: Tensor = self.affine(z)
        return x + self.fake_noise * torch.randn_like(x) if self.fake_noise else x


class LinearEncoder(nn.Module):
    """The encoder N(Ax + a, diag eᵛ), with one v for all x.

    Example:
        >>> mean, log_variance = LinearEncoder(2)(torch.zeros(5, 2))
        >>> mean.shape, log_variance.unique()
        (torch.Size([5, 2]), tensor([0.], grad_fn=<Unique2Backward0>))
    """

    def __init__(self, size: int, trials: int | None = None) -> None:
        """Begin with the variance one.

        Args:
            size: Dimensions of latents and of samples.
            trials: Number of replicas, or None.
        """
        super().__init__()
        self.affine = Linear(size, size, trials)
        self.log_variance = nn.Parameter(torch.zeros(*self.affine.trial_shape, 1, size))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of ``(*trials, batch, size)``, each of the same shape."""
        mean = self.affine(x)
        return mean, self.log_variance.expand_as(mean)


def linear_model(
    size: int,
    sigma: float,
    fake_noise: float,
    discriminator: Callable[[int | None], nn.Module],
    seed: int,
    trials: int,
) -> AlphaBridge:
    """Stacked trials, of which each has the first weights that its own seed gives.

    Args:
        size: Dimensions of latents and of samples.
        sigma: σ of the surrogate.
        fake_noise: That of :class:`LinearGenerator`.
        discriminator: From a number of replicas to the discriminator.
        seed: Seed of the first trial; each further one adds 1.
        trials: Number of trials.
    """

    def build(replicas: int | None) -> AlphaBridge:
        generator = LinearGenerator(size, fake_noise, replicas)
        return AlphaBridge(
            generator, LinearEncoder(size, replicas), discriminator(replicas), noise=sigma
        )

    def first_weights(trial: int) -> dict[str, Tensor]:
        torch.manual_seed(seed + trial)
        return build(None).state_dict()

    with torch.random.fork_rng(devices=[]):
        model = build(trials)
        model.load_state_dict(stack([first_weights(trial) for trial in range(trials)]))
    return model


def surrogate(weight: Tensor, bias: Tensor, sigma: Tensor) -> MultivariateNormal:
    r"""The model's density, :math:`N(b, WW^\top + \sigma^2 I)`; for σ = 0 that of its fakes.

    Args:
        weight: W, shape ``(*trials, D, D)``.
        bias: b, shape ``(*trials, D)``.
        sigma: σ, shape ``(*trials, 1)``.
    """
    covariance = weight @ weight.mT + torch.diag_embed(sigma.square().expand_as(bias))
    return MultivariateNormal(bias, covariance)


def posterior(weight: Tensor, bias: Tensor, sigma: Tensor, x: Tensor) -> MultivariateNormal:
    r"""The surrogate's posterior :math:`p_\theta(z|x)`, of batch shape ``(*trials, batch)``.

    Args:
        weight: W, shape ``(*trials, D, D)``.
        bias: b, shape ``(*trials, D)``.
        sigma: σ, shape ``(*trials, 1)``.
        x: Samples, shape ``(*trials, batch, D)``.

    Example:
        >>> one = torch.ones(1)
        >>> of_zero = posterior(torch.eye(2), torch.zeros(2), one, torch.zeros(1, 2))
        >>> of_zero.variance
        tensor([[0.5000, 0.5000]])
    """
    variance = sigma.square().unsqueeze(-1)
    precision = weight.mT @ weight / variance + torch.eye(weight.shape[-1]).to(weight)
    covariance = torch.linalg.inv(precision)
    mean = (x - bias.unsqueeze(-2)) @ weight @ covariance / variance
    return MultivariateNormal(mean, covariance.unsqueeze(-3))


@torch.no_grad()
def errors(model: AlphaBridge, data: MultivariateNormal, x: Tensor) -> dict[str, Tensor]:
    r"""How far the encoder is from the posterior of its own model, and the model from the data.

    Args:
        model: Of a :class:`LinearGenerator` and a :class:`LinearEncoder`.
        data: The density of the data, float64.
        x: Samples of it, shape ``(batch, D)``.

    Returns:
        Numbers of each trial, shape ``(*trials,)``:
        ``posterior_kl``, :math:`E_x KL[q_\phi(z|x) \| p_\theta(z|x)]`;
        ``diagonal_kl``, the least that any Gaussian of diagonal covariance has of it;
        ``mean_error``, the root mean squared error of the encoder's mean as the posterior's, and
        ``inverse_error``, as the inverse of the generator, both of one dimension;
        ``surrogate_kl``, :math:`KL[q(x) \| N(b, WW^\top + \sigma^2 I)]`;
        ``implicit_kl``, :math:`KL[q(x) \| N(b, WW^\top)]`;
        ``aggregate_kl``, the divergence from N(0, I) of the Gaussian with the moments of
        :math:`q_\phi(z)`.
    """
    x = x.expand(*model.trial_shape, *x.shape)
    mean, log_variance = (part.double() for part in model.posterior(x.to(model.log_sigma)))
    assert isinstance(model.generator, LinearGenerator)
    affine = model.generator.affine
    weight, bias = affine.weight.double(), affine.bias.double().squeeze(-1)
    sigma, x = model.sigma.double(), x.double()
    known = posterior(weight, bias, sigma, x)
    inverse = torch.linalg.solve(weight, (x - bias.unsqueeze(-2)).mT).mT
    encoded = MultivariateNormal(mean, scale_tril=torch.diag_embed((log_variance / 2).exp()))
    return {
        "posterior_kl": kl_divergence(encoded, known).mean(-1),
        "diagonal_kl": least_diagonal_kl(known.covariance_matrix[..., 0, :, :]),
        "mean_error": _root_mean_square(mean - known.mean),
        "inverse_error": _root_mean_square(mean - inverse),
        "surrogate_kl": kl_divergence(data, surrogate(weight, bias, sigma)),
        "implicit_kl": kl_divergence(data, surrogate(weight, bias, torch.zeros_like(sigma))),
        "aggregate_kl": _from_prior(mean, log_variance.exp()),
    }


def least_diagonal_kl(covariance: Tensor) -> Tensor:
    r"""Least divergence of a diagonal Gaussian q from one of a given covariance C.

    .. math::
        \min_q KL[q \| N(\mu, C)] = \tfrac12 \Bigl(\sum_i \log \Lambda_{ii} + \log |C|\Bigr),
        \qquad \Lambda = C^{-1}

    for :math:`q = N(\mu, \mathrm{diag}(1/\Lambda_{ii}))`.

    Args:
        covariance: C, shape ``(*batch, D, D)``.

    Returns:
        Nats, shape ``batch``.

    Example:
        >>> least_diagonal_kl(torch.eye(2))
        tensor(0.)
    """
    precisions: Tensor = torch.linalg.inv(covariance).diagonal(dim1=-2, dim2=-1)
    return (precisions.log().sum(-1) + torch.logdet(covariance)) / 2


def _root_mean_square(difference: Tensor) -> Tensor:
    return difference.square().mean((-2, -1)).sqrt()


def _from_prior(mean: Tensor, variance: Tensor) -> Tensor:
    center = mean.mean(-2, keepdim=True)
    away = mean - center
    covariance = away.mT @ away / mean.shape[-2] + torch.diag_embed(variance.mean(-2))
    size = mean.shape[-1]
    prior = MultivariateNormal(mean.new_zeros(size), torch.eye(size).to(mean))
    return kl_divergence(MultivariateNormal(center.squeeze(-2), covariance), prior)
