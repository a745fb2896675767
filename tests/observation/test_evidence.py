"""Rows that are known in part, against sums over all rows and torch's distributions."""

import itertools

import pytest
import torch
from torch.distributions import Normal

from alpha_bridge.observation import RowEvidence, RowFamily

ROWS = RowFamily(categories=((0, 3), (3, 2)), numbers=((5, None), (6, 1)))
INF = torch.inf


def parameters(*lead):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(*lead, ROWS.parameters, generator=rng, dtype=torch.float64)


def evidence(allowed, low=(-INF, -INF), high=(INF, INF)):
    places = torch.tensor([place in allowed for place in range(5)] + [True, True])
    return RowEvidence(
        ROWS, places, *(torch.tensor(end, dtype=torch.float64) for end in (low, high))
    )


@pytest.mark.parametrize("allowed", [{0, 3}, {0, 2, 4}, {0, 1, 2, 3, 4}, {1, 2, 3, 4}])
def test_the_likelihood_of_categories_is_a_sum_over_rows(allowed):
    given = parameters()
    expected = 0.0
    for first, second in itertools.product(range(3), range(2)):
        if {first, 3 + second} <= allowed:
            expected += given[:3].softmax(0)[first] * given[3:5].softmax(0)[second]
    torch.testing.assert_close(evidence(allowed).log_likelihood(given).exp(), expected)


@pytest.mark.parametrize(
    ("low", "high"), [(-0.5, 2.0), (-INF, 0.3), (6.0, 7.0), (-9.0, -7.0), (0.2, 0.20001)]
)
def test_the_likelihood_of_a_rounded_number_is_that_of_its_interval(low, high):
    given = parameters()
    normal = Normal(given[5], given[7].exp())
    ends = (torch.tensor(end, dtype=torch.float64) for end in (high, low))
    above, below = (normal.cdf(end) for end in ends)
    found = evidence({*range(5)}, (low, -INF), (high, INF)).log_likelihood(given).exp()
    torch.testing.assert_close(found, above - below, rtol=1e-5, atol=1e-15)


def test_the_likelihood_of_an_exact_number_is_its_density():
    given, (x, y) = parameters(), (0.3, -0.7)
    found = evidence({1, 3}, (x, y), (x, y)).log_likelihood(given)
    row = torch.tensor([0, 1, 0, 1, 0, x, y], dtype=torch.float64)
    torch.testing.assert_close(found, ROWS.log_likelihood(row, given))


def test_rows_that_are_drawn_agree_with_what_is_known():
    known = evidence({0, 1, 4}, (0.5, -INF), (0.6, INF))
    x = known.draw(parameters().expand(500, -1), torch.rand(500, ROWS.draws).double())
    assert (x[:, 4] == 1).all() and (x[:, 2] == 0).all() and set(x[:, 0].tolist()) == {0.0, 1.0}
    assert ((x[:, 5] >= 0.5) & (x[:, 5] <= 0.6)).all() and x[x[:, 1] == 1, 6].std() > 0.1


def test_unknown_columns_are_drawn_from_the_model():
    given, noise = parameters(9), torch.rand(9, ROWS.draws).double()
    assert torch.equal(evidence({*range(5)}).draw(given, noise), ROWS.draw(given, noise).x)


@pytest.mark.parametrize(
    ("allowed", "number", "incomplete"),
    [({0, 3}, 1.0, False), ({0, 1, 3}, 1.0, True), ({0, 3}, None, True), ({1, 3}, 1.0, True)],
)
def test_a_row_is_incomplete_where_a_column_is_unknown(allowed, number, incomplete):
    """A number is unknown only where its gate says that it is there."""
    ends = ((-INF, INF) if number is None else (number, number), (-INF, INF))
    found = evidence(allowed, *zip(*ends, strict=True)).incomplete
    assert bool(found) == incomplete
