"""Two builds that take turns, without running either."""

from pathlib import Path

import pytest


@pytest.fixture
def builds():
    import builds

    return builds


class Timed:
    """A build whose commands take the seconds that it is given, one after the other."""

    def __init__(self, name, seconds, order):
        self.python, self.name, self.seconds, self.order = Path("python"), name, seconds, order

    def run(self, *_):
        self.order.append(self.name)
        return self.seconds.pop(0), 1.0


def test_builds_take_turns_and_the_first_one_changes(builds):
    order = []
    sides = {
        "base": Timed("base", [4.0, 9.0, 2.0], order),
        "ours": Timed("ours", [2.0, 3.0, 2.0], order),
    }
    found = builds.side_by_side(sides, builds.words("--help"), rounds=3)
    assert order == ["base", "ours", "ours", "base", "base", "ours"]
    assert (found["base_seconds"], found["ours_seconds"], found["seconds_ratio"]) == (4, 2, 2)
    assert found["cpu_seconds_ratio"] == 1
    row = builds.pairs({"commands": {"--help": found | {"goal": "≥ 2"}}}).splitlines()[-1]
    assert row == "| `--help` | 4 | 2 | 2.00 | 1 | 1 | 1.00 | ≥ 2 |"


def test_a_command_has_a_place_for_what_it_leaves(builds):
    made = builds.words("train", "ring8", "--out", "OUT.png")(Timed("", [], []), Path("/new"))
    assert made == [Path("python"), "-m", "alpha_bridge", "train", "ring8", "--out", "/new/out.png"]
