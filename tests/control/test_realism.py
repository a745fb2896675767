"""γ of the dial: κ where the path ends."""

import math

import pytest

from alpha_bridge.control import RealismGamma, kappa_at_end
from alpha_bridge.gamma import SigmoidGamma

DIALS = [0.0, 0.1, 0.5, 0.9, 0.99, 1.0]


@pytest.mark.parametrize("realism", DIALS)
@pytest.mark.parametrize("sigma", [0.05, 0.4])
def test_the_sigmoid_has_the_dials_kappa_where_the_path_ends(realism, sigma):
    gamma = RealismGamma(realism, 64, sigma)
    wanted = kappa_at_end(realism, sigma, 64)
    steepest = SigmoidGamma(200.0, -100.0 * realism).kappa(realism)
    assert gamma.kappa(realism) == pytest.approx(max(wanted, steepest), rel=1e-6, abs=1e-6)


def test_the_weighted_gradient_depends_on_the_dial_alone():
    norms = [
        kappa_at_end(0.9, sigma, size) * math.sqrt(size) / sigma
        for sigma, size in ((0.1, 2), (0.4, 64), (0.25, 3072))
    ]
    assert norms == pytest.approx([norms[0]] * 3)


def test_more_realism_leaves_the_likelihood_less():
    kappas = [kappa_at_end(realism, 0.3, 784) for realism in DIALS]
    assert kappas == sorted(kappas, reverse=True)
    assert (kappas[0], kappas[-1]) == (1.0, 0.0)


def test_it_follows_sigma_and_remembers_it():
    gamma, other = RealismGamma(0.9, 64), RealismGamma(0.9, 64)
    gamma.follow(0.123)
    other.recall(gamma.memory())
    assert other(0.4) == gamma(0.4)
    assert other(0.4) != RealismGamma(0.9, 64)(0.4)


@pytest.mark.parametrize("end", [0.05, 0.5, 0.9, 1.0])
def test_the_ends_are_those_of_every_gamma(end):
    gamma = SigmoidGamma.ending(0.02, end)
    assert (gamma(0.0), gamma(1.0)) == (0.0, pytest.approx(1.0))
    assert gamma.kappa(0.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.5, 0.4, 2), r"realism must lie in \[0, 1\], got 1.5"),
        ((0.5, 0.0, 2), "sigma must be positive and finite, got 0.0"),
        ((0.5, 0.4, 0), "size must be at least 1, got 0"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kappa_at_end(*arguments)
