"""What an experiment leaves: its record, its picture and how long it took."""

import json

import pytest
from matplotlib.figure import Figure

from experiments.framework import Claim, Outcome, Plan, Study, trials_of, verdicts


def train(number):
    return Outcome({"number": number})


PLANS = [Plan({"run": number}, train, {"number": number}) for number in range(2)]
CLAIMS = [Claim("it is more", True, [{"a": 2, "b": 1}]), Claim("it is less", False, [{"a": 2}])]


def published(folder):
    study = Study("some", folder)
    record = {"experiment": "some", "quick": True, "runs": study.train(PLANS)}
    study.publish(record, Figure())
    return record


def test_a_record_and_a_picture_take_the_place_of_the_ledger(tmp_path):
    record = published(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["some.json", "some.png"]
    text = (tmp_path / "some.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(record))
    assert len(text.splitlines()) == 2 + len(record) + len(PLANS) + 1


def test_it_is_recorded_how_long_an_experiment_took(tmp_path):
    record = published(tmp_path)
    assert record["jobs"] == 1
    assert 0 <= record["elapsed"] < 60


def test_how_long_an_interrupted_one_took_is_unknown(tmp_path):
    Study("some", tmp_path).train(PLANS[:1])
    assert published(tmp_path)["elapsed"] is None


def test_no_job_at_all_is_refused(tmp_path):
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        Study("some", tmp_path, jobs=0)


@pytest.mark.parametrize(
    "record",
    [
        {"trials": 3},
        {"settings": {"trials": 3}},
        {"settings": {}, "runs": [{"seed": seed} for seed in (0, 1, 2, 0)]},
    ],
    ids=["stacked", "one by one", "by their seeds"],
)
def test_the_trials_of_a_record_are_counted(record):
    assert trials_of(record) == 3


def test_several_trials_give_a_verdict():
    assert [claim["holds"] for claim in verdicts(CLAIMS, {"trials": 2})] == [True, False]


def test_one_seed_gives_what_was_found_and_no_verdict():
    found = verdicts(CLAIMS, {"trials": 1})
    assert [claim["holds"] for claim in found] == [None, None]
    assert [claim["found"] for claim in found] == [claim.found for claim in CLAIMS]
