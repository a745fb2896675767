"""Figure 4: the statements that it is held to, and its files."""

import copy

import pytest

from alpha_bridge.recipe.reading import value_of
from experiments import figure4
from experiments.framework.settings import BETAS, COMPARED, gaussians25, tuned

UPDATES = [1000, 4000, 10_000]


def run(method, beta1, scores, modes=25.0):
    """A run whose three trials lie around ``scores``, (mean, deviation) of each update."""
    rows = [[mean - deviation, mean, mean + deviation] for mean, deviation in scores]
    return {
        "method": method,
        "beta1": beta1,
        "boundaries": [500, 2000] if method == "alpha-bridge" else [],
        "updates": UPDATES,
        "metrics": {
            "inception_score/posterior/10000": rows,
            "log_likelihood/kde-0.1/10000": [[value - 27 for value in row] for row in rows],
            "modes/3std/10000": [[modes] * 3] * 3,
        },
        "failed": [None] * 3,
        "seconds": 1.0,
    }


@pytest.fixture
def record():
    scores = {
        "alpha-bridge": [(20, 0.09), (23, 0.09), (24.9, 0.09)],
        "rkl-gp": [(19, 0.3), (22, 0.3), (24, 0.3)],
        "rkl-sn": [(10, 3), (15, 3), (20, 3)],
    }
    return {
        "quick": False,
        "trials": 3,
        "judged": UPDATES,
        "steady": 4000,
        "data": {"inception_score/posterior/10000": 25.0, "log_likelihood/kde-0.1/10000": -1.65},
        "runs": [run(method, beta1, scores[method]) for beta1 in BETAS for method in COMPARED],
    }


def held(record, about=""):
    return [claim.holds for claim in figure4.claims(record) if about in claim.about]


def replaced(record, method, scores):
    changed = copy.deepcopy(record)
    for index, old in enumerate(changed["runs"]):
        if old["method"] == method:
            changed["runs"][index] = run(method, old["beta1"], scores)
    return changed


def test_the_defaults_are_held_to_the_baselines_and_trials_are_compared_in_pairs(record):
    scores = [(20, 0.1), (23, 0.1), (23.5, 0.1)]
    record["runs"] += [run("defaults", beta1, scores) for beta1 in BETAS]
    found = [claim for claim in figure4.claims(record) if "the defaults'" in claim.about]
    assert [claim.holds for claim in found] == [False] * 4
    for claim in found:
        assert [point["holds"] for point in claim.found] == [True, True, False]
        assert {p for point in claim.found for p in point["p"].values()} == {0.25}


def test_what_the_dial_decides_has_the_networks_and_the_measures_of_the_others():
    base = gaussians25(seed=3, trials=10, quick=True)
    own = figure4.untuned(0.1, base)
    same = ("seed", "trials", "steps", "batch_size", "model.latent", "model.hidden", "evaluation")
    assert all(value_of(own, key) == value_of(base, key) for key in same)
    assert not {*same} & {*own.decided}
    assert (own.optimization.beta1, own.gamma.kind) == (0.1, "realism")


def test_all_statements_hold_where_all_is_as_it_should_be(record):
    assert held(record) == [True] * 10


def test_a_baseline_above_the_bridge_is_seen(record):
    better = replaced(record, "rkl-gp", [(20.1, 0.3), (22, 0.3), (24, 0.3)])
    assert held(better, "at or above") == [False] * 4
    assert held(better, "third") == [True] * 4


def test_equal_means_are_at_or_above(record):
    equal = replaced(record, "rkl-gp", [(20, 0.09), (23, 0.09), (24.9, 0.09)])
    assert held(equal, "inception score is at or above") == [True] * 2


def test_a_standard_error_is_allowed_at_the_datas_own_score(record):
    there = replaced(record, "rkl-gp", [(19, 0.3), (22, 0.3), (24.95, 0.1)])
    there = replaced(there, "rkl-sn", [(10, 3), (15, 3), (24.85, 0.1)])
    assert held(there, "inception score is at or above") == [True] * 2
    far = replaced(there, "rkl-gp", [(19, 0.3), (22, 0.3), (25.05, 0.1)])
    assert held(far, "inception score is at or above") == [False] * 2


def test_a_standard_error_is_not_allowed_elsewhere(record):
    near = replaced(record, "rkl-gp", [(20.05, 0.3), (22, 0.3), (24, 0.3)])
    assert held(near, "inception score is at or above") == [False] * 2


def test_a_deviation_of_more_than_a_third_is_seen(record):
    loose = replaced(record, "alpha-bridge", [(20, 0.11), (23, 0.1), (24.9, 0.1)])
    assert held(loose, "third") == [False] * 4


def test_deviations_are_not_compared_later(record):
    loose = replaced(record, "alpha-bridge", [(20, 0.09), (23, 0.09), (24.9, 5)])
    assert held(loose, "third") == [True] * 4


def test_a_missed_mode_of_one_trial_is_seen(record):
    record["runs"][0]["metrics"]["modes/3std/10000"][-1][1] = 24.0
    assert held(record, "25 modes") == [False, True]


def failed(record, method):
    changed = copy.deepcopy(record)
    for old in changed["runs"]:
        if old["method"] == method:
            old["failed"][1] = 4000
            for rows in old["metrics"].values():
                for row in rows[1:]:
                    row[1] = None
    return changed


def test_a_failed_trial_of_the_bridge_fails_every_statement(record):
    assert held(failed(record, "alpha-bridge")) == [False] * 10


def test_a_failed_trial_of_a_baseline_is_below_every_score(record):
    high = replaced(record, "rkl-gp", [(19, 0.3), (24, 0.3), (25, 0.3)])
    assert held(high, "inception score is at or above") == [False] * 2
    assert held(failed(high, "rkl-gp"), "inception score is at or above") == [True] * 2


def test_every_panel_has_both_boundaries(record):
    axes = figure4.draw(record).axes
    assert len(axes) == 4
    for panel in axes:
        dashed = [line.get_xdata()[0] for line in panel.lines if line.get_linestyle() == "--"]
        assert dashed == [500, 2000]


def test_the_legend_counts_failed_trials(record):
    axes = figure4.draw(failed(record, "rkl-sn")).axes[0]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "rkl-sn (1 failed)" in texts


def test_a_miniature_says_so(record):
    assert "quick" not in figure4.draw(record).get_suptitle()
    assert "quick" in figure4.draw(record | {"quick": True}).get_suptitle()


@pytest.mark.usefixtures("tiny")
def test_every_method_is_measured_at_each_beta(untrained):
    record = untrained.record(figure4, seed=4)
    assert [(r["method"], r["beta1"]) for r in record["runs"]] == [
        (method, beta1) for beta1 in BETAS for method in (*COMPARED, "defaults")
    ]
    assert all(r["updates"] == [2, 20, 40] for r in record["runs"])
    assert (record["quick"], record["seed"], record["trials"]) == (True, 4, 2)
    assert len(record["claims"]) == 14
    assert {row["whose"] for row in record["hyperparameters"]} == {"paper", "ours"}


@pytest.mark.usefixtures("tiny")
def test_each_method_has_its_tuned_setting(untrained):
    untrained.record(figure4, quick=False)
    for plan in untrained.plans:
        config = plan.arguments["config"]
        if plan.labels["method"] == "defaults":
            continue
        own = (plan.labels["method"], plan.labels["beta1"])
        assert (config.method, config.optimization.beta1) == own
        assert config == tuned(*own, gaussians25(3, 10, quick=False))
