"""Tables of few cells: what is enumerated is what draws have, and what is said of its noise."""

import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.metrics import enumeration
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, RowGenerator
from alpha_bridge.observation import RowFamily

ROWS = RowFamily(categories=((0, 2), (2, 3), (5, 2)))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    generator = RowGenerator(2, categories=ROWS.categories, hidden=(8,))
    networks = (MLPEncoder(2, 7, hidden=(4,)), MLPDiscriminator(7, hidden=(4,)))
    model = AlphaBridge(generator, *networks, noise=1.0)
    for parameter in generator.parameters():
        parameter.data.mul_(3)
    return model


def test_the_shares_of_a_model_are_those_of_its_draws(model):
    p, variance = enumeration.shares_of_model(model)
    with torch.no_grad():
        drawn = model.draw(torch.randn(100_000, 2)).x
    assert p.sum() == pytest.approx(1)
    torch.testing.assert_close(p, enumeration.shares(drawn, ROWS), atol=0.006, rtol=0)
    assert variance.max() < 1e-4


def test_the_variance_of_the_shares_is_that_over_seeds(model):
    found = [enumeration.shares_of_model(model, latents=256, seed=seed) for seed in range(200)]
    every = torch.stack([p for p, _ in found])
    said = torch.stack([variance for _, variance in found]).mean(0)
    torch.testing.assert_close(every.var(0), said, rtol=0.5, atol=0)


def test_the_bias_that_is_said_is_that_of_the_divergence(model):
    exact, none = enumeration.shares_of_model(model, latents=2**18)
    q = torch.full((12,), 1 / 12, dtype=torch.float64)
    truth, _ = enumeration.divergence(q, exact, none)
    found = [
        enumeration.divergence(q, *enumeration.shares_of_model(model, latents=256, seed=seed))
        for seed in range(200)
    ]
    mean, bias = torch.tensor(found).mean(0)
    assert mean - truth == pytest.approx(float(bias), rel=0.3)


def test_cells_are_counted_in_the_order_of_the_columns():
    x = torch.tensor([[0, 1, 0, 0, 1, 1, 0], [0, 1, 0, 0, 1, 1, 0], [1, 0, 1, 0, 0, 0, 1.0]])
    q = enumeration.shares(x, ROWS)
    assert q.nonzero().flatten().tolist() == [1, 10]
    assert q[10] == pytest.approx(2 / 3)


def test_mass_is_missed_where_no_row_is_met():
    q = torch.tensor([0.5, 0.3, 0.2]).double()
    p = torch.tensor([0.9, 0.1, 0.0]).double()
    assert enumeration.missed(q, p) == pytest.approx(0.2)
    assert enumeration.missed(q, p, 10) == pytest.approx(0.5 * 0.1**10 + 0.3 * 0.9**10 + 0.2)
    assert enumeration.total_variation(q, p) == pytest.approx(0.4)


def test_only_categories_of_few_cells_are_enumerated():
    assert enumeration.enumerable(ROWS)
    assert not enumeration.enumerable(RowFamily(categories=((0, 2),), numbers=((2, None),)))
    assert not enumeration.enumerable(RowFamily(categories=tuple((2 * at, 2) for at in range(17))))
