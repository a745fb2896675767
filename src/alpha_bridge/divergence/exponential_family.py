r"""Closed forms for the gamma, exponential, beta, Dirichlet and Poisson families.

With natural parameters η and the log-normaliser A of an exponential family,
:math:`R_\alpha[p \| q] = E_\alpha[A](\eta_p, \eta_q)`: the excess of :mod:`.excess`.

Source: Nielsen and Nock, On Rényi and Tsallis entropies and divergences for exponential families,
2011; Gil, Alajaji and Linder, Information Sciences 2013.
"""

import torch
from torch import Tensor
from torch.distributions import Beta, Dirichlet, Exponential, Gamma, Poisson

from .discrete import log_of
from .excess import excess_of_exp, excess_of_log_det, excess_of_log_gamma, log_ratio
from .registry import register_log_divergence


def _excess_of_minus_log(x: Tensor, y: Tensor, alpha: float) -> Tensor:
    if alpha > 0.5:
        x, y, alpha = y, x, 1 - alpha
    return excess_of_log_det(((x - y) / y)[..., None], x.log() - y.log(), alpha)


@register_log_divergence(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential, alpha: float) -> Tensor:
    return _excess_of_minus_log(p.rate, q.rate, alpha)


@register_log_divergence(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma, alpha: float) -> Tensor:
    r""":math:`A = \log\Gamma(a) - a \log b` mixes its parameters: the cross term is apart."""
    gap = p.concentration - q.concentration
    mixed = alpha * p.concentration + (1 - alpha) * q.concentration
    value = (
        excess_of_log_gamma(p.concentration, q.concentration, alpha)
        + mixed * _excess_of_minus_log(p.rate, q.rate, alpha)
        - gap * (p.rate.log() - q.rate.log())
    )
    return value.masked_fill(mixed <= 0, torch.inf)


@register_log_divergence(Gamma, Exponential)
def _gamma_exponential(p: Gamma, q: Exponential, alpha: float) -> Tensor:
    return _gamma(p, _as_gamma(q), alpha)


@register_log_divergence(Exponential, Gamma)
def _exponential_gamma(p: Exponential, q: Gamma, alpha: float) -> Tensor:
    return _gamma(_as_gamma(p), q, alpha)


def _as_gamma(exponential: Exponential) -> Gamma:
    return Gamma(torch.ones_like(exponential.rate), exponential.rate)


def _dirichlet_concentrations(p: Tensor, q: Tensor, alpha: float) -> Tensor:
    parts = excess_of_log_gamma(p, q, alpha).sum(-1)
    whole = excess_of_log_gamma(p.sum(-1), q.sum(-1), alpha)
    return torch.where(parts == torch.inf, parts, parts - whole)


@register_log_divergence(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet, alpha: float) -> Tensor:
    return _dirichlet_concentrations(p.concentration, q.concentration, alpha)


@register_log_divergence(Beta, Beta)
def _beta(p: Beta, q: Beta, alpha: float) -> Tensor:
    p_both = torch.stack([p.concentration1, p.concentration0], -1)
    q_both = torch.stack([q.concentration1, q.concentration0], -1)
    return _dirichlet_concentrations(p_both, q_both, alpha)


@register_log_divergence(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson, alpha: float) -> Tensor:
    log_p, log_q = log_of(p.rate), log_of(q.rate)
    return excess_of_exp(log_p, log_q, log_ratio(p.rate, q.rate, log_p, log_q), alpha)
