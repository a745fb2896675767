"""Data that changed since a run began are noticed by everything that reads them."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.recipe import Config, read_config
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import prior_of
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig

SHORT = {
    "steps": 4,
    "batch_size": 8,
    "path": PathConfig(ml=0.5, transfer=0.25, adversarial=0.25),
}


def vectors(seed=0, scale=1.0):
    return scale * np.random.default_rng(seed).normal(size=(60, 3))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    np.save(folder / "data.npy", vectors())
    config = Config(
        data=str(folder / "data.npy"),
        **SHORT,
        model=ModelConfig(latent=2, hidden=(8,), noise=0.4),
        evaluation=EvaluationConfig(samples=9, shown=2),
    )
    return commands.train(config, folder / "run").run


@pytest.fixture
def run(whole, tmp_path):
    """The run, with data of its own."""
    shutil.copytree(whole.folder, tmp_path / "run")
    shutil.copy(whole.folder.parent / "data.npy", tmp_path / "data.npy")
    run = Run.open(tmp_path / "run")
    rewrite(run, data=str(tmp_path / "data.npy"))
    return run


def rewrite(run, **changes):
    content = json.loads(run.config_path.read_text())
    run.config_path.write_text(json.dumps(content | changes))


def change(run, **options):
    np.save(run.folder.parent / "data.npy", vectors(1, **options))


def said(capsys):
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_run_keeps_the_number_and_the_sum_of_its_samples(run):
    recorded = read_config(run.config_path).fingerprint
    assert recorded.startswith("60 samples, sha256 ")


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate"],
        ["missed"],
        ["edit", "--between", "lerp"],
    ],
    ids=" ".join,
)
def test_commands_refuse_changed_data_and_take_others_that_are_named(words, run, capsys):
    command, *options = words
    change(run)
    assert main([command, str(run.folder), *options]) == 2
    line = said(capsys)
    assert "have changed" in line and line.count("60 samples, sha256") == 2
    assert line.endswith("restore them, or name other data with --data")
    data = str(run.folder.parent / "data.npy")
    assert main([command, str(run.folder), *options, "--data", data]) == 0
    printed = capsys.readouterr()
    assert "has other samples than those that" in printed.out + printed.err


def test_a_run_does_not_go_on_with_changed_data(run, capsys):
    shutil.rmtree(run.checkpoint_folder(4))
    before = run.config_path.read_bytes(), run.records
    change(run)
    words = ["train", str(run.config_path), "--out", str(run.folder), "--resume"]
    assert main(words) == 2
    assert "the data have changed since the run began" in said(capsys)
    assert (run.config_path.read_bytes(), run.records) == before
    np.save(run.folder.parent / "data.npy", vectors())
    assert main(words) == 0


def test_a_run_from_before_there_were_sums_goes_on_and_gets_one(run):
    recorded = read_config(run.config_path).fingerprint
    shutil.rmtree(run.checkpoint_folder(4))
    rewrite(run, fingerprint=None)
    assert main(["train", str(run.config_path), "--out", str(run.folder), "--resume"]) == 0
    assert read_config(run.config_path).fingerprint == recorded


def test_a_new_run_from_a_recorded_configuration_says_that_the_data_are_others(run, capsys):
    change(run)
    out = run.folder.parent / "again"
    assert main(["train", str(run.config_path), "--out", str(out)]) == 0
    assert "the configuration was recorded with other data" in capsys.readouterr().out
    assert read_config(out / "config.json").fingerprint != read_config(run.config_path).fingerprint


def test_other_vectors_are_measured_in_the_units_of_the_run(run):
    data = str(run.folder.parent / "data.npy")
    own = commands.evaluate(run)
    change(run, scale=100.0)
    error = "reconstruction_error/mse/6-held-out"
    assert commands.evaluate(run, data=data)[error] > 1000 * own[error]


def test_a_second_domain_that_changed_is_refused(tmp_path):
    np.save(tmp_path / "data.npy", vectors())
    domains = {"prior": str(tmp_path / "data.npy"), "objective": {"kind": "marginal"}}
    config = Config(**domains, prior_fingerprint="60 samples, sha256 0")
    with pytest.raises(ValueError, match=r"the second domain has changed: .*with --prior"):
        prior_of(config)


def test_another_second_domain_is_seen_in_the_units_of_the_runs_own(tmp_path):
    own, other, moved = (tmp_path / f"{name}.npy" for name in ("own", "other", "moved"))
    np.save(own, vectors())
    np.save(other, vectors(1, scale=100.0))
    config = Config(prior=str(own), prior_shape=(3,), objective={"kind": "marginal"})
    config = config.model_copy(update={"prior_fingerprint": prior_of(config).fingerprint})
    deviations = prior_of(config).units.std
    assert prior_of(config, str(other)).size == 54
    assert torch.equal(prior_of(config, str(other)).units.std, deviations)
    own.rename(moved)
    with pytest.raises(
        ValueError, match=r"other\.npy has other samples than .*: restore .*own\.npy"
    ):
        prior_of(config, str(other))
    assert torch.equal(prior_of(config, str(moved)).units.std, deviations)


def test_pictures_of_runs_in_the_folder_of_the_data_are_no_data(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    values = np.random.default_rng(0).integers(0, 256, (2, 20, 8, 8, 3), dtype=np.uint8)
    for kind, images in zip(("cat", "dog"), values, strict=True):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for number, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / "photos" / kind / f"{number}.png")
    config = Config(
        data=str(tmp_path / "photos"),
        **SHORT,
        model=ModelConfig(latent=2, hidden=(8,), width=4),
        evaluation=EvaluationConfig(samples=9, shown=2, features="pixels"),
    )
    first = commands.train(config, tmp_path / "photos" / "run")
    assert [*first.run.folder.rglob("*.png")]
    shutil.rmtree(first.run.checkpoint_folder(4))
    words = ["train", str(first.run.config_path), "--out", str(first.run.folder), "--resume"]
    assert main(words) == 0
    printed = capsys.readouterr().out.replace("\n", " ")
    assert "the classes are the names of the folders: cat, dog" in printed
    second = commands.train(config, tmp_path / "photos" / "cat" / "again")
    of = [read_config(run.config_path).fingerprint for run in (first.run, second.run)]
    assert of[0] == of[1]
    assert any("runs and exported models in" in note for note in second.notes)
