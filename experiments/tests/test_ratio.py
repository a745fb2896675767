"""The ratio against known ones: the truth, the baselines, and what is said of them."""

import numpy as np
import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.inference import calibration
from alpha_bridge.networks import MLPDiscriminator
from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS
from experiments import ratio
from experiments.linear_gaussian import LinearEncoder, LinearGenerator
from experiments.ratio_baselines import least_squares, logistic

TINY_DIGITS = changed(
    PRESETS["digits"], {"batch_size": 16, "model.width": 4, "evaluation.features": "pixels"}
)

METHODS = {name: {"data": 0.4, "model": 0.5, "neither": 9.0} for name in ratio.METHODS}


def record(**better):
    """Two trials in which all methods err alike, but for some."""
    errors = METHODS | {name: dict(METHODS[name], data=of) for name, of in better.items()}
    seconds = dict.fromkeys(ratio.METHODS, 0.1)
    known = [{"alpha": at / 4, "errors": errors, "seconds": seconds} for at in range(5)]
    modes = [{"budget": b, "rejected": {"missed": 0.4 / b, "invented": 0.1}} for b in ratio.BUDGETS]
    images = [{"budget": b, "rejected": {"frechet_distance": 9 / b}} for b in ratio.BUDGETS]
    parts = {"known": known, "modes": modes, "images": images}
    runs = [{"part": part, "rows": rows} for part, rows in parts.items()]
    return {"runs": runs * 2, "trials": 2, "quick": True, "images": "digits"}


def test_claims_compare_the_means():
    assert all(claim.holds for claim in ratio.claims(record(**{"last-layer": 0.2})))
    assert [claim.holds for claim in ratio.claims(record())] == [False] * 4 + [True] * 2


def test_the_table_and_the_figure_have_every_method_and_name_what_was_refused():
    table = ratio.table(record())
    assert all(f"| {method} |" in table for method in ratio.METHODS)
    assert "| 2 | 30.0% | refused | 4.5 | refused |" in table
    assert len(ratio.draw(record()).axes) == 6


def test_errors_are_those_to_the_known_ratio(monkeypatch):
    """Of a discriminator that gives 0, the error is the mean size of f itself."""
    monkeypatch.setattr(ratio, "FITTED", 600)
    monkeypatch.setattr(ratio, "TESTED", 400)
    monkeypatch.setattr(calibration, "FEWEST", 300)
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


def test_images_have_a_distance_for_each_budget(monkeypatch):
    monkeypatch.setattr(ratio, "IMAGES", 60)
    monkeypatch.setattr(ratio, "FITTED", 100)
    monkeypatch.setattr(ratio, "BUDGETS", (1, 4))
    monkeypatch.setattr(ratio, "preset_on", lambda *_: TINY_DIGITS)
    rows = ratio.of_images(0, 10, None).record["rows"]
    assert [row["budget"] for row in rows] == [1, 4]
    assert all(row["rejected"]["frechet_distance"] > 0 for row in rows)
