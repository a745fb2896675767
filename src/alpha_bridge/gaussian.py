r"""The semi-implicit Gaussian model: decoder noise, encoder, and bounds on the likelihood.

The surrogate (13) is :math:`x \sim N(G_\theta(z), \sigma^2 I)` with :math:`z \sim N(0, I)`; its
inference arm is :math:`q_\phi(z|x) = N(\mu_\phi(x), \mathrm{diag}\, e^{v_\phi(x)})`.
In all shapes, the last ``event_dim`` dimensions make up one sample.
"""

import math

import torch
from torch import Tensor

__all__ = [
    "elbo",
    "importance_weighted_bound",
    "kl_to_prior",
    "log_likelihood",
    "log_normal",
    "mean_squared_error",
    "moments",
    "reparameterize",
]

LOG_TWO_PI = math.log(2 * math.pi)

MOMENTS = (("mean", "logvar"), ("mean", "log_variance"), ("embedding", "log_covariance"))
"""What encoders call mean and log-variance where they give them as attributes."""


def _sum_event(x: Tensor, event_dim: int) -> Tensor:
    return x.flatten(-event_dim).sum(-1)


def log_likelihood(x: Tensor, mean: Tensor, sigma: Tensor, event_dim: int = 1) -> Tensor:
    r"""Log-likelihood of the decoder, :math:`\log N(x; G_\theta(z), \sigma^2 I)`, equation (13).

    .. math:: -\frac{\|x - G_\theta(z)\|^2}{2\sigma^2} - d \log\sigma - \frac{d}{2} \log 2\pi

    Args:
        x: Samples, shape ``(*batch, *event)``.
        mean: :math:`G_\theta(z)`, the same shape.
        sigma: σ, positive, in the units of ``x``; a shape that broadcasts with ``batch``.
        event_dim: Number of dimensions of one sample, one or more.

    Returns:
        Nats, shape ``batch``.

    Example:
        >>> log_likelihood(torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor(1.0))
        tensor([-1.8379])
    """
    size = math.prod(x.shape[x.ndim - event_dim :])
    squared_error = _sum_event((x - mean).square(), event_dim)
    return -squared_error / (2 * sigma**2) - size * (sigma.log() + LOG_TWO_PI / 2)


def mean_squared_error(log_p: Tensor, sigma: Tensor, size: int) -> Tensor:
    r"""The error :math:`\|x - G_\theta(z)\|^2 / d` in a log-likelihood of the decoder (13).

    Args:
        log_p: What :func:`log_likelihood` gave, in nats, shape ``batch``.
        sigma: The σ it was given.
        size: d, numbers of one sample.

    Returns:
        Squared units of x, shape ``batch``. Its mean is the σ² at which the likelihood is largest.

    Example:
        >>> log_p = log_likelihood(torch.zeros(1, 2), torch.full((1, 2), 3.0), torch.tensor(2.0))
        >>> mean_squared_error(log_p, torch.tensor(2.0), 2)
        tensor([9.0000])
    """
    return -2 * sigma**2 * (log_p / size + sigma.log() + LOG_TWO_PI / 2)


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor, event_dim: int = 1) -> Tensor:
    r"""Log-density of a diagonal Gaussian, :math:`\log N(z; \mu, \mathrm{diag}\, e^v)`.

    Returns:
        Nats, shape ``batch``.

    Example:
        >>> log_normal(torch.zeros(1, 2), torch.zeros(2), torch.zeros(2))
        tensor([-1.8379])
    """
    terms = (z - mean).square() * torch.exp(-log_variance) + log_variance + LOG_TWO_PI
    return -_sum_event(terms, event_dim) / 2


def kl_to_prior(mean: Tensor, log_variance: Tensor, event_dim: int = 1) -> Tensor:
    r"""Divergence of the encoder from the prior, :math:`KL[q_\phi(z|x) \| N(0, I)]`.

    .. math:: \tfrac12 \sum (\mu^2 + e^v - 1 - v)

    Returns:
        Nats, non-negative, shape ``batch``.

    Example:
        >>> kl_to_prior(torch.ones(1, 2), torch.zeros(1, 2))
        tensor([1.])

    Source:
        Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014, appendix B.
    """
    terms = mean.square() + torch.expm1(log_variance) - log_variance
    return _sum_event(terms, event_dim) / 2


def reparameterize(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    r"""Draw from the encoder, :math:`z = \mu + e^{v/2} \epsilon`, with gradients to both."""
    return mean + torch.exp(log_variance / 2) * noise


def elbo(log_likelihood: Tensor, kl: Tensor) -> Tensor:
    r"""Evidence lower bound, equation (3), with its divergence in closed form.

    .. math:: \log p_\theta(x|z) - KL[q_\phi(z|x) \| p(z)], \qquad z \sim q_\phi(z|x)

    Returns:
        Nats, shape ``(*trials, batch)``; its expectation is at most :math:`\log p_\theta(x)`.

    Example:
        >>> elbo(torch.tensor([-3.0]), torch.tensor([1.0]))
        tensor([-4.])
    """
    return log_likelihood - kl


def importance_weighted_bound(log_weights: Tensor) -> Tensor:
    r"""Importance-weighted bound on the log-likelihood.

    .. math::
        \log \frac1K \sum_{k=1}^K \frac{p_\theta(x, z_k)}{q_\phi(z_k|x)},
        \qquad z_k \sim q_\phi(z|x)

    Args:
        log_weights: :math:`\log p_\theta(x, z_k) - \log q_\phi(z_k|x)`, shape ``(K, *batch)``.

    Returns:
        Nats, shape ``batch``; it rises to :math:`\log p_\theta(x)` with K.

    Example:
        >>> importance_weighted_bound(torch.zeros(5, 1))
        tensor([0.])

    Source:
        Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016.
    """
    return torch.logsumexp(log_weights, 0) - math.log(log_weights.shape[0])


def moments(output: object, dim: int = 1) -> tuple[Tensor, Tensor]:
    r"""Mean and log-variance of :math:`q_\phi(z|x)`, in any way in which encoders give them.

    Args:
        output: A pair; one tensor that holds both as its halves along ``dim``, as the last layer
            ``Linear(..., 2 * latent)`` makes it; or an object with the attributes ``mean`` and
            ``logvar`` or ``log_variance``, or ``embedding`` and ``log_covariance``, with or without
            ``latent_dist`` around them.
        dim: The first dimension behind the batch.

    Raises:
        ValueError: It is none of these, or the two differ in shape.

    Example:
        >>> mean, log_variance = moments(torch.zeros(5, 4))
        >>> mean.shape
        torch.Size([5, 2])
    """
    found = _pair(output, dim)
    if found is not None and found[0].shape == found[1].shape:
        return found
    given = getattr(output, "shape", None) if found is None else [tuple(x.shape) for x in found]
    shape = "" if given is None else f" of shape {given if found else tuple(given)}"
    raise ValueError(
        "an encoder must give mean and log-variance, each of the shape of the latents: as a pair, "
        f"as the halves of a tensor along dimension {dim} (twice as many numbers as a latent has), "
        f"or as attributes; got {type(output).__name__}{shape}: wrap it in a module that does"
    )


def _pair(output: object, dim: int) -> tuple[Tensor, Tensor] | None:
    if isinstance(output, Tensor):
        if output.ndim <= dim or output.shape[dim] % 2:
            return None
        mean, log_variance = output.chunk(2, dim)
        return mean, log_variance
    source = getattr(output, "latent_dist", output)
    pairs = [output] if isinstance(output, tuple | list) else []
    pairs += [[getattr(source, name, None) for name in names] for names in MOMENTS]
    for pair in pairs:
        if len(pair) == 2 and all(isinstance(part, Tensor) for part in pair):
            return pair[0], pair[1]
    return None
