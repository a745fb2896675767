"""The ledger of an experiment: nothing that has been trained is trained again."""

import json

import pytest
from matplotlib.figure import Figure

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS
from experiments import reproduce
from experiments.runs import Plan, carry_out, conduct, ledger_of, publish

CONFIG = changed(
    PRESETS["gaussians25"],
    {"steps": 20, "trials": 2, "evaluation.samples": 100, "model.hidden": [8]},
)
PLANS = [
    Plan({"method": "alpha-bridge", "seed": seed}, changed(CONFIG, {"seed": seed}), [20])
    for seed in (0, 5)
]


@pytest.fixture
def ledger(tmp_path):
    return ledger_of(tmp_path, "some")


def test_each_run_is_told_of_in_a_line(ledger):
    lines = []
    carry_out(PLANS, ledger, lines.append)
    assert [line.split("  ")[:3] for line in lines] == [
        ["1/2", "alpha-bridge", "0"],
        ["2/2", "alpha-bridge", "5"],
    ]


def test_an_interrupted_experiment_goes_on(ledger):
    (first,) = carry_out(PLANS[:1], ledger)
    first["seconds"] = 1234.5  # to be known again
    line = json.loads(ledger.read_text(encoding="utf-8"))
    line["found"]["seconds"] = 1234.5
    ledger.write_text(json.dumps(line) + "\n" + '{"key": {"upd', encoding="utf-8")
    runs = carry_out(PLANS, ledger)
    assert runs[0] == first
    assert runs[1]["seed"] == 5
    assert len([*map(json.loads, ledger.read_text(encoding="utf-8").splitlines())]) == 2


def test_a_run_of_other_settings_is_another(ledger):
    carry_out(PLANS[:1], ledger)
    other = Plan(PLANS[0].labels, changed(CONFIG, {"optimization.beta1": 0.1}), [20])
    carry_out([other], ledger)
    assert len(ledger.read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.slow
def test_several_jobs_give_the_numbers_of_one(ledger, tmp_path):
    alone = carry_out(PLANS, ledger)
    lines = []
    together = carry_out(PLANS, tmp_path / "other.jsonl", lines.append, jobs=2)
    for one, other in zip(alone, together, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert sorted(line.split("  ")[2] for line in lines) == ["0", "5"]
    assert [line[:3] for line in lines] == ["1/2", "2/2"]


@pytest.fixture
def conducted(tmp_path):
    """The record of an experiment of two runs; one has ended before if it was interrupted."""

    def conducted(interrupted):
        if interrupted:
            carry_out(PLANS[:1], ledger_of(tmp_path, "some"))
        return conduct(
            "some", tmp_path, lambda train: {"runs": train(PLANS)}, lambda _: Figure(), jobs=1
        )

    return conducted


def test_it_is_recorded_how_long_an_experiment_took_in_all(conducted, tmp_path):
    record = conducted(interrupted=False)
    assert record["jobs"] == 1
    assert record["elapsed"] >= sum(run["seconds"] for run in record["runs"]) - 0.2
    assert json.loads((tmp_path / "some.json").read_text(encoding="utf-8")) == record


def test_how_long_an_interrupted_one_took_is_not_known(conducted):
    assert conducted(interrupted=True)["elapsed"] is None


def test_no_job_at_all_is_refused(tmp_path):
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        reproduce("figure4", tmp_path, quick=True, jobs=0)


def test_jobs_of_an_experiment_that_has_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="search5 has one run after the other, got --jobs 2"):
        reproduce("search5", tmp_path / "new", quick=True, jobs=2)
    assert not (tmp_path / "new").exists()


def test_what_is_published_takes_the_place_of_the_ledger(ledger, tmp_path):
    record = {"experiment": "some", "quick": True, "runs": carry_out(PLANS[:1], ledger)}
    publish("some", tmp_path, record, lambda _: Figure())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["some.json", "some.png"]
    text = (tmp_path / "some.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(record))
    assert len(text.splitlines()) == 7
