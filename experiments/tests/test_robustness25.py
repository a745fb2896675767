"""Robustness: what becomes of a grid of settings."""

import json

import pytest

from experiments import robustness25
from experiments.framework.settings import COMPARED


def run(method, score, modes):
    names = {"inception_score/posterior/9": score, "log_likelihood/kde-0.1/9": score}
    missed = [None if m is None else 1 - m / 25 for m in modes]
    return {
        "method": method,
        "updates": [2000],
        "metrics": {
            **{
                name: [[None if m is None else value for m in modes]]
                for name, value in names.items()
            },
            "modes/3std/9": [modes],
            "missed_mass/tenth/9": [missed],
        },
        "failed": [2000 if m is None else None for m in modes],
        "seconds": 1.0,
    }


@pytest.fixture
def record():
    """Four settings of each method: the bridge's are all good, one baseline fails, one is bad."""
    runs = [run("alpha-bridge", 20.0 + n, [25, 25]) for n in range(4)]
    runs += [run("rkl-gp", 5.0 * n, [25, 25 if n else None]) for n in range(4)]
    runs += [run("rkl-sn", 4.0 * n, [24, 25]) for n in range(4)]
    record = {"trials": 2, "quick": False, "runs": runs}
    return record | {"summary": robustness25.summary(record)}


def test_the_grid_has_36_different_settings():
    assert len({json.dumps(setting) for setting in robustness25.GRID}) == 36


def test_a_setting_covers_all_modes_if_all_its_trials_do(record):
    found = record["summary"]
    assert found["alpha-bridge"]["settings_with_all_modes"] == 1
    assert found["rkl-gp"]["settings_with_all_modes"] == 0.75
    assert found["rkl-sn"]["settings_with_all_modes"] == 0
    assert found["rkl-sn"]["trials_with_all_modes"] == 0.5


def test_a_failed_trial_is_counted_and_covers_nothing(record):
    found = record["summary"]["rkl-gp"]
    assert found["failed"] == 1
    assert found["trials_with_all_modes"] == 7 / 8
    assert found["inception_score"]["quantiles"][0] is None


def test_the_statements_hold_where_the_bridge_is_more_robust(record):
    assert [claim.holds for claim in robustness25.claims(record)] == [True] * 5


def test_the_statements_fail_where_it_is_not(record):
    swapped = {"alpha-bridge": "rkl-gp", "rkl-gp": "alpha-bridge", "rkl-sn": "rkl-sn"}
    for found in record["runs"]:
        found["method"] = swapped[found["method"]]
    record["summary"] = robustness25.summary(record)
    assert [claim.holds for claim in robustness25.claims(record)] == [False] * 5


def test_the_miniature_has_the_corners_of_the_grid(untrained):
    record = untrained.record(robustness25)
    assert len(record["runs"]) == 4 * len(COMPARED)
    assert {(run["rate"], run["width"]) for run in record["runs"]} == {
        (3e-4, 64),
        (3e-4, 128),
        (3e-3, 64),
        (3e-3, 128),
    }
    assert len(record["claims"]) == 5


def test_the_figure_has_shares_and_the_scores_of_all_settings(record):
    shares, *scores = robustness25.draw(record | {"runs": record["runs"]}).axes
    assert len(shares.patches) == 2 * len(COMPARED)
    assert all(len(axes.lines) == len(COMPARED) for axes in scores)
