"""The identity of the forward halves, by quadrature, and where its excess has no gradient."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from alpha_bridge.divergence import alpha_divergence
from experiments.forward_halves import (
    ENCODER,
    GENERATOR,
    SIGMA,
    M,
    Problem,
    S,
    excess,
    marginal,
    shares,
)

NETWORKS = ("generator", "encoder")
each_network = pytest.mark.parametrize("network", NETWORKS)


def nodes(count=40):
    """Nodes and weights for N(0, 1)."""
    at, weight = np.polynomial.hermite_e.hermegauss(count)
    return torch.tensor(at), torch.tensor(weight / weight.sum())


def given(joint, axis, y):
    """The law of the other variable, given the one of ``axis``."""
    mean, covariance = joint.mean, joint.covariance_matrix
    slope = covariance[0, 1] / covariance[axis, axis]
    variance = covariance[1 - axis, 1 - axis] - slope * covariance[0, 1]
    return Normal(mean[1 - axis] + slope * (y - mean[axis]), variance.sqrt())


def forward_half(problem, network, alpha):
    """E of −e^{−αf} ∇log p(y|c) / (1 − α) over q(y) q(c|y), by its definition."""
    own, other, axis = problem.joints(network)
    q, p, (at, weight) = marginal(other, axis), marginal(own, axis), nodes()
    y = (q.mean + q.stddev * at)[:, None]
    law = given(other, axis, y)
    c = law.mean + law.stddev * at
    f = (q.log_prob(y) - p.log_prob(y)).detach()
    log_p = given(own, 1 - axis, c.detach()).log_prob(y.detach())
    terms = weight[:, None] * weight * (-alpha * f).exp() * log_p
    return problem.slope(-terms.sum() / (1 - alpha), network)


@each_network
@pytest.mark.parametrize("alpha", [0.0, 1e-8, 1e-3, 0.1, 0.5, 0.9])
def test_the_half_is_the_divergence_and_its_excess(network, alpha):
    problem = Problem()
    own, other, axis = problem.joints(network)
    divergence = alpha_divergence(marginal(own, axis), marginal(other, axis), alpha)
    exact = problem.slope(divergence + excess(own, other, axis, alpha) / (1 - alpha), network)
    half = forward_half(problem, network, alpha)
    torch.testing.assert_close(half, exact, rtol=1e-6, atol=1e-8)


@each_network
def test_at_zero_both_together_are_the_divergence_of_the_joints(network):
    problem = Problem()
    own, other, axis = problem.joints(network)
    of_joints = kl_divergence(other, own)
    of_marginals = kl_divergence(marginal(other, axis), marginal(own, axis))
    torch.testing.assert_close(of_marginals + excess(own, other, axis, 0.0), of_joints)
    torch.testing.assert_close(
        forward_half(problem, network, 0.0), problem.slope(of_joints, network), rtol=1e-8, atol=1e-9
    )


def fitting(network):
    """A problem in which the other network makes codes as the network's own posterior does."""
    if network == "generator":
        a, b = GENERATOR
        k = a / (a**2 + SIGMA**2)
        return Problem(encoder=(k, -k * b, float(np.log(1 - k * a))))
    k, shift, _ = ENCODER
    v = (SIGMA * S * k) ** 2 / (S**2 - SIGMA**2)  # so that x given z has the variance σ²
    a = k * S**2 / ((k * S) ** 2 + v)
    return Problem((a, M - a * (k * M + shift)), (k, shift, float(np.log(v))))


@each_network
def test_the_half_is_exact_where_the_others_codes_are_those_of_the_posterior(network):
    found = [share for share in shares(fitting(network)) if share.network == network]
    assert len(found) == 4
    assert all(share.excess < 1e-5 and share.cosine > 1 - 1e-9 for share in found)


def test_elsewhere_the_excess_can_outweigh_the_divergence():
    """What the page says of the problem that it shows."""
    found = {(share.network, share.alpha): share for share in shares(Problem())}
    assert all(share.excess > 0.1 for share in found.values())
    assert found["encoder", 0.7].excess > 1 and found["encoder", 0.7].cosine < 0
