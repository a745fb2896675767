"""Figure 3: one training of each method, and its samples."""

import json

import pytest

from experiments import figure3
from experiments.settings import COMPARED


@pytest.mark.usefixtures("tiny")
def test_there_are_samples_of_each_method_at_each_update(tmp_path):
    figure3.reproduce(tmp_path, quick=True)
    record = json.loads((tmp_path / "figure3.json").read_text(encoding="utf-8"))
    assert [run["method"] for run in record["runs"]] == [*COMPARED]
    for run in record["runs"]:
        assert list(run["samples"]) == ["2", "40"]
        assert all(len(points) == 50 for points in run["samples"].values())
    assert (tmp_path / "figure3.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("tiny")
def test_each_panel_has_the_data_and_the_model_over_it(by, tmp_path):
    record = figure3.measure(by(tmp_path / "runs.jsonl"), quick=True)
    axes = figure3.draw(record).axes
    assert len(axes) == len(COMPARED) * 2
    for panel in axes:
        assert [len(points.get_offsets()) for points in panel.collections] == [1000, 50]


@pytest.mark.usefixtures("tiny")
def test_a_method_that_failed_has_panels_with_data_alone(by, tmp_path):
    record = figure3.measure(by(tmp_path / "runs.jsonl"), quick=True)
    record["runs"][2]["samples"] = {}
    last = figure3.draw(record).axes[-1]
    assert [len(points.get_offsets()) for points in last.collections] == [1000, 0]
