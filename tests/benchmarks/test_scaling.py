"""One process against two, and the plan for many, with numbers that are made up."""

import json
import os
import subprocess
import sys

import pytest

SECONDS = {32: 0.042, 128: 0.138}
"""Of an update: 10 ms, and 1 ms for each sample."""


@pytest.fixture
def scaling():
    import scaling

    return scaling


@pytest.fixture
def plan():
    import plan

    return plan


def test_the_batch_is_found_at_which_the_exchange_is_a_tenth(scaling):
    # an update of 80 samples takes 90 ms, and an exchange after it 10
    assert scaling.batch_of_goal(0.010, SECONDS) == 160
    assert scaling.exchange_part(0.010, SECONDS, 160) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("exchange", "shares", "batch"),
    [(0.0, SECONDS, 2), (9.0, SECONDS, 2048), (0.5, {32: 0.1, 128: 0.05}, 2048)],
    ids=["nothing to hide", "too much to hide", "no slope"],
)
def test_a_batch_that_is_found_can_be_trained(scaling, exchange, shares, batch):
    assert scaling.batch_of_goal(exchange, shares) == batch


def test_a_gain_is_the_median_over_rounds(scaling):
    found = scaling.compared([2.0, 3.0, 4.0], [1.0, 2.0, 4.0], [2.0, 2.0, 8.0])
    assert (found["gain"], found["lowest_gain"], found["highest_gain"]) == (1.5, 1.0, 2.0)
    assert found["gain_after"] == 1.0
    assert (found["one_seconds"], found["two_seconds"], found["after_seconds"]) == (3, 2, 2)


def test_a_ring_passes_each_byte_on_and_waits_at_each_hop(plan, monkeypatch):
    monkeypatch.setitem(plan.LINKS, 8, (1000.0, 0.5))
    assert plan.ring(800, 8) == pytest.approx((2 * 7 / 8 * 800 / 1000, 2 * 7 * 0.5))


@pytest.mark.parametrize(
    ("exchanges", "left", "seconds"),
    [
        ([1.0, 1.0], [0.9, 0.0], 10.0),  # the last one has nothing to hide behind
        ([1.0, 1.0], [0.0, 0.0], 20.0),
        ([8.0, 1.0], [0.4, 0.0], 18.0),  # the first one does not end in time
    ],
)
def test_an_exchange_hides_behind_what_is_left_of_an_update(plan, exchanges, left, seconds):
    assert plan.shortest_update(exchanges, left) == pytest.approx(seconds)


@pytest.mark.slow
def test_less_is_left_of_an_update_the_later_a_network_is_complete(scaling, plan):
    parts = plan.parts_left(plan.Updates(scaling.quick(plan.CELEBA)), cycles=1)
    assert 1 > parts["encoder"] > parts["discriminator"] > parts["generator"] == 0
    parts = plan.parts_left(plan.Updates(scaling.quick(plan.CELEBA), 0.0), cycles=1)
    assert 1 > parts["generator"] > parts["encoder"] > parts["discriminator"] == 0


@pytest.mark.slow
def test_everything_is_tried_on_tiny_networks(scaling, tmp_path):
    out = tmp_path / "scaling.json"
    subprocess.run(
        [sys.executable, scaling.__file__, "--quick", "--out", str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=600,
    )
    found = json.loads(out.read_text(encoding="utf-8"))
    assert 8 in [row["batch"] for row in found["batches"]]
    assert all(row["two_seconds"] > 0 and 0 < row["exchange_part"] < 1 for row in found["batches"])
    assert [*found["parts"]] == ["I", "II", "III"]
    assert "| one process (ms) | two (ms) | gain |" in scaling.table_of_gains(found)


def test_a_quick_try_is_no_record(scaling, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["scaling.py", "--quick"])
    with pytest.raises(SystemExit, match="2"):
        scaling.main()
    assert "--quick is no record: say --out FILE" in capsys.readouterr().err
