"""The search: one budget for all methods, and a score that was fixed beforehand."""

import json
from collections import Counter

import pytest

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.slots import build_path
from experiments import figure4, search25
from experiments.framework.settings import BETAS, COMPARED


def run(method, beta1, setting, score):
    rows = [[None, None] if score is None else [score, score]] * 3
    return {
        "method": method,
        "beta1": beta1,
        "setting": setting,
        "updates": [1000, 2000, 2500],
        "metrics": {"inception_score/posterior/9": rows, "log_likelihood/kde-0.1/9": rows},
        "failed": [1000 if score is None else None] * 2,
        "seconds": 1.0,
    }


def runs_with(scores):
    return [
        run(method, beta1, setting, score)
        for beta1 in BETAS
        for setting, score in enumerate(scores)
        for method in COMPARED
    ]


def test_the_settings_differ_and_the_preset_is_the_first():
    texts = [json.dumps(setting) for setting in search25.SETTINGS]
    assert len(set(texts)) == len(texts) == search25.COUNT
    assert search25.own_setting("rkl-gp", search25.SETTINGS[0]) == {
        "path.ml": 0.0,
        "path.transfer": 0.0,
        "path.adversarial": 1.0,
        "optimization.generator": 1e-3,
        "optimization.encoder": 1e-3,
        "optimization.discriminator": 1e-3,
        "optimization.beta2": 0.99,
        "optimization.discriminator_steps": 1,
        "regularizer.weight": 0.3,
    }


def test_the_first_updates_of_a_setting_are_those_of_the_figure():
    base = search25.gaussians25(0, 1, quick=False)
    for method in COMPARED:
        for setting in search25.SETTINGS:
            short = build_path(search25._config(base, method, 0.5, setting, 2500))
            own = search25.own_setting(method, setting)
            whole = build_path(changed(METHODS[method].apply(base), own))
            assert [*map(short, range(2500))] == [*map(whole, range(2500))]


def test_every_choice_has_as_many_settings():
    for key, choices in search25.CHOICES.items():
        found = Counter(setting[key] for setting in search25.SETTINGS)
        assert found == {choice: 4 * choices.count(choice) for choice in choices}


def test_every_method_has_a_number_of_different_settings_that_is_the_same():
    for method in COMPARED:
        own = [json.dumps(search25.own_setting(method, s)) for s in search25.SETTINGS]
        assert len(set(own)) == search25.COUNT


def test_the_highest_scores_have_the_lowest_rank():
    found = search25.ranks(runs_with([10.0, 20.0, 15.0]))
    assert [row["rank"] for row in found[:3]] == [3, 1, 2]


def test_equal_settings_share_a_rank():
    found = search25.ranks(runs_with([10.0, 10.0, 15.0]))
    assert [row["rank"] for row in found[:3]] == [2.5, 2.5, 1]


def test_a_setting_that_failed_is_the_last():
    found = search25.ranks(runs_with([None, -100.0, 15.0]))
    assert [row["rank"] for row in found[:3]] == [3, 2, 1]


def test_the_best_of_a_method_is_chosen_by_its_own_runs_at_its_beta():
    runs = runs_with([10.0, 20.0])
    for found in runs:
        if (found["method"], found["beta1"]) == ("rkl-sn", 0.1):
            found["metrics"] = run("rkl-sn", 0.1, 0, 30.0 - found["setting"])["metrics"]
    best = search25.best(runs)
    assert best["rkl-sn"]["0.1"] == search25.own_setting("rkl-sn", search25.SETTINGS[0])
    assert best["rkl-sn"]["0.5"] == search25.own_setting("rkl-sn", search25.SETTINGS[1])
    assert best["rkl-gp"]["0.1"] == search25.own_setting("rkl-gp", search25.SETTINGS[1])


@pytest.fixture
def record(untrained):
    return untrained.record(search25)


def test_every_setting_of_the_miniature_is_ranked(record):
    assert len(record["runs"]) == len(record["ranks"]) == 2 * len(BETAS) * len(COMPARED)
    assert record["quick"]
    assert record["best"] == search25.best(record["runs"], record["settings"])


@pytest.mark.usefixtures("tiny")
def test_its_seeds_are_not_those_of_the_figure(record, untrained):
    figure = untrained.record(figure4)
    seeds = [{r["seed"] + trial for trial in range(10)} for r in (record, figure)]
    assert seeds[0].isdisjoint(seeds[1])


def test_the_chosen_settings_are_ringed(record):
    for axes in search25.draw(record).axes:
        assert sum(line.get_markerfacecolor() == "none" for line in axes.lines) == len(COMPARED)
