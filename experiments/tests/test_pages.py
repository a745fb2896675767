"""Pages are filled from what the experiments wrote, and from nothing else."""

import json
import shutil

import pytest

from alpha_bridge.recipe import changed, differences, read_config
from alpha_bridge.recipe.presets import PRESETS
from experiments import figure3, figure4, mixtures, posterior, robustness25, search25
from experiments.framework import configurations
from experiments.pages import gaussians, results
from experiments.pages.markdown import DOCS, FILLED, RESULTS, changed_by, changes, claims, table

RECORDS = {
    path.stem: record
    for path in sorted(RESULTS.glob("*.json"))
    if "preset" in (record := json.loads(path.read_text(encoding="utf-8"))).get("settings", {})
}
UNUSED = ("gamma.", "path.start", "path.end")
"""Of a run without Step II: all that they would decide is where it starts and ends."""


@pytest.fixture
def pages(tmp_path):
    """Copies of the pages of results, in ``results``, and of their front page."""
    shutil.copytree(RESULTS, tmp_path / "results", ignore=shutil.ignore_patterns("*.json", "*.png"))
    shutil.copy(DOCS / "results.md", tmp_path)
    return tmp_path


@pytest.fixture
def fill(pages):
    """Fills the pages from records, by name; gives what was filled in of each."""

    def filled(**records):
        folder = pages / "records"
        folder.mkdir()
        for name, record in records.items():
            (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
            (folder / f"{name}.png").touch()
        results.main(folder, pages / "results", pages / "results.md", pages / "tuned25.json")
        return {name: part(pages / "results" / f"{name}.md") for name in records}

    return filled


def part(page):
    text = page.read_text(encoding="utf-8")
    return text.split("<!-- measured -->")[1].split("<!-- /measured -->")[0]


def texts(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}


@pytest.mark.parametrize(("elapsed", "words"), [(120.0, "(2 with `"), (None, "(with `")])
def test_an_experiment_that_was_interrupted_does_not_say_how_long_it_took(elapsed, words):
    record = {"seed": 0, "trials": 2, "jobs": 2, "elapsed": elapsed, "runs": [{"seconds": 90}]}
    assert f"1 runs, 2 minutes {words}--jobs 2`); seeds 0 to 1." in results.ran(record)


def test_without_records_the_pages_stay_as_they_are(fill, pages):
    fill()
    assert texts(pages / "results") == texts(RESULTS)


def test_there_is_a_page_for_each_experiment():
    for name in results.PARTS:
        part(RESULTS / f"{name}.md")


@pytest.mark.usefixtures("tiny")
def test_every_experiment_of_stacked_trials_fills_its_place(fill, untrained):
    modules = (figure4, figure3, search25, robustness25, mixtures, posterior)
    records = {m.__name__.split(".")[-1]: untrained.record(m) for m in modules}
    assert {*records} == {*gaussians.PARTS}
    for name, text in fill(**records).items():
        assert f"]({name}.png)" in text
        assert "quick miniature" in text
        assert "Alike for all: " in text


@pytest.mark.parametrize("quick", [True, False])
def test_a_search_tunes_the_figures_and_its_miniature_does_not(fill, untrained, tmp_path, quick):
    record = untrained.record(search25) | {"quick": quick}
    fill(search25=record)
    tuned = tmp_path / "tuned25.json"
    assert tuned.exists() != quick
    assert quick or json.loads(tuned.read_text(encoding="utf-8"))["best"] == record["best"]


def test_a_record_without_a_picture_leaves_the_page_without_one():
    text = results.measured("figure6-mnist", RECORDS["figure6-mnist"], pictured=False)
    assert "| Reconstruction error (" in text
    assert "![" not in text


def test_the_pages_are_what_their_builder_writes(pages):
    results.main(RESULTS, pages / "results", pages / "results.md", pages / "tuned25.json")
    assert texts(pages / "results") == texts(RESULTS)
    assert texts(pages)["results.md"] == texts(DOCS)["results.md"]


def test_a_table_names_only_what_differs():
    head = ["method", "score", "failed", "note"]
    rows = [["a", "1", "0", ""], ["b", "2", "0", ""], ["the data", "3", "", ""]]
    above, _, *lines = table(head, rows).splitlines()
    assert above == "Throughout, failed = 0."
    assert lines[0] == "| method | score |"


@pytest.mark.parametrize("name", RECORDS)
def test_the_changes_that_a_page_names_are_those_that_were_trained_with(name):
    preset = PRESETS[RECORDS[name]["settings"]["preset"]]
    for run in RECORDS[name]["runs"]:
        config = read_config(run["config"])
        filled = {key: getattr(config, key) for key in FILLED}
        named = changed(preset.model_copy(update=filled), changed_by(run, preset))
        assert differences(named, config) == []


@pytest.mark.parametrize("name", [name for name in RECORDS if name != "bridge-vae"])
def test_recorded_runs_are_what_presets_and_recorded_changes_give_today(name):
    record = RECORDS[name]
    given = record["settings"]
    preset = PRESETS[given["preset"]]
    made = configurations(preset, given["methods"], given["seed"], given["trials"])
    expected = {(method, config.seed): config for method, config in made}
    assert {(run["method"], run["seed"]) for run in record["runs"]} == {*expected}
    for run in record["runs"]:
        config = read_config(run["config"])
        filled = {"data": config.data, "event_shape": config.event_shape}
        found = differences(expected[run["method"], run["seed"]].model_copy(update=filled), config)
        unused = UNUSED if not config.path.transfer else ()
        assert [line for line in found if not line.startswith(unused)] == []


def test_a_method_that_goes_to_the_end_is_said_to_go_there():
    _, rows = changes(RECORDS["figure5"])
    (naive,) = (row for row in rows.splitlines() if row.startswith("| naive |"))
    assert "`path.end` 1.0" in naive


@pytest.mark.parametrize(
    ("trials", "row"), [(1, "| it is more | a 2; b 1 |"), (2, "| it is more | yes | a 2; b 1 |")]
)
def test_one_seed_gives_no_verdict_on_a_page(trials, row):
    claim = {"about": "it is more", "holds": True, "found": [{"a": 2.0, "b": 1.0}]}
    *_, shown = claims({"trials": trials, "claims": [claim]})
    assert shown.splitlines()[-1] == row


def test_where_it_holds_is_no_verdict_of_one_seed_either():
    claim = {"about": "it is more", "holds": True, "found": [{"update": 100, "holds": True}]}
    *_, shown = claims({"trials": 1, "claims": [claim]})
    assert "100" not in shown
