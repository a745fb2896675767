r"""The α-divergence of two distributions, by the closed form of the most specific pair of types.

Closed forms are kept in their logarithmic form

.. math:: R_\alpha[p \| q] = -\frac{\log \int p^\alpha q^{1-\alpha}}{\alpha (1-\alpha)}

which adds over independent dimensions, does not saturate, and has the same limits at 0 and 1;
the divergence itself is :math:`D_\alpha = -\ln_{\alpha(1-\alpha)} e^{-R_\alpha}`.
"""

import math
from collections.abc import Callable

from torch import Tensor
from torch.distributions import Distribution

from ..checks import between_zero_and_one
from .density import batch_shape, support_of
from .logarithmic import from_logarithmic, logarithmic_form, to_logarithmic
from .quadrature import integrate
from .summation import add_up

TypePair = tuple[type[Distribution], type[Distribution]]
ClosedForm = Callable[..., Tensor]

_CLOSED_FORMS: dict[TypePair, ClosedForm] = {}


def register_log_divergence(
    type_p: type[Distribution], type_q: type[Distribution]
) -> Callable[[ClosedForm], ClosedForm]:
    r"""Register the closed form of :math:`R_\alpha` for a pair of types.

    The function is called with two distributions whose shapes are known to fit and with α, any
    finite real number, and returns :math:`R_\alpha`, infinity where the integral diverges.
    Prefer this to :func:`register_alpha_divergence` where densities can be far apart.

    Returns:
        A decorator that registers a function of ``(p, q, alpha)`` and returns it.

    Example:
        >>> import torch
        >>> class Step(torch.distributions.Uniform):
        ...     '''A uniform density from zero.'''
        >>> @register_log_divergence(Step, Step)
        ... def log_divergence_of_steps(p, q, alpha):
        ...     u = p.high.log() - q.high.log()
        ...     return torch.where(u < 0, -u / (1 - alpha), u / alpha)
        >>> alpha_divergence(Step(0.0, 1.0), Step(0.0, 4.0), 0.5)
        tensor(2.)
    """

    def register(closed_form: ClosedForm) -> ClosedForm:
        _CLOSED_FORMS[type_p, type_q] = closed_form
        return closed_form

    return register


def register_alpha_divergence(
    type_p: type[Distribution], type_q: type[Distribution]
) -> Callable[[ClosedForm], ClosedForm]:
    r"""Register the closed form of :math:`D_\alpha` for a pair of types.

    As in :func:`torch.distributions.kl.register_kl`, subclasses are served too, and the most
    specific pair wins.
    """

    def register(closed_form: ClosedForm) -> ClosedForm:
        def logarithmic(p: Distribution, q: Distribution, alpha: float) -> Tensor:
            return to_logarithmic(closed_form(p, q, alpha), alpha)

        register_log_divergence(type_p, type_q)(logarithmic)
        return closed_form

    return register


def _closed_form(type_p: type[Distribution], type_q: type[Distribution]) -> ClosedForm | None:
    """The most specific closed form for a pair of types, none if there is none."""
    order_p, order_q = type_p.__mro__, type_q.__mro__
    distances = [
        (order_p.index(p), order_q.index(q))
        for p, q in _CLOSED_FORMS
        if p in order_p and q in order_q
    ]
    if not distances:
        return None
    best = min(distances)
    if best != min(distances, key=lambda distance: distance[::-1]):
        raise ValueError(
            f"two closed forms fit {type_p.__name__} and {type_q.__name__} equally well: "
            "register one for this very pair"
        )
    return _CLOSED_FORMS[order_p[best[0]], order_q[best[1]]]


def log_divergence(p: Distribution, q: Distribution, alpha: float) -> Tensor:
    r"""Logarithmic form of the α-divergence, for every real α.

    .. math::
        R_\alpha[p \| q] = -\frac{\log \int p^\alpha q^{1-\alpha}}{\alpha (1-\alpha)},
        \qquad R_0 = KL[q \| p], \quad R_1 = KL[p \| q]

    It adds over independent dimensions, and does not saturate where densities are far apart. It
    is Rényi's divergence of order α, divided by α.

    Args:
        p: The model, any distribution.
        q: The data, with the same event shape and a batch shape that broadcasts.
        alpha: α, any finite real number; outside [0, 1] the integral may be infinite, and so is
            the divergence then.

    Returns:
        The divergence, non-negative up to rounding; the broadcast batch shape.

    Raises:
        ValueError: ``alpha`` is not finite, the shapes do not fit, or there is no closed form
            and none of the fallbacks of :func:`alpha_divergence` applies.

    Example:
        >>> from torch.distributions import Normal
        >>> log_divergence(Normal(3.0, 1.0), Normal(0.0, 1.0), 0.5)
        tensor(4.5000)

    Source:
        Liese and Vajda, Convex Statistical Distances, 1987; Cichocki and Amari, Families of
        Alpha- Beta- and Gamma-Divergences, Entropy 2010, section 3.
    """
    if not math.isfinite(alpha):
        raise ValueError(f"alpha must be a finite number, got {alpha}")
    shape = batch_shape(p, q)
    closed_form = _closed_form(type(p), type(q))
    if closed_form is None:
        return numerical_divergence(p, q, alpha)
    return closed_form(p, q, alpha).expand(shape)


def alpha_divergence(p: Distribution, q: Distribution, alpha: float) -> Tensor:
    r"""α-divergence of two known densities, equation (8).

    .. math::
        D_\alpha[p \| q] = \frac{1 - \int p^\alpha q^{1-\alpha}}{\alpha (1-\alpha)},
        \qquad D_0 = KL[q \| p], \quad D_1 = KL[p \| q]

    Closed forms serve Gaussians (diagonal or full covariance), categorical, Bernoulli, Poisson,
    gamma, exponential, beta and Dirichlet distributions, independent dimensions of any of them,
    and one fixed bijection of any of them; :func:`register_alpha_divergence` adds to them. Other
    pairs on the line are integrated, other pairs on the integers summed.

    The closed forms keep ten digits or more in float64 for every α in [0, 1], at the ends, next
    to them, and where p is next to q, and have the gradients (9) of the parameters of p and of
    q. In float32 they keep five digits, fewer where p is so near q that their parameters agree
    to two. Gamma, beta and Dirichlet concentrations of a thousand cost up to three digits where
    p is near q. A probability of zero is a constant to the gradient.

    Args:
        p: The model, any distribution.
        q: The data, with the same event shape and a batch shape that broadcasts.
        alpha: α in [0, 1]; :func:`log_divergence` goes on beyond.

    Returns:
        The divergence, non-negative up to rounding, in nats at both ends, at most
            1 / (α (1−α)); infinite at an end where the supports demand it; the broadcast batch
            shape.

    Raises:
        ValueError: ``alpha`` is outside [0, 1], the shapes do not fit, or no closed form, sum or
            integral on the line is known for the pair.

    Example:
        >>> from torch.distributions import Normal
        >>> alpha_divergence(Normal(3.0, 1.0), Normal(0.0, 1.0), 0.0)
        tensor(4.5000)
    """
    between_zero_and_one("alpha", alpha)
    return from_logarithmic(log_divergence(p, q, alpha), alpha)


def numerical_divergence(p: Distribution, q: Distribution, alpha: float) -> Tensor:
    """Logarithmic form for a pair that has no closed form, by a sum or by quadrature."""
    rule = add_up if support_of(p).is_discrete else integrate
    return logarithmic_form(*rule(p, q, alpha), alpha)
