"""Scores of unusual samples: of each alone, on one scale, and summed."""

import numpy as np
import pytest
import torch

from alpha_bridge.inference.outlyingness import Outlyingness, Surprisal, TwoSided, unusual_scores
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.networks.row_generator import RowGenerator


@pytest.fixture(params=["vectors", "rows"])
def model(request):
    torch.manual_seed(0)
    generator = MLPGenerator(2, 3)
    if request.param == "rows":
        generator = RowGenerator(2, [(0, 2)], [(2, None)])
    return AlphaBridge(generator, MLPEncoder(2, 3), MLPDiscriminator(3), noise=0.3).eval()


@pytest.fixture
def x():
    rng = torch.Generator().manual_seed(1)
    one_hot = torch.eye(2)[torch.randint(2, (120,), generator=rng)]
    return torch.cat([one_hot, torch.randn(120, 1, generator=rng)], 1)


def test_the_surprisal_of_the_data_is_that_of_an_exponential_variable():
    """−log of a tail probability is exponential, whatever the law of the score."""
    rng = np.random.default_rng(0)
    surprisal = Surprisal.fitted(rng.gamma(2.0, size=20_000) ** 2)
    found = surprisal(rng.gamma(2.0, size=20_000) ** 2)
    assert found.mean() == pytest.approx(1, abs=0.1)
    assert np.quantile(found, [0.5, 0.75]) == pytest.approx(np.log([2, 4]), abs=0.05)


def test_what_is_usual_and_repeated_is_no_surprise():
    surprisal = Surprisal.fitted(np.repeat([0.0, 1.0, 2.0, 3.0], [50, 20, 10, 20]))
    found = surprisal(np.array([0.0, 1.0, 2.0]))
    assert found == pytest.approx(-np.log([1.0, 0.5, 0.3]))


def test_both_tails_of_a_ratio_are_unusual():
    found = TwoSided.fitted(np.random.default_rng(0).normal(size=2000))
    low, middle, high = found(np.array([-3.0, 0.0, 3.0]))
    assert middle == pytest.approx(0, abs=0.05) and low == pytest.approx(high, rel=0.2) and low > 4


@pytest.mark.parametrize("scores", [np.arange(2.0), np.zeros(9), np.repeat([0.0, 1.0], [40, 2])])
def test_the_order_is_kept_beyond_all_that_was_seen(scores):
    found = Surprisal.fitted(scores)(np.array([-9.0, 2.0, 30.0, 1e6]))
    assert np.isfinite(found).all() and found[0] == 0 and (np.diff(found) > 0).all()


def test_the_scores_of_a_sample_do_not_depend_on_the_others(model, x):
    together, alone = unusual_scores(model, x), unusual_scores(model, x[117:])
    for all_of_them, few in zip(together, alone, strict=True):
        assert few == pytest.approx(all_of_them[117:], rel=1e-5)


def test_each_score_is_what_its_name_says(model, x):
    found = unusual_scores(model, x, draws=200)
    assert found.ratio == pytest.approx(-model.log_ratio(x).detach().numpy())
    mean = model.encode(x)
    assert found.reconstruction == pytest.approx(-model.log_likelihood(x, mean).numpy())
    rng = torch.Generator().manual_seed(2)
    bound = -model.log_likelihood_bound(x, 200, rng).numpy()
    assert found.bound.mean() == pytest.approx(bound.mean(), rel=0.1)


def test_the_sum_ranks_what_is_far_above_what_is_near(model, x):
    far = Outlyingness.of(model, x)
    strange = x[:5] + torch.tensor([0.0, 0.0, 30.0])
    assert far(strange).min() > far(x).max()
    parts = far.surprisals(far.scores(x))
    assert sum(parts.values()) == pytest.approx(far(x)) and min(map(np.min, parts.values())) >= 0


def test_a_score_of_the_data_that_is_not_finite_is_refused(model, x):
    x[1, 2] = torch.nan
    with pytest.raises(ValueError, match=r"of sample 1 is nan|sigma must .* got nan"):
        Outlyingness.of(model, x)


def test_what_lies_beyond_all_numbers_is_the_least_usual(model, x):
    far = Outlyingness.of(model, x)
    found = far(torch.tensor([[0.0, 1, 0], [0, 1, 9], [0, 1, 1e15], [0, 1, torch.inf]]))
    assert np.isfinite(found).all() and (np.diff(found[:3]) > 0).all() and found[3] >= found[2]
