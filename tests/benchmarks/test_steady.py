"""A long training, for a moment."""

import json

import pytest

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS

SMALL = {"batch_size": 4, "model.hidden": (4,), "evaluation.samples": 20, "trials": 1}


@pytest.fixture
def steady(monkeypatch, pages_without_figures):  # noqa: ARG001
    import steady

    monkeypatch.setattr(steady, "CALIBRATION", 20)
    return steady


@pytest.mark.slow
def test_what_a_training_needs_is_written_as_it_goes_on(steady, tmp_path):
    out = tmp_path / "steady.json"
    config = changed(PRESETS["gaussians25"], SMALL)
    found = steady.measure(config, seconds=0.6, period=0.2, every=0.1, out=out)
    moments = found["moments"]
    assert 2 <= len(moments) <= 7
    assert [moment["seconds"] for moment in moments] == sorted(m["seconds"] for m in moments)
    for moment in moments:
        assert moment["resident_mb"] > 10 and moment["open_files"] > 0
        assert moment["updates_per_second"] > 0
    assert found["first_third"].keys() == found["last_third"].keys()
    assert json.loads(out.read_text())["moments"] == moments
