"""Pages are filled from what the experiments wrote, and from nothing else."""

import json
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from alpha_bridge.recipe import changed, differences, read_config
from alpha_bridge.recipe.presets import PRESETS
from experiments import figure3, figure4, mixtures, posterior, robustness25, search25
from experiments.framework import configurations
from experiments.pages import gaussians, images, results
from experiments.pages.markdown import DOCS, FILLED, RESULTS, changed_by, changes, claims

RECORDS = {
    path.stem: record
    for path in sorted(RESULTS.glob("*.json"))
    if "preset" in (record := json.loads(path.read_text(encoding="utf-8"))).get("settings", {})
}
UNUSED = ("gamma.", "path.start", "path.end")
"""Of a run without Step II: all that they would decide is where it starts and ends."""


@pytest.fixture
def page(tmp_path):
    return Path(shutil.copy(DOCS / "results.md", tmp_path))


@pytest.fixture
def fill(page, tmp_path):
    """Fills the page from records, by name; gives the place of each."""

    def filled(**records):
        folder = tmp_path / "results"
        folder.mkdir()
        for name, record in records.items():
            (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
        results.main(folder, page, tmp_path / "tuned25.json")
        return {name: part(page, name) for name in records}

    return filled


def part(page, name):
    text = page.read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]


def test_without_results_the_page_stays_as_it_is(fill, page):
    before = page.read_text(encoding="utf-8")
    fill()
    assert page.read_text(encoding="utf-8") == before


def test_there_is_a_place_for_each_experiment(page):
    for name in (*gaussians.PARTS, *images.PARTS):
        part(page, name)


@pytest.mark.usefixtures("tiny")
def test_every_experiment_of_stacked_trials_fills_its_place(fill, untrained):
    modules = (figure4, figure3, search25, robustness25, mixtures, posterior)
    records = {m.__name__.split(".")[-1]: untrained.record(m) for m in modules}
    assert {*records} == {*gaussians.PARTS}
    for name, text in fill(**records).items():
        assert f"results/{name}.png" in text
        assert "quick miniature" in text
        assert "| `optimization.beta1` |" in text


@pytest.mark.parametrize("quick", [True, False])
def test_a_search_tunes_the_figures_and_its_miniature_does_not(fill, untrained, tmp_path, quick):
    record = untrained.record(search25) | {"quick": quick}
    fill(search25=record)
    tuned = tmp_path / "tuned25.json"
    assert tuned.exists() != quick
    assert quick or json.loads(tuned.read_text(encoding="utf-8"))["best"] == record["best"]


def test_a_record_without_a_picture_leaves_the_page_without_one(fill):
    text = fill(**{"figure6-mnist": RECORDS["figure6-mnist"]})["figure6-mnist"]
    assert "| Reconstruction error (" in text
    assert "![" not in text


@pytest.mark.parametrize(
    ("builder", "name"),
    [
        ("results", "results.md"),
        ("frontier", "frontier.md"),
        ("objectives", "objectives.md"),
        ("ratio", "ratio.md"),
    ],
)
def test_a_page_is_what_its_builder_writes(builder, name, tmp_path):
    page = Path(shutil.copy(DOCS / name, tmp_path))
    keywords = {"tuned": tmp_path / "tuned25.json"} if builder == "results" else {}
    import_module(f"experiments.pages.{builder}").main(page=page, **keywords)
    assert page.read_text(encoding="utf-8") == (DOCS / name).read_text(encoding="utf-8")


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
    rows = changes(RECORDS["figure5"]).splitlines()
    (naive,) = (row for row in rows if row.startswith("| naive |"))
    assert "`path.end` 1.0" in naive


@pytest.mark.parametrize(("trials", "cell"), [(1, "one seed"), (2, "yes")])
def test_one_seed_gives_no_verdict_on_a_page(trials, cell):
    claim = {"about": "it is more", "holds": True, "found": [{"a": 2.0, "b": 1.0}]}
    *_, row = claims({"trials": trials, "claims": [claim]}).splitlines()
    assert row == f"| it is more | {cell} | a 2; b 1 |"


def test_where_it_holds_is_no_verdict_of_one_seed_either():
    claim = {"about": "it is more", "holds": True, "found": [{"update": 100, "holds": True}]}
    *_, row = claims({"trials": 1, "claims": [claim]}).splitlines()
    assert row == "| it is more | one seed |  |"
