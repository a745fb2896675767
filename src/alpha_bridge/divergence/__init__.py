r"""α-divergences of known densities.

Everything here rests on one deformation of the logarithm,
:math:`\ln_a r = (r^a - 1) / a`, which is :math:`\log r` at :math:`a = 0`, and on the excess of a
convex function over its chord. In terms of :math:`f = \log q - \log p`, equation (8) reads
:math:`D_\alpha = -E_q[\ln_\alpha e^{-f}] / (1-\alpha)`.

>>> import torch
>>> from torch.distributions import Gamma, Normal
>>> alpha_divergence(Normal(3.0, 1.0), Normal(0.0, 1.0), 0.0)
tensor(4.5000)
>>> hellinger_distance(Gamma(2.0, 1.0), Gamma(2.0, 1.0))
tensor(0.)
"""

from . import composed, discrete, exponential_family, normal  # noqa: F401 (they register)
from .logarithmic import tsallis_log
from .monte_carlo import alpha_divergence_monte_carlo
from .quadrature import alpha_divergence_quadrature
from .registry import (
    alpha_divergence,
    log_divergence,
    register_alpha_divergence,
    register_log_divergence,
)
from .related import (
    bhattacharyya_distance,
    hellinger_distance,
    neyman_chi_squared,
    pearson_chi_squared,
    renyi_divergence,
)
from .summation import alpha_divergence_sum

__all__ = [
    "alpha_divergence",
    "alpha_divergence_monte_carlo",
    "alpha_divergence_quadrature",
    "alpha_divergence_sum",
    "bhattacharyya_distance",
    "hellinger_distance",
    "log_divergence",
    "neyman_chi_squared",
    "pearson_chi_squared",
    "register_alpha_divergence",
    "register_log_divergence",
    "renyi_divergence",
    "tsallis_log",
]
