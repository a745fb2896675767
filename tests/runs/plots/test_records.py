"""What is read off records: phases and names."""

import pytest

from alpha_bridge.runs import plots

METRICS = ["frechet_distance/classifier/5000", "modes/3std/10000"]


def test_regions_are_where_the_phase_changes(records):
    assert plots.regions(records) == [
        ("ml", 0, 200),
        ("transfer", 200, 500),
        ("adversarial", 500, 1000),
    ]


def test_records_without_a_phase_have_no_regions():
    assert plots.regions([{"step": 1}]) == []


def test_metric_names_leave_out_losses_and_weights(records):
    assert plots.metric_names(records) == METRICS


@pytest.mark.parametrize("most", [1, 2, 5, 9, 20])
def test_a_choice_of_steps_keeps_order_and_both_ends(most):
    steps = [*range(0, 90, 10)]
    chosen = plots.evenly(steps, most)
    assert len(chosen) == min(most, len(steps))
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    assert most == 1 or chosen[-1] == 80
