"""Training that is measured on its way: every trial apart, and those that fail with the others."""

from contextlib import suppress

import pytest
import torch

from alpha_bridge.errors import Diverged
from alpha_bridge.recipe import changed
from alpha_bridge.recipe.assembly import assemble, build_evaluation
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.training import Callback
from experiments.framework.trials import TrialMetrics, follow, own_scores

CONFIG = changed(
    PRESETS["gaussians25"],
    {"steps": 20, "trials": 2, "evaluation.samples": 200, "model.hidden": [16], "seed": 3},
)
NAME = "log_likelihood/kde-0.1/200-held-out"


class Poison(Callback):
    """Makes one trial diverge."""

    def after(self, event):
        if event.step == 12:
            with torch.no_grad():
                for parameter in event.state.model.generator.parameters():
                    parameter[1].fill_(torch.nan)


@pytest.fixture(scope="module")
def sound():
    return follow(CONFIG, [10, 20], [10, 20]).record


@pytest.fixture(scope="module")
def poisoned():
    parts = assemble(CONFIG)
    evaluation = build_evaluation(parts.config, parts.source)
    measured = TrialMetrics(parts.config, evaluation, [10, 20], [20])
    with suppress(Diverged):
        parts.fit(callbacks=[Poison(), measured])
    return measured


def test_there_is_a_number_for_each_metric_update_and_trial(sound):
    assert sound["updates"] == [10, 20]
    assert sound["failed"] == [None, None]
    assert {name.split("/")[0] for name in sound["metrics"]} >= {
        "inception_score",
        "log_likelihood",
        "modes",
        "missed_mass",
        "invented_mass",
    }
    for rows in sound["metrics"].values():
        assert [len(row) for row in rows] == [2, 2]
        assert all(isinstance(value, float) for row in rows for value in row)


def test_the_steps_of_the_bridge_end_where_its_path_says(sound):
    assert sound["boundaries"] == [1, 4]


def test_the_same_seed_gives_the_same_record(sound):
    again = follow(CONFIG, [10, 20], [10, 20]).record
    assert {**again, "seconds": 0} == {**sound, "seconds": 0}


def test_a_stacked_trial_scores_what_it_scores_alone(sound):
    alone = follow(changed(CONFIG, {"seed": 4, "trials": 1}), [20]).record
    assert sound["metrics"][NAME][-1][-1] == pytest.approx(alone["metrics"][NAME][0][-1], rel=1e-3)


def test_samples_of_the_first_trial_are_kept_where_they_are_shown(sound):
    samples = sound["samples"]
    assert list(samples) == ["10", "20"]
    assert len(samples["10"]) == 200
    assert all(value == round(value, 3) for point in samples["20"] for value in point)


def test_a_trial_that_diverges_has_failed_from_then_on(poisoned):
    assert poisoned.failed == [None, 20]
    (before, after) = poisoned.metrics[NAME]
    assert None not in before
    assert after[1] is None


def test_a_trial_that_diverges_does_not_disturb_the_others(poisoned, sound):
    first = [[row[0] for row in metrics[NAME]] for metrics in (poisoned.metrics, sound["metrics"])]
    assert first[0] == first[1]


def test_a_run_whose_trials_all_diverge_is_recorded():
    record = follow(changed(CONFIG, {"optimization.generator": 1e30}), [10, 20], [20]).record
    assert record["failed"] == [10, 10]
    assert record["samples"] == {}
    assert all(
        value is None for rows in record["metrics"].values() for row in rows for value in row
    )


def test_the_data_themselves_miss_no_mass():
    scores = own_scores(changed(CONFIG, {"evaluation.samples": 2000}))
    assert scores["missed_mass/tenth/2000"] == 0
    assert scores["inception_score/posterior/2000"] == pytest.approx(25, rel=0.01)
