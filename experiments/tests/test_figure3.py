"""Figure 3: one training of each method, and its samples."""

import json

import pytest

from experiments import figure3, reproduce
from experiments.framework.settings import COMPARED

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def record(untrained):
    return untrained.record(figure3)


def test_there_are_samples_of_each_method_at_each_update(record):
    assert [run["method"] for run in record["runs"]] == [*COMPARED]
    for run in record["runs"]:
        assert list(run["samples"]) == ["2", "40"]


def test_each_panel_has_the_data_and_the_model_over_it(record):
    axes = figure3.draw(record).axes
    assert len(axes) == len(COMPARED) * 2
    for panel in axes:
        assert [len(points.get_offsets()) for points in panel.collections] == [1000, 50]


def test_a_method_that_failed_has_panels_with_data_alone(record):
    record["runs"][2]["samples"] = {}
    last = figure3.draw(record).axes[-1]
    assert [len(points.get_offsets()) for points in last.collections] == [1000, 0]


@pytest.mark.slow
def test_one_command_leaves_the_record_and_the_picture(tmp_path):
    lines = []
    reproduce("figure3", tmp_path, quick=True, report=lines.append)
    record = json.loads((tmp_path / "figure3.json").read_text(encoding="utf-8"))
    assert len(record["runs"]) == len(lines) == len(COMPARED)
    assert all(len(points) == 50 for run in record["runs"] for points in run["samples"].values())
    assert record["jobs"] == 1 and record["elapsed"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure3.json", "figure3.png"]
    assert (tmp_path / "figure3.png").read_bytes().startswith(b"\x89PNG")
