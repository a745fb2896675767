r"""Closed forms for Gaussians, with any covariance.

.. math::
    R_\alpha = \tfrac12 (\mu_p - \mu_q)^\top \Sigma_*^{-1} (\mu_p - \mu_q)
    + \frac{1}{2\alpha(1-\alpha)}
    \log \frac{|\Sigma_*|}{|\Sigma_q|^\alpha |\Sigma_p|^{1-\alpha}},
    \qquad \Sigma_* = \alpha \Sigma_q + (1-\alpha) \Sigma_p

Source: Gil, Alajaji and Linder, Rényi divergence measures for commonly used univariate
continuous distributions, Information Sciences 2013; van Erven and Harremoës, Rényi Divergence and
Kullback-Leibler Divergence, IEEE Transactions on Information Theory 2014.
"""

from itertools import product

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
)

from .excess import excess_of_log_det
from .registry import register_log_divergence


@register_log_divergence(Normal, Normal)
def _normal(p: Normal, q: Normal, alpha: float) -> Tensor:
    if alpha > 0.5:
        p, q, alpha = q, p, 1 - alpha
    gap = (q.scale - p.scale) * (q.scale + p.scale) / p.variance
    mixed = 1 + alpha * gap
    distance = ((p.loc - q.loc) / p.scale).square() / mixed.masked_fill(mixed <= 0, 1)
    log_det = 2 * (q.scale.log() - p.scale.log())
    return (distance + excess_of_log_det(gap[..., None], log_det, alpha)) / 2


def _multivariate_normal(p: Distribution, q: Distribution, alpha: float) -> Tensor:
    if alpha > 0.5:
        p, q, alpha = q, p, 1 - alpha
    (p_loc, p_tril), (q_loc, q_tril) = _loc_and_tril(p), _loc_and_tril(q)
    shift = torch.linalg.solve_triangular(p_tril, q_tril - p_tril, upper=False)
    gap = shift + shift.mT + shift @ shift.mT
    gaps = torch.linalg.eigvalsh(gap)
    definite = (1 + alpha * gaps > 0).all(-1)
    identity = torch.eye(gap.shape[-1], dtype=gap.dtype, device=gap.device)
    mixed = identity + alpha * torch.where(definite[..., None, None], gap, 0)
    whitened = torch.linalg.solve_triangular(p_tril, (p_loc - q_loc)[..., None], upper=False)
    residual = torch.linalg.solve_triangular(torch.linalg.cholesky(mixed), whitened, upper=False)
    log_det = 2 * (_log_diagonal(q_tril) - _log_diagonal(p_tril)).sum(-1)
    distance: Tensor = residual.square().sum((-2, -1))
    return (distance + excess_of_log_det(gaps, log_det, alpha)) / 2


def _log_diagonal(tril: Tensor) -> Tensor:
    diagonal: Tensor = tril.diagonal(dim1=-2, dim2=-1)
    return diagonal.log()


def _loc_and_tril(normal: Distribution) -> tuple[Tensor, Tensor]:
    if isinstance(normal, MultivariateNormal | LowRankMultivariateNormal):
        return normal.loc, normal.scale_tril
    if isinstance(normal, Independent) and isinstance(normal.base_dist, Normal):
        return normal.base_dist.loc, torch.diag_embed(normal.base_dist.scale)
    raise ValueError(
        f"no closed form is known for a multivariate Gaussian and {type(normal).__name__}: use "
        "alpha_divergence_monte_carlo"
    )


FULL = (MultivariateNormal, LowRankMultivariateNormal)
for pair in {*product(FULL, (*FULL, Independent)), *product((Independent,), FULL)}:
    register_log_divergence(*pair)(_multivariate_normal)
