"""The choice of γ in training, in a miniature."""

import json

import pytest

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS
from experiments import gamma25

SMALL = {"evaluation.samples": 500, "model.hidden": [16, 16]}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    preset = changed(PRESETS["gaussians25"], SMALL)
    monkeypatch.setattr(gamma25, "PRESETS", {"gaussians25": preset})


def test_each_gamma_is_trained_measured_and_drawn():
    record = gamma25.measure(seed=5, trials=2, steps=40)
    assert [(run["gamma"], run["seed"]) for run in record["runs"]] == [
        (kind, seed) for kind in gamma25.KINDS for seed in (5, 6)
    ]
    for run in record["runs"]:
        assert [evaluation["step"] for evaluation in run["evaluations"]] == [2, 8, 40]
        assert all("inception_score/posterior/500" in e for e in run["evaluations"])
        assert all(0 <= gamma <= 1 for _, gamma in run["path"])
    json.dumps(record, allow_nan=False)
    assert len(gamma25.draw(record).axes) == 3


def test_the_runs_differ_by_gamma_after_step_one_alone():
    record = gamma25.measure(trials=1, steps=40)
    first = {json.dumps(run["evaluations"][0]) for run in record["runs"]}
    last = {json.dumps(run["evaluations"][-1]) for run in record["runs"]}
    assert len(first) == 1 and len(last) == len(gamma25.KINDS)
