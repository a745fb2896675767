"""What was tried for Figure 5, in a miniature of the miniature."""

import json

import pytest

from alpha_bridge.recipe.presets import PRESETS
from experiments import reproduce, search5
from experiments.comparison import metric_names
from experiments.watched import configurations


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
        changes = {"steps": 20, "evaluation.samples": 60, "model.width": 4, "batch_size": 8}
        for key, value in changes.items():
            patch.setitem(search5.QUICK, key, value)
        attempts = {"one": {"path.end": 1.0}, "other": {"path.end": 0.9}, "left out": {}}
        patch.setattr(search5, "ATTEMPTS", attempts)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search5")
    reproduce("search5", folder, seed=3, quick=True)
    return folder


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "search5.json").read_text(encoding="utf-8"))


def test_the_miniature_has_the_first_two_attempts(record):
    assert [run["method"] for run in record["runs"]] == ["one", "other"]
    assert [*record["settings"]["methods"]] == ["one", "other"]


def test_attempts_share_what_they_have_in_common(record, folder):
    assert len([*(folder / "search5.partial").glob("*.json")]) == 1
    first, other = (run["evaluations"][0] for run in record["runs"])
    assert first == other
    (retention,) = metric_names(record, "retention")
    assert (first["step"], first["phase"], retention in first) == (10, "ml", False)


def test_each_attempt_goes_on_from_the_end_of_step_one_to_its_own_end(record):
    ends = [run["evaluations"][-1] for run in record["runs"]]
    assert [(row["step"], row["alpha"]) for row in ends] == [(20, 1.0), (20, 0.9)]
    (name,) = metric_names(record, "retention")
    assert all(name in row for row in ends)


def test_going_on_from_a_shared_step_one_is_the_run_that_was_never_stopped(folder):
    settings = {"any": search5.SHARED | search5.QUICK}
    ((_, config),) = configurations(PRESETS["digits"], settings, seed=3, trials=1)
    alone = search5.assemble(config).fit()
    checkpoint, _ = search5.step_one(config, folder / "search5.partial")
    shared = search5.assemble(config).fit(checkpoint=checkpoint)
    for name, value in alone.model.state_dict().items():
        assert value.equal(shared.model.state_dict()[name]), name


def test_there_is_a_picture(folder):
    assert (folder / "search5.png").read_bytes().startswith(b"\x89PNG")


def test_an_attempt_without_step_one_is_where_it_ends(record):
    distance, retention = metric_names(record, "frechet_distance", "retention")
    kept = [{key: row[key] for key in row if key != retention} for row in _rows(record)]
    alone = {"method": "alone", "evaluations": kept}
    figure = search5.draw(record | {"runs": [*record["runs"], alone]})
    line = figure.axes[0].lines[-1]
    assert line.get_linestyle() == ":"
    assert {*line.get_xdata()} == {kept[-1][distance]}


def _rows(record):
    return record["runs"][0]["evaluations"]


def test_more_trials_than_one_are_refused(tmp_path):
    with pytest.raises(ValueError, match="search5 has one trial of each attempt, got 2"):
        reproduce("search5", tmp_path, trials=2, quick=True)
