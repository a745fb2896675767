"""Disks that are full at many sizes: one line, nothing lost, no traceback.

A limit on the size of a file stands for a full disk: the system refuses the byte beyond it.
"""

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
import sklearn.linear_model  # noqa: F401  (it looks for room when it is imported)
from PIL import Image

from alpha_bridge.cli import main
from alpha_bridge.errors import NotWritten
from alpha_bridge.files import LOCK, explained, filling, save_array, writing
from alpha_bridge.runs.folder import Run

SIZES = [
    "--batch-size=8",
    "--steps=20",
    "--path.ml=0.05",
    "--path.transfer=0.15",
    "--path.adversarial=0.8",
    "--model.hidden=8",
    "--model.latent=2",
    "--model.width=4",
    "--evaluation.samples=40",
    "--evaluation.shown=6",
    "--evaluation.features=pixels",
    "--checkpoint-every=5",
]
VECTORS = ["train", "gaussians25", *SIZES]


@contextlib.contextmanager
def room(size):
    """Files cannot grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run of vectors and one of images, and data for them."""
    folder = tmp_path_factory.mktemp("disk")
    for index in range(40):
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8), dtype=np.uint8)
        (folder / "images" / "ab"[index % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / "ab"[index % 2] / f"{index}.png")
    np.save(folder / "vectors.npy", np.random.default_rng(0).normal(size=(50, 2)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHA_BRIDGE_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        assert main([*VECTORS, "--snapshots=1", "--out", "run"]) == 0
        words = ["train", "digits", *SIZES, "--data", "images", "--out", "image-run"]
        assert main(words) == 0
        yield folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(place / "cache"))


def said(capsys):
    """The only line of standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    return line.removeprefix("alpha-bridge: ")


# Training


@pytest.mark.parametrize(
    "size",
    [1700, *(pytest.param(size, marks=pytest.mark.slow) for size in (0, 5000, 20_000))],
)
def test_training_says_what_it_could_not_write_and_goes_on_when_there_is_room(
    size, place, tmp_path, capsys, monkeypatch
):
    if size < 20_000:  # the report is the largest file
        monkeypatch.setattr("alpha_bridge.runs.trials.write_report", lambda run: run.report_path)
    run = Run(tmp_path / "run")
    words = [*VECTORS, "--snapshots=1", "--out", str(run.folder)]
    with room(size):
        code = main(words)
    steps = run.checkpoint_steps
    if code:
        assert code == 1
        line = said(capsys)
        assert line.startswith(f"cannot write {run.folder}")
        assert "File too large" in line
        if steps:
            assert f"update {steps[-1]} is safe in {run.checkpoint_folder(steps[-1])}" in line
            assert line.endswith(f"go on with {run.resuming}")
        elif run.config_path.exists():
            assert line.endswith(f"no checkpoint is saved: begin again with {run.resuming}")
        assert not [*run.folder.rglob("*.partial")]
    begun = run.config_path.exists()
    assert main([*words, *["--resume"] * begun]) == 0
    for file in Run(place / "run").checkpoint_folder(20).glob("*.safetensors"):
        assert (run.checkpoint_folder(20) / file.name).read_bytes() == file.read_bytes()


def no_room(path):
    """What a full disk raises."""
    with explained(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.slow
def test_records_wait_for_room_and_samples_are_spared(place, tmp_path, capsys, monkeypatch):
    append, write, failing = Run.append, Run.write_samples, [5, 5]

    def append_later(run, record):
        if record["step"] in failing:
            failing.pop()
            no_room(run.metrics_path)
        append(run, record)

    def write_one_less(run, step, samples):
        if step == 4:
            no_room(run.inside("samples"))
        write(run, step, samples)

    monkeypatch.setattr(Run, "append", append_later)
    monkeypatch.setattr(Run, "write_samples", write_one_less)
    run = Run(tmp_path / "run")
    words = [*VECTORS, "--snapshots=1", "--record-every=5", "--out", str(run.folder)]
    assert main(words) == 0
    assert [record["step"] for record in run.records] == [1, 4, 5, 10, 15, 20]
    assert [*run.samples] == [1, 20]
    out = capsys.readouterr().out
    assert out.count("training goes on without it") == 2  # the samples, and the first record
    assert f"cannot write {run.metrics_path} (No space left on device)" in out
    for file in Run(place / "run").checkpoint_folder(20).glob("*.safetensors"):
        assert (run.checkpoint_folder(20) / file.name).read_bytes() == file.read_bytes()


@pytest.mark.slow
def test_the_report_does_not_hide_what_ended_training(tmp_path, capsys, monkeypatch):
    def full(run):
        raise NotWritten(f"cannot write {run.report_path}")

    monkeypatch.setattr("alpha_bridge.runs.trials.write_report", full)
    words = [*VECTORS, "--optimization.generator=1e30", "--out", str(tmp_path / "run")]
    assert main(words) == 1
    assert "diverged by update" in said(capsys)


def test_what_a_rescue_saved_is_told(tmp_path, capsys, monkeypatch):
    def full(run, step, _):
        if step == 20:
            raise NotWritten(f"cannot write {run.folder / 'samples'}")

    monkeypatch.setattr(Run, "write_samples", full)
    monkeypatch.setattr("alpha_bridge.runs.trials.write_report", lambda run: run.report_path)
    assert main([*VECTORS, "--out", str(tmp_path / "run")]) == 1
    checkpoint = Run(tmp_path / "run").checkpoint_folder(20)
    assert said(capsys) == (
        f"cannot write {tmp_path / 'run' / 'samples'}; saved {checkpoint}; go on with "
        f"{Run(tmp_path / 'run').resuming}"
    )


@pytest.mark.parametrize("size", [0, 150, 1000])
def test_a_full_cache_is_named(size, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    with room(size):
        words = ["train", "digits", *SIZES, "--data", "images", "--out", str(tmp_path / "run")]
        assert main(words) == 1
    line = said(capsys)
    assert line.startswith(f"cannot write {tmp_path / 'cache'}")
    assert "File too large" in line
    assert not (tmp_path / "run").exists()


# The other commands


COMMANDS = {
    "sample": (["sample", "run", "-n=500"], ".npy"),
    "sample images": (["sample", "image-run"], ".png"),
    "reconstruct": (["reconstruct", "run", "--images", "vectors.npy"], ".npy"),
    "reconstruct images": (["reconstruct", "image-run", "--images", "images/a"], ".png"),
    "edit": (["edit", "image-run", "--attribute", "label=a"], ".png"),
    "export": (["export", "run"], ""),
}


@pytest.mark.parametrize("size", [0, 140, 800])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_names_what_it_could_not_write_and_leaves_nothing(name, size, tmp_path, capsys):
    words, ending = COMMANDS[name]
    out = tmp_path / f"new{ending}"
    with room(size):
        assert main([*words, "--out", str(out)]) == 1
    assert said(capsys).startswith(f"cannot write {out}")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_where_nothing_can_be_written_is_wrong_input(name, tmp_path, capsys):
    words, ending = COMMANDS[name]
    (tmp_path / "file").write_text("")
    assert main([*words, "--out", str(tmp_path / "file" / f"new{ending}")]) == 2
    line = said(capsys)
    assert str(tmp_path / "file") in line
    assert "Errno" not in line


@pytest.mark.parametrize(
    ("command", "file"),
    [("report", "report.html"), ("frontier", "frontier.json")],
)
def test_a_file_of_the_run_that_cannot_be_replaced_stays(command, file, tmp_path, capsys):
    shutil.copytree("run", tmp_path / "run")
    (tmp_path / "run" / file).write_text("old")
    with room(100):
        assert main([command, str(tmp_path / "run")]) == 1
    assert said(capsys).startswith(f"cannot write {tmp_path / 'run' / file} (")
    assert (tmp_path / "run" / file).read_text() == "old"


# Standard output


def assert_said(err):
    (line,) = err.splitlines()[-1:]
    assert line.startswith("alpha-bridge: cannot write to standard output (")


@pytest.mark.parametrize("stream", ["full", "closed"])
def test_standard_output_that_cannot_be_written_is_said(stream, capsys, monkeypatch):
    if stream == "full" and not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("needs /dev/full")
    with contextlib.ExitStack() as opened:
        out = opened.enter_context(open("/dev/full", "w")) if stream == "full" else None  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["evaluate", "run", "--json"]) == 1
        if out is None:
            sys.stdout.close()
    assert_said(capsys.readouterr().err)


@pytest.mark.slow
@pytest.mark.parametrize("stream", [">/dev/full", ">&-"])
def test_nothing_is_left_to_fail_when_the_interpreter_ends(stream):
    command = f"{sys.executable} -m alpha_bridge evaluate run --json {stream}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 1
    assert_said(done.stderr)


# The writers


def test_an_array_that_does_not_fit_is_never_taken_for_written(tmp_path):
    """numpy's own writing into a file is silent where fewer than 4096 bytes do not fit."""
    for size in (0, 100, 130, 900):
        with pytest.raises(NotWritten, match="File too large"), room(size):
            save_array(np.zeros(100), tmp_path / "array.npy")
    assert [*tmp_path.iterdir()] == []


def test_the_outer_of_two_places_is_named(tmp_path):
    with (
        pytest.raises(NotWritten, match=rf"^cannot write {tmp_path}/folder \(File too large\)"),
        room(0),
        filling(tmp_path / "folder") as folder,
        writing(folder / "file") as file,
    ):
        file.write(b"content")


def test_what_is_no_trouble_of_the_disk_stays_what_it_is(tmp_path):
    with pytest.raises(FileExistsError, match=r"^mine$"), explained(tmp_path):
        raise FileExistsError("mine")


def test_a_folder_with_a_lock_alone_is_free(tmp_path):
    (tmp_path / LOCK).write_text("1 here")
    Run.create(tmp_path, {})
