"""What experiments that compare methods have in common: settings, updates that are due, records."""

import json
from copy import deepcopy

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from alpha_bridge.recipe import Config, EvaluationConfig, ModelConfig, PathConfig
from experiments.files import kept_samples, partial_of, write
from experiments.scores import Claim
from experiments.watched import compared, configurations, due, ends, last, pictured, train_ahead

TINY = Config(
    steps=12,
    batch_size=8,
    path=PathConfig(ml=0.25, transfer=0.5, adversarial=0.25),
    model=ModelConfig(latent=2, hidden=(8,)),
    evaluation=EvaluationConfig(every=5, samples=50, shown=20),
)
SETTINGS = {"naive": {"model.noise": 0.2}, "rkl-gp": {}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def watched(folder):
    record = {"settings": {}}
    configs = configurations(TINY, SETTINGS, seed=5, trials=2)
    seen = [*compared(record, configs, due(TINY), folder / "found.json")]
    return record, seen


def test_every_method_takes_each_seed_before_the_next_one():
    found = [*configurations(TINY, SETTINGS, seed=5, trials=2)]
    assert [(name, config.seed) for name, config in found] == [
        ("naive", 5),
        ("rkl-gp", 5),
        ("naive", 6),
        ("rkl-gp", 6),
    ]
    assert [config.method for _, config in found] == [name for name, _ in found]


def test_a_setting_is_that_of_its_method_alone():
    found = dict(configurations(TINY, SETTINGS, seed=0, trials=1))
    assert found["naive"].model.noise == 0.2
    assert found["rkl-gp"].model.noise == TINY.model.noise


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


def test_all_methods_are_measured_after_the_same_updates(watched):
    record, _ = watched
    for run in record["runs"]:
        assert [row["step"] for row in run["evaluations"]] == [3, 5, 9, 10, 12]


def test_a_run_is_recorded_with_its_whole_configuration(watched):
    record, _ = watched
    found = [Config.model_validate(run["config"]) for run in record["runs"]]
    assert [config.method for config in found] == ["naive", "rkl-gp"] * 2
    assert all(config.event_shape == (2,) for config in found)


def test_the_record_is_on_disk_when_all_runs_have_ended(folder, watched):
    record, _ = watched
    assert json.loads((folder / "found.json").read_text(encoding="utf-8")) == json.loads(
        json.dumps(record)
    )
    assert [path.name for path in folder.iterdir()] == ["found.json"]


def test_what_has_been_seen_is_on_disk_while_runs_go_on(tmp_path):
    configs = configurations(TINY, SETTINGS, seed=0, trials=1)
    runs = compared({}, configs, due(TINY), tmp_path / "found.json")
    next(runs)
    partial = json.loads((tmp_path / "found.partial.json").read_text(encoding="utf-8"))
    assert [run["method"] for run in partial["runs"]] == ["naive"]
    assert not (tmp_path / "found.json").exists()


def test_runs_that_have_ended_are_not_trained_again(tmp_path, watched):
    path = tmp_path / "found.json"
    configs = [*configurations(TINY, SETTINGS, seed=5, trials=2)]
    runs = compared({}, configs, due(TINY), path)
    next(runs)
    next(runs)  # the first has ended, the second is not yet told of
    runs.close()
    record = {}
    again = [seen for _, seen in compared(record, configs, due(TINY), path)]
    assert [seen is None for seen in again] == [True, False, False, False]
    for run, whole in zip(record["runs"], watched[0]["runs"], strict=True):
        assert run["evaluations"] == whole["evaluations"]


def test_runs_from_before_a_key_was_added_are_not_trained_again(tmp_path, watched):
    runs = deepcopy(watched[0]["runs"])
    for run in runs:
        del run["config"]["path"]["sweeps"]
    partial = tmp_path / "found.partial.json"
    partial.write_text(json.dumps({"runs": runs}), encoding="utf-8")
    configs = configurations(TINY, SETTINGS, seed=5, trials=2)
    again = [seen for _, seen in compared({}, configs, due(TINY), tmp_path / "found.json")]
    assert again == [None] * len(runs)


def test_retention_and_drift_begin_after_step_one_and_need_it(watched):
    record, _ = watched
    naive, adversarial = (run["evaluations"] for run in record["runs"][:2])
    for row, since in zip(naive, [False, *[True] * 4], strict=True):
        assert any(name.startswith("retention/") for name in row) == since
        assert any(name.startswith("drift/") for name in row) == since
    assert not any(name.startswith(("retention/", "drift/")) for row in adversarial for name in row)


def test_the_drift_is_the_change_of_reconstructions_since_step_one(watched):
    record, seen = watched
    _, run = seen[0]
    x = run.evaluation.held_out[:20]
    now = run.model.eval().reconstruct(x)
    drift = float((now - run._reference).square().mean())
    assert drift > 0
    assert record["runs"][0]["evaluations"][-1]["drift/mse/20"] == pytest.approx(drift, rel=1e-5)


def test_the_drift_grows_from_step_one_on_in_step_two(tmp_path):
    configs = configurations(TINY, {"alpha-bridge": {}}, seed=0, trials=1)
    ((_, watched),) = compared({}, configs, {3, 5, 7, 9}, tmp_path / "found.json")
    drifts = [row["drift/mse/20"] for row in watched.evaluations[1:]]
    assert 0 < drifts[0] < drifts[1] < drifts[2]


def test_the_last_numbers_are_means_and_deviations_over_trials(watched):
    record, _ = watched
    name = "log_likelihood/kde-0.1/50-held-out"
    values = [run["evaluations"][-1][name] for run in record["runs"] if run["method"] == "naive"]
    found = last(record)["naive"][name]
    assert found["mean"] == pytest.approx(sum(values) / 2)
    assert found["std"] == pytest.approx(float(torch.tensor(values).std()), rel=1e-4)


def test_what_training_begins_with_can_be_measured_too(tmp_path):
    configs = configurations(TINY, {"alpha-bridge": {}}, seed=0, trials=1)
    ((_, watched),) = compared({}, configs, {0, 3}, tmp_path / "found.json")
    assert [row["step"] for row in watched.evaluations] == [0, 3]
    assert [*watched.shown] == [0, 3]
    first = watched.evaluations[0]
    assert any(name.startswith("reconstruction_error/") for name in first)
    assert (first["phase"], first["alpha"]) == ("ml", 0.0)


def test_claims_are_held_to_the_numbers_of_every_run(tmp_path):
    configs = configurations(TINY, {"naive": {}}, seed=0, trials=2)

    def claims(record):
        return [Claim("there is a run", bool(record["runs"]), [{"runs": len(record["runs"])}])]

    def draw(*_):
        return Figure()

    path = tmp_path / "found.json"
    pictured({}, configs, {3}, path, lambda seen: dict(seen), draw, claims=claims)
    (claim,) = json.loads(path.read_text(encoding="utf-8"))["claims"]
    assert claim == {"about": "there is a run", "holds": True, "found": [{"runs": 2}]}


def test_claims_of_runs_that_had_all_ended_are_held_to_their_numbers(tmp_path, watched):
    record, *_ = watched
    configs = configurations(TINY, SETTINGS, seed=5, trials=2)
    partial = tmp_path / "found.partial.json"
    partial.write_text(json.dumps({"runs": record["runs"]}), encoding="utf-8")

    def claims(record):
        return [Claim("there are numbers", bool(record["last"]), [{"of": len(record["last"])}])]

    path = tmp_path / "found.json"
    pictured({}, configs, due(TINY), path, dict, lambda *_: Figure(), claims=claims)
    (claim,) = json.loads(path.read_text(encoding="utf-8"))["claims"]
    assert claim["found"] == [{"of": len(SETTINGS)}]


def in_jobs(path, jobs, lines):
    configs = configurations(TINY, SETTINGS, seed=5, trials=2)
    kept = {"draw": lambda *_: Figure(), "tell": lines.append, "jobs": jobs}
    pictured({}, configs, due(TINY), path, dict, **kept)
    record = json.loads(path.read_text(encoding="utf-8"))
    numbers = [{**run, "seconds": 0} for run in record["runs"]]
    return numbers, kept_samples(path.with_suffix(".npz"))


@pytest.mark.slow
def test_several_jobs_leave_what_one_leaves(tmp_path):
    (tmp_path / "apart").mkdir()
    lines = []
    runs, samples = in_jobs(tmp_path / "found.json", 1, [])
    apart, of_apart = in_jobs(tmp_path / "apart" / "found.json", 2, lines)
    assert apart == runs
    assert {name: [*of] for name, of in of_apart.items()} == {
        name: [*of] for name, of in samples.items()
    }
    for name, of in samples.items():
        assert all(np.array_equal(of_apart[name][step], x) for step, x in of.items())
    assert sorted(line.split("  ")[:3] for line in lines) == [
        [name, f"seed {seed}", "update 12"] for name in sorted(SETTINGS) for seed in (5, 6)
    ]
    assert sorted(path.name for path in (tmp_path / "apart").iterdir()) == sorted(
        path.name for path in tmp_path.glob("found.*")
    )


def test_runs_that_have_ended_are_not_trained_ahead(tmp_path, watched):
    runs = watched[0]["runs"]
    path = tmp_path / "found.json"
    write({"runs": runs[1:3]}, partial_of(path))
    configs = [*configurations(TINY, SETTINGS, seed=5, trials=2)]
    lines = []
    train_ahead(configs, due(TINY), path, dict, lines.append)
    assert [line.split("  ")[:2] for line in lines] == [["naive", "seed 5"], ["rkl-gp", "seed 6"]]
    record = {}
    assert [seen for _, seen in compared(record, configs, due(TINY), path)] == [None] * 4
    assert [run["evaluations"] for run in record["runs"]] == [run["evaluations"] for run in runs]


def test_no_jobs_are_refused(tmp_path):
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        in_jobs(tmp_path / "found.json", 0, [])
