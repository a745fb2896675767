"""What is recorded of runs: still what the presets of today and the recorded changes come to."""

import json
from pathlib import Path

import pytest

from alpha_bridge.recipe import differences, read_config
from alpha_bridge.recipe.presets import PRESETS
from experiments.watched import configurations

RESULTS = Path(__file__).parents[2] / "docs" / "results"
NAMES = (
    "figure1",
    "figure5",
    "search5",
    "figure6",
    "figure6-mnist",
    "generalisations",
    "table-cifar10",
)
UNUSED = ("gamma.", "path.start", "path.end")
"""Of a run without Step II: all that they would decide is where it starts and ends."""


@pytest.mark.parametrize("name", NAMES)
def test_the_changes_that_a_page_names_are_all_the_changes_in_the_preset(name):
    record = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
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
