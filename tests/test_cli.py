"""The command line as a user meets it: words in, one line or one object out, an exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from alpha_bridge import __version__
from alpha_bridge.cli import main
from alpha_bridge.cli.parsing import COMMANDS, parse
from alpha_bridge.cli.results import comparison
from alpha_bridge.commands.train import Trained
from alpha_bridge.files import LOCK
from alpha_bridge.metrics import definition
from alpha_bridge.recipe import changed, differences, resumed
from alpha_bridge.recipe.decided import RULES, decide, described
from alpha_bridge.recipe.methods import undialled
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.recipe.soundness import require_sound
from alpha_bridge.runs.folder import Run

SMALL = [
    "--batch-size=8",
    "--steps=20",
    "--path.ml=0.05",
    "--path.transfer=0.15",
    "--path.adversarial=0.8",
    "--model.noise=0.6",
    "--model.hidden",
    "8",
    "--model.latent=2",
    "--model.width=4",
    "--evaluation.samples=40",
    "--evaluation.shown=6",
]
TINY = ["train", "gaussians25", *SMALL]
DIGITS = ["train", "digits", *SMALL]


def save_images(folder, count, size=8):
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (size, size), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.png")


@pytest.fixture(scope="module")
def data(tmp_path_factory, pages_without_figures):  # noqa: ARG001
    """A folder with data of every kind, and one run."""
    folder = tmp_path_factory.mktemp("cli")
    save_images(folder / "images", 30)
    save_images(folder / "corrupt", 10)
    (folder / "corrupt" / "005.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (folder / "empty").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "mine.txt").write_text("keep me")
    (folder / "file").write_text("keep me")
    vectors = np.random.default_rng(0).normal(size=(50, 2))
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "line.npy", vectors[:, 0])
    np.save(folder / "two.npy", vectors[:2])
    for name, value in (("nan", np.nan), ("infinite", np.inf)):
        np.save(folder / f"{name}.npy", np.where(np.arange(50)[:, None] == 7, value, vectors))
    (folder / "truncated.npy").write_bytes((folder / "vectors.npy").read_bytes()[:150])
    for name, text in (
        ("broken", "{nope"),
        ("list", "[]"),
        ("unknown", '{"stepz": 3}'),
        ("nested", '{"model": {"noize": 1}}'),
        ("type", '{"steps": "ten"}'),
        ("range", '{"steps": 20, "model": {"noise": 0}}'),
        ("alpha", '{"path": {"start": 2}}'),
    ):
        (folder / f"{name}.json").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*TINY, "--out", "run"]) == 0
        assert main([*DIGITS, "--data", "images", "--out", "image-run"]) == 0
        yield folder


@pytest.fixture(autouse=True)
def place(data, monkeypatch):
    monkeypatch.chdir(data)


def contents(folder):
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file() and path.name != LOCK
    }


def refused(words, capsys, folder):
    """The line that ``words`` are refused with, when nothing on disk has changed."""
    capsys.readouterr()
    before = contents(folder)
    code = main(words)
    said = capsys.readouterr()
    assert code == 2, said.err
    assert contents(folder) == before
    assert not (folder / "runs").exists()
    (line,) = said.err.splitlines()
    assert line.startswith("alpha-bridge: ")
    assert "Traceback" not in said.out
    return line.removeprefix("alpha-bridge: ")


def case(words, *parts):
    return pytest.param(words, parts, id=" ".join(words[-2:]).replace("/", "|") or "nothing")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        # which command, which preset, which file
        case(
            ["frob"],
            "there is no command 'frob': give one of train, sample, impute, reconstruct, "
            "translate, edit, missed, ratio, outliers, compare, evaluate, report, replay, "
            "frontier, export, push, restore, verify, runs, overview, doctor, studio",
        ),
        case(["--frob"], "no command '--frob'"),
        case(["train"], "needs data, a preset or a file first", ", ".join(PRESETS)),
        case(["train", "--data", "my images"], "such as alpha-bridge train 'my images'"),
        case(["train", "gausians25"], "'gausians25'", "did you mean gaussians25?"),
        case(["train", "imagenet"], "'imagenet'", "give one of gaussians25, ring8"),
        case(["train", "my/images"], "no folder 'my/images' here", "no network"),
        case(["train", "./images/of/mine"], "'./images/of/mine' does not exist"),
        case(["train", "missing.npy"], "'missing.npy' does not exist"),
        case(["train", "file"], "file' is no folder", "--data"),
        case(["train", "missing.json"], "no preset, folder or file 'missing.json'"),
        case(["train", "run"], "run is a run", "alpha-bridge train ./run --resume", "config.json"),
        case(["train", "missing", "--resume"], "missing is not a run"),
        case(["train", "full", "--resume"], "runs/full-seed-0 is not a run"),
        case(["train", "broken.json"], "broken.json is damaged", "mend it"),
        case(["train", "list.json"], "list.json is damaged (it is no JSON object)"),
        case(["train", "unknown.json"], "unknown key 'stepz'", "did you mean 'steps'"),
        case(["train", "--config", "unknown.json"], "unknown key 'stepz'"),
        case(["train", "--config=nested.json"], "'model.noize'", "did you mean 'model.noise'"),
        case(["train", "type.json"], "type.json: steps: ", "'ten'"),
        case(["train", "range.json"], "noise must be positive and finite, got 0.0"),
        case(["train", "alpha.json"], "alpha.json: path.start must", "got 2"),
        case(["train", "--config"], "--config needs a file"),
        case(["train", "ring8", "--prior", "spirals"], "prior=spirals", "--objective marginal"),
        case(
            ["train", "digits", "--objective=marginal", "--from", "vae"],
            "is not bridged with the objective marginal",
        ),
        case(["train", "ring8", "--objective", "pairs"], "--objective"),
        case(["translate", "run", "--images", "images"], "no second domain", "--prior DATA"),
        case(["train", "--config", "--seed"], "--config needs a file"),
        case(["train", "digits", "--config", "range.json"], "not both", "digits", "range.json"),
        # unknown options and words
        case([*TINY, "--stepz", "3"], "unknown option --stepz", "did you mean --steps?"),
        case([*TINY, "--model.noize=1"], "--model.noize=1", "did you mean --model.noise?"),
        case([*TINY, "--lr=1e-4"], "--lr=1e-4: here it is --optimization.generator, "),
        case([*TINY, "--epochs", "9"], "--epochs: here it is --steps, the number of updates"),
        case([*TINY, "--num_workers", "9"], "--num_workers: leave it out"),
        case([*TINY, "--device", "cpu"], "--device: leave it out", "CUDA_VISIBLE_DEVICES"),
        case(["sample", "run", "--device", "cpu"], "--device: leave it out"),
        case(["sample", "run", "--output", "x"], "--output: here it is --out"),
        case(["sample", "run", "--lr", "1"], "--lr: see --help"),
        case(["sample", "run", "--sead", "1"], "--sead: did you mean --seed?"),
        case([*TINY, "more"], "unknown option more"),
        case([*TINY, "--steps"], "--steps"),
        case([*TINY, "--steps", "ten"], "--steps", "'ten' is not a whole number"),
        case([*TINY, "--gamma.c", "ten"], "--gamma.c", "'ten'"),
        case([*TINY, "--gamma.kind", "step"], "'step'", "--gamma.kind", "'sigmoid'"),
        case([*TINY, "--precision", "fp8"], "'fp8'", "'bf16'"),
        # ranges: one of each kind, as tests/recipe/test_config.py has those of every setting
        case([*TINY, "--model.noise", "nan"], "noise must be positive and finite, got nan"),
        case([*TINY, "--path.ml", "0.5"], "path: the shares", "= 1.45", "add up to 1"),
        case([*TINY, "--steps", "0"], "steps must", "got 0"),
        case([*TINY, "--steps", "1"], "1 steps leave a share", "give more steps"),
        case([*TINY, "--seed", str(2**64)], "seed must lie in", str(2**64)),
        case([*TINY, "--optimization.beta1", "1"], "beta1 must lie in [0, 1)", "got 1.0"),
        case([*TINY, "--model.hidden"], "model.hidden must", "at least 1"),
        case([*TINY, "--model.hidden", "0"], "model.hidden.0 must", "got 0"),
        # data
        case([*TINY, "--realism", "1.5"], "realism", "[0, 1]", "1.5"),
        case([*TINY, "--data", "vectors.npy", "--batch-size=46"], "batch_size 46", "45 samples"),
        case([*TINY, "--data", "two.npy", "--batch-size=1"], "training samples", "got 1"),
        case([*TINY, "--data", "nan.npy"], "NaN or infinity", "repair"),
        case([*TINY, "--data", "infinite.npy"], "NaN or infinity", "repair"),
        case([*TINY, "--data", "line.npy"], "shape (50,)", "(N, D)"),
        case([*TINY, "--data", "truncated.npy"], "truncated.npy'", "numpy.save"),
        case([*TINY, "--data", "missing.npy"], "'missing.npy' does not exist"),
        case([*TINY, "--data", "missing/images/here"], "'missing/images/here' does not exist"),
        case([*TINY, "--data", "someone/something"], "'someone/something'", "no network", "--data"),
        case([*TINY, "--data", "file"], "file' is no folder", "--data"),
        case([*DIGITS, "--data", "empty"], "empty", "give a folder of images"),
        case([*DIGITS, "--data", "corrupt"], "005.png", "repair"),
        case([*DIGITS, "--data", "images", "--images.size=9"], "9 pixels", "--images.size 32"),
        case([*DIGITS, "--data", "images", "--images.size", "0"], "at least 1, got 0"),
        case([*DIGITS, "--data", "images", "--images.channels", "2"], "1 (grey) or 3", "got 2"),
        case([*DIGITS, "--data", "images", "--images.label-column=x"], "no column 'x'"),
        case([*TINY, "--data", "vectors.npy", "--images.size=8"], "vectors.npy", "--images.size"),
        case([*TINY, "--images.size", "8"], "gaussians25", "--images.size", "leave it out"),
        case([*DIGITS, "--mixture.side", "2"], "digits", "--mixture.side", "leave it out"),
        case(["train", "mnist"], "'ylecun/mnist'", "no network", "--data PATH"),
        # folders
        case([*TINY, "--out", "run"], "run is not empty", "--resume", "--out"),
        case([*TINY, "--out", "full"], "full is not empty", "--out"),
        case([*TINY, "--out", "file"], "file is not empty", "--out"),
        case([*TINY, "--out", "file/run"], "cannot write file/run", "choose another place"),
        case([*TINY, "--out", "missing", "--resume"], "missing is not a run", "--out"),
        case([*TINY, "--out", "full", "--resume"], "full is not a run", "--out"),
        case(
            [*TINY, "--out", "run", "--resume", "--model.noise", "0.5"],
            "another configuration (model.noise: 0.6 and 0.5)",
            "alpha-bridge train ./run --resume",
        ),
        # the other commands
        case(["runs", "missing"], "there is no folder missing", "alpha-bridge train digits"),
        case(["overview", "missing"], "there is no folder missing"),
        case(["sample"], "Missing", "PATH"),
        case(["sample", "missing"], "missing is not a run", "--out"),
        case(["sample", "full"], "full is not a run"),
        case(["sample", "file"], "file is not a run"),
        case(["sample", "run", "-n", "0"], "count must be at least 1, got 0"),
        case(["sample", "run", "-n", "many"], "-n", "'many' is not a whole number"),
        case(["sample", "run", "--seed", "-1"], "seed must be at least 0, got -1"),
        case(["sample", "run", "--step", "7"], "after update 7", "it has 1, 4, 20"),
        case(["sample", "run", "--out", "vectors.npy"], "vectors.npy exists", "--out"),
        case(["sample", "run", "--out", "new.png"], "vectors, not images", "new.png"),
        case(
            ["sample", "run", "--out", "file/new.npy"],
            "cannot write file/new.npy",
            "choose another place",
        ),
        case(["sample", "image-run", "--out", "new.gif"], ".png or .npy", "new.gif"),
        case(["reconstruct", "run"], "no rows of a table: give --images"),
        case(["reconstruct", "missing", "--images", "images"], "missing is not a run"),
        case(["reconstruct", "run", "--images", "images"], "takes vectors", ".npy"),
        case(["reconstruct", "image-run", "--images", "vectors.npy"], "(2,)", "(1, 8, 8)"),
        case(["reconstruct", "image-run", "--images", "missing.png"], "missing.png does not exist"),
        case(["reconstruct", "image-run", "--images", "empty"], "is empty: give a folder"),
        case(["reconstruct", "image-run", "--images", "corrupt"], "005.png", "repair"),
        case(
            ["reconstruct", "image-run", "--images=images", "--out=images/000.png"],
            "images/000.png exists",
        ),
        case(["evaluate", "missing"], "missing is not a run"),
        case(["evaluate", "run", "--step", "7"], "after update 7"),
        case(["report", "missing"], "missing is not a run"),
    ],
)
def test_wrong_input_gets_one_line_that_names_it_and_the_way_out(words, parts, capsys, data):
    line = refused(words, capsys, data)
    for part in parts:
        assert part in line


def test_inception_that_is_not_installed_is_wrong_input(capsys, data):
    if find_spec("torch_fidelity"):
        pytest.skip("it is installed")
    line = refused([*DIGITS, "--evaluation.features", "inception"], capsys, data)
    assert "pip install 'alpha-bridge[inception]'" in line


@pytest.mark.skipif(not os.path.isdir("/proc/1"), reason="needs /proc")  # noqa: PTH112
def test_a_folder_that_cannot_be_made_is_wrong_input(capsys, data):
    line = refused([*TINY, "--out", "/proc/run"], capsys, data)
    assert "cannot write /proc/run" in line
    assert "choose another place" in line


def test_a_message_is_the_same_in_a_narrow_terminal_without_letters_beyond_ascii():
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "40"}
    done = subprocess.run(
        [sys.executable, "-m", "alpha_bridge", *TINY, "--steps", "ten"],
        capture_output=True,
        env=environment,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "alpha-bridge: Error parsing --steps: 'ten' is not a whole number\n"


# what is said when it works


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert not left.value.code
    assert capsys.readouterr().out == f"alpha-bridge {__version__}\n"


def test_without_a_command_it_says_what_can_be_done_here(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    for line in (
        "run: a run, finished, 20 of 20 updates\n    alpha-bridge sample run\n",
        "images: 30 images\n    alpha-bridge train images\n",
        "vectors.npy: an array\n    alpha-bridge train vectors.npy\n",
    ):
        assert line in said


def test_in_an_empty_folder_it_says_how_to_begin(capsys, data):
    assert main(["overview", str(data / "empty")]) == 0
    assert "alpha-bridge train digits" in capsys.readouterr().out


def test_runs_are_listed_for_a_person(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["runs", "."]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("image-run", "gaussians25", "finished", "20 of 20"))


def test_runs_are_listed_for_a_program(capsys):
    assert main(["runs", ".", "--json"]) == 0
    found = {run["folder"]: run for run in json.loads(capsys.readouterr().out)}
    assert set(found) == {"image-run", "run"}
    assert found["run"]["state"] == "finished"
    assert definition.parse(found["run"]["metric"]["metric"]).samples == 40


def test_a_sound_machine_passes_its_checks(capsys):
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["healthy"]
    assert {"Python", "torch", "device", "threads", "cache"} <= {
        check["name"] for check in found["checks"]
    }


@pytest.mark.parametrize("command", [*COMMANDS, "compare --methods=ml"])
def test_help_is_whole_sentences_in_plain_text(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--help"])
    assert not left.value.code
    text = capsys.readouterr().out
    assert f"alpha-bridge {command.split()[0]}" in text
    assert re.findall(r"\.\. \w+::|:\w+:`|``|\\", text) == []
    about, *boxes = re.split(r"\n [a-z ]+\n -{9,} *\n", text)
    # a command, a part of the configuration, an option
    ends = [" ".join(about.split())]
    for box in boxes:
        part, _, options = box.rpartition(" ---")
        ends += [" ".join(part.split())] if part else []
        ends += re.findall(r"(\S+) \((?:default: |required\))", " ".join(options.split()))
    assert [end[-60:] for end in ends if not end.endswith((".", ".)"))] == []
    assert len(ends) > 1


def test_help_of_training_names_shards_as_data(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert " ".join(capsys.readouterr().out.replace("│", " ").split()).count("shards of") >= 2


def test_help_of_a_preset_shows_its_own_values(capsys):
    with pytest.raises(SystemExit):
        main(["train", "cifar10", "--help"])
    assert f"(default: {PRESETS['cifar10'].steps})" in capsys.readouterr().out


def test_training_prints_a_table_to_a_person(tmp_path, capsys):
    assert main([*TINY, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for word in ("metric", "end of Step I", "modes/3std/40", "report.html"):
        assert word in said.out


def test_training_prints_one_object_to_a_program(tmp_path, capsys):
    assert main([*TINY, "--json", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    summary = json.loads(said.out)
    assert set(summary) == {
        *("run", "report", "seconds", "notes", "end_of_ml", "end", "spread", "best")
    }
    assert summary["run"] == str(tmp_path / "run")
    assert set(summary["end_of_ml"]) < set(summary["end"])
    for name in summary["end"]:
        assert definition.parse(name).samples > 0
    assert "update 20 of 20" in said.err


def test_evaluating_prints_a_table_or_one_object(capsys):
    assert main(["evaluate", "run"]) == 0
    table = capsys.readouterr().out
    assert main(["evaluate", "run", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics.keys() == set(filter(definition.is_metric, Run.open("run").records[-1]))
    assert all(name in table for name in metrics)


def test_a_number_that_json_does_not_know_is_null(tmp_path, capsys):
    words = [*TINY, "--mixture.std=1e-30", "--out", str(tmp_path / "run")]
    assert main([*words, "--json"]) == 0
    end = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["end"]
    assert end["inception_score/posterior/40"] is None
    assert main([*words, "--resume"]) == 0
    assert "nan" in capsys.readouterr().out


def test_files_are_named_on_standard_output(tmp_path, capsys):
    out = tmp_path / "new" / "samples.npy"
    assert main(["sample", "run", "-n", "5", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert np.load(out, allow_pickle=False).shape == (5, 2)


def test_brackets_in_a_path_are_printed_as_they_are(tmp_path, capsys):
    out = tmp_path / "[bold]a[/bold]" / "samples.npy"
    assert main(["sample", "run", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"


def test_reconstructing_names_the_file_and_the_error(tmp_path, capsys):
    out = tmp_path / "pairs.png"
    assert main(["reconstruct", "image-run", "--images", "images", "--out", str(out)]) == 0
    assert "mean squared error 0." in capsys.readouterr().out
    assert out.exists()


def test_a_report_is_written_again(capsys):
    assert main(["report", "run"]) == 0
    assert capsys.readouterr().out == "run/report.html\n"


def test_a_run_goes_by_default_to_a_folder_named_for_preset_and_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*TINY, "--seed", "3"]) == 0
    assert Run.open(tmp_path / "runs" / "gaussians25-seed-3").config["seed"] == 3


@pytest.mark.parametrize(
    "words",
    [
        ["run/config.json"],
        ["--config", "run/config.json"],
        ["--config=run/config.json"],
        ["--seed", "1", "--config", "run/config.json"],
    ],
)
def test_a_file_repeats_a_run_and_options_change_it(words):
    request = parse(["train", *words, "--steps", "25"])
    again = request.arguments["config"].model_dump(mode="json")
    assert again == Run.open("run").config | {"steps": 25, "seed": int("--seed" in words)}


def test_a_preset_may_have_settings_that_the_users_data_do_not_use(tmp_path):
    words = ["train", "mnist", *SMALL, "--data", "vectors.npy", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    assert Run.open(tmp_path / "run").config["images"]["size"] is None


@pytest.mark.slow
def test_data_alone_are_trained_on_and_the_run_works_from_anywhere(tmp_path, capsys, monkeypatch):
    save_images(tmp_path / "photos", 20, size=9)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "photos", *SMALL]) == 0
    said = capsys.readouterr().out
    assert "images become 8×8 grey: --images.size, --images.channels" in said
    run = Run.open(tmp_path / "runs" / "photos-seed-0")
    assert run.config["data"] == str(tmp_path / "photos")
    monkeypatch.chdir(run.folder)
    assert main(["evaluate", "."]) == 0
    # as the report says
    assert main(["train", "--config", "config.json", "--out", "../again"]) == 0


@pytest.mark.parametrize(
    ("words", "size"), [(["--data=images"], None), (["--data", "images", "--images.size=16"], 16)]
)
def test_the_size_of_a_preset_does_not_bind_other_data(words, size):
    config = parse(["train", "mnist", *words]).arguments["config"]
    assert (config.images.size, config.images.channels) == (size, None)


def config_of(*words):
    return parse(["train", *words]).arguments["config"]


def test_the_dial_puts_decisions_in_the_place_of_a_presets_values():
    config = config_of("digits", "--realism", "0.8", "--model.latent", "7", "--batch-size=9")
    assert (config.realism, config.gamma.kind) == (0.8, "realism")
    assert (config.model.latent, config.batch_size, config.data) == (7, 9, "digits")
    assert {*config.decided} == {*RULES} - {"model.latent", "batch_size"}


@pytest.mark.parametrize(("word", "grows"), [("average-grows", True), ("no-average-grows", False)])
def test_what_the_dial_turns_on_may_be_given_on_or_off(word, grows):
    config = config_of("digits", "--realism=0.8", f"--optimization.{word}")
    assert config.optimization.average_grows == grows
    assert {*RULES} - {*config.decided} == {"optimization.average_grows"}


def test_the_line_of_what_is_decided_is_read_as_it_is_printed():
    config = decide(config_of("digits", "--realism=0.8"), (1, 8, 8), 1000)
    words = described(config)[0].partition(": ")[2].replace(",", "").split()
    given = config_of("digits", "--realism=0.8", *words)
    assert given == config.model_copy(update={"decided": ()})


@pytest.mark.parametrize("name", ["images", "rows.csv"])
def test_the_command_that_trained_own_data_resumes_them_too(name, tmp_path, capsys):
    rows = "".join(f"{'ab'[index % 2]},{index / 7:.3f}\n" for index in range(50))
    (tmp_path / "rows.csv").write_text("letter,number\n" + rows)
    save_images(tmp_path / "images", 30)
    words = ["train", str(tmp_path / name), "--steps=20", "--model.width=4", "--model.hidden=8"]
    words += ["--evaluation.samples=20", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    run = Run.open(tmp_path / "run")
    before = run.config
    assert main([*words, "--resume"]) == 0
    assert run.config == before
    assert main([*words, "--resume", "--realism=0.5"]) == 2
    assert "another configuration (realism: 0.9 and 0.5" in capsys.readouterr().err


def test_a_file_has_a_dial_for_what_it_leaves_out(tmp_path):
    file = tmp_path / "own.json"
    own = {"data": "digits", "model": {"latent": 7}, "batch_size": 9}
    for dial, words in (({"realism": 0.8}, []), ({}, ["--realism", "0.8"])):
        file.write_text(json.dumps(own | dial))
        config = config_of(str(file), *words)
        assert (config.realism, config.gamma.kind) == (0.8, "realism")
        assert (config.model.latent, config.batch_size) == (7, 9)
        assert {*config.decided} == {*RULES} - {"model.latent", "batch_size"}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"method": "hinge-bridge", "objective": {"game": "hinge"}}, ["--method=hinge-bridge"]),
        ({"method": "js-gan"}, ["--method", "js-gan"]),
        ({"method": "naive", "path": {"end": 1.0}}, ["--method", "naive"]),
        ({"objective": {"kind": "joint"}}, ["--objective.kind", "joint"]),
        ({"objective": {"kind": "reconstruction"}}, ["--objective.kind", "reconstruction"]),
        ({"objective": {"kind": "vqgan"}}, ["--objective", "vqgan"]),
        ({"method": "vqgan-fixed"}, ["--method", "vqgan-fixed"]),
        (
            {"init": "a/vae", "objective": {"kind": "reconstruction"}},
            ["--from", "a/vae", "--objective", "reconstruction"],
        ),
        (
            {"init": "a/vae", "gamma": {"kind": "realism"}},
            ["--from", "a/vae", "--gamma.kind", "realism"],
        ),
    ],
)
def test_a_file_with_a_dial_trains_what_the_same_options_do(own, words, tmp_path):
    (tmp_path / "photos").mkdir()
    data, file = str(tmp_path / "photos"), tmp_path / "own.json"
    file.write_text(json.dumps({"data": data, "realism": 0.7} | own))
    asked = [config_of(str(file)), config_of(data, "--realism=0.7", *words)]
    file.write_text(json.dumps({"data": data} | own))
    asked.append(config_of(str(file), "--realism=0.7"))
    one, *others = (decide(config, (3, 64, 64), 400) for config in asked)
    if undialled(one) is None:
        require_sound(one)
    assert not [line for other in others for line in differences(one, other)]
    assert one.path.kind == "ramp"


def test_a_file_that_begins_with_a_vae_has_no_dial(tmp_path):
    file, record = tmp_path / "own.json", tmp_path / "record.json"
    file.write_text('{"data": "digits", "init": "a/vae", "realism": 0.5}')
    ran = {"event_shape": (1, 8, 8), "architecture": {"library": "diffusers"}, "latent_scale": 1.0}
    start = config_of("my/photos", "--from", "a/vae").model_copy(update=ran)
    record.write_text(json.dumps(start.model_dump(mode="json")))
    for words in ([str(file)], [str(record), "--realism=0.5"]):
        with pytest.raises(ValueError, match=r"--realism 0.5 has no effect on a bridge from a VAE"):
            config_of(*words)
    assert config_of(str(record), "--seed=1").path == start.path
    again = config_of(str(record), "--realism=0.5", "--gamma.kind=realism")
    assert {*again.decided} == {*start.decided}


def test_a_run_that_went_back_is_repeated_with_another_dial_as_it_began(tmp_path):
    run = decide(config_of("digits", "--realism=0.9"), (1, 8, 8), 1000)
    run, lower = run.model_copy(update={"event_shape": (1, 8, 8)}), {"path.end": 0.3}
    lower["gamma.end"] = 0.9
    back = resumed(run, changed(run, lower), 500, also=lower)
    (tmp_path / "record.json").write_text(back.model_dump_json())
    again = config_of(str(tmp_path / "record.json"), "--realism=0.5")
    assert (decide(again, (1, 8, 8), 1000).path.end, again.gamma.end) == (0.5, None)
    same = config_of(str(tmp_path / "record.json"), "--seed=1")
    assert (same.path.end, same.gamma.end) == (0.3, 0.9)


def test_a_run_without_a_dial_keeps_what_its_vae_and_its_method_decided(tmp_path):
    for words in (["--from", "a/vae"], ["--method", "js-gan"]):
        start = config_of("digits", *words)
        record = start.model_dump(mode="json") | {"event_shape": (1, 8, 8)}
        (tmp_path / "record.json").write_text(json.dumps(record))
        options = ["--realism=0.5", "--gamma.kind=realism"]
        again = config_of(str(tmp_path / "record.json"), *options)
        assert decide(again, (1, 8, 8), 1000).path == start.path
        assert "batch_size" in again.decided


def test_a_file_without_a_dial_decides_nothing(tmp_path):
    (tmp_path / "own.json").write_text('{"data": "digits"}')
    assert config_of(str(tmp_path / "own.json")).decided == ()


def test_a_run_that_is_repeated_with_another_dial_decides_again(tmp_path):
    first, again, preset = tmp_path / "first", tmp_path / "again", tmp_path / "preset"
    small = SMALL[1:10]  # neither the batch nor the width, which are decided
    assert main(["train", "vectors.npy", *small, "--out", str(first)]) == 0
    record = Run.open(first).config
    assert (record["batch_size"], record["path"]["end"]) == (16, 0.9)
    file = str(first / "config.json")
    words = ["--realism", "0.3", "--batch-size", "4", "--out", str(again)]
    assert main(["train", file, *words]) == 0
    config = Run.open(again).config
    assert (config["realism"], config["path"]["end"], config["batch_size"]) == (0.3, 0.3, 4)
    rates = [of["optimization"]["generator"] for of in (record, config)]
    assert rates[1] == pytest.approx(rates[0] / 2)
    assert config["model"] == record["model"]
    assert config_of(file, "--seed", "1").event_shape == (2,)
    assert main(["train", "run/config.json", "--realism", "0.3", "--out", str(preset)]) == 0
    config = Run.open(preset).config
    assert config["path"]["end"] == 0.3


UNFROZEN = ["images", "--from", "a/vae", "--objective", "reconstruction"]
FROZEN = ["images", "--from", "a/vae", "--freeze", "encoder"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["images", "--gamma.c", "20", "--gamma.d=-10"], "--gamma.c .*--gamma.kind sigmoid"),
        (["digits", "--gamma.exponent", "3"], "--gamma.exponent .*--gamma.kind power"),
        (["digits", "--gamma.end", "0.9"], "--gamma.end .* sigmoid: give --gamma.kind realism"),
        (["digits", "--control.ess", "0.5"], "--control.ess .* give --path.kind adaptive, or"),
        (["rows.csv", "--control.ess", "0.5"], "--control.ess .* ramp: leave it out"),
        (["images", "--control.error=2", "--method", "naive"], "ramp: leave it out"),
        (["images", "--control.error=2", "--path.sweeps", "2"], "ramp: leave it out"),
        (["images", "--realism", "0", "--control.ess", "0.2"], "ess has no effect, as α stays at"),
        (["images", "--path.end=0", "--control.patience=5"], "patience has no effect, as α stays"),
        ([*FROZEN, "--optimization.encoder=1e-5"], "encoder has no effect on .* is frozen: leave"),
        ([*FROZEN, "--optimization.hold", "0.1"], "hold has no effect on .* is frozen: leave"),
        ([*FROZEN, "--objective.kl-weight", "1e-4"], "kl-weight has no effect on .* frozen: leave"),
        ([*FROZEN, "--method=vqgan-fixed", "--objective.kl-weight=0"], "kl-weight has no effect"),
        (["images", "--objective.weight", "0.5"], "weight has no effect .* --method vaegan-sum, "),
        (["images", "--objective.full-cycle"], "full-cycle has no effect with the objective data"),
        (["images", "--objective.adaptive"], "adaptive has no effect with the objective data"),
        (
            ["digits", "--objective=joint", "--objective.kl-weight=2"],
            "kl-weight .* objective joint",
        ),
        (
            ["digits", "--method", "js-gan", "--objective.clip", "3"],
            "clip has no effect .* loss js",
        ),
        (
            ["images", "--from=a/vae", "--objective=reconstruction", "--objective.weight=0.5"],
            "weight has no effect .* vqgan-fixed; leave it out",
        ),
    ],
)
def test_settings_that_nothing_would_read_are_refused(words, says):
    with pytest.raises(ValueError, match=says):
        config_of(*words)


@pytest.mark.parametrize(
    "words",
    [
        ["images", "--control.ess", "0.5"],
        ["images", "--realism", "0", "--control.every", "5"],
        ["images", "--realism", "0", "--path.end", "0.5", "--control.ess", "0.2"],
        ["images", "--gamma.kind=sigmoid", "--gamma.c", "20"],
        ["images", "--gamma.end", "0.8"],
        ["digits", "--path.kind", "adaptive", "--control.every=3"],
        ["digits", "--from", "a/vae", "--gamma.c=16"],
        ["digits", "--gamma.kind=optimal", "--gamma.d=-3", "--gamma.every=2"],
        [*UNFROZEN, "--objective.kl-weight=1e-4", "--optimization.encoder=1e-5"],
        [*FROZEN, "--method", "vqgan-adaptive", "--objective.weight=0.2"],
        ["digits", "--method", "vaegan-sum", "--objective.weight=0.2"],
    ],
)
def test_settings_that_something_reads_are_taken(words):
    config_of(*words)


def test_a_bridge_from_a_vae_has_no_dial():
    assert config_of("my/photos").realism == 0.9
    assert config_of("my/photos", "--from", "my/vae").realism is None
    for words in (["--realism", "0.7"], ["--realism=0.7", "--method", "rkl-gp"]):
        with pytest.raises(
            ValueError, match=r"--realism 0.7 has no effect .*: give --path.end and"
        ):
            config_of("my/photos", "--from", "my/vae", *words)


@pytest.mark.parametrize("word", ["--gamma.kind=realism", "--objective.kind=reconstruction"])
def test_the_dial_of_a_bridge_from_a_vae_is_taken_where_it_has_a_meaning(word):
    config = config_of("my/photos", "--from=my/vae", "--realism", "0.7", word)
    assert (config.realism, config.gamma.kind) == (0.7, "realism")


def test_a_preset_without_the_dial_decides_nothing():
    assert config_of("digits", "--steps", "100").decided == ()


def test_a_baseline_may_be_trained_with_what_the_dial_decides():
    config = config_of("digits", "--realism=0.9", "--method", "naive")
    assert (config.method, config.path.kind) == ("naive", "ramp")
    assert "model.latent" in config.decided


@pytest.mark.parametrize(
    "words",
    [
        ["digits", "--from=my/vae", "--method=vqgan-fixed", "--path.ml", "0.3"],
        ["my/photos", "--from=my/vae", "--method", "vqgan-adaptive", "--path.ml=0.3"],
        ["my/photos", "--method", "naive", "--path.adversarial=0.7"],
        ["my/photos", "--method", "naive", "--path.ml=0.3", "--path.transfer=0"],
        ["gaussians25", "--method", "naive", "--path.ml=0.3", "--path.adversarial=0.7"],
    ],
)
def test_of_two_steps_one_share_is_enough(words):
    config = decide(config_of(*words), (1, 8, 8), 400)
    shares = (config.path.ml, config.path.transfer, config.path.adversarial)
    assert shares == pytest.approx((0.3, 0.0, 0.7))
    require_sound(config)


@pytest.mark.parametrize(
    "words",
    [
        ["digits", "--path.ml=0.35"],
        ["digits", "--method=naive", "--path.ml=1.5"],
        ["digits", "--method=naive", "--path.ml=much"],
        ["digits", "--method=ml", "--path.ml=0.5"],
    ],
)
def test_shares_that_leave_no_rest_are_refused(words):
    with pytest.raises(ValueError, match=r"path.ml: could not convert|the shares .* add up to 1"):
        config_of(*words)


def test_a_folder_that_has_the_name_of_a_preset_is_said(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match=r"mnist is a preset; for the folder here give \./mnist"):
        parse(["train", "mnist"])
    parse(["train", "mnist", "--data", "mnist"])
    assert parse(["train", "./mnist"]).arguments["config"].data == "./mnist"


@pytest.mark.slow
def test_half_precision_is_understood(tmp_path, children):
    # apart: accelerate knows one precision a process
    done = children.run([*TINY, "--precision", "bf16", "--json", "--out", "run"], tmp_path)
    assert done.code == 0, done.err
    assert np.isfinite(list(json.loads(done.out)["end"].values())).all()


# runs that end before their path does


def test_a_run_that_diverges_leaves_with_a_reason_and_one(tmp_path, capsys):
    words = [*TINY, "--optimization.generator", "1e30", "--out", str(tmp_path / "run")]
    assert main(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "diverged by update" in line
    assert "lower the learning rates" in line
    assert Run.open(tmp_path / "run").checkpoint_steps == [1]


LONG = [
    *TINY,
    "--steps=200",
    "--checkpoint-every=20",
    "--evaluation.every=100",
    "--record-every=20",
]


def stopped(children, folder, number):
    """A run that gets a signal after its fortieth update."""
    child = children.start([*LONG, "--out", str(folder)], folder.parent)
    deadline = time.monotonic() + 120
    while not (folder / "checkpoints" / "step-00000040" / "manifest.json").exists():
        assert time.monotonic() < deadline, child.wait(0)
        time.sleep(0.01)
    os.kill(child.pid, number)
    return child.wait()


def final_tensors(folder):
    checkpoint = Run.open(folder).checkpoint_folder(200)
    return {file.name: file.read_bytes() for file in checkpoint.glob("*.safetensors")}


@pytest.fixture(scope="module")
def uninterrupted(children, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    done = children.run([*LONG, "--out", str(folder)], folder.parent)
    assert done.code == 0, done.err
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(children, uninterrupted, tmp_path, number):
    folder = tmp_path / "run"
    ended = stopped(children, folder, number)
    run = Run.open(folder)
    steps = run.checkpoint_steps
    assert 40 <= steps[-1] < 200
    assert all(record["step"] <= 200 for record in run.records)
    if number == signal.SIGKILL:
        assert ended.code == -signal.SIGKILL
    else:
        assert ended.code == 1
        assert ended.lines == [
            f"alpha-bridge: {number.name}: stopped after update {steps[-1]} of 200, saved "
            f"{run.checkpoint_folder(steps[-1])}; go on with {run.resuming}"
        ]
        assert run.report_path.exists()
    assert main([*LONG, "--out", str(folder), "--resume"]) == 0
    assert final_tensors(folder) == final_tensors(uninterrupted)
    without_time = [
        [{key: line[key] for key in line if key != "seconds"} for line in Run(path).records]
        for path in (folder, uninterrupted)
    ]
    assert without_time[0] == without_time[1]


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_gets_no_complaint():
    process = subprocess.Popen(
        [sys.executable, "-m", "alpha_bridge", "train", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert err == b""


@pytest.mark.parametrize(
    ("spread", "title"),
    [({}, "end"), ({"modes/3std/9": 0.5}, "end ± deviation over trials (n − 1)")],
)
def test_the_table_after_training_says_what_stands_behind_a_plus_or_minus(spread, title, tmp_path):
    last = {"modes/3std/9": 24.0}
    table = comparison(Trained(Run(tmp_path), last, last, spread, 1.0))
    assert table.columns[-1].header == title
