"""Nothing is fetched that the user did not name in the command."""

import json
import shutil

import huggingface_hub
import numpy as np
import pytest

from alpha_bridge import commands, vae
from alpha_bridge.cli.parsing import parse
from alpha_bridge.commands.missed import missed
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import prior_of
from alpha_bridge.settings import EvaluationConfig, ModelConfig

HERE = "is not on this machine: it is fetched if the command names it, with --data foo/bar"


@pytest.fixture(autouse=True)
def asked(tmp_path, monkeypatch):
    """The ids that the hub is asked for; it never answers."""
    ids = []

    def ask(name, **_):
        ids.append(name)
        raise ConnectionError

    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda _, name, **__: ask(name))
    monkeypatch.setattr(
        huggingface_hub,
        "snapshot_download",
        lambda name, local_files_only=False, **_: local_files_only or ask(name),
    )
    return ids


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on vectors, and the file of the data."""
    folder = tmp_path_factory.mktemp("fetching")
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(60, 2)))
    config = Config(
        data=str(folder / "x.npy"),
        steps=3,
        batch_size=8,
        model=ModelConfig(latent=2, hidden=(8,)),
        evaluation=EvaluationConfig(samples=40, shown=6),
    )
    return commands.train(config, folder / "run").run, folder / "x.npy"


@pytest.fixture
def stranger(trained, tmp_path):
    """The same run, from somebody whose data are on the hub."""
    folder = tmp_path / "stranger"
    shutil.copytree(trained[0].folder, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data": "foo/bar"}))
    return Run.open(folder)


USES = {
    "evaluate": lambda run, data: commands.evaluate(run, data=data),
    "missed": lambda run, data: missed(run, count=6, draws=2, data=data),
    "interpolate": lambda run, data: commands.edit(
        run, between="slerp", out=run.folder / "between.npy", data=data
    ),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_a_run_names_of_the_hub_is_not_asked_for(use, stranger, asked):
    with pytest.raises(ValueError, match=HERE):
        use(stranger, None)
    assert not asked


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_the_command_names_takes_its_place(use, stranger, trained, asked):
    use(stranger, str(trained[1]))
    assert not asked


def test_a_set_of_the_hub_that_the_command_names_is_asked_for(stranger, asked):
    with pytest.raises(ValueError, match="no network or no such id"):
        commands.evaluate(stranger, data="foo/baz")
    assert asked == ["foo/baz"]


def test_a_second_domain_is_not_asked_for(asked):
    config = Config(data="ring8", prior="foo/bar", objective={"kind": "marginal"})
    with pytest.raises(ValueError, match=HERE):
        prior_of(config)
    assert prior_of(config, "ring8").event_shape == (2,)
    assert not asked


def test_a_vae_is_not_asked_for(asked):
    with pytest.raises(FileNotFoundError):
        vae.load("foo/bar", fetch=False)
    assert not asked


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], ()),
        (["--data", "foo/bar"], ("foo/bar",)),
        (["--data=foo/bar", "--seed=1"], ("foo/bar",)),
        (["--seed", "1"], ()),
    ],
)
def test_a_file_names_nothing_for_the_user(tmp_path, words, named, asked):
    path = tmp_path / "config.json"
    path.write_text(Config(data="foo/bar", steps=3).model_dump_json())
    request = parse(["train", str(path), *words]).arguments
    assert request["fetch"] == named
    with pytest.raises(ValueError, match="no network" if named else HERE):
        assemble(request["config"], fetch=request["fetch"])
    assert asked == list(named)


def test_a_preset_is_the_users_own_word(asked):
    request = parse(["train", "mnist"]).arguments
    with pytest.raises(ValueError, match="no network"):
        assemble(request["config"], fetch=request["fetch"])
    assert asked == ["ylecun/mnist"]
