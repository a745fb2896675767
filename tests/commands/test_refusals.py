"""What needs no torch is refused without it: every command, with torch out of reach."""

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from alpha_bridge.files import manifest
from alpha_bridge.files.manifest import write_manifest, write_state
from alpha_bridge.recipe import Config
from alpha_bridge.runs.folder import Run

SCRIPT = """
import contextlib, io, json, os, sys

class Unreachable:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "datasets"):
            raise AssertionError(f"{name} is imported before the refusal")

sys.meta_path.insert(0, Unreachable())
from alpha_bridge.cli import main

found = []
for folder, words in json.load(sys.stdin):
    os.chdir(folder)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(words)
    found.append([code, said.getvalue()])
print(json.dumps(found))
"""

COMMANDS = {
    "sample": ["sample", "{run}"],
    "reconstruct": ["reconstruct", "{run}", "--images", "{array}"],
    "translate": ["translate", "{run}", "--images", "{array}"],
    "edit": ["edit", "{run}", "--between", "slerp"],
    "missed": ["missed", "{run}"],
    "ratio": ["ratio", "{run}"],
    "outliers": ["outliers", "{run}", "--data", "{array}"],
    "impute": ["impute", "{run}", "--data", "{array}"],
    "evaluate": ["evaluate", "{run}"],
    "frontier": ["frontier", "{run}"],
    "report": ["report", "{run}"],
    "restore": ["restore", "{run}", "--out", "new"],
    "export": ["export", "{run}", "--out", "new"],
    "push": ["push", "{run}", "me/mine"],
    "resume": ["train", "gaussians25", "--out", "{run}", "--resume"],
}
"""Commands on a run."""

STATES = {
    "nowhere": "nowhere is not a run",
    "broken": "broken/config.json: ",
    "begun": "begun has no checkpoint: train it by alpha-bridge train ./begun --resume",
    "stacked": "stacked holds 3 trials: name one of them",
}
"""Runs that cannot be used, and what is said of each."""

BETWEEN = ["train", "mnist", "--data=pictures", "--prior=pictures", "--objective=marginal"]

OTHERS = [
    (["verify", "nothing"], "there is no preset and no run 'nothing': give one of gaussians25, "),
    (["sample", "run", "--step", "7"], "run has no checkpoint after update 7: it has 10"),
    (["compare", "digits", "--methods", "alpha-brige"], "did you mean alpha-bridge"),
    (["compare", "digits", "--methods"], "--methods needs names of methods: give some of ml, "),
    (["compare", "--methods", "ml,naive"], "compare needs data, a preset or a file first"),
    (["compare", "digits", "--methods", "ml", "--jobs", "0"], "jobs must be at least 1, got 0"),
    (["compare", "none.csv", "--methods", "ml"], "data file 'none.csv' does not exist"),
    (["compare", "digits", "--methods", "ml", "--lat", "3"], "unknown option --lat"),
    (["compare", "digits", "--methods", "ml", "--out", "run"], "run is not empty: choose another"),
    (["sample", "run", "-n", "0"], "count must be at least 1, got 0"),
    (["sample", "run", "--seed", "-1"], "seed must be at least 0, got -1"),
    (["sample", "run", "--out", "points.png"], "vectors, not images: end points.png with .npy"),
    (["sample", "run", "--out", "there.npy"], "there.npy exists: choose another file"),
    (["sample", "translator"], "the run translates samples of ring8 and has no prior"),
    (["reconstruct", "run", "--images", "none.npy"], "none.npy does not exist"),
    (["reconstruct", "run", "--images", "there.npy", "--out", "a.jpg"], "must end with .png"),
    (["translate", "run", "--images", "there.npy"], "run has no second domain"),
    (["translate", "translator", "--images", "none.npy"], "none.npy does not exist"),
    (["evaluate", "run", "--prior", "ring8"], "--prior ring8 names a second domain, and run has "),
    (["edit", "run"], "edit needs either --attribute NAME or --between"),
    (["edit", "run", "--attribute", "a", "--strength", "0"], "strength must be positive"),
    (["edit", "run", "--attribute", "a", "--columns", "1"], "columns must be at least 2, got 1"),
    (["edit", "run", "--attribute", "a", "-n", "0"], "n must be at least 1, got 0"),
    (["edit", "run", "--between", "lerp", "--labels", "no.csv"], "leave out --labels no.csv"),
    (["edit", "run", "--between", "lerp", "--against", "a"], "leave out --against a"),
    (["edit", "run", "--attribute", "a", "--labels", "no.csv"], "no.csv does not exist"),
    (["edit", "run", "--attribute", "a", "--images", "no.png"], "no.png does not exist"),
    (["edit", "run", "--attribute", "a", "--samples", "--refine", "3"], "leave out --refine"),
    (["missed", "run", "--draws", "0"], "draws must be at least 1, got 0"),
    (["missed", "run", "--images", "a.npy", "--data", "b.npy"], "or --data b.npy, not both"),
    (["missed", "run", "--images", "no.png"], "no.png does not exist"),
    (["replay", "run"], "run is no bundle"),
    (["runs", "nowhere"], "there is no folder nowhere: give the one that holds your runs"),
    (["studio", "nowhere"], "there is no folder nowhere: give a run, or one that holds runs"),
    (["studio", "run", "--port", "70000"], "port must lie in 0 to 65535, got 70000"),
    (["overview", "nowhere"], "there is no folder nowhere: give one to look in"),
    (["doctor", "everything"], "unknown option everything: see --help"),
    (["outliers", "run", "--data", "none.npy"], "none.npy does not exist"),
    (["outliers", "run", "--data", "there.npy", "--contamination", "0.9"], "must lie in (0, 0.5]"),
    (["compare", "run", "none.npy"], "none.npy does not exist"),
    (["frontier", "run", "--prefer", "2"], "prefer must lie in [0, 1], got 2"),
    (["frontier", "run"], "run has no snapshots along α"),
    (["restore", "run", "--out", "new"], "run did not begin with a VAE"),
    (["export", "run", "--out", "begun"], "begun is not empty"),
    (["export", "translator", "--out", "new", "--page"], "the run translates samples of ring8"),
    (["push", "run", "no//id"], "'no//id' is not the id of a model on the hub"),
    (["train", "gaussians25", "--out", "run"], "run is not empty"),
    (["train", "gaussians25", "--out", "run", "--resume", "--seed", "5"], "another configuration"),
    (["train", "mnist", "--data", "pictures", "--images.size", "30"], "images of 30 pixels"),
    (["train", "mnist", "--images.stream", "maybe"], "invalid choice 'maybe'"),
    (["train", "mnist", "--data", "pictures", "--trials", "2"], "no stacked trials, got trials=2"),
    (["train", "digits", "--trials", "2"], "no stacked trials, got trials=2"),
    (
        [*BETWEEN, "--images.size", "10"],
        "a translator halves images twice, got a size of 10",
    ),
    (["train", "mnist", "--data", "my/phtos/x"], "data path 'my/phtos/x' does not exist"),
    (["train", "mnist", "--data", "words.txt"], "words.txt' is no folder and no .npy file"),
    (["train", "photos.zip"], "photos.zip' is no folder and no .npy file: unpack it, and give the"),
    (["train", "mnist", "--data", "no id"], "no such data set on the hub: give a local folder"),
    (["train", "mnist", "--data", "pictures", "--from", "./vea"], "there is no VAE './vea'"),
    (["train", "mnist", "--data", "pictures", "--from", "vea"], "there is no VAE 'vea'"),
    (["train", "mnist", "--data", "pictures", "--from", "pictures"], "pictures has no VAE"),
    (["train", "mnist", "--data", "pictures", "--from", "my/vea"], "no folder 'my/vea' here"),
    (["train", "mnist", "--data", "./pictres"], "data path './pictres' does not exist"),
    (["train", "mnist", "--data", "pictres"], "there is no folder 'pictres' here"),
    (["train", "gaussians25", "--data", "none.npy"], "'none.npy' does not exist"),
    (["train", "gaussians25", "--gamma.kind", "optimal", "--trials", "2"], "one trial at a time"),
    (["reproduce", "figure2", "--quick"], "run python -m experiments figure2 --quick"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of vectors, a picture folder and an array, none of which torch has made."""
    folder = tmp_path_factory.mktemp("refusals")
    single = Config(event_shape=(2,))
    domains = {"prior": "ring8", "prior_shape": (2,), "objective": {"kind": "marginal"}}
    configs = {
        "run": single,
        "begun": single,
        "stacked": Config(event_shape=(2,), trials=3),
        "translator": Config(event_shape=(2,), **domains),
    }
    for name, config in configs.items():
        run = Run.create(folder / name, config.model_dump(mode="json"))
        if name != "begun":
            keep(run, 10)
    Run.create(folder / "broken", {"steps": "many"})
    (folder / "pictures").mkdir()
    (folder / "there.npy").write_bytes(b"")
    (folder / "words.txt").write_text("no images")
    (folder / "photos.zip").write_bytes(b"")
    return folder


def keep(run, step, files=("average", "memory", "model", "optimizers")):
    """A checkpoint of no network, with everything that is verified."""
    folder = run.checkpoint_folder(step)
    folder.mkdir(parents=True)
    for file in files:
        save_file({"x": np.zeros(2, np.float32)}, folder / f"{file}.safetensors")
    write_state(folder, step, folder)
    write_manifest(folder)
    return folder


def other_bytes(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")


def no_tensors(folder):
    (folder / "average.safetensors").write_bytes(b"\xff" * 9)
    (folder / "manifest.json").unlink()
    write_manifest(folder)


def another_update(folder):
    write_state(folder, 3, folder)
    (folder / "manifest.json").unlink()
    write_manifest(folder)


def another_run(folder):
    (folder / "state.json").write_text('{"step": 10, "run": "another"}')
    (folder / "manifest.json").unlink()
    write_manifest(folder)


def no_manifest(folder):
    (folder / "manifest.json").unlink()


def no_file(folder):
    (folder / "memory.safetensors").unlink()


DAMAGE = {
    other_bytes: "model.safetensors is damaged (its SHA-256 sum",
    no_tensors: "average.safetensors is damaged (",
    another_update: "state.json is damaged (it is that of update 3)",
    another_run: "state.json is damaged (it is that of another run)",
    no_manifest: "step-00000010 is not a whole checkpoint (",
    no_file: "step-00000010 is not a whole checkpoint (",
}
"""What happens to a checkpoint, and what is said of it."""


def damaged(folder):
    """Runs whose latest checkpoint is damaged, by the name of the damage."""
    for damage in DAMAGE:
        config = Config(event_shape=(2,), snapshots=1)
        run = Run.create(folder / damage.__name__, config.model_dump(mode="json"))
        damage(keep(run, 10))
    (folder / "there.npy").write_bytes(b"")


def along_alpha(folder):
    """A run whose checkpoints along α are damaged, but for the latest."""
    config = Config(event_shape=(2,), snapshots=1)
    run = Run.create(folder / "along", config.model_dump(mode="json"))
    for step in (2000, 4500, 7000):
        keep(run, step)
    for step in (2000, 4500):
        other_bytes(run.checkpoint_folder(step))


def networks_alone(folder):
    """A run that can be used, and not gone on with."""
    run = Run.create(folder / "networks", Config(event_shape=(2,)).model_dump(mode="json"))
    keep(run, 10, files=("average", "memory", "model"))


def on(run, command):
    return [word.format(run=run, array="there.npy") for word in COMMANDS[command]]


def going_on(run):
    """The command that resumes a run with its own configuration."""
    return ["train", f"{run}/config.json", "--out", run, "--resume"]


UNUSABLE = [
    (state, name)
    for state in STATES
    for name in COMMANDS
    # every command meets a run that is not there, and two of them every other that is of no use
    if state == "nowhere" or name in ("sample", "restore")
]


READING = [name for name in COMMANDS if name != "report"]  # which reads no checkpoint
DAMAGED = [
    (damage, name)
    for place, damage in enumerate(DAMAGE)
    for name in READING
    # every damage meets one command that goes on, and one that does not; every command one damage
    if name in ("resume", READING[place]) or damage is other_bytes
]


@pytest.fixture(scope="module")
def refused(folder, tmp_path_factory):
    """What is said of each unusable run, and of each of the others; one process for all."""
    harmed = tmp_path_factory.mktemp("harmed")
    for harm in (damaged, along_alpha, networks_alone):
        harm(harmed)
    asked = {
        "unusable": [(folder, on(*case)) for case in UNUSABLE],
        "others": [(folder, words) for words, _ in OTHERS],
        "damaged": [
            (harmed, going_on(damage.__name__) if name == "resume" else on(damage.__name__, name))
            for damage, name in DAMAGED
        ],
        "along α": [(harmed, ["frontier", "along"])],
        "networks alone": [(harmed, going_on("networks"))],
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([(str(place), words) for part in asked.values() for place, words in part]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = iter(json.loads(done.stdout))
    return {kind: [next(found) for _ in part] for kind, part in asked.items()}


def test_a_run_that_cannot_be_used_is_refused_without_torch(refused):
    for (state, name), (code, said) in zip(UNUSABLE, refused["unusable"], strict=True):
        assert code == 2, (name, said)
        assert STATES[state] in said, (name, said)
        assert said.count("\n") == 1


def test_a_damaged_checkpoint_is_refused_without_torch(refused):
    for (damage, name), (code, said) in zip(DAMAGED, refused["damaged"], strict=True):
        assert code == 2, (name, said)
        assert DAMAGE[damage] in said, (name, said)
        assert said.count("\n") == 1


def test_each_checkpoint_along_alpha_is_verified_without_torch(refused):
    ((code, said),) = refused["along α"]
    assert code == 2
    for step in (2000, 4500):
        assert f"step-{step:08}/model.safetensors is damaged" in said
    assert "along has 1 checkpoints from the end of Step I on, and a curve needs two" in said


def test_training_that_cannot_go_on_from_networks_alone_is_refused_without_torch(refused):
    ((code, said),) = refused["networks alone"]
    assert code == 2
    assert "step-00000010 has only the networks" in said


def test_a_checkpoint_is_summed_up_once_in_a_command(tmp_path, monkeypatch):
    read = []

    def sha256(file):
        read.append(file.name)
        return real(file)

    real = manifest.sha256
    monkeypatch.setattr(manifest, "sha256", sha256)
    run = Run.create(tmp_path / "run", Config(event_shape=(2,)).model_dump(mode="json"))
    folder = keep(run, 10)
    read.clear()
    for _ in range(3):
        manifest.verified(folder)
    assert sorted(read) == sorted(
        file.name for file in folder.iterdir() if file.name != "manifest.json"
    )


def test_what_cannot_be_done_is_refused_without_torch(refused):
    for (words, expected), (code, said) in zip(OTHERS, refused["others"], strict=True):
        assert code == 2, (words, said)
        assert expected in said, (words, said)
        assert said.count("\n") == 1


def test_every_command_is_asked():
    from alpha_bridge.cli.parsing import COMMANDS as ALL

    asked = {words[0] for words, _ in OTHERS} | {words[0] for words in COMMANDS.values()}
    assert asked == {*ALL, "reproduce"}
