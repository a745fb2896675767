"""The ratio against known ones: the truth, the baselines, and what is said of them."""

import numpy as np
import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.inference import calibrated_ratio, calibration
from alpha_bridge.networks import MLPDiscriminator
from experiments import ratio
from experiments.linear_gaussian import LinearEncoder, LinearGenerator
from experiments.ratio_baselines import least_squares, logistic

METHODS = {name: {"data": 0.4, "model": 0.5, "neither": 9.0} for name in ratio.METHODS}


def record(**better):
    """Two trials in which all methods err alike, but for some."""
    errors = METHODS | {name: dict(METHODS[name], data=of) for name, of in better.items()}
    seconds = dict.fromkeys(ratio.METHODS, 0.1)
    known = [{"alpha": at / 4, "errors": errors, "seconds": seconds} for at in range(5)]
    modes = [{"budget": b, "rejected": {"missed": 0.4 / b, "invented": 0.1}} for b in ratio.BUDGETS]
    runs = [{"part": part, "rows": rows} for part, rows in (("known", known), ("modes", modes))]
    return {"runs": runs * 2, "trials": 2, "quick": True}


def test_claims_compare_the_means():
    half, *others, mass = ratio.claims(record(**{"last-layer": 0.2}))
    assert half.holds and all(claim.holds for claim in others) and mass.holds
    assert not any(claim.holds for claim in ratio.claims(record())[:-1])


def test_the_table_and_the_figure_have_every_method_and_name_what_was_refused():
    table = ratio.table(record())
    assert all(f"| {method} |" in table for method in ratio.METHODS)
    assert "| 2 | 30.0% | refused |" in table
    assert len(ratio.draw(record()).axes) == 4


def test_errors_are_those_to_the_known_ratio(monkeypatch):
    """Of a discriminator that gives 0, the error is the mean size of f itself."""
    monkeypatch.setattr(ratio, "FITTED", 600)
    monkeypatch.setattr(ratio, "TESTED", 400)
    monkeypatch.setattr(calibration, "FEWEST", 300)
    monkeypatch.setattr(calibrated_ratio, "REPLICAS", 2)
    torch.manual_seed(0)
    model = AlphaBridge(LinearGenerator(2), LinearEncoder(2), MLPDiscriminator(2, (4,))).eval()
    with torch.no_grad():
        [*model.discriminator.parameters()][-1].zero_()
        [*model.discriminator.parameters()][-2].zero_()
    found = ratio._errors(model, 0)
    assert found["errors"]["logit"]["data"] > 0.5
    assert found["errors"]["last-layer"]["data"] <= found["errors"]["temperature"]["data"]
    assert {*found["errors"]} == {*ratio.METHODS}


@pytest.mark.parametrize("relative", [0.0, 0.1])
def test_least_squares_find_a_known_ratio(relative):
    rng = np.random.default_rng(0)
    q, p = rng.normal(1, 1, (1000, 1)), rng.normal(0, 1, (1000, 1))
    x = np.linspace(-1, 2, 9)[:, None]
    truth = (x - 0.5)[:, 0]
    assert np.abs(least_squares(q, p, relative)(x) - truth).mean() < 0.3
    assert np.abs(logistic(q, p)(x) - truth).mean() < 0.15
