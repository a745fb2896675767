"""The pieces that all benchmarks share."""

import pytest


@pytest.fixture
def measure():
    import measure

    return measure


def test_sides_take_turns_after_a_round_that_does_not_count(measure):
    calls = []
    sides = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = measure.take_turns(sides, rounds=2)
    assert calls == ["a", "b"] * 3
    assert {name: len(found) for name, found in times.items()} == {"a": 2, "b": 2}


def test_the_ratio_is_the_median_over_rounds(measure):
    found = measure.ratio([2.0, 9.0, 40.0], [1.0, 3.0, 4.0])
    assert found == {
        "other_seconds": 9.0,
        "ours_seconds": 3.0,
        "ratio": 3.0,
        "lowest_ratio": 2.0,
        "highest_ratio": 10.0,
    }


def test_a_table_takes_its_place_in_a_page_and_only_there(measure, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- one -->\nold\n<!-- /one -->\n<!-- two -->\nb\n<!-- /two -->\n")
    for _ in range(2):
        measure.put(page, "one", measure.table(["x", "y"], [["1", "2"]]))
    expected = "before\n<!-- one -->\n| x | y |\n| --- | --- |\n| 1 | 2 |\n<!-- /one -->\n"
    assert page.read_text() == expected + "<!-- two -->\nb\n<!-- /two -->\n"


def test_a_page_without_the_place_is_refused(measure, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="not enough values"):
        measure.put(page, "one", "text")
