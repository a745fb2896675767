"""The Gaussian model against torch.distributions, and its bounds where log p(x) is known."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from alpha_bridge.gaussian import (
    elbo,
    importance_weighted_bound,
    kl_to_prior,
    log_likelihood,
    log_normal,
    moments,
    reparameterize,
)

SIGMA = torch.tensor(0.6, dtype=torch.float64)


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize(("shape", "event_dim"), [((7, 3), 1), ((2, 7, 3), 1), ((5, 3, 4, 4), 3)])
def test_log_likelihood_is_that_of_torch(shape, event_dim):
    x, mean = draw(*shape), draw(*shape)
    expected = Independent(Normal(mean, SIGMA), event_dim).log_prob(x)
    torch.testing.assert_close(log_likelihood(x, mean, SIGMA, event_dim), expected)


def test_log_likelihood_takes_a_sigma_for_each_trial():
    x, mean, sigma = draw(2, 7, 3), draw(2, 7, 3), torch.tensor([[0.3], [2.0]]).double()
    rows = [log_likelihood(x[k], mean[k], sigma[k, 0]) for k in range(2)]
    torch.testing.assert_close(log_likelihood(x, mean, sigma), torch.stack(rows))


def test_log_likelihood_has_exact_gradients():
    sigma = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    arguments = (draw(4, 3).requires_grad_(), draw(4, 3).requires_grad_(), sigma)
    assert torch.autograd.gradcheck(log_likelihood, arguments)


@pytest.mark.parametrize(("shape", "event_dim"), [((7, 3), 1), ((2, 7, 3), 1), ((5, 3, 4, 4), 3)])
def test_log_normal_is_that_of_torch(shape, event_dim):
    z, mean, log_variance = draw(*shape), draw(*shape), draw(*shape)
    expected = Independent(Normal(mean, (log_variance / 2).exp()), event_dim).log_prob(z)
    torch.testing.assert_close(log_normal(z, mean, log_variance, event_dim), expected)


def test_log_normal_broadcasts_its_parameters():
    z = draw(4, 7, 3)
    expected = Independent(Normal(torch.zeros(3).double(), 1.0), 1).log_prob(z)
    zeros = torch.zeros(3, dtype=torch.float64)
    torch.testing.assert_close(log_normal(z, zeros, zeros), expected)


@pytest.mark.parametrize(("shape", "event_dim"), [((7, 3), 1), ((2, 7, 3), 1), ((5, 2, 4, 4), 3)])
def test_kl_to_prior_is_that_of_torch(shape, event_dim):
    mean, log_variance = draw(*shape), draw(*shape)
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    terms = kl_divergence(Normal(mean, (log_variance / 2).exp()), prior)
    expected = terms.flatten(-event_dim).sum(-1)
    torch.testing.assert_close(kl_to_prior(mean, log_variance, event_dim), expected)


def test_kl_to_prior_keeps_its_digits_next_to_the_prior():
    log_variance = torch.tensor([[1e-6]], dtype=torch.float64)
    kl = kl_to_prior(torch.zeros(1, 1, dtype=torch.float64), log_variance)
    assert kl.item() == pytest.approx(1e-12 / 4, rel=1e-5)


def test_kl_to_prior_of_the_prior_is_zero():
    assert torch.equal(kl_to_prior(torch.zeros(4, 3), torch.zeros(4, 3)), torch.zeros(4))


def test_kl_to_prior_is_never_negative():
    log_variance = torch.linspace(-0.01, 0.01, 2001)[:, None]
    assert (kl_to_prior(torch.zeros_like(log_variance), log_variance) >= 0).all()


def test_kl_to_prior_has_exact_gradients():
    arguments = (draw(4, 3).requires_grad_(), draw(4, 3).requires_grad_())
    assert torch.autograd.gradcheck(kl_to_prior, arguments)


def test_reparameterised_draws_have_the_mean_and_variance_asked_for():
    mean, log_variance = torch.tensor([1.5, -2.0]), torch.tensor([0.8, -1.0])
    count = 200_000
    z = reparameterize(mean.expand(count, 2), log_variance.expand(count, 2), torch.randn(count, 2))
    errors = (z.mean(0) - mean) / (log_variance / 2).exp() * count**0.5
    assert errors.abs().max() < 4
    ratio = z.var(0) / log_variance.exp() - 1
    assert ratio.abs().max() < 4 * (2 / count) ** 0.5


def test_reparameterised_draws_carry_gradients_to_both_parameters():
    mean, log_variance = draw(5).requires_grad_(), draw(5).requires_grad_()
    noise = draw(5)
    reparameterize(mean, log_variance, noise).sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones_like(mean))
    torch.testing.assert_close(log_variance.grad, (log_variance.detach() / 2).exp() * noise / 2)


class LinearGaussian:
    """x ~ N(Wz + b, σ²I) with orthogonal columns in W, so that its posterior is diagonal."""

    def __init__(self):
        columns, _ = torch.linalg.qr(draw(4, 2))
        self.weight = columns * torch.tensor([1.5, 0.4], dtype=torch.float64)
        self.bias = draw(4)
        self.x = draw(6, 4) + self.bias

    def log_evidence(self):
        noise = SIGMA**2 * torch.eye(4, dtype=torch.float64)
        return MultivariateNormal(self.bias, self.weight @ self.weight.T + noise).log_prob(self.x)

    def posterior(self):
        precision = 1 + self.weight.square().sum(0) / SIGMA**2
        mean = (self.x - self.bias) @ self.weight / SIGMA**2 / precision
        return mean, -precision.log().expand_as(mean)

    def log_likelihood(self, z):
        mean = z @ self.weight.T + self.bias
        return log_likelihood(self.x.expand_as(mean), mean, SIGMA)

    def expected_elbo(self, mean, log_variance):
        """By Gauss-Hermite quadrature, exact here: the log-likelihood is quadratic in z."""
        nodes, shares = np.polynomial.hermite_e.hermegauss(3)
        first, second = torch.meshgrid(*2 * [torch.from_numpy(nodes)], indexing="ij")
        noise = torch.stack([first, second], -1).reshape(9, 1, 2)
        share = torch.from_numpy(np.outer(shares, shares) / (2 * np.pi)).reshape(9, 1)
        values = self.log_likelihood(reparameterize(mean, log_variance, noise))
        return (share * elbo(values, kl_to_prior(mean, log_variance))).sum(0)

    def log_weights(self, mean, log_variance, draws):
        z = reparameterize(mean, log_variance, draw(draws, *mean.shape))
        zeros = torch.zeros_like(mean)
        return (
            self.log_likelihood(z) + log_normal(z, zeros, zeros) - log_normal(z, mean, log_variance)
        )


@pytest.fixture
def model():
    return LinearGaussian()


@pytest.fixture
def wrong(model):
    """An encoder that is not the posterior."""
    mean, log_variance = model.posterior()
    return mean + 0.3, log_variance + 0.5


def test_elbo_at_the_posterior_is_the_evidence(model):
    torch.testing.assert_close(model.expected_elbo(*model.posterior()), model.log_evidence())


def test_elbo_falls_short_by_the_divergence_from_the_posterior(model, wrong):
    posterior_mean, posterior_log_variance = model.posterior()
    q = Normal(wrong[0], (wrong[1] / 2).exp())
    gap = kl_divergence(q, Normal(posterior_mean, (posterior_log_variance / 2).exp())).sum(-1)
    assert (gap > 0.1).all()
    torch.testing.assert_close(model.expected_elbo(*wrong), model.log_evidence() - gap)


def test_elbo_is_highest_at_the_posterior(model):
    mean, log_variance = (value.clone().requires_grad_() for value in model.posterior())
    model.expected_elbo(mean, log_variance).sum().backward()
    assert max(mean.grad.abs().max(), log_variance.grad.abs().max()) < 1e-12


@pytest.mark.parametrize("draws", [1, 3, 50])
def test_importance_weighted_bound_at_the_posterior_is_the_evidence(model, draws):
    bound = importance_weighted_bound(model.log_weights(*model.posterior(), draws))
    torch.testing.assert_close(bound, model.log_evidence())


def test_importance_weighted_bound_rises_with_the_number_of_draws(model, wrong):
    repeats = 4000
    log_weights = model.log_weights(*wrong, 16 * repeats).reshape(16, repeats, -1)
    means = [importance_weighted_bound(log_weights[:k]).mean(0) for k in (1, 2, 4, 16)]
    ladder = torch.stack([*means, model.log_evidence()])
    assert (ladder.diff(dim=0) > 0).all()


def test_importance_weighted_bound_of_one_draw_is_the_elbo_in_expectation(model, wrong):
    bounds = importance_weighted_bound(model.log_weights(*wrong, 40_000)[None])
    error = (bounds.mean(0) - model.expected_elbo(*wrong)) / (bounds.std(0) / 40_000**0.5)
    assert error.abs().max() < 4


def test_importance_weighted_bound_approaches_the_evidence(model, wrong):
    bound = importance_weighted_bound(model.log_weights(*wrong, 200_000))
    torch.testing.assert_close(bound, model.log_evidence(), rtol=0, atol=0.02)


def test_importance_weighted_bound_does_not_overflow():
    bound = importance_weighted_bound(torch.tensor([[-1e4], [-1e4]]))
    assert bound.item() == pytest.approx(-1e4)


def test_importance_weighted_bound_averages_the_weights_not_their_logarithms():
    bound = importance_weighted_bound(torch.tensor([[0.0], [math.log(3.0)]]))
    assert bound.item() == pytest.approx(math.log(2.0))


def test_moments_of_stacked_trials_are_halves_behind_the_batch():
    mean, log_variance = moments(torch.arange(8.0).expand(2, 5, 8), dim=2)
    assert mean.shape == log_variance.shape == (2, 5, 4)
    assert log_variance[0, 0].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("output", "received"),
    [
        (torch.zeros(5), r"got Tensor of shape \(5,\)"),
        ((torch.zeros(5, 2), torch.zeros(5, 1)), r"got tuple of shape \[\(5, 2\), \(5, 1\)\]"),
    ],
)
def test_what_are_no_moments_is_refused_with_its_shape(output, received):
    with pytest.raises(ValueError, match=f"must give mean and log-variance.*{received}"):
        moments(output)
