"""What the scripts of the pages say of a record."""

import importlib
import json
from pathlib import Path

import pytest

from alpha_bridge.recipe import changed, differences, read_config
from alpha_bridge.recipe.presets import PRESETS

DOCS = Path(__file__).parents[2] / "docs"
RECORDS = {
    path.stem: record
    for path in sorted((DOCS / "results").glob("*.json"))
    if "preset" in (record := json.loads(path.read_text(encoding="utf-8"))).get("settings", {})
}


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("pages")


@pytest.mark.parametrize("name", RECORDS)
def test_the_changes_that_a_page_names_are_those_that_were_trained_with(name, pages):
    preset = PRESETS[RECORDS[name]["settings"]["preset"]]
    for run in RECORDS[name]["runs"]:
        config = read_config(run["config"])
        filled = {key: getattr(config, key) for key in pages.FILLED}
        named = changed(preset.model_copy(update=filled), pages.changed_by(run, preset))
        assert differences(named, config) == []


def test_a_method_that_goes_to_the_end_is_said_to_go_there(pages):
    rows = pages.changes(RECORDS["figure5"]).splitlines()
    (naive,) = (row for row in rows if row.startswith("| naive |"))
    assert "`path.end` 1.0" in naive


@pytest.mark.parametrize(("trials", "cell"), [(1, "one seed"), (2, "yes")])
def test_one_seed_gives_no_verdict_on_a_page(trials, cell, pages):
    claim = {"about": "it is more", "holds": True, "found": [{"a": 2.0, "b": 1.0}]}
    *_, row = pages.claims({"trials": trials, "claims": [claim]}).splitlines()
    assert row == f"| it is more | {cell} | a 2; b 1 |"


def test_where_it_holds_is_no_verdict_of_one_seed_either(pages):
    claim = {"about": "it is more", "holds": True, "found": [{"update": 100, "holds": True}]}
    *_, row = pages.claims({"trials": 1, "claims": [claim]}).splitlines()
    assert row == "| it is more | one seed |  |"
