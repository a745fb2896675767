"""The known densities: where their components lie and what they weigh."""

import math

import pytest
import torch

from alpha_bridge.data import grid, ring, spirals, unbalanced


def test_the_grid_is_the_papers():
    line = [-4.0, -2.0, 0.0, 2.0, 4.0]
    assert sorted(map(tuple, grid().means.tolist())) == [(a, b) for a in line for b in line]


def test_neighbours_on_a_ring_are_equally_far():
    means = ring(6, radius=3.0).means
    gaps = (means - means.roll(1, 0)).norm(dim=-1)
    torch.testing.assert_close(gaps, torch.full((6,), 3.0, dtype=torch.float64))


def test_an_unbalanced_mixture_lies_where_the_grid_lies():
    assert torch.equal(unbalanced(4, spacing=3.0).means, grid(4, spacing=3.0).means)


@pytest.mark.parametrize("side", [2, 3, 5, 7])
def test_unbalanced_weights_run_from_one_to_fifty_percent_and_add_up_to_one(side):
    weights = unbalanced(side).weights
    ends = torch.tensor([0.01, 0.5], dtype=torch.float64)
    torch.testing.assert_close(weights[[0, -1]], ends)
    assert weights.sum().item() == pytest.approx(1)
    assert (weights.diff() >= 0).all()


def test_weights_that_a_geometric_series_can_have_are_one():
    weights = torch.tensor([1.0, 2.0, 4.0, 8.0], dtype=torch.float64) / 15
    result = unbalanced(2, lightest=1 / 15, heaviest=8 / 15).weights
    torch.testing.assert_close(result, weights)


@pytest.mark.parametrize(
    "arguments", [{"side": 8}, {"heaviest": 0.01}, {"lightest": 0.0}, {"heaviest": 0.12}]
)
def test_weights_that_cannot_add_up_to_one_are_refused(arguments):
    with pytest.raises(ValueError, match=r"add up to 1: give another number"):
        unbalanced(**arguments)


def test_components_are_equally_far_along_every_arm():
    means = spirals(arms=3, pieces=200, turns=1.5).means.reshape(3, 200, 2)
    gaps = means.diff(dim=1).norm(dim=-1)
    torch.testing.assert_close(gaps, gaps.mean().expand_as(gaps), rtol=0.01, atol=0)


def test_arms_are_the_first_one_turned():
    first, second = spirals(arms=2).means.reshape(2, 50, 2)
    torch.testing.assert_close(second, -first)


def test_an_arm_goes_round_as_often_as_it_is_told():
    x, y = spirals(arms=1, pieces=500, turns=2.5).means.T
    angles = torch.atan2(y, x)
    steps = torch.remainder(angles.diff() + math.pi, 2 * math.pi) - math.pi
    assert steps.sum().item() == pytest.approx(2.5 * 2 * math.pi)


def test_the_density_is_even_along_an_arm():
    q = spirals(arms=1)
    inner = q.means[5:-5]
    between = (inner[1:] + inner[:-1]) / 2
    density = q.log_prob(torch.cat([inner, between])).exp()
    assert (density.max() / density.min()).item() < 1.02


def test_arms_keep_apart():
    first, second = spirals().means.reshape(2, 50, 2)
    assert torch.cdist(first, second).min() > 4 * spirals().std


@pytest.mark.parametrize(
    "arguments", [{"arms": 0}, {"pieces": 1}, {"turns": 0.0}, {"radius": -1.0}, {"std": 0.0}]
)
def test_impossible_spirals_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        spirals(**arguments)
