"""Hyperparameters: whose they are, what the search found, and what a miniature leaves."""

import json
from pathlib import Path

import pytest

from alpha_bridge.recipe import differences
from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import PRESETS
from experiments import search25
from experiments.framework.settings import (
    BETAS,
    COMPARED,
    TUNED,
    beginning,
    gaussians25,
    hyperparameters,
    tuned,
)

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "search25.json"


def test_the_miniature_differs_in_updates_and_samples_alone():
    unlike = differences(gaussians25(0, 2, quick=False), gaussians25(0, 2, quick=True))
    assert unlike == ["steps: 10000 and 1000", "evaluation.samples: 10000 and 2000"]


@pytest.mark.parametrize("method", COMPARED)
def test_the_beginning_of_a_training_has_its_alphas(method):
    whole = METHODS[method].apply(gaussians25(0, 1, quick=False))
    path, first = (assemble(config).path for config in (whole, beginning(whole, 2500)))
    assert len(first) == 2500
    assert all(first(step) == path(step) for step in range(0, 2500, 50))


def test_a_beginning_that_would_change_alpha_is_refused():
    with pytest.raises(AssertionError):
        beginning(gaussians25(0, 1, quick=False), 1999)


def test_the_main_texts_values_are_the_papers_and_no_others():
    rows = {row["key"]: row for row in hyperparameters([("a", PRESETS["gaussians25"])])}
    assert rows["optimization.beta1"] == {
        "key": "optimization.beta1",
        "whose": "paper",
        "values": [0.5],
    }
    assert rows["optimization.generator"]["whose"] == "ours"
    assert rows["trials"]["whose"] == "ours"  # one: the paper has ten


def test_values_stand_by_column_where_columns_differ():
    preset = gaussians25(0, 10, quick=False)
    configs = [(name, METHODS[name].apply(preset)) for name in COMPARED]
    rows = {row["key"]: row for row in hyperparameters(configs)}
    assert rows["trials"]["values"] == [10]
    assert rows["regularizer.kind"]["values"] == {
        "alpha-bridge": ["r1"],
        "rkl-gp": ["r1"],
        "rkl-sn": ["spectral"],
    }


@pytest.mark.parametrize("method", COMPARED)
@pytest.mark.parametrize("beta1", BETAS)
def test_the_tuned_configuration_is_one_of_its_method(method, beta1):
    config = tuned(method, beta1, gaussians25(0, 2, quick=True))
    METHODS[method].require(config)
    assert config.optimization.beta1 == beta1


def test_all_methods_have_the_same_networks_batch_updates_and_average():
    configs = [tuned(m, beta1, gaussians25(0, 2, False)) for m in COMPARED for beta1 in BETAS]
    shared = {(c.model, c.batch_size, c.steps, c.optimization.average) for c in configs}
    assert len(shared) == 1


@pytest.mark.skipif(not RECORDED.is_file(), reason="no search has been recorded")
def test_the_tuned_table_is_the_best_of_the_recorded_search():
    record = json.loads(RECORDED.read_text(encoding="utf-8"))
    table = json.loads(TUNED.read_text(encoding="utf-8"))["best"]
    assert table == search25.best(record["runs"], record["settings"]) == record["best"]
