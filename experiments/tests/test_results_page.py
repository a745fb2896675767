"""The page of results: filled from what the experiments wrote, and from nothing else."""

import importlib
import json
import shutil
from pathlib import Path

import pytest

from experiments import figure3, figure4, mixtures, posterior, reverse25, robustness25, search25

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def page(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(DOCS)
    results = importlib.import_module("results")
    shutil.copy(DOCS / "results.md", tmp_path)
    monkeypatch.setattr(results, "PAGE", tmp_path / "results.md")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(results, "TUNED", tmp_path / "tuned25.json")
    (tmp_path / "results").mkdir()
    return results


def part(page, name):
    text = page.PAGE.read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]


def test_without_results_the_page_stays_as_it_is(page):
    before = page.PAGE.read_text(encoding="utf-8")
    page.main()
    assert page.PAGE.read_text(encoding="utf-8") == before


def test_there_is_a_place_for_each_experiment(page):
    for name in page.PARTS:
        part(page, name)


@pytest.mark.usefixtures("tiny")
def test_every_experiment_fills_its_place(page):
    for module in (figure4, figure3, search25, robustness25, mixtures, posterior, reverse25):
        module.reproduce(page.RESULTS, quick=True)
    page.main()
    for name in page.PARTS:
        text = part(page, name)
        assert f"results/{name}.png" in text
        assert "quick miniature" in text
        assert "| `optimization.beta1` |" in text


@pytest.mark.usefixtures("tiny")
def test_a_miniature_of_the_search_tunes_nothing(page):
    search25.reproduce(page.RESULTS, quick=True)
    page.main()
    assert not page.TUNED.exists()


@pytest.mark.usefixtures("tiny")
def test_a_search_tunes_the_figures(page):
    record = search25.reproduce(page.RESULTS, quick=True)
    written = page.RESULTS / "search25.json"
    written.write_text(json.dumps(record | {"quick": False}), encoding="utf-8")
    page.main()
    assert json.loads(page.TUNED.read_text(encoding="utf-8"))["best"] == record["best"]


@pytest.mark.parametrize(
    ("script", "name"),
    [("kept", "results.md"), ("along", "frontier.md"), ("generalised", "objectives.md")],
)
def test_a_page_is_what_its_script_writes(script, name, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(DOCS)
    module = importlib.import_module(script)
    monkeypatch.setattr(module, "PAGE", tmp_path / name)
    shutil.copy(DOCS / name, module.PAGE)
    module.main()
    assert module.PAGE.read_text(encoding="utf-8") == (DOCS / name).read_text(encoding="utf-8")
