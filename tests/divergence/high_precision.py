"""Equation (8) and its gradients to 40 digits, by the integral or sum that defines them.

The numbers of ``high_precision.json`` are made here: ``python -m tests.divergence.high_precision``
writes them anew, which takes a minute or two; a test computes some of them again.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mpmath
import torch
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Exponential,
    Gamma,
    Normal,
    OneHotCategorical,
    Poisson,
)

from tests.looping import ALPHAS

__all__ = ["ALPHAS", "BEYOND", "CASES", "DIGITS", "compute", "stored", "table"]

PATH = Path(__file__).with_suffix(".json")
BEYOND = (-0.02, 1.02)
"""Orders outside [0, 1], of the logarithmic form."""
DIGITS = 40


def log_normal(mean, scale):
    return lambda x: -(((x - mean) / scale) ** 2) / 2 - mpmath.log(2 * mpmath.pi * scale**2) / 2


def log_gamma(concentration, rate):
    constant = concentration * mpmath.log(rate) - mpmath.loggamma(concentration)
    return lambda x: constant + (concentration - 1) * mpmath.log(x) - rate * x


def log_exponential(rate):
    return lambda x: mpmath.log(rate) - rate * x


def log_beta(a, b):
    constant = mpmath.loggamma(a + b) - mpmath.loggamma(a) - mpmath.loggamma(b)
    return lambda logs: constant + (a - 1) * logs[0] + (b - 1) * logs[1]


def log_poisson(rate):
    return lambda k: k * mpmath.log(rate) - rate - mpmath.loggamma(k + 1)


def log_bernoulli(probability):
    return lambda k: mpmath.log(probability if k else 1 - probability)


def log_categorical(*weights):
    return lambda k: mpmath.log(weights[k] / sum(weights))


def line():
    """The trapezoidal rule, exact to 1e-30 for Gaussians."""
    return [(mpmath.mpf(k) / 10, mpmath.mpf(1) / 10) for k in range(-300, 301)]


def half_line():
    return [(x, x * slope) for x, slope in double_exponential()]


def unit_interval():
    """Points as (log x, log(1 − x)), so that both ends are kept apart from 0 and 1."""
    return [
        ((-mpmath.log1p(1 / x), -mpmath.log1p(x)), x / (1 + x) ** 2 * slope)
        for x, slope in double_exponential()
    ]


def double_exponential():
    step, half = mpmath.mpf(1) / 48, mpmath.pi / 2
    times = [k * step for k in range(-48 * 5, 48 * 5 + 1)]
    return [(mpmath.exp(half * mpmath.sinh(t)), step * half * mpmath.cosh(t)) for t in times]


def integers(count):
    return lambda: [(k, 1) for k in range(count)]


@dataclass(frozen=True)
class Case:
    """Two members of a family, and how to integrate over it."""

    name: str
    build: object
    log_density: object
    points: object
    p: tuple
    q: tuple

    def __str__(self):
        return f"{self.name}{self.p}{self.q}"

    def distributions(self, dtype=torch.float64, requires_grad=False):
        leaves = [
            torch.tensor(side, dtype=dtype, requires_grad=requires_grad)
            for side in (self.p, self.q)
        ]
        return *(self.build(leaf) for leaf in leaves), leaves


def spread(cls):
    return lambda parameters: cls(*parameters)


def case(cls, log_density, points, p, q, build=None):
    return Case(cls.__name__, build or spread(cls), log_density, points, p, q)


CASES = [
    case(Normal, log_normal, line, (0.7, 1.3), (0.0, 1.0)),
    case(Normal, log_normal, line, (-2.0, 0.6), (0.5, 2.0)),
    case(Normal, log_normal, line, (3.0, 1.0), (0.0, 1.0)),
    case(Normal, log_normal, line, (0.0, 2.0), (0.0, 0.7)),
    case(Normal, log_normal, line, (0.1, 1.0), (0.1, 1.001)),
    case(Exponential, log_exponential, half_line, (1.0,), (2.5,)),
    case(Exponential, log_exponential, half_line, (1.0,), (0.05,)),
    case(Gamma, log_gamma, half_line, (2.0, 1.0), (3.5, 0.7)),
    case(Gamma, log_gamma, half_line, (0.5, 3.0), (7.0, 0.4)),
    case(Gamma, log_gamma, half_line, (2.0, 1.0), (2.001, 1.0)),
    case(Beta, log_beta, unit_interval, (2.0, 3.0), (1.5, 0.7)),
    case(Beta, log_beta, unit_interval, (0.6, 0.6), (9.0, 4.0)),
    case(Poisson, log_poisson, integers(120), (3.0,), (5.0,)),
    case(Poisson, log_poisson, integers(120), (0.01,), (12.0,)),
    case(Poisson, log_poisson, integers(120), (3.0,), (3.001,)),
    case(Bernoulli, log_bernoulli, integers(2), (0.3,), (0.9,)),
    case(Bernoulli, log_bernoulli, integers(2), (0.999,), (0.5,)),
    case(Categorical, log_categorical, integers(3), (0.2, 0.3, 0.5), (0.6, 0.3, 0.1), Categorical),
    case(
        OneHotCategorical,
        log_categorical,
        integers(3),
        (0.25, 0.25, 0.5),
        (0.25, 0.75 / 1024, 0.75 - 0.75 / 1024),
        OneHotCategorical,
    ),
]


@cache
def table(case):
    """Weight, p, q and their logarithms at each point."""
    with mpmath.workdps(DIGITS):
        log_p, log_q = (case.log_density(*map(mpmath.mpf, side)) for side in (case.p, case.q))
        return [(weight, log_p(x), log_q(x)) for x, weight in case.points()]


@cache
def scores(case, of_p):
    """Derivative of the log-density by each parameter of p (or of q) at each point."""
    with mpmath.workdps(2 * DIGITS):
        step = mpmath.mpf(10) ** (-DIGITS // 2)
        parameters = list(map(mpmath.mpf, case.p if of_p else case.q))
        columns = []
        for index in range(len(parameters)):
            ahead, behind = (
                case.log_density(
                    *parameters[:index], parameters[index] + h, *parameters[index + 1 :]
                )
                for h in (step, -step)
            )
            columns.append([(ahead(x) - behind(x)) / (2 * step) for x, _ in case.points()])
        return columns


def divergence_by_definition(case, alpha):
    """Equation (8), with the Kullback-Leibler integrals at its ends."""
    with mpmath.workdps(DIGITS):
        alpha = mpmath.mpf(alpha)
        if alpha in (0, 1):
            sign = 1 if alpha else -1
            return mpmath.fsum(
                sign * w * mpmath.exp(lp if alpha else lq) * (lp - lq) for w, lp, lq in table(case)
            )
        overlap = mpmath.fsum(
            w * mpmath.exp(alpha * lp + (1 - alpha) * lq) for w, lp, lq in table(case)
        )
        return (1 - overlap) / (alpha * (1 - alpha))


def gradient_by_definition(case, alpha, of_p):
    r"""Equation (9) for p, its dual for q; the limits −∫ ∇p log(q/p), −∫ ∇q log(p/q) at 1 and 0."""
    with mpmath.workdps(DIGITS):
        alpha = mpmath.mpf(alpha)
        rest = 1 - alpha if of_p else alpha

        def weight(lp, lq):
            if rest == 0:
                own, other = (lp, lq) if of_p else (lq, lp)
                return mpmath.exp(own) * (other - own)
            return mpmath.exp(alpha * lp + (1 - alpha) * lq) / rest

        weights = [w * weight(lp, lq) for w, lp, lq in table(case)]
        return [
            float(-mpmath.fsum(w * s for w, s in zip(weights, column, strict=True)))
            for column in scores(case, of_p)
        ]


def logarithmic_by_definition(case, order):
    """The logarithmic form beyond [0, 1]."""
    curvature = order * (1 - order)
    with mpmath.workdps(DIGITS):
        return -mpmath.log1p(-curvature * divergence_by_definition(case, order)) / curvature


def compute(case, alpha):
    """What is stored of a case at α: its value, and inside [0, 1] the gradients to p and to q."""
    if alpha in BEYOND:
        return {"logarithmic": float(logarithmic_by_definition(case, alpha))}
    gradients = [gradient_by_definition(case, alpha, of_p) for of_p in (True, False)]
    return {"value": float(divergence_by_definition(case, alpha)), "gradients": gradients}


@cache
def _read():
    return json.loads(PATH.read_text())


def stored(case, alpha):
    """What the file has of a case at α, as :func:`compute` gives it."""
    return _read()[str(case)][repr(alpha)]


def main():
    """Write the file."""
    rows = {
        str(case): {repr(alpha): compute(case, alpha) for alpha in (*ALPHAS, *BEYOND)}
        for case in CASES
    }
    PATH.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
