"""The product, broken on purpose: a few cases of each kind; ``make break`` does all of them.

They are slow: to start the processes takes as long as most of the cases.
"""

import pytest

from tests.breaking import beside, damage, disks, escapes, outside
from tests.breaking.asking import judge
from tests.breaking.children import Said
from tests.breaking.kills import Killed


def named(cases, *parts):
    """Those cases whose names hold all parts, as parameters."""
    chosen = [case for case in cases if all(part in f"{case.kind}, {case.name}" for part in parts)]
    return [pytest.param(case, id=ascii(f"{case.kind}, {case.name}")) for case in chosen]


def some(cases, of):
    """So many of them, evenly."""
    of = min(of, len(cases))
    return [cases[index * len(cases) // of] for index in range(of)]


def assert_answered(case, scenes):
    answer = case.answer(scenes)
    assert answer.good, f"{answer.kind}: {answer.detail}"


@pytest.mark.slow
def test_a_run_that_is_killed_twice_ends_as_if_it_had_not_been(scenes):
    assert Killed("vectors", 0.3, kills=2)(scenes).kind == "right"


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "first"), [("images", 0.6), ("trials", 0.9)])
def test_a_run_that_is_killed_often_ends_as_if_it_had_not_been(scene, first, scenes):
    assert Killed(scene, first, kills=3)(scenes).kind == "right"


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        *some(named(damage.cases(), "vectors", "sample"), 3),
        *some(named(damage.cases(), "vectors", "train"), 2),
    ],
)
def test_a_damaged_file_is_named_or_does_no_harm(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        *some(named(damage.cases(), "images"), 5),
        *some(named(damage.cases(), "VAE"), 2),
        *some(named(damage.cases(), "resume"), 3),
    ],
)
def test_a_damaged_file_of_any_kind_is_named_or_does_no_harm(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize("case", named(disks.cases(), "files, vectors, 50% of the largest"))
def test_a_full_disk_is_told_in_a_line_and_leaves_nothing_half_written(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize("case", some(named(disks.cases(), "train on vectors"), 3))
def test_a_full_disk_leaves_a_run_to_go_on_with(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize("case", named(beside.cases(), "beside", "vectors: resume by its own"))
def test_a_second_process_is_refused_and_the_first_unharmed(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize("case", named(beside.cases(), "trials: resume a trial"))
def test_a_second_process_on_stacked_trials_is_refused(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        *some(named(outside.cases(), "links in a run", "vectors", "sample"), 3),
        *named(outside.cases(), "paths in a manifest", "absolute, sample"),
    ],
)
def test_nothing_outside_a_folder_is_touched(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [*some(named(outside.cases(), "in data"), 3), *some(named(outside.cases(), "names"), 2)]
)
def test_no_data_outside_a_folder_are_read(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize("case", some(named(escapes.cases(), "vectors: run"), 2))
def test_no_control_character_of_a_name_is_printed(case, scenes):
    assert_answered(case, scenes)


@pytest.mark.slow
@pytest.mark.parametrize("case", some(named(escapes.cases(), "images"), 4))
def test_no_control_character_of_a_name_is_printed_by_any_command(case, scenes):
    assert_answered(case, scenes)


# What is a fault


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Said(2, b"", b"alpha-bridge: a.npy is damaged\n", False), "line"),
        (Said(2, b"", b"alpha-bridge: it is damaged\n", False), "does not name it"),
        (Said(2, b"", b"more\nalpha-bridge: a.npy is damaged\n", False), "several lines"),
        (Said(1, b"", b"Traceback (most recent call last):\nKeyError: 3\n", False), "traceback"),
        (Said(2, b"", b"alpha-bridge: a.npy \x1b[2J\n", False), "control characters"),
        (Said(2, b"", b"", False), "no line"),
        (Said(-11, b"", b"", False), "killed"),
        (Said(-9, b"", b"", True), "hangs"),
        (Said(0, b"", b"", False), "silent"),
    ],
)
def test_an_answer_is_judged(said, kind):
    assert judge(said, ["a.npy"], lambda: False).kind == kind


def test_the_right_result_is_an_answer():
    assert judge(Said(0, b"", b"", False), ["a.npy"], lambda: True).good
