"""What is read from numbers of trials, and when it is a verdict."""

import pytest

from experiments.scores import Claim, trials_of, verdicts

CLAIMS = [Claim("it is more", True, [{"a": 2, "b": 1}]), Claim("it is less", False, [{"a": 2}])]


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
