"""The ledger of an experiment: nothing that has been trained is trained again."""

import json

import numpy as np
import pytest

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS
from experiments.framework import Outcome, Plan, Study
from experiments.framework.ledger import Ledger, read_samples, write_samples

CONFIG = PRESETS["gaussians25"]


def train(config, number):
    return Outcome(
        {"method": config.method, "number": number}, {"": {number: np.full((2, 2), number)}}
    )


def plan(number, config=CONFIG, picture=None):
    arguments = {"config": config, "number": number}
    return Plan({"run": number}, train, arguments, picture, lambda record: f"is {record['number']}")


PLANS = [plan(0, picture="first"), plan(5)]


@pytest.fixture
def study(tmp_path):
    """Makes a study of the same folder each time it is called."""

    def study_of(report=lambda _: None):
        return Study("some", tmp_path, report)

    return study_of


def lines_of(path):
    return (path / "some.partial.jsonl").read_text(encoding="utf-8").splitlines()


def test_each_run_has_a_line_that_names_it(study):
    lines = []
    runs = study(lines.append).train(PLANS)
    assert lines == ["1/2  0  is 0", "2/2  5  is 5"]
    assert runs == [{"run": n, "method": "alpha-bridge", "number": n} for n in (0, 5)]


def test_an_interrupted_experiment_goes_on(study, tmp_path):
    study().train(PLANS[:1])
    (line,) = map(json.loads, lines_of(tmp_path))
    line["record"]["number"] = 1234  # to be known again
    cut = json.dumps(line) + '\n{"key": "cut sh'
    (tmp_path / "some.partial.jsonl").write_text(cut, encoding="utf-8")
    runs = study().train(PLANS)
    assert [run["number"] for run in runs] == [1234, 5]
    assert len([*map(json.loads, lines_of(tmp_path))]) == 2


def test_a_run_of_other_settings_is_another(study, tmp_path):
    study().train(PLANS[:1])
    study().train([plan(0, changed(CONFIG, {"optimization.beta1": 0.1}))])
    assert len(lines_of(tmp_path)) == 2


def test_a_run_of_another_function_is_another():
    other = Plan({}, another, PLANS[0].arguments)
    assert other.key != PLANS[0].key


def another(config, number):
    return Outcome({"method": config.method, "number": number})


def test_a_run_from_before_a_setting_was_added_is_known(study, tmp_path):
    study().train(PLANS)
    lines = [json.loads(line) for line in lines_of(tmp_path)]
    for line in lines:
        key = json.loads(line["key"])
        del key["config"]["path"]["sweeps"]
        line["key"] = json.dumps(key)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "some.partial.jsonl").write_text(text, encoding="utf-8")
    assert {*study().ledger.records} == {each.key for each in PLANS}


def test_what_the_data_decide_is_no_part_of_the_key():
    filled = CONFIG.model_copy(update={"event_shape": (2,)})
    assert plan(0, filled).key == plan(0).key


def test_the_same_run_is_kept_once(tmp_path):
    ledger = Ledger(tmp_path, "some")
    for number in (0, 7):
        ledger.add(PLANS[0], train(CONFIG, number))
    assert ledger.records[PLANS[0].key]["number"] == 0
    assert len(lines_of(tmp_path)) == 1


def test_samples_are_kept_of_the_runs_that_figures_show(study):
    study().train(PLANS)
    assert {name: [*of] for name, of in study().samples.items()} == {"first": [0]}


def test_samples_stand_in_the_order_of_the_plans(study):
    plans = [plan(number, picture=f"method {number}") for number in (2, 1)]
    study().train(plans[1:])
    again = study()
    again.train(plans)
    assert [*again.samples] == ["method 2", "method 1"]


def test_samples_come_back_as_they_were_written(tmp_path):
    samples = {"naive": {3: np.ones((2, 2))}, "x/y": {3: np.zeros((2, 2)), 12: np.eye(2)}}
    write_samples(samples, tmp_path / "kept.npz")
    kept = read_samples(tmp_path / "kept.npz")
    assert {name: [*of] for name, of in kept.items()} == {"naive": [3], "x/y": [3, 12]}
    assert all(
        np.array_equal(kept[name][step], x) for name in kept for step, x in samples[name].items()
    )


def test_samples_of_an_experiment_that_has_ended_are_not_resumed(tmp_path):
    write_samples({"naive": {3: np.ones((2, 2))}}, tmp_path / "some.npz")
    assert Ledger(tmp_path, "some").samples == {}


def test_what_is_not_json_is_not_written(tmp_path):
    ledger = Ledger(tmp_path, "some")
    with pytest.raises(ValueError, match="not JSON compliant"):
        ledger.add(PLANS[0], train(CONFIG, float("nan")))
    assert ledger.records == {} and not ledger.path.exists()
