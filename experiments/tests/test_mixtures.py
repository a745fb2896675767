"""Other densities: what is missed and what is invented."""

import pytest

from experiments import mixtures


@pytest.mark.usefixtures("tiny")
def test_there_is_a_summary_of_each_density_and_method(untrained):
    record = untrained.record(mixtures)
    assert [(end["data"], end["method"]) for end in record["summary"]] == [
        (data, method) for data in mixtures.DATA for method in mixtures.COMPARED
    ]
    for end in record["summary"]:
        assert 0 <= end["missed_mass"]["mean"] <= 1
        assert 0 <= end["invented_mass"]["mean"] <= 1
    assert all(own["samples"] and own["scores"] for own in record["data"])
    assert len(mixtures.draw(record).axes) == len(mixtures.DATA) * len(mixtures.COMPARED)


def test_a_failed_trial_leaves_no_mean():
    metrics = {f"{name}/x/9": [[0.5, None]] for name in mixtures.METRICS}
    run = {"data": "ring8", "method": "ml", "updates": [9], "metrics": metrics}
    end = mixtures.summary(run | {"failed": [None, 9]})
    assert end["failed"] == 1
    assert end["missed_mass"] == {"mean": None, "deviation": None}
