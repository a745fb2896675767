"""The run folder: round trips, what it refuses, and what survives a killed process."""

import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

from alpha_bridge.runs.folder import Run, save_array

CONFIG = {"seed": 0, "data": {"name": "grid", "std": 0.1}, "hidden": [128, 128], "ema": None}


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "parent" / "first", CONFIG)


def test_the_configuration_comes_back(run):
    assert Run.open(run.folder).config == CONFIG


def test_a_run_may_begin_in_an_empty_folder(tmp_path):
    assert Run.create(tmp_path, CONFIG).folder == tmp_path


@pytest.mark.parametrize("leave", [lambda path: path.mkdir(), lambda path: path.touch()])
def test_a_folder_in_use_is_refused_and_left_alone(tmp_path, leave):
    leave(tmp_path / "thesis")
    with pytest.raises(FileExistsError, match=r"is not empty: .*--out") as refusal:
        Run.create(tmp_path, CONFIG)
    assert str(tmp_path) in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(FileExistsError, match="taken"):
        Run.create(tmp_path / "taken", CONFIG)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PermissionError, match=r"cannot write .*child.*choose another place"):
        Run.create(tmp_path / "file" / "child", CONFIG)


def test_messages_are_one_line(tmp_path):
    (tmp_path / "file").touch()
    for act in (
        lambda: Run.create(tmp_path, CONFIG),
        lambda: Run.create(tmp_path / "file" / "child", CONFIG),
        lambda: Run.open(tmp_path),
    ):
        with pytest.raises(OSError) as failure:
            act()
        assert "\n" not in str(failure.value)


@pytest.mark.parametrize("make", [True, False], ids=["empty", "missing"])
def test_a_folder_without_a_configuration_is_no_run(tmp_path, make):
    folder = tmp_path / "notes"
    if make:
        folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"notes is not a run: it has no config\.json"):
        Run.open(folder)


def test_a_damaged_configuration_is_named(run):
    run.config_path.write_text("{")
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        _ = run.config


def test_a_new_run_has_nothing(run):
    assert (run.records, run.samples, run.reconstructions, run.checkpoint_steps) == ([], {}, {}, [])


def test_records_come_back(run):
    records = [
        {"step": step, "phase": "ml", "alpha": 0.0, "loss/generator": 1 / 3} for step in (1, 2)
    ]
    for record in records:
        run.append(record)
    assert run.records == records


def test_records_are_ordered_by_step(run):
    for step in (20, 5, 100):
        run.append({"step": step})
    assert [record["step"] for record in run.records] == [5, 20, 100]


def test_the_later_line_for_a_step_wins(run):
    for step, loss in ((1, 0.1), (2, 0.2), (1, 0.3)):
        run.append({"step": step, "loss/generator": loss})
    assert [record["loss/generator"] for record in run.records] == [0.3, 0.2]


def test_a_record_takes_one_line(run):
    run.append({"step": 1, "note": "two\nlines"})
    assert run.metrics_path.read_bytes().count(b"\n") == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_numbers_that_are_not_finite_become_null(run, value):
    run.append({"step": 1, "loss/generator": value, "many": [value, {"inner": value}]})
    assert run.records == [{"step": 1, "loss/generator": None, "many": [None, {"inner": None}]}]


def test_records_are_strict_json(run):
    run.append({"step": 1, "alpha": math.nan})

    def refuse(constant):
        raise AssertionError(constant)

    assert json.loads(run.metrics_path.read_text(), parse_constant=refuse)["step"] == 1


def test_numbers_of_numpy_are_numbers(run):
    run.append({"step": np.int64(3), "alpha": np.float32(0.5)})
    assert run.records == [{"step": 3, "alpha": 0.5}]


def test_a_record_without_a_step_is_refused(run):
    with pytest.raises(ValueError, match="needs a step, got \\['alpha'\\]"):
        run.append({"alpha": 0.5})
    assert run.records == []


@pytest.mark.parametrize("torn", [b'{"step": 2, "al', b'{"step": 2}', b"\xce"])
def test_a_torn_last_line_is_skipped(run, torn):
    run.append({"step": 1})
    with run.metrics_path.open("ab") as file:
        file.write(torn)
    assert run.records == [{"step": 1}]


def test_appending_after_a_torn_line_starts_a_new_one(run):
    run.append({"step": 1})
    with run.metrics_path.open("ab") as file:
        file.write(b'{"step": 2, "al')
    run.append({"step": 3})
    assert run.records == [{"step": 1}, {"step": 3}]


def test_a_damaged_finished_line_is_named(run):
    run.append({"step": 1})
    with run.metrics_path.open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(ValueError, match=r"line 2 of .*metrics\.jsonl is damaged"):
        _ = run.records


def arrays(*leading):
    generator = np.random.default_rng(0)
    return [
        generator.integers(0, 256, (*leading, 5, 8, 8, 3), np.uint8),
        generator.normal(size=(*leading, 5, 2)).astype(np.float32),
    ]


@pytest.mark.parametrize("samples", arrays(), ids=["images", "vectors"])
def test_samples_come_back_in_order(run, samples):
    for step in (2000, 0, 123_456_789):
        run.write_samples(step, samples)
    assert list(run.samples) == [0, 2000, 123_456_789]
    assert run.samples[2000].dtype == samples.dtype
    np.testing.assert_array_equal(run.samples[2000], samples)


@pytest.mark.parametrize("pairs", arrays(2), ids=["images", "vectors"])
def test_reconstructions_come_back_apart_from_samples(run, pairs):
    run.write_reconstructions(1000, pairs)
    assert run.samples == {}
    np.testing.assert_array_equal(run.reconstructions[1000], pairs)


def test_files_have_the_names_that_are_promised(run):
    run.write_samples(1000, arrays()[0])
    run.write_reconstructions(1000, arrays(2)[0])
    run.append({"step": 1000})
    files = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    assert files == {
        "config.json",
        "metrics.jsonl",
        str(Path("samples/step-00001000.npy")),
        str(Path("samples/reconstructions-00001000.npy")),
    }
    assert run.samples_picture(1000) == run.folder / "samples" / "step-00001000.png"
    assert run.report_path == run.folder / "report.html"


@pytest.mark.parametrize(
    "samples",
    [np.zeros((5, 2), int), np.zeros((5, 8, 8, 3), np.float32), np.zeros((8, 8), np.uint8)],
    ids=["float64 vectors", "float images", "one image"],
)
def test_arrays_of_another_kind_are_refused(run, samples):
    with pytest.raises(ValueError, match=f"got {samples.dtype} of shape"):
        run.write_samples(1, samples)
    assert run.samples == {}


def test_reconstructions_must_be_pairs(run):
    with pytest.raises(ValueError, match=r"leading dimension of 2, got shape \(5, 8, 8, 3\)"):
        run.write_reconstructions(1, arrays()[0])


def test_a_write_that_is_cut_off_leaves_the_old_array(run, monkeypatch):
    old, new = np.zeros((3, 2), np.float32), np.ones((3, 2), np.float32)
    run.write_samples(1, old)

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        run.write_samples(1, new)
    np.testing.assert_array_equal(run.samples[1], old)
    assert list(run.samples) == [1]


LINES = [
    b"5",
    b"[]",
    b"{}",
    b"null",
    b'{"step": "ten"}',
    b'{"step": -1}',
    b'{"step": true}',
    b'{"step": 2.5}',
    b'{"step": 2, "alpha": "half"}',
    b'{"step": 2, "loss/generator": {}}',
    b'{"step": 2, "phase": []}',
    b"[" * 100_000,
    b"\xff",
]


@pytest.mark.parametrize("line", LINES, ids=[str(line[:30]) for line in LINES])
def test_a_whole_line_that_is_no_record_is_named(run, line):
    run.append({"step": 1})
    with run.metrics_path.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(ValueError, match=r"^line 2 of .*metrics\.jsonl is damaged") as refusal:
        _ = run.records
    assert "\n" not in str(refusal.value)


def test_appending_does_not_read_what_stands_there(run):
    with run.metrics_path.open("wb") as file:
        file.write(b'{"step": 1}\n' * 3)
        file.truncate(2**33)  # a hole of zeros, which nobody reads within the time of a test
        file.seek(2**33)
        file.write(b'\n{"st')
    run.append({"step": 2})
    with run.metrics_path.open("rb") as file:
        file.seek(2**33)
        assert file.read() == b'\n{"step": 2}\n'


HEADERS = [
    b"",
    b"\x93NUMPY",
    b"PK\x03\x04",
    b"\x93NUMPY\x01\x00\x10\x00{'descr': (((((\n",
    b"\x93NUMPY\x01\x00\x10\x00\xff\xfe\x00(((((((((((((\n",
    b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
    b"\x93NUMPY\x09\x00\x10\x00{}",
]


@pytest.mark.parametrize("content", HEADERS)
@pytest.mark.parametrize("name", ["samples/step-00000001", "samples/reconstructions-00000001"])
def test_an_array_with_a_broken_header_is_named(run, name, content):
    path = run.folder / f"{name}.npy"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}\.npy is damaged \(.*\): remove it"):
        _ = run.samples, run.reconstructions


@pytest.mark.parametrize("name", ["samples/step-00000001", "samples/reconstructions-00000001"])
@pytest.mark.parametrize("array", [np.zeros(3), np.array(1.0), np.zeros((2, 2), int)])
def test_an_array_of_another_kind_is_named(run, name, array):
    save_array(array, run.folder / f"{name}.npy")
    with pytest.raises(ValueError, match=rf"{name}\.npy is damaged \(expected images"):
        _ = run.samples, run.reconstructions


def test_units_of_another_shape_are_named(run):
    save_array(np.zeros((3, 2)), run.folder / "units.npy")
    with pytest.raises(ValueError, match=r"units\.npy is damaged .*: restore it") as refusal:
        _ = run.units
    assert "remove" not in str(refusal.value)


# Its identity


def test_every_run_has_an_identity_of_its_own_that_is_no_setting(tmp_path):
    runs = [Run.create(tmp_path / name, CONFIG) for name in ("one", "other")]
    assert runs[0].identity != runs[1].identity
    assert runs[0].identity == Run.open(runs[0].folder).identity
    assert runs[0].config == CONFIG


def test_a_configuration_that_is_written_again_keeps_the_identity(run):
    before = run.identity
    run.write_config({"seed": 1})
    assert (run.identity, run.config) == (before, {"seed": 1})


def test_a_run_that_is_older_than_identities_gets_none(run):
    run.config_path.write_text(json.dumps(CONFIG))
    run.write_config(CONFIG)
    assert run.identity is None


# Links and leftovers

ACTS = {
    "config.json": lambda run: run.config,
    "metrics.jsonl": lambda run: run.append({"step": 1}),
    "report.html": lambda run: run.report_path,
    "samples": lambda run: run.write_samples(1, arrays()[0]),
    "samples/step-00000001.npy": lambda run: run.samples,
    "samples/step-00000002.png": lambda run: run.samples_picture(2),
    "samples/reconstructions-00000001.npy": lambda run: run.reconstructions,
    "checkpoints": lambda run: run.checkpoint_steps,
    "checkpoints/step-00000001": lambda run: run.checkpoint_folder(1),
    "units.npy": lambda run: run.units,
}


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("there", [True, False], ids=["there", "dangling"])
def test_a_link_that_leads_out_of_the_run_is_refused(run, tmp_path, name, there):
    target, link = tmp_path / "theirs", run.folder / name
    if there:
        target.mkdir() if "." not in name else target.write_text("theirs")
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    with pytest.raises(ValueError, match=rf"{name} leads out of|{name}/.* leads out of"):
        ACTS[name](run)
    assert target.exists() == there
    assert not there or target.is_dir() or target.read_text() == "theirs"


def test_the_run_itself_may_be_a_link(run, tmp_path):
    (tmp_path / "link").symlink_to(run.folder)
    linked = Run.open(tmp_path / "link")
    linked.write_samples(1, arrays()[0])
    linked.append({"step": 1})
    assert list(run.samples) == [1] and run.records == [{"step": 1}]


def test_what_kills_left_anywhere_is_cleared_away(run):
    killed = subprocess.Popen(["true"])
    killed.wait()
    for name in ("config.json", "samples/step-00000001.npy", "checkpoints/step-00000002"):
        path = run.folder / name
        path.parent.mkdir(exist_ok=True)
        path.with_name(f".{path.name}.{killed.pid}.partial").write_text("half")
    (run.folder / "checkpoints" / ".step-00000001.replaced").mkdir()
    run.recover()
    assert not list(run.folder.rglob("*.partial"))
    assert run.checkpoint_steps == [1]  # it was to be replaced, and has no successor


def test_a_start_that_was_killed_leaves_the_folder_free(tmp_path):
    killed = subprocess.Popen(["true"])
    killed.wait()
    (tmp_path / f".config.json.{killed.pid}.partial").write_text("half")
    assert Run.create(tmp_path, CONFIG).config == CONFIG


def test_no_pickle_is_read(run):
    run.write_samples(1, arrays()[1])
    with (run.folder / "samples" / "step-00000001.npy").open("wb") as file:
        np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"step-00000001\.npy is damaged"):
        _ = run.samples


def test_checkpoints_are_listed_in_order(run):
    for step in (2000, 1000):
        run.checkpoint_folder(step).mkdir(parents=True)
    (run.folder / "checkpoints" / "step-00003000.partial").mkdir()
    assert run.checkpoint_steps == [1000, 2000]
    assert run.checkpoint_folder(1000) == run.folder / "checkpoints" / "step-00001000"


def test_what_is_made_anew_is_forgotten(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    for step in (10, 20, 30, 20):
        run.append({"step": step, "loss": step / 3})
        run.write_samples(step, np.zeros((1, 2), np.float32))
        run.write_reconstructions(step, np.zeros((2, 1, 2), np.float32))
        run.samples_picture(step).write_bytes(b"")
    run.forget(20)
    assert run.records == [{"step": 10, "loss": 10 / 3}, {"step": 20, "loss": 20 / 3}]
    assert [*run.samples] == [*run.reconstructions] == [10, 20]
    assert not run.samples_picture(30).exists()
    run.append({"step": 25})
    assert [record["step"] for record in run.records] == [10, 20, 25]


def test_a_configuration_takes_the_place_of_the_one_before(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    run.write_config({"seed": 4})
    assert run.config == {"seed": 4}


def test_samples_of_another_shape_than_the_others_are_named(tmp_path):
    run = Run.create(tmp_path / "run", {})
    for step, count in ((1, 4), (2, 4), (3, 1)):
        run.write_samples(step, np.zeros((count, 2), np.float32))
    with pytest.raises(ValueError, match=r"step-00000003\.npy is damaged \(its shape is \(1, 2\)"):
        _ = run.samples
