"""Other directions from a collapsed GAN: where they begin, where they lead, what is claimed."""

import json

import pytest
import torch

from alpha_bridge.recipe.builders import build_path
from experiments import reverse25


def alphas(way):
    path = build_path(reverse25._configs(0, 1, 1)[way])
    return [path(step) for step in range(len(path))]


def test_the_ways_go_where_their_names_say():
    assert set(alphas("collapse")) == set(alphas("stay")) == {1.0}
    reverse = alphas("reverse")
    assert reverse == sorted(reverse, reverse=True)
    assert (round(reverse[0], 2), reverse[-1]) == (1, 0)
    to_and_fro = alphas("to and fro")
    assert (round(to_and_fro[0], 2), round(min(to_and_fro), 2), to_and_fro[-1]) == (1, 0, 1)
    assert set(alphas("switch")) == {0.0, 1.0}


def test_all_go_on_for_as_long_with_the_same_penalty():
    _, *ways = reverse25._configs(0, 10, 1).values()
    shared = {(c.steps, c.regularizer, c.optimization, c.seed, c.model) for c in ways}
    assert len(shared) == 1
    assert ways[0].regularizer.kind == "r1"


@pytest.mark.usefixtures("tiny")
def test_every_way_begins_with_the_very_weights_of_the_collapse(monkeypatch):
    first, last, original = [], [], reverse25.watched

    def copied(model):
        return {name: value.clone() for name, value in model.state_dict().items()}

    def spy(parts, updates):
        first.append(copied(parts.model))
        found = original(parts, updates)
        last.append(copied(parts.model))
        return found

    monkeypatch.setattr(reverse25, "watched", spy)
    monkeypatch.setattr(reverse25, "UPDATES", (200,))
    reverse25.measure(trials=1, quick=True)
    assert len(first) == 1 + len(reverse25.WAYS)
    for weights in first[1:]:
        assert all(torch.equal(value, weights[name]) for name, value in last[0].items())
    assert len({float(weights["generator.0.weight"].sum()) for weights in last}) == len(last)


@pytest.mark.usefixtures("tiny")
def test_one_command_leaves_the_record_and_the_picture(tmp_path):
    lines = []
    record = reverse25.reproduce(tmp_path, seed=4, quick=True, tell=lines.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reverse25.json", "reverse25.png"]
    written = json.loads((tmp_path / "reverse25.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(record))
    assert [run["way"] for run in written["runs"]] == ["collapse", *reverse25.WAYS]
    assert {row["whose"] for row in written["hyperparameters"]} == {"ours"}
    assert [line[:3] for line in lines] == [f"{number}/5" for number in range(1, 6)]


# What is claimed


@pytest.fixture
def record():
    """Everything as it is claimed."""
    modes = {"collapse": 9.0, "stay": 24.0, "reverse": 25.0, "to and fro": 25.0, "switch": 25.0}
    scores = {"collapse": 5.0, "stay": 23.0, "reverse": 20.0, "to and fro": 24.9, "switch": 24.0}

    def run(way):
        metrics = {
            "modes/3std/9": [[modes[way]] * 3],
            "high_quality/3std/9": [[0.5] * 3],
            "inception_score/posterior/9": [[scores[way]] * 3],
            "log_likelihood/kde-0.1/9": [[scores[way] - 27] * 3],
        }
        failed = [None] * 3
        return {"way": way, "updates": [9], "alpha": [1.0], "metrics": metrics, "failed": failed}

    return {"trials": 3, "quick": False, "runs": [run(way) for way in modes]}


def verdicts(record):
    return [claim.holds for claim in reverse25.claims(record)]


def test_all_statements_hold_where_all_is_as_it_should_be(record):
    assert verdicts(record) == [True] * 5


def test_a_gan_that_has_not_collapsed_is_seen(record):
    record["runs"][0]["metrics"]["modes/3std/9"][0][1] = 25.0
    assert verdicts(record) == [False, True, True, True, True]


def test_a_trial_without_all_modes_is_seen(record):
    record["runs"][2]["metrics"]["modes/3std/9"][0][1] = 24.0
    assert verdicts(record) == [True, False, True, True, True]


def test_a_gan_that_finds_the_modes_by_itself_is_seen(record):
    record["runs"][1]["metrics"]["modes/3std/9"][0] = [25.0] * 3
    assert verdicts(record) == [True, True, True, False, True]


def test_a_failed_trial_is_below_every_score(record):
    record["runs"][3]["metrics"]["log_likelihood/kde-0.1/9"][0][0] = None
    assert verdicts(record) == [True, True, True, True, False]


def test_a_failed_trial_leaves_no_mean(record):
    for rows in record["runs"][1]["metrics"].values():
        rows[0][2] = None
    record["runs"][1]["failed"][2] = 9
    end = reverse25.summary(record["runs"][1])
    assert (end["covering"], end["failed"], end["fewest_modes"]) == (0, 1, 0)
    assert end["modes"] == {"mean": None, "deviation": None}
    assert reverse25.draw(record)


def test_the_figure_has_a_column_for_each_way(record):
    axes = reverse25.draw(record).axes
    assert len(axes) == (1 + len(reverse25.METRICS)) * len(reverse25.WAYS)


@pytest.mark.slow
def test_the_gan_drops_modes():
    config = reverse25._configs(0, 1, 1)["collapse"]
    parts = reverse25.assemble(config.model_copy(update={"steps": 300}))
    found = reverse25.watched(parts, [300])
    assert reverse25.values(found, "modes")[-1] < reverse25.ALL_MODES
