"""Known densities: their formula, their samples, and the source that draws from them."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from alpha_bridge.data import DensitySource, GaussianMixture, grid, stream


def mixture():
    means = torch.tensor([[0.0, 0.0], [1.0, 3.0], [-2.0, 1.0]])
    return GaussianMixture(means, 0.7, torch.tensor([1.0, 2.0, 5.0]))


def test_log_prob_is_that_of_torch():
    q = mixture()
    parts = Independent(Normal(q.means, torch.full_like(q.means, q.std)), 1)
    x = torch.randn(50, 2, dtype=torch.float64)
    expected = MixtureSameFamily(Categorical(q.weights), parts).log_prob(x)
    torch.testing.assert_close(q.log_prob(x), expected)


def test_posterior_sums_to_one_and_points_to_the_nearest_mode():
    q = grid()
    posterior = q.posterior(q.means)
    torch.testing.assert_close(posterior.sum(-1), torch.ones(25, dtype=torch.float64))
    assert posterior.argmax(-1).tolist() == list(range(25))


def test_samples_have_the_weights_and_the_width():
    q = mixture()
    x, k = q.labelled_sample(50_000, stream(0, 0))
    shares = torch.bincount(k, minlength=3) / len(k)
    torch.testing.assert_close(shares.double(), q.weights, atol=0.01, rtol=0)
    assert abs((x - q.means[k].float()).std() - 0.7) < 0.01


@pytest.mark.parametrize(
    "arguments",
    [
        (torch.zeros(3), 1.0),
        (torch.full((1, 2), math.nan), 1.0),
        (torch.zeros(2, 2), 0.0),
        (torch.zeros(2, 2), 1.0, torch.ones(3)),
        (torch.zeros(2, 2), 1.0, torch.tensor([1.0, -1.0])),
    ],
)
def test_impossible_mixtures_are_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        GaussianMixture(*arguments)


def test_points_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="shape"):
        grid().log_prob(torch.zeros(4, 3))


def test_shares_of_a_batch_make_up_the_batch():
    source = DensitySource(grid())
    parts = [source.batch(0, 3, 10, rank, 3) for rank in range(3)]
    assert torch.equal(torch.cat(parts), source.batch(0, 3, 10))


def test_evaluation_never_sees_what_training_sees():
    source = DensitySource(grid())
    seen = torch.cat([source.batch(0, 0, 100), source.training(100)])
    assert not torch.isin(source.held_out(100), seen).any()


def test_labels_belong_to_their_samples():
    source = DensitySource(grid())
    assert source.classes == 25
    nearest = source.mixture.posterior(source.held_out(200)).argmax(-1)
    assert torch.equal(nearest, source.held_out_labels(200))
