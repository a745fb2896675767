"""Incidents of a run: what is written of them, how a run goes back, and how one is repeated."""

import errno
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from io import StringIO

import pytest

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.errors import NotWritten
from alpha_bridge.files.manifest import MANIFEST
from alpha_bridge.recipe import read_config
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.page import write_report
from alpha_bridge.runs.trials import TrialRuns
from alpha_bridge.training import StopOnSignal
from alpha_bridge.training.update import Updates

TINY = [
    *("train", "gaussians25", "--batch-size=8", "--steps=20", "--model.hidden=8"),
    *("--path.ml=0.2", "--path.transfer=0.5", "--path.adversarial=0.3", "--record-every=5"),
    *("--evaluation.samples=40", "--evaluation.shown=6", "--checkpoint-every=5"),
]
COLLAPSED = ["--watch.every=2", "--watch.patience=4", "--watch.spread=1e9"]
"""Every generator is said to have collapsed, first after update 8."""
DIVERGING = ["--optimization.generator=1e30"]


def train(folder, *words):
    return main([*TINY, "--out", str(folder), *words])


def replay(folder, capsys, code=0):
    assert main(["replay", str(folder), *(["--json"] if code == 0 else [])]) == code
    return capsys.readouterr()


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory):
    """A run that says so, and goes on."""
    folder = tmp_path_factory.mktemp("collapsed") / "run"
    assert train(folder, *COLLAPSED) == 0
    return Run.open(folder)


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """A run with a dial that goes back twice and then ends, and what it said."""
    folder = tmp_path_factory.mktemp("diverged") / "run"
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        assert train(folder, "--realism=0.9", "--watch.rollbacks=2", *DIVERGING) == 1
    return Run(folder), out.getvalue(), err.getvalue()


@pytest.fixture
def bundle(collapsed, tmp_path):
    """A copy of its bundle."""
    (folder,) = collapsed.inside("incidents").iterdir()
    return shutil.copytree(folder, tmp_path / "bundle")


def content(bundle, **changes):
    """Give a bundle another content, and sums that are right."""
    from alpha_bridge.files.manifest import write_manifest

    path = bundle / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    (bundle / MANIFEST).unlink()
    write_manifest(bundle)


# What is written


def test_a_run_keeps_its_incidents_and_goes_on(collapsed):
    (incident,) = collapsed.incidents
    assert (incident["step"], incident["began"], incident["kind"]) == (8, 4, "collapse")
    assert incident["answer"] == "say"
    assert incident["bundle"] == "incidents/step-00000008-collapse"
    assert collapsed.records[-1]["step"] == 20


def test_the_page_shows_incidents(collapsed):
    page = write_report(collapsed).read_text()
    assert "the generator has collapsed: for 4 updates" in page
    assert "incidents/step-00000008-collapse" in page


def test_a_damaged_line_of_the_incidents_is_named(collapsed, tmp_path):
    run = Run(shutil.copytree(collapsed.folder, tmp_path / "run"))
    run.incidents_path.write_bytes(b'{"step": 3}\n')
    with pytest.raises(ValueError, match=r"line 1 of .* is damaged \(it has no kind\)"):
        _ = run.incidents


@pytest.mark.slow
def test_no_more_bundles_are_kept_than_asked_for(tmp_path):
    assert train(tmp_path / "run", *COLLAPSED, "--watch.bundles=0") == 0
    (incident,) = Run(tmp_path / "run").incidents
    assert incident["bundle"] is None
    assert not (tmp_path / "run" / "incidents").exists()


# The answers


@pytest.mark.slow
def test_stop_leaves_a_checkpoint_to_go_on_from(tmp_path, capsys):
    assert train(tmp_path / "run", *COLLAPSED, "--watch.answer=stop") == 1
    run = Run(tmp_path / "run")
    assert run.checkpoint_steps[-1] == 8
    assert "stopped after an incident, update 8: the generator" in capsys.readouterr().err
    assert main(["train", str(run.folder), "--resume", "--watch.spread=0"]) == 0
    assert run.records[-1]["step"] == 20


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        ("rates", dict.fromkeys(("generator", "encoder", "discriminator"), (1e-3, 2.5e-4))),
        pytest.param("alpha", {"path.end": (1.0, 1 / 11 * 1 / 11)}, marks=pytest.mark.slow),
    ],
)
def test_a_roll_back_is_recorded_as_a_change_and_resumed_with_it(tmp_path, capsys, change, changes):
    words = [*COLLAPSED, "--watch.answer=roll-back", "--watch.rollbacks=2"]
    assert train(tmp_path / "run", *words, f"--watch.change={change}") == 1
    run = Run(tmp_path / "run")
    made = {of.key.removeprefix("optimization."): (of.before, of.after) for of in _history(run)}
    assert made == {key: pytest.approx(values) for key, values in changes.items()}
    assert {of.step for of in _history(run)} == {4}
    assert [of["answer"] for of in run.incidents] == ["roll-back", "roll-back", "stop"]
    said = capsys.readouterr()
    assert "roll-back 2 of 2: training goes on from update 4" in said.out
    assert main(["train", str(run.folder), "--resume", "--watch.spread=0"]) == 0
    assert {of.key: of.after for of in _history(run)}.items() > {
        of.key: of.after for of in _history(run) if of.step == 4
    }.items()
    assert run.records[-1]["step"] == 20


def _history(run):
    return read_config(run.config_path).changes


@pytest.mark.slow
def test_what_is_recorded_after_the_checkpoint_of_a_roll_back_is_forgotten(tmp_path):
    words = [*COLLAPSED, "--watch.patience=6", "--watch.answer=roll-back", "--watch.rollbacks=1"]
    assert train(tmp_path / "run", *words, "--record-every=1", "--watch.spread=2") == 1
    run = Run(tmp_path / "run")
    assert [record["step"] for record in run.records] == [*range(1, 11)]
    assert 10 in run.checkpoint_steps


def test_divergence_goes_back_to_the_beginning_where_there_is_no_checkpoint(tmp_path, capsys):
    words = ["--watch.answer=roll-back", "--watch.rollbacks=1", *DIVERGING, "--path.ml=0.9"]
    words += ["--path.transfer=0.05", "--path.adversarial=0.05", "--checkpoint-every=100"]
    assert train(tmp_path / "run", *words) == 1
    said = capsys.readouterr()
    assert "roll-back 1 of 1: training goes on from the beginning" in said.out
    assert "diverged by update" in said.err
    assert Run(tmp_path / "run").config["optimization"]["generator"] == 5e29


@pytest.mark.slow
def test_a_run_with_a_dial_goes_on_from_divergence_with_half_its_rates(diverged):
    run, out, err = diverged
    assert [of["answer"] for of in run.incidents] == ["roll-back", "roll-back", "end"]
    assert run.config["optimization"]["generator"] == 2.5e29
    assert "training goes back" in out
    assert "training ends" in out
    assert "diverged by update" in err


@pytest.mark.slow
def test_stacked_trials_go_back_together_and_each_has_its_incidents(tmp_path):
    words = [*COLLAPSED, "--trials=2", "--watch.answer=roll-back", "--watch.rollbacks=1"]
    assert train(tmp_path / "run", *words) == 1
    run, first = Run(tmp_path / "run"), Run(tmp_path / "run" / "trial-0")
    assert [of["trial"] for of in run.incidents] == [0, 0]
    above = [of | {"bundle": of["bundle"].removeprefix("../")} for of in first.incidents]
    assert above == run.incidents
    assert all((first.folder / of["bundle"]).is_dir() for of in first.incidents)
    assert {of.step for of in _history(first)} == {4}


@pytest.mark.slow
def test_each_stacked_trial_has_its_own_incident_and_the_bundle_of_all(tmp_path):
    assert train(tmp_path / "run", *COLLAPSED, "--trials=2") == 0
    run = Run(tmp_path / "run")
    assert [of["trial"] for of in run.incidents] == [0, 1]
    for trial in range(2):
        (own,) = Run(run.folder / f"trial-{trial}").incidents
        assert own["trial"] == trial
        assert own["bundle"] == f"../{run.incidents[0]['bundle']}"


@pytest.mark.slow
def test_every_roll_back_leaves_a_bundle_of_its_own(diverged):
    run, _, _ = diverged
    bundles = [of["bundle"] for of in run.incidents]
    assert len({*bundles}) == 3
    rates = [
        json.loads((run.folder / of / "bundle.json").read_text())["config"]["optimization"]
        for of in bundles
    ]
    assert [of["generator"] for of in rates] == [1e30, 5e29, 2.5e29]


@pytest.mark.slow
def test_an_error_after_roll_backs_says_how_to_have_more(tmp_path, capsys):
    words = ["--realism=0.9", "--watch.rollbacks=1", *DIVERGING]
    assert train(tmp_path / "run", *words) == 1
    assert "--watch.rollbacks 4" in capsys.readouterr().err


@pytest.mark.slow
def test_roll_backs_are_counted_where_they_cannot_be_written(tmp_path, monkeypatch, capsys):
    def full(self, _):
        raise NotWritten("cannot write") from OSError(errno.ENOSPC, str(self.incidents_path))

    monkeypatch.setattr(Run, "append_incident", full)
    words = ["--realism=0.9", "--watch.rollbacks=2", *DIVERGING]
    assert train(tmp_path / "run", *words) == 1
    assert "roll-back 2 of 2" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_is_killed_as_it_goes_back_has_its_change(tmp_path, monkeypatch, capsys):
    words = [*COLLAPSED, "--watch.answer=roll-back", "--watch.rollbacks=1"]
    before = TrialRuns.go_back

    def killed(self, step, times):
        before(self, step, times)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TrialRuns, "go_back", killed)
        assert train(tmp_path / "run", *words) != 0
    run = Run(tmp_path / "run")
    assert run.config["optimization"]["generator"] == 5e-4
    capsys.readouterr()
    assert main(["train", str(run.folder), "--resume", "--watch.spread=0"]) == 0
    assert run.config["optimization"]["generator"] == 5e-4
    assert "roll-back" not in capsys.readouterr().out


def test_a_run_that_is_stopped_while_its_networks_are_not_finite_says_so(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(StopOnSignal, "wants_to_stop", lambda _: True)
    words = ["--realism=0.9", "--optimization.generator=1e39", "--watch.every=100"]
    words += ["--path.ml=0.9", "--path.transfer=0.05", "--path.adversarial=0.05"]
    assert train(tmp_path / "run", *words) == 1
    said = capsys.readouterr()
    assert "diverged by update 1: " in said.err
    assert "training ends" in said.out
    (incident,) = Run(tmp_path / "run").incidents
    assert (incident["step"], incident["answer"]) == (1, "end")
    assert (tmp_path / "run" / incident["bundle"]).is_dir()


# What is repeated


def test_a_replay_gives_every_number_again(bundle, capsys):
    found = json.loads(replay(bundle, capsys).out)
    assert found["repeats"] is found["equal"] is True
    assert found["before"] == found["now"]
    assert {"loss/generator", "watch/spread"} <= {*found["now"]}
    assert found["notes"] == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        *(
            pytest.param([word], marks=pytest.mark.slow)
            for word in (
                "--trials=2",
                "--gamma.kind=optimal",
                "--model.noise-course=measured",
                "--optimization.discriminator-steps=2",
            )
        ),
    ],
)
def test_a_divergence_repeats(tmp_path, capsys, words):
    assert train(tmp_path / "run", *DIVERGING, *words) == 1
    assert "diverged by update" in capsys.readouterr().err
    (folder,) = (tmp_path / "run" / "incidents").iterdir()
    replayed = commands.replay(folder)
    assert replayed.repeats
    assert replayed.equal
    assert "not finite" in replayed.incident


def test_a_replay_is_printed_as_a_table(bundle, capsys):
    assert main(["replay", str(bundle)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "it repeats; every number is the same to the last digit" in out


def test_what_a_replay_does_not_repeat_is_said(bundle):
    content(bundle, watch=json.loads((bundle / "bundle.json").read_text())["watch"] | {"spread": 0})
    assert not commands.replay(bundle).repeats


def test_an_error_of_the_update_is_not_the_bundles(bundle, monkeypatch):
    def fail(*_):
        raise RuntimeError("the update fails")

    monkeypatch.setattr(Updates, "__call__", fail)
    with pytest.raises(RuntimeError, match=r"^the update fails$"):
        commands.replay(bundle)


# Bundles that are of no use


def test_a_loss_of_features_is_refused(bundle, capsys):
    config = json.loads((bundle / "bundle.json").read_text())["config"]
    content(bundle, config={**config, "objective": {"features": "rotations"}})
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert f"{bundle} is of a run with --objective.features rotations, and a bundle has no" in line


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        (None, "has no event_shape, which training writes: restore it from a copy"),
        ([7, 7], "has [7, 7] for event_shape, and a sample has a number of features, or"),
        ([0], "has [0] for event_shape, and"),
    ],
)
def test_a_shape_that_no_training_wrote_is_refused(bundle, capsys, shape, part):
    config = json.loads((bundle / "bundle.json").read_text())["config"]
    content(bundle, config=config | {"event_shape": shape})
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert f"{bundle}/bundle.json {part}" in line


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("model", {"latent": 7}, "has a config whose networks are not those of the bundle's"),
        ("objective", {"kind": "joint"}, "has a config whose networks are not those of"),
        (
            "optimization",
            {"discriminator_steps": 3},
            "has 3 for config.optimization.discriminator_steps and 'collapse' for incident.kind, "
            "so that draws.safetensors would have 4 draws of data and noise, and it has 2",
        ),
    ],
)
def test_a_config_that_is_not_that_of_the_tensors_is_refused(bundle, capsys, key, value, part):
    config = json.loads((bundle / "bundle.json").read_text())["config"]
    content(bundle, config=config | {key: config[key] | value})
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert f"{bundle}/bundle.json {part}" in line
    assert line.endswith(": restore the bundle from a copy")


@pytest.mark.parametrize("by", [version("alpha_bridge"), "0.0.1"])
@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"config": {"wings": 2}}, "config that this version cannot train with (unknown key 'wi"),
        ({"config": {"watch": [1]}}, "config that this version cannot train with (watch: must be"),
        ({"watch": [1]}, "watch that this version cannot train with (watch: must be a dict"),
        ({"watch": {"foo": 1}}, "watch that this version cannot train with (unknown key 'watch.f"),
        ({"watch": {"spread": None}}, "watch that this version cannot train with (watch.spread: "),
    ],
)
def test_settings_of_another_version_are_refused_by_their_key(bundle, capsys, by, changes, part):
    known = json.loads((bundle / "bundle.json").read_text())["versions"]
    content(bundle, **changes, versions=known | {"alpha_bridge": by})
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert f"{bundle}/bundle.json has settings for {part}" in line
    own = by == version("alpha_bridge")
    assert line.endswith("restore it from a copy" if own else "replay it with alpha_bridge 0.0.1")


@pytest.mark.parametrize("name", ["alpha_bridge", "torch"])
def test_another_version_is_said_and_replayed(bundle, capsys, name):
    known = json.loads((bundle / "bundle.json").read_text())["versions"]
    content(bundle, versions=known | {name: "0.0.1"})
    (note,) = json.loads(replay(bundle, capsys).out)["notes"]
    assert note.startswith(f"the bundle was written with {name} 0.0.1, this is ")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"format": 2}, "is a bundle of format 2, this version reads format 1: replay it with"),
        ({"dtype": "float8"}, "bundle.json has 'float8' for dtype, which this version does not"),
        ({"dtype": ["float32"]}, "bundle.json has ['float32'] for dtype, which this version"),
        ({"dtype": "float64"}, "(draws.safetensors has no draws of float64): restore the bundle"),
    ],
)
def test_a_content_of_another_version_is_refused(bundle, capsys, changes, part):
    content(bundle, **changes)
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert part in line


def of_incident(**changes):
    return {"incident": {"kind": "collapse", "step": 8, "what": "so", "trial": None} | changes}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"incident": "none"}, "'none' for incident"),
        ({"incident": {}}, "None for kind"),
        (of_incident(kind="bogus"), "'bogus' for kind"),
        (of_incident(kind=["collapse"]), "['collapse'] for kind"),
        (of_incident(step="8"), "'8' for step"),
        (of_incident(what=None), "None for what"),
        (of_incident(trial=-1), "-1 for trial"),
        ({"numbers": {"a": "b"}}, "{'a': 'b'} for numbers"),
        ({"numbers": {"a": [None, True]}}, "{'a': [None, True]} for numbers"),
        ({"alpha": 1.5}, "1.5 for alpha"),
        ({"steps": -1}, "-1 for steps"),
        ({"seed": -1}, "-1 for seed"),
        ({"processes": 0}, "0 for processes"),
        ({"versions": {}}, "{} for versions"),
        ({"versions": {"alpha_bridge": 1}}, "{'alpha_bridge': 1} for versions"),
        ({"config": "none"}, "'none' for config"),
    ],
)
def test_what_a_content_says_and_no_version_would_is_refused(bundle, capsys, changes, part):
    content(bundle, **changes)
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert f"bundle.json has {part}, which this version does not know: it is a bundle of" in line
    assert "another version, to be replayed with that, or damaged, to be restored" in line


@pytest.mark.parametrize("file", ["draws.safetensors", "model.safetensors", "manifest.json"])
def test_a_damaged_bundle_is_refused_by_the_name_of_its_file(bundle, capsys, file):
    (bundle / file).write_bytes(b"{}")
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert file in line
    assert line.endswith("restore the bundle from a copy")


def test_the_draws_of_another_kind_of_incident_are_refused(bundle, capsys):
    content(bundle, **of_incident(kind="few-samples"))
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert "'few-samples' for incident.kind, so that draws.safetensors would have 1" in line


@pytest.mark.parametrize("file", ["manifest.json", "average.safetensors"])
def test_a_bundle_that_lacks_a_file_is_no_checkpoint(bundle, capsys, file):
    (bundle / file).unlink()
    (line,) = replay(bundle, capsys, code=2).err.splitlines()
    assert f"{bundle} is no whole bundle (" in line
    assert "checkpoint" not in line
    assert file in line
    assert line.endswith("): restore the bundle from a copy")


def test_another_folder_is_refused(collapsed, tmp_path, capsys):
    for folder in (collapsed.folder, collapsed.checkpoint_folder(20)):
        (line,) = replay(folder, capsys, code=2).err.splitlines()
        assert f"{folder} is no bundle: it has no bundle.json" in line
    (line,) = replay(tmp_path / "none", capsys, code=2).err.splitlines()
    assert f"{tmp_path}/none does not exist: give a folder of incidents/" in line
