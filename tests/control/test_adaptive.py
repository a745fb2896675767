"""The adaptive path: where α moves, waits and goes back."""

import math
from dataclasses import replace

import pytest

from alpha_bridge.control import AdaptivePath, Reading
from alpha_bridge.path import AlphaPath
from alpha_bridge.settings import ControlConfig

FINE = Reading(error=0.1)
BROKEN = {
    "ess": Reading(ess=0.0, error=0.1),
    "accuracy": Reading(accuracy=1.0, error=0.1),
    "overconfidence": Reading(overconfidence=5.0, error=0.1),
    "missed": Reading(missed=1.0, error=0.1),
    "error": Reading(error=1.0),
}


def adaptive(end=0.9, patience=2, **limits):
    return AdaptivePath(20, 40, 40, end, ControlConfig(every=1, patience=patience, **limits))


def followed(path, readings, first=1):
    """α of each update, from the first."""
    alphas = []
    for step, reading in enumerate(readings, first):
        alphas.append(path(step - 1))
        path.observe(step, reading)
    return alphas


def test_step_one_holds_alpha_at_zero():
    assert followed(adaptive(), [FINE] * 20) == [0.0] * 20


def test_with_nothing_to_wait_for_it_is_a_ramp_between_the_same_ends():
    path = adaptive()
    alphas = followed(path, [FINE] * 100)
    ramp = AlphaPath.three_steps(20, 40, 40, end=0.9)
    assert alphas == pytest.approx([*map(ramp, range(100))], abs=0.9 / 40)
    assert path.boundaries == (20, 61, 100)
    assert [path.phase(step) for step in (19, 20, 60, 61)] == [
        "ml",
        "transfer",
        "transfer",
        "adversarial",
    ]


@pytest.mark.parametrize("name", BROKEN)
def test_each_limit_holds_alpha_and_is_named(name):
    path = adaptive(patience=100)
    followed(path, [FINE] * 40)
    before = path.alpha
    followed(path, [BROKEN[name]] * 30, 41)
    assert path.broken == (name,)
    assert path.direction == 0
    assert before <= path.alpha < before + 20 * path.speed  # the average takes some readings


@pytest.mark.parametrize("unknown", [math.nan, math.inf])
@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("first", [1, 20, 40])
def test_a_number_that_is_not_finite_holds_alpha_until_the_next_one_is(name, unknown, first):
    path, other = adaptive(), adaptive()
    followed(path, [FINE] * (first - 1) + [replace(FINE, **{name: unknown})])
    assert first < 20 or path.broken == (name,)
    other.recall(path.memory())
    assert all(numbers.isfinite().all() for numbers in path.memory().values())
    for one in (path, other):
        before = one.alpha
        one.observe(first + 1, FINE)
        assert one.broken == ()
        assert first < 20 or one.alpha == pytest.approx(before + one.speed)
        assert one.average == FINE


def test_a_path_to_one_has_no_limit_of_the_error():
    path = adaptive(end=1.0)
    followed(path, [Reading()] * 30 + [Reading(error=9.0)] * 40)
    assert path.alpha == 1.0


@pytest.mark.parametrize("name", ["accuracy", "missed"])
def test_what_step_one_leaves_beyond_a_limit_does_not_hold_alpha_but_half_way_to_one_does(name):
    left = Reading(error=0.1, **{name: 0.992})
    path = adaptive(patience=100)
    followed(path, [left] * 60)
    assert path.alpha == 0.9
    followed(path, [Reading(error=0.1, **{name: 0.999})] * 20, 61)
    assert path.broken == (name,)


def test_what_does_not_mend_when_alpha_is_back_at_zero_holds_it_no_more():
    path = AdaptivePath(20, 40, 80, 0.9, ControlConfig(every=1, patience=3))
    followed(path, [FINE] * 40)
    alphas = followed(path, [Reading(error=0.1, missed=0.9)] * 100, 41)
    assert max(alphas[:20]) > min(alphas[20:]) == 0.0
    assert path.alpha == 0.9


def test_an_older_checkpoint_has_the_error_of_step_one_alone():
    path, older = adaptive(), adaptive()
    followed(path, [FINE] * 30)
    older.recall({key: numbers[:16] for key, numbers in path.memory().items()})
    for one in (path, older):
        followed(one, [BROKEN["error"]] * 20, 31)
        assert one.broken == ("error",)


def test_alpha_goes_back_at_the_ramps_speed_when_patience_ends_and_on_again_when_it_may():
    path = adaptive(patience=5)
    followed(path, [FINE] * 40)
    followed(path, [BROKEN["error"]] * 10, 41)
    assert path.direction == -1
    before = path.alpha
    path.observe(51, BROKEN["error"])
    assert path.alpha == pytest.approx(before - path.speed)
    followed(path, [FINE] * 60, 52)
    assert path.alpha == 0.9


def test_alpha_stays_between_its_ends_whatever_is_read():
    path = adaptive(patience=1)
    followed(path, [FINE] * 25 + [BROKEN["ess"]] * 75)
    assert path.alpha == 0.0


def test_step_three_stays_when_alpha_goes_back():
    path = adaptive(patience=1)
    followed(path, [FINE] * 60 + [BROKEN["missed"]] * 30)
    assert path.alpha < 0.9
    assert path.phase(90) == "adversarial"


def test_the_error_may_grow_by_what_the_dial_allows():
    path = adaptive(patience=100)
    followed(path, [FINE] * 30 + [Reading(error=0.177)] * 30)
    assert path.broken == ()
    followed(path, [Reading(error=0.179)] * 30, 61)
    assert path.broken == ("error",)


@pytest.mark.parametrize("begin", [5, 20, 47, 75])
def test_memory_brings_back_all_that_decides(begin):
    readings = [FINE] * 45 + [BROKEN["error"]] * 10 + [FINE] * 45
    path, other = adaptive(), adaptive()
    followed(path, readings[:begin])
    other.recall(path.memory())
    rest = readings[begin:]
    assert followed(other, rest, begin + 1) == followed(path, rest, begin + 1)
    assert other.boundaries == path.boundaries


def test_recalling_nothing_begins_anew():
    path = adaptive()
    followed(path, [FINE] * 80)
    path.recall({})
    assert (path.alpha, path.boundaries) == (0.0, (20, 100))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 1, 1), "ml must be at least 0, got -1"),
        ((1, 0, 1), "transfer must be at least 1, got 0"),
        ((1, 1, 1, 1.5), r"end must lie in \[0, 1\], got 1.5"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        AdaptivePath(*arguments)


def test_a_path_that_arrived_has_nothing_to_say():
    path = adaptive()
    followed(path, [FINE] * 100)
    assert path.verdict == ""


def test_one_that_did_not_says_what_it_was_held_for():
    path = adaptive(patience=1000)
    followed(path, [FINE] * 20 + [BROKEN["missed"]] * 80)
    assert path.verdict == (
        f"α is {path.alpha:.2f}, and 0.9 was to be reached: of 81 readings, it was held for the "
        f"share of the data that is missed in {path.held['missed']}; give a higher "
        "--control.missed, or more --steps"
    )
    assert path.held["missed"] > 70


@pytest.mark.parametrize(
    ("name", "remedy"), [("ess", "lower --control.ess"), ("error", "higher --control.error")]
)
def test_the_verdict_names_the_option_that_held_it_most(name, remedy):
    path = adaptive(patience=1000)
    followed(path, [FINE] * 20 + [BROKEN[name]] * 80)
    assert path.verdict.endswith(f"; give a {remedy}, or more --steps")


def test_the_verdict_is_on_the_alpha_that_updates_were_made_with():
    path = AdaptivePath(20, 40, 40, limits=ControlConfig(every=100))
    path.observe(100, FINE)
    assert path.alpha == 0.0
    assert path.boundaries == (20, 100)
    assert path.verdict == (
        "α is 0.00, and 0.9 was to be reached: of 1 readings, there were too few; give a lower "
        "--control.every, or more --steps"
    )
