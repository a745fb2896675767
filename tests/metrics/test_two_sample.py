"""Two sets of samples, told apart or not; and the moments of latents."""

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from alpha_bridge.metrics.two_sample import gaussian_kl_to_prior, two_sample_accuracy


def test_samples_of_one_distribution_cannot_be_told_apart():
    accuracy = two_sample_accuracy(torch.randn(1000, 3), torch.randn(1000, 3))
    assert accuracy == pytest.approx(0.5, abs=0.06)


def test_the_accuracy_is_bounded_by_the_total_variation():
    """Two unit Gaussians two apart: half plus half of 2 Φ(1) − 1."""
    shift = torch.tensor([2.0, 0.0])
    accuracy = two_sample_accuracy(torch.randn(2000, 2), shift + torch.randn(2000, 2))
    assert accuracy == pytest.approx(0.8413, abs=0.03)


def test_a_dependence_within_pairs_is_seen():
    x = torch.randn(1000, 1)
    joined = torch.cat([x, x + 0.1 * torch.randn(1000, 1)], 1)
    apart = torch.cat([torch.randn(1000, 1), torch.randn(1000, 1)], 1)
    assert two_sample_accuracy(joined, apart) > 0.8


def test_the_accuracy_is_repeatable():
    first, second = torch.randn(100, 2), torch.randn(100, 2)
    assert two_sample_accuracy(first, second) == two_sample_accuracy(first, second)


@pytest.mark.parametrize("shapes", [((29, 2), (28, 2)), ((29, 2), (29, 3)), ((19, 2), (19, 2))])
def test_sets_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="must have the same shape"):
        two_sample_accuracy(*map(torch.zeros, shapes))


def test_the_divergence_of_the_moments_is_that_of_the_gaussian():
    z = torch.randn(500, 3, dtype=torch.float64) @ torch.randn(3, 3, dtype=torch.float64) + 0.4
    gaussian = MultivariateNormal(z.mean(0), torch.cov(z.T))
    prior = MultivariateNormal(torch.zeros(3).double(), torch.eye(3).double())
    exact = kl_divergence(gaussian, prior)
    assert gaussian_kl_to_prior(z) == pytest.approx(float(exact))


def test_a_single_latent_has_a_variance():
    z = torch.randn(100, 1)
    expected = float((z.mean() ** 2 + z.var() - 1 - z.var().log()) / 2)
    assert gaussian_kl_to_prior(z) == pytest.approx(expected, abs=1e-6)


def test_too_few_latents_for_a_covariance_are_refused():
    with pytest.raises(ValueError, match="more samples than numbers"):
        gaussian_kl_to_prior(torch.zeros(3, 3))
