"""Paths through α: Algorithm 1 and what joins of pieces promise."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_bridge.path import AlphaPath, Segment, constant, join, ramp

steps = st.integers(0, 12)
unit = st.floats(0, 1)
pieces = st.one_of(
    st.builds(constant, unit, steps),
    st.builds(ramp, unit, unit, steps),
    st.builds(AlphaPath.three_steps, steps, steps, steps),
)


def alphas(path):
    return [path(step) for step in range(len(path))]


def phases(path):
    return [path.phase(step) for step in range(len(path))]


@given(steps, steps, steps, unit, unit, st.integers(1, 3))
def test_algorithm_1_has_its_three_steps_in_order_wherever_alpha_is(
    ml, transfer, adversarial, start, end, sweeps
):
    path = AlphaPath.three_steps(ml, transfer, adversarial, start, end, sweeps)
    assert phases(path) == ["ml"] * ml + ["transfer"] * transfer + ["adversarial"] * adversarial


def test_step_1_is_exactly_maximum_likelihood():
    assert alphas(AlphaPath.three_steps(3, 2, 2))[:3] == [0.0, 0.0, 0.0]


def test_step_3_is_exactly_adversarial():
    assert alphas(AlphaPath.three_steps(2, 2, 3))[4:] == [1.0, 1.0, 1.0]


@given(st.integers(1, 10**9), st.data())
def test_step_2_never_reaches_its_ends(length, data):
    step = data.draw(st.integers(0, length - 1))
    assert 0 < ramp(0.0, 1.0, length)(step) < 1


def test_step_2_advances_evenly():
    assert alphas(ramp(0.0, 1.0, 4)) == pytest.approx([0.2, 0.4, 0.6, 0.8])


@given(unit, unit, st.integers(1, 50))
def test_ramp_stays_between_its_ends(start, end, length):
    low, high = min(start, end), max(start, end)
    assert all(low - 1e-15 <= alpha <= high + 1e-15 for alpha in alphas(ramp(start, end, length)))


@given(unit, unit, st.integers(1, 20))
def test_ramp_back_is_the_ramp_reversed(start, end, length):
    back = alphas(ramp(end, start, length))
    assert back[::-1] == pytest.approx(alphas(ramp(start, end, length)), abs=1e-15)


def test_a_bridge_may_start_and_end_inside():
    path = AlphaPath.three_steps(1, 1, 1, start=0.2, end=0.8)
    assert alphas(path) == pytest.approx([0.2, 0.5, 0.8])


@given(unit, steps)
def test_constant_holds(alpha, length):
    assert alphas(constant(alpha, length)) == [alpha] * length


@given(st.lists(pieces, max_size=5))
def test_join_follows_one_path_after_the_other(paths):
    assert alphas(join(*paths)) == [alpha for path in paths for alpha in alphas(path)]


@given(pieces, pieces, pieces)
def test_join_is_associative(a, b, c):
    assert alphas(join(join(a, b), c)) == alphas(join(a, join(b, c)))


def test_join_of_nothing_is_empty():
    assert len(join()) == 0


def test_empty_pieces_change_nothing():
    path = join(constant(0.5, 0), constant(0.0, 2), ramp(0.0, 1.0, 0), constant(1.0, 1))
    assert alphas(path) == [0.0, 0.0, 1.0]


def test_boundaries_are_where_pieces_with_updates_end():
    path = join(constant(0.0, 2), ramp(0.0, 1.0, 0), constant(1.0, 3))
    assert path.boundaries == (2, 5)


@given(pieces)
def test_length_is_the_last_boundary(path):
    assert len(path) == (path.boundaries[-1] if path.boundaries else 0)


@given(pieces)
def test_every_alpha_lies_in_the_unit_interval(path):
    assert all(0 <= alpha <= 1 for alpha in alphas(path))


@pytest.mark.parametrize("step", [-1, 5, 10**12])
def test_update_outside_the_path_is_refused(step):
    path = AlphaPath.three_steps(1, 3, 1)
    with pytest.raises(ValueError, match=rf"step must lie in \[0, 5\).*got {step}"):
        path(step)
    with pytest.raises(ValueError, match="step must lie in"):
        path.phase(step)


def test_empty_path_has_no_update():
    with pytest.raises(ValueError, match="got 0"):
        join()(0)


@pytest.mark.parametrize("build", [lambda n: constant(0.5, n), lambda n: ramp(0, 1, n)])
def test_negative_number_of_updates_is_refused(build):
    with pytest.raises(ValueError, match="steps must be at least 0, got -1"):
        build(-1)


def test_segment_of_negative_length_is_refused():
    with pytest.raises(ValueError, match="steps must be at least 0, got -2"):
        Segment(-2, lambda share: share)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda value: constant(value, 1), "alpha"),
        (lambda value: ramp(value, 1.0, 1), "start"),
        (lambda value: ramp(0.0, value, 1), "end"),
    ],
)
def test_alpha_outside_the_unit_interval_is_refused(build, name, value):
    with pytest.raises(ValueError, match=rf"{name} must lie in \[0, 1\], got {value}"):
        build(value)


@pytest.mark.parametrize(
    ("alpha", "phase"), [(0.0, "ml"), (1e-9, "transfer"), (0.9, "transfer"), (1.0, "adversarial")]
)
def test_a_held_alpha_has_the_step_that_it_is_the_alpha_of(alpha, phase):
    assert constant(alpha, 1).phase(0) == phase


@pytest.mark.parametrize("build", [lambda p: constant(0.9, 2, p), lambda p: ramp(0, 0.3, 2, 1, p)])
@pytest.mark.parametrize("phase", ["ml", "transfer", "adversarial"])
def test_a_piece_has_the_step_that_it_is_given(build, phase):
    assert phases(build(phase)) == [phase] * 2


@given(pieces, pieces)
def test_join_leaves_every_piece_its_step(a, b):
    assert phases(join(a, b)) == phases(a) + phases(b)


@given(steps, steps, steps, unit, st.integers(1, 3))
def test_step_1_is_the_first_piece_wherever_it_starts(ml, transfer, adversarial, start, sweeps):
    path = AlphaPath.three_steps(ml, transfer, adversarial, start=start, end=0, sweeps=sweeps)
    assert path.step_one == ml


def test_a_return_to_likelihood_is_no_first_step():
    path = join(constant(0, 3), ramp(0, 1, 2), constant(1, 2), ramp(1, 0, 2), constant(0, 4))
    assert path.step_one == 3
    assert phases(path)[-1] == "ml"


def test_a_path_without_a_first_step_has_none_of_its_updates():
    assert join(constant(0, 0), constant(1, 3), constant(0, 2)).step_one == 0


def test_sweeps_go_the_whole_way_and_come_back():
    path = AlphaPath.three_steps(ml=2, transfer=19, adversarial=2, start=0.2, end=0.8, sweeps=4)
    alphas = [path(step) for step in range(len(path))]
    assert alphas[:2] == alphas[-2:] == [0.2, 0.2]
    at = [2 + quarter * 5 - 1 for quarter in (1, 2, 3)]
    assert [alphas[step] for step in at] == pytest.approx([0.8, 0.2, 0.8])
    assert min(alphas) == pytest.approx(0.2)
    assert max(alphas) == pytest.approx(0.8)


def test_the_bridge_may_run_the_other_way():
    path = AlphaPath.three_steps(ml=1, transfer=3, adversarial=1, start=1.0, end=0.0)
    assert [path(step) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_a_ramp_needs_a_sweep():
    with pytest.raises(ValueError, match="sweeps must be at least 1, got 0"):
        ramp(0.0, 1.0, 5, sweeps=0)
