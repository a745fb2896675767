"""Training that is measured on its way: every trial apart, and those that fail with the others."""

from contextlib import suppress

import pytest
import torch

from alpha_bridge.errors import Diverged
from alpha_bridge.recipe import changed
from alpha_bridge.recipe.builders import assemble, build_evaluation
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.training import Callback
from experiments.curves import Watch, follow, own_scores

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


def poisoned():
    parts = assemble(CONFIG)
    watch = Watch(parts.config, build_evaluation(parts.config, parts.source), [10, 20], [20])
    with suppress(Diverged):
        parts.fit(callbacks=[Poison(), watch])
    return watch


def without_seconds(record):
    return {name: value for name, value in record.items() if name != "seconds"}


def test_there_is_a_number_for_each_metric_update_and_trial():
    record = follow(CONFIG, [10, 20])
    assert record["updates"] == [10, 20]
    assert record["failed"] == [None, None]
    assert {name.split("/")[0] for name in record["metrics"]} >= {
        "inception_score",
        "log_likelihood",
        "modes",
        "missed_mass",
        "invented_mass",
    }
    for rows in record["metrics"].values():
        assert [len(row) for row in rows] == [2, 2]
        assert all(isinstance(value, float) for row in rows for value in row)


def test_the_steps_of_the_bridge_end_where_its_path_says():
    assert follow(CONFIG, [20])["boundaries"] == [1, 4]


def test_the_same_seed_gives_the_same_record():
    first, second = (without_seconds(follow(CONFIG, [10, 20], [20])) for _ in range(2))
    assert first == second


def test_a_stacked_trial_scores_what_it_scores_alone():
    alone = follow(changed(CONFIG, {"seed": 4, "trials": 1}), [20])
    stacked = follow(CONFIG, [20])
    ours, theirs = (record["metrics"][NAME][0][-1] for record in (stacked, alone))
    assert ours == pytest.approx(theirs, rel=1e-3)


def test_samples_of_the_first_trial_are_kept_where_they_are_shown():
    samples = follow(CONFIG, [20], [10, 20])["samples"]
    assert list(samples) == ["10", "20"]
    assert len(samples["10"]) == 200
    assert all(value == round(value, 3) for point in samples["20"] for value in point)


def test_a_trial_that_diverges_has_failed_from_then_on():
    watch = poisoned()
    assert watch.failed == [None, 20]
    (before, after) = watch.metrics[NAME]
    assert None not in before
    assert after[1] is None


def test_a_trial_that_diverges_does_not_disturb_the_others():
    watch, sound = poisoned(), follow(CONFIG, [10, 20])
    assert [row[0] for row in watch.metrics[NAME]] == [row[0] for row in sound["metrics"][NAME]]


def test_a_run_whose_trials_all_diverge_is_recorded():
    record = follow(changed(CONFIG, {"optimization.generator": 1e30}), [10, 20], [20])
    assert record["failed"] == [10, 10]
    assert record["samples"] == {}
    assert all(
        value is None for rows in record["metrics"].values() for row in rows for value in row
    )


def test_the_data_themselves_miss_no_mass():
    scores = own_scores(changed(CONFIG, {"evaluation.samples": 2000}))
    assert scores["missed_mass/tenth/2000"] == 0
    assert scores["inception_score/posterior/2000"] == pytest.approx(25, rel=0.01)
