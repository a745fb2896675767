"""Steps I, II and III of a run are those of its path, in every page and for every number."""

import pytest
import torch

from alpha_bridge import commands
from alpha_bridge.metrics.definition import metrics_of
from alpha_bridge.recipe import Config
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.model_card import card_of
from alpha_bridge.runs.opening import RunAt, open_run
from alpha_bridge.runs.page import write_report
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig
from alpha_bridge.training.checkpoint import read_tensors

ENDS = (4, 14, 20)
PATHS = [
    pytest.param({"start": 0.1}, id="starts above 0", marks=pytest.mark.slow),
    pytest.param({"end": 0.9}, id="ends below 1", marks=pytest.mark.slow),
    pytest.param({"sweeps": 2}, id="to and fro"),
    pytest.param({"start": 1.0, "end": 0.0}, id="the other way"),
]


@pytest.fixture(scope="module", params=PATHS)
def trained(request, tmp_path_factory):
    config = Config(
        steps=20,
        batch_size=8,
        checkpoint_every=7,
        path=PathConfig(ml=0.2, transfer=0.5, adversarial=0.3, **request.param),
        model=ModelConfig(latent=2, hidden=(8,)),
        evaluation=EvaluationConfig(every=5, samples=40, shown=6),
    )
    return commands.train(config, tmp_path_factory.mktemp("steps") / "run")


def retained(record):
    return [value for name, value in record.items() if name.startswith("retention/")]


def test_records_have_the_step_of_the_path(trained):
    phases = {record["step"]: record["phase"] for record in trained.run.records}
    assert [phases[step] for step in ENDS] == ["ml", "transfer", "adversarial"]


def test_retention_is_measured_from_the_end_of_step_one_on(trained):
    measured = [record for record in trained.run.records if metrics_of(record)]
    assert [record["step"] for record in measured if not retained(record)] == [4]


def test_the_end_of_step_one_stays_what_retention_refers_to(trained):
    run = trained.run
    first, *later = (read_tensors(run.checkpoint_folder(step))[0]["memory"] for step in ENDS)
    for memory in later:
        assert torch.equal(memory["retention/labels"], first["retention/labels"])


def test_the_end_of_step_one_is_where_the_run_says_it_is(trained):
    (record,) = (record for record in trained.run.records if record["step"] == ENDS[0])
    assert trained.first == metrics_of(record)


def test_the_report_names_the_step_that_the_card_names(trained):
    page = write_report(trained.run).read_text("utf-8")
    card = card_of(open_run(trained.run, 20), False)
    assert "Step III" in page
    assert card.training["Step III"].startswith("6 updates at α = ")


def test_the_card_gives_the_alpha_that_step_three_has(trained):
    last = trained.run.records[-1]["alpha"]
    card = card_of(open_run(trained.run, 20), False)
    assert card.training["Step III"] == f"6 updates at α = {last:g}"


def test_the_card_gives_the_alpha_that_an_adaptive_path_came_to(tmp_path):
    run = Run.create(tmp_path / "run", {})
    for step, alpha in ((10, 0.0), (20, 0.4), (30, 0.6)):
        run.append({"step": step, "phase": "transfer", "alpha": alpha})
    config = Config(steps=100, path={"kind": "adaptive", "end": 0.9})
    card = card_of(RunAt(run, config, 25), False)
    assert card.training["this model"] == "after 25 of 100 updates, α = 0.4"
    assert "updates or more, α from 0 to 0.9 as far as the model" in card.training["Step II"]
    assert card.training["Step III"].endswith("updates or fewer at α = 0.9")
