"""What experiments that compare methods share: settings, updates that are due, evaluations."""

import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from alpha_bridge.data import Units
from alpha_bridge.metrics.evaluation import Measured, ReconstructionEvaluation
from alpha_bridge.recipe import Config
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig
from experiments.framework import Outcome, Study, compare, configurations, due, ends
from experiments.framework.evaluations import chosen, evaluate

TINY = Config(
    steps=12,
    batch_size=8,
    path=PathConfig(ml=0.25, transfer=0.5, adversarial=0.25),
    model=ModelConfig(latent=2, hidden=(8,)),
    evaluation=EvaluationConfig(every=5, samples=50, shown=20),
)
SETTINGS = {"naive": {"model.noise": 0.2}, "rkl-gp": {}}
NAME = "log_likelihood/kde-0.1/50-held-out"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study("found", tmp_path_factory.mktemp("evaluations"))


@pytest.fixture(scope="module")
def found(study):
    configs = [*configurations(TINY, SETTINGS, seed=5, trials=2)]
    return json.loads(json.dumps(compare(study, configs, due(TINY))))


def test_every_method_takes_each_seed_before_the_next_one():
    configs = [*configurations(TINY, SETTINGS, seed=5, trials=2)]
    assert [(name, config.seed) for name, config in configs] == [
        ("naive", 5),
        ("rkl-gp", 5),
        ("naive", 6),
        ("rkl-gp", 6),
    ]
    assert [config.method for _, config in configs] == [name for name, _ in configs]


def test_a_setting_is_that_of_its_method_alone():
    configs = dict(configurations(TINY, SETTINGS, seed=0, trials=1))
    assert configs["naive"].model.noise == 0.2
    assert configs["rkl-gp"].model.noise == TINY.model.noise


def test_no_trials_are_refused():
    with pytest.raises(ValueError, match="trials must be at least 1, got 0"):
        next(configurations(TINY, SETTINGS, seed=0, trials=0))


def test_evaluations_are_due_now_and_then_and_at_the_ends_of_the_steps():
    assert ends(TINY) == (3, 9, 12)
    assert due(TINY) == {3, 5, 9, 10, 12}


def test_a_method_without_a_first_step_is_not_measured_before_it_is_trained():
    (_, alone), (_, bridge) = configurations(TINY, {"rkl-gp": {}, "alpha-bridge": {}}, 0, 1)
    assert due(alone) == {5, 10, 12}
    assert due(alone, bridge) == {3, 5, 9, 10, 12}


def test_all_methods_are_evaluated_after_the_same_updates(found):
    for run in found["runs"]:
        assert [row["step"] for row in run["evaluations"]] == [3, 5, 9, 10, 12]


def test_a_run_is_recorded_with_its_whole_configuration(found):
    configs = [Config.model_validate(run["config"]) for run in found["runs"]]
    assert [config.method for config in configs] == ["naive", "rkl-gp"] * 2
    assert all(config.event_shape == (2,) for config in configs)


@pytest.mark.usefixtures("found")
def test_samples_of_the_first_run_of_each_method_are_kept(study):
    assert [*study.samples] == [*SETTINGS]
    assert all([*of] == [3, 5, 9, 10, 12] for of in study.samples.values())


def test_runs_that_have_ended_are_not_trained_again(study, found):
    configs = [*configurations(TINY, SETTINGS, seed=5, trials=2)]
    again = compare(Study("found", study.folder), configs, due(TINY))
    assert again == found


def test_retention_and_drift_begin_after_step_one_and_need_it(found):
    naive, adversarial = (run["evaluations"] for run in found["runs"][:2])
    for row, since in zip(naive, [False, *[True] * 4], strict=True):
        assert any(name.startswith("retention/") for name in row) == since
        assert any(name.startswith("drift/") for name in row) == since
    assert not any(name.startswith(("retention/", "drift/")) for row in adversarial for name in row)


def reconstructions(evaluations):
    x = evaluations.evaluation.held_out[:20]
    now, first = evaluations.model.eval().reconstruct(x), evaluations._reference["drift"]
    return Outcome({"metrics": {"expected": float((now - first).square().mean())}})


@pytest.fixture(scope="module")
def bridge():
    """A bridge that is evaluated before its first update too."""
    config = next(config for _, config in configurations(TINY, {"alpha-bridge": {}}, 0, 1))
    return evaluate(config, {0, 3, 5, 7, 9, 12}, reconstructions).record["evaluations"]


def test_the_drift_is_the_change_of_reconstructions_since_step_one(bridge):
    end = bridge[-1]
    assert end["drift/mse/20"] > 0
    assert end["drift/mse/20"] == pytest.approx(end["expected"], rel=1e-5)


def test_the_drift_grows_from_step_one_on_in_step_two(bridge):
    drifts = [row["drift/mse/20"] for row in bridge[2:5]]
    assert 0 < drifts[0] < drifts[1] < drifts[2]


class Reconstructed(ReconstructionEvaluation):
    """Reconstructions alone, in no units and no features."""

    def __init__(self):
        self.held_out, self.source = torch.randn(20, 2), SimpleNamespace(units=Units())

    def __call__(self, model, *_):
        y = model.reconstruct(self.held_out)
        return Measured({}, y, torch.stack([self.held_out, y]))


def test_latents_drift_from_those_that_training_began_with_also_by_maximum_likelihood():
    config = next(config for _, config in configurations(TINY, {"ml": {}}, 0, 1))
    finish, build = partial(chosen, steps=()), lambda _: Reconstructed()
    before, middle, end = evaluate(config, {0, 6, 12}, finish, build).record["evaluations"]
    assert "latent_drift/mse/20" not in before
    assert 0 < middle["latent_drift/mse/20"] < end["latent_drift/mse/20"]


def test_what_training_begins_with_can_be_evaluated_too(bridge):
    first = bridge[0]
    assert (first["step"], first["phase"], first["alpha"]) == (0, "ml", 0.0)
    assert any(name.startswith("reconstruction_error/") for name in first)


def test_the_last_numbers_are_means_and_deviations_over_trials(found):
    values = [run["evaluations"][-1][NAME] for run in found["runs"] if run["method"] == "naive"]
    last = found["last"]["naive"][NAME]
    assert last["mean"] == pytest.approx(sum(values) / 2)
    assert last["std"] == pytest.approx(float(torch.tensor(values).std()), rel=1e-4)


@pytest.mark.parametrize(
    ("choose", "steps", "count"),
    [
        (chosen, [3, 5, 9], 6),
        (partial(chosen, steps=[3, 9]), [3, 9], 6),
        (partial(chosen, count=2), [3, 5, 9], 2),
    ],
)
def test_some_of_the_samples_are_chosen(choose, steps, count):
    samples = {step: np.arange(6) for step in (3, 5, 9)}
    kept = choose(SimpleNamespace(samples=samples)).samples[""]
    assert [*kept] == steps
    assert all(len(samples) == count for samples in kept.values())
