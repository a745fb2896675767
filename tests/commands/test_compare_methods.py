"""Methods on the same data by the command line: what is trained, kept, gone on with and shown."""

import json
import re

import numpy as np
import pytest

from alpha_bridge.cli import main
from alpha_bridge.cli.parsing import parse
from alpha_bridge.errors import Diverged, Interrupted
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.decided import decide
from alpha_bridge.recipe.soundness import require_sound
from alpha_bridge.runs import method_training
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.method_runs import configurations
from experiments.bridge_vae import ARCHITECTURES
from tests.saving import at_a_glance

TINY = ["--steps", "20", "--batch-size", "8", "--model.hidden", "8", "--evaluation.samples", "50"]
ASKED = ["compare", "ring8", "--methods", "ml,naive", *TINY]
METRIC = "modes/3std/50"


@pytest.fixture
def trained(monkeypatch):
    """The names of runs that are trained, in a moment, and errors of theirs by name."""
    names, errors = [], {}

    def train_run(config, folder, *_):
        names.append(folder.name)
        if folder.name in errors:
            raise errors[folder.name]
        value = 8.0 if config.method == "ml" else 2.0 + config.seed
        run = Run.create(folder, config.model_dump(mode="json"))
        run.append({"step": config.steps, "phase": "ml", METRIC: value})
        at_a_glance(run, config.steps)

    monkeypatch.setattr(method_training, "train_run", train_run)
    return names, errors


@pytest.fixture
def asked(tmp_path):
    """The words of a comparison with two seeds."""
    return [*ASKED, "--trials", "2", "--out", str(tmp_path / "out")]


def record_of(asked):
    with open(f"{asked[-1]}/comparison.json", encoding="utf-8") as file:  # noqa: PTH123
        return json.load(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A comparison of two methods that were trained, with a seed each."""
    out = tmp_path_factory.mktemp("comparison") / "out"
    assert main([*ASKED, "--trials", "1", "--out", str(out)]) == 0
    return out


def test_each_method_leaves_a_run(folder):
    runs = {path.name: Run(path) for path in folder.iterdir() if path.is_dir()}
    assert sorted(runs) == ["ml-seed-0", "naive-seed-0"]
    assert all(run.records[-1]["step"] == 20 for run in runs.values())


def test_the_record_has_every_metric_of_every_run(folder):
    metrics = json.loads((folder / "comparison.json").read_text("utf-8"))["metrics"]
    for method in ("ml", "naive"):
        last = Run(folder / f"{method}-seed-0").records[-1]
        values = {
            name: of["methods"][method]["values"]
            for name, of in metrics.items()
            if method in of["methods"]
        }
        assert METRIC in values and values == {name: [last[name]] for name in values}


def test_the_page_loads_nothing_and_names_what_methods_change(folder):
    page = (folder / "comparison.html").read_text("utf-8")
    own = re.sub('src="data:[^"]*"', "", page)
    assert not re.search(r"src=|href=|url\(|@import", own)
    assert "path.ml" in own and "maximum likelihood by the evidence lower bound" in own


def test_methods_share_everything_that_does_not_make_them():
    one, other = (of[1] for of in configurations(Config(trials=2), ["ml", "naive"]).values())
    own = {"path": one.path, "method": one.method}
    assert other.model_copy(update=own) == one


@pytest.mark.usefixtures("trained")
def test_means_spreads_and_what_seeds_do_not_explain(asked, capsys):
    assert main([*asked, "--trials", "3"]) == 0
    of = record_of(asked)["metrics"][METRIC]["methods"]["naive"]
    assert of == {"mean": 3.0, "deviation": 1.0, "values": [2.0, 3.0, 4.0]}
    printed = " ".join(capsys.readouterr().out.split())
    assert "Modes (3std, 50): ml better than naive" in printed and "of 3 seeds" in printed


def test_what_has_ended_is_not_trained_again_and_methods_and_seeds_are_added(asked, trained):
    names, _ = trained
    assert main(asked) == 0
    names.clear()
    more = [word.replace("ml,naive", "ml,naive,rkl-gp") for word in asked]
    assert main([*more, "--trials", "3"]) == 0
    assert names == ["rkl-gp-seed-0", "rkl-gp-seed-1", "ml-seed-2", "naive-seed-2", "rkl-gp-seed-2"]


def test_a_comparison_that_was_stopped_goes_on(asked, trained, capsys):
    names, errors = trained
    errors["naive-seed-0"] = Interrupted("SIGTERM: stopped")
    assert main(asked) == 1
    assert "the same command goes on with the comparison" in capsys.readouterr().err
    errors.clear()
    names.clear()
    assert main(asked) == 0
    assert names == ["naive-seed-0", "ml-seed-1", "naive-seed-1"]


def test_a_run_that_diverges_counts_as_failed_and_stops_nothing(asked, trained, capsys):
    names, errors = trained
    errors["naive-seed-0"] = Diverged("a parameter is NaN")
    assert main(asked) == 0 and len(names) == 4
    assert "naive-seed-0 failed: a parameter is NaN" in capsys.readouterr().out
    names.clear()
    assert main(asked) == 0 and not names


@pytest.mark.usefixtures("trained")
def test_other_settings_are_refused_in_the_same_folder(asked, capsys):
    assert main(asked) == 0
    assert main([*asked, "--steps", "22"]) == 2
    assert "other settings (steps: 20 and 22): give those again" in capsys.readouterr().err


def test_three_trials_are_the_default():
    request = parse(["compare", "digits", "--methods", "ml", "naive"])
    assert request.arguments["config"].trials == 3
    assert request.arguments["methods"] == ["ml", "naive"]


def test_a_dial_is_for_the_methods_that_follow_it():
    names = ["alpha-bridge", "hinge-bridge", "ml"]
    words = ["compare", "my/photos", "--methods", ",".join(names), "--realism", "0.2"]
    found = configurations(parse(words).arguments["config"], names)
    for (config, *_), realism in zip(found.values(), (0.2, 0.2, 0.9), strict=True):
        require_sound(config)
        assert config.realism == realism


def test_a_dial_that_no_method_follows_is_refused(capsys, tmp_path):
    names = ["compare", "ring8", "--realism", "0.5", "--out", str(tmp_path / "out")]
    assert main([*names, "--methods", "ml"]) == 2
    assert "realism, got 0.5, has no effect on ml, where α stays at 0: " in capsys.readouterr().err
    assert main([*names, "--methods", "vqgan-fixed,ml", "--from", "a/vae"]) == 2
    said = capsys.readouterr().err
    assert "no effect on vqgan-fixed, where the adversarial loss has a weight" in said
    assert "and on ml, where α stays at 0: leave it out, or compare them with" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("trained")
def test_methods_that_do_not_follow_a_dial_are_named(capsys, tmp_path):
    words = [*TINY, "--realism", "0.5", "--trials", "1", "--out", str(tmp_path / "out")]
    assert main(["compare", "ring8", "--methods", "alpha-bridge,ml", *words]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "realism, got 0.5, has no effect on ml, where α stays at 0" in printed


def test_with_methods_for_autoencoders_all_methods_reconstruct():
    config = parse(["compare", "digits", "--methods", "vqgan-fixed,ml"]).arguments["config"]
    both = configurations(config, ["vqgan-fixed", "ml"])
    assert all(of.objective.reconstructs for configs in both.values() for of in configs)


@pytest.mark.slow
def test_ways_to_sharpen_an_autoencoder_are_compared_in_one_command(tmp_path):
    from diffusers import AutoencoderKL

    vae, out = str(tmp_path / "vae"), tmp_path / "out"
    AutoencoderKL.from_config(ARCHITECTURES["diffusers"](1, 8)).save_pretrained(vae)
    bridges, recipes = ["alpha-bridge", "hinge-bridge"], ["vqgan-adaptive", "vqgan-fixed"]
    ways = [*bridges, *recipes, "ml"]
    asked = ["compare", "digits", "--methods", ",".join(ways), "--from", vae, "--realism", "0.8"]
    small = ["--model.width", "4", "--model.halvings", "1", "--trials", "1"]
    asked += [*TINY, *small, "--out", str(out)]
    assert main(asked) == 0
    metrics = record_of(asked)["metrics"]
    (psnr,) = (name for name in metrics if name.startswith("psnr/"))
    assert [*metrics[psnr]["methods"]] == ways
    assert "PSNR" in (out / "comparison.html").read_text("utf-8")
    for way in ways:
        run = Run(out / f"{way}-seed-0").config
        assert run["init"] == vae
        assert run["objective"]["kind"] == ("vqgan" if way in recipes else "reconstruction")
        assert run["realism"] == (0.8 if way in bridges else 0.9)


def test_the_steps_that_are_decided_are_the_same_for_all_methods(tmp_path):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(60, 3)))
    words = ["compare", str(tmp_path / "points.npy"), "--methods", "alpha-bridge,naive"]
    both = configurations(parse(words).arguments["config"], ["alpha-bridge", "naive"])
    paths = [decide(of, (3,), 60).path for of, *_ in both.values()]
    assert paths[0].ml == paths[1].ml == 0.06 != Config().path.ml


@pytest.mark.slow
def test_two_jobs_give_the_numbers_of_one(folder, tmp_path):
    assert main([*ASKED, "--trials", "1", "--jobs", "2", "--out", str(tmp_path / "out")]) == 0
    for name in ("ml-seed-0", "naive-seed-0"):
        one, other = (Run(place / name).records for place in (folder, tmp_path / "out"))
        assert [{**of, "seconds": 0} for of in one] == [{**of, "seconds": 0} for of in other]
