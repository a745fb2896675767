"""The parts that docs/extending.md shows: short, and with the properties of their slots."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S))


def cells(section):
    return re.findall(r"```\{code-cell\} ipython3\n(.*?)```", section, re.S)


def test_there_is_one_part_for_each_slot():
    assert [len(cells(section)) for section in SECTIONS.values()] == [1] * 6


@pytest.mark.parametrize("name", SECTIONS)
def test_a_part_is_shown_in_under_forty_lines(name):
    (cell,) = cells(SECTIONS[name])
    assert len(cell.splitlines()) < 40


def test_every_part_has_the_properties_that_it_is_held_to():
    names = {"__name__": "extending"}
    for section in SECTIONS.values():
        for cell in cells(section):
            exec(compile(cell, str(PAGE), "exec"), names)
