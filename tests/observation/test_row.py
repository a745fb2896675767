"""Rows: their likelihood by torch's distributions, their draws, and the gradient of categories."""

import itertools

import pytest
import torch
from torch.distributions import Categorical, Normal

from alpha_bridge.observation import RowFamily

ROWS = RowFamily(categories=((0, 3), (3, 2)), numbers=((5, None), (6, 1)))
"""A category of three, one of two; a number, and one that is there if the first category is 1."""


def parameters(*lead, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(*lead, ROWS.parameters, generator=rng, dtype=torch.float64)


def draws(count):
    rng = torch.Generator().manual_seed(1)
    return torch.rand(count, ROWS.draws, generator=rng, dtype=torch.float64)


def row(first, second, number, gated=0.0):
    x = torch.zeros(7, dtype=torch.float64)
    x[first], x[3 + second], x[5] = 1.0, 1.0, number
    x[6] = gated if first == 1 else 0.0
    return x


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_likelihood_is_the_product_of_the_columns(first):
    given, x = parameters(), row(first, 1, 0.3, -0.7)
    expected = Categorical(logits=given[:3]).log_prob(torch.tensor(first))
    expected += Categorical(logits=given[3:5]).log_prob(torch.tensor(1))
    expected += Normal(given[5], given[7].exp()).log_prob(x[5])
    if first == 1:
        expected += Normal(given[6], given[8].exp()).log_prob(x[6])
    torch.testing.assert_close(ROWS.log_likelihood(x, given), expected)


def test_draws_have_the_shares_and_the_moments_of_the_parameters():
    given = parameters()
    x = ROWS.draw(given.expand(40_000, -1), draws(40_000)).x
    shares = torch.cat([given[:3].softmax(-1), given[3:5].softmax(-1)])
    torch.testing.assert_close(x[:, :5].mean(0), shares, atol=0.01, rtol=0)
    assert ((x[:, :3].sum(1) == 1) & (x[:, 3:5].sum(1) == 1)).all()
    torch.testing.assert_close(x[:, 5].mean(), given[5], atol=0.03, rtol=0)
    torch.testing.assert_close(x[:, 5].std(), given[7].exp(), atol=0.03, rtol=0.02)
    there = x[:, 1] == 1
    assert (x[~there, 6] == 0).all()
    torch.testing.assert_close(x[there, 6].mean(), given[6], atol=0.05, rtol=0)


def test_the_same_noise_draws_the_same_rows():
    one, two = (ROWS.draw(parameters(9), draws(9)).x for _ in range(2))
    assert torch.equal(one, two)


def w(x):
    """A function of rows in which columns meet."""
    return (x[..., 0] * x[..., 3] + 2 * x[..., 1] * x[..., 6] - x[..., 2] * x[..., 4]) + x[
        ..., 5
    ].sin()


def exact(given):
    """E[w] by enumeration of the categories; the mean of sin is known, and w is else linear."""
    one, two = given[:3].softmax(-1), given[3:5].softmax(-1)
    total = (-(2 * given[7]).exp() / 2).exp() * given[5].sin()
    for first, second in itertools.product(range(3), range(2)):
        x = row(first, second, 0.0)
        linear = x[0] * x[3] - x[2] * x[4] + 2 * x[1] * given[6]
        total = total + one[first] * two[second] * linear
    return total


def test_the_surrogate_and_the_numbers_graph_have_the_gradient_of_the_expectation():
    given = parameters().requires_grad_()
    drawn = ROWS.draw(given.expand(200_000, -1), draws(200_000))
    (drawn.surrogate(w) + w(drawn.x)).mean().backward()
    (expected,) = torch.autograd.grad(exact(leaf := given.detach().requires_grad_()), leaf)
    torch.testing.assert_close(given.grad, expected, atol=0.01, rtol=0)


def test_given_the_other_columns_the_gradient_of_a_category_is_exact():
    """One column alone: no draw plays a part."""
    rows = RowFamily(categories=((0, 4),))
    given = torch.randn(4, dtype=torch.float64, requires_grad=True)
    values = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    for _ in range(3):
        drawn = rows.draw(given.expand(1, -1), torch.rand(1, 2, dtype=torch.float64))
        (found,) = torch.autograd.grad(drawn.surrogate(lambda x: x @ values).sum(), given)
        (expected,) = torch.autograd.grad(given.softmax(-1) @ values, given)
        torch.testing.assert_close(found, expected)


@pytest.mark.slow
def test_with_some_alternatives_of_each_row_the_gradient_is_unbiased():
    given = parameters().requires_grad_()
    drawn = ROWS.draw(given.expand(200_000, -1), draws(200_000))
    (every,) = torch.autograd.grad(drawn.surrogate(w).mean(), given, retain_graph=True)
    (some,) = torch.autograd.grad(drawn.surrogate(w, most=2).mean(), given)
    torch.testing.assert_close(some, every, atol=0.01, rtol=0)


def test_an_alternative_is_looked_at_as_often_as_it_is_likely_beside_the_own_one():
    rows, shares = RowFamily(categories=((0, 4),)), torch.tensor([0.9, 0.08, 0.02, 0.0])
    drawn = rows.draw(shares.double().log().expand(100_000, -1), draws(100_000)[:, :2])
    seen = []
    drawn.surrogate(lambda x: seen.append(x) or x[..., 0], most=1)
    asked, from_first = seen[1][0], drawn.x[:, 0] == 1
    expected = torch.tensor([0.0, 0.8, 0.2, 0.0]).double()
    torch.testing.assert_close(asked[from_first].mean(0), expected, atol=0.01, rtol=0)
    assert (asked * drawn.x).sum() == 0


def test_a_row_that_could_be_no_other_has_no_gradient_of_its_categories():
    rows = RowFamily(categories=((0, 3),))
    given = torch.tensor([[0.0, -torch.inf, -torch.inf]]).requires_grad_()
    drawn = rows.draw(given, torch.full((1, 2), 0.5))
    (found,) = torch.autograd.grad(drawn.surrogate(lambda x: x[..., 1], most=1).sum(), given)
    assert (found == 0).all()


def test_straight_through_the_rows_are_as_drawn_and_their_gradient_that_of_a_gumbel_softmax():
    given, values = parameters()[:3], torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    leaf, rows = given.clone().requires_grad_(), RowFamily(categories=((0, 3),))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = rows.draw(leaf.expand(50_000, -1), draws(50_000)[:, :2])
        x = drawn.straight_through(0.7)
        noise = -torch.empty_like(x).exponential_().log()
    assert torch.equal(x, drawn.x)
    (found,) = torch.autograd.grad((x @ values).mean(), leaf)
    soft = ((leaf + noise) / 0.7).softmax(-1)
    (expected,) = torch.autograd.grad((soft @ values).mean(), leaf)
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


def test_straight_through_a_gate_has_a_gradient_of_its_number_and_an_impossible_place_none():
    given = parameters(5).float()
    given[:, 0] = -200
    drawn = ROWS.draw(given.requires_grad_(), draws(5).float())
    (found,) = torch.autograd.grad(drawn.straight_through(1.0)[:, 6].sum(), given)
    assert found.isfinite().all()
    assert (found[:, 0] == 0).all()
    assert (found[:, 1] != 0).all()


def test_in_parts_the_surrogate_is_the_same():
    given = parameters(6).requires_grad_()
    drawn = ROWS.draw(given, draws(6))
    (whole,) = torch.autograd.grad(drawn.surrogate(w).sum(), given, retain_graph=True)
    (parts,) = torch.autograd.grad(drawn.surrogate(w, at_once=1).sum(), given)
    torch.testing.assert_close(whole, parts)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "places of a row"),
        ({"categories": ((0, 2), (1, 2))}, "places of a row"),
        ({"numbers": ((0, None), (2, None))}, "places of a row"),
        ({"categories": ((0, 2),), "numbers": ((2, 3),)}, "got place 3"),
    ],
)
def test_rows_that_cannot_be_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        RowFamily(**given)
