"""What can be done with a run, each command from the run's folder alone."""

import json
import math
import re
import shutil
from io import StringIO

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from safetensors.numpy import load_file

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.data import normal
from alpha_bridge.errors import Diverged
from alpha_bridge.metrics.definition import metrics_of, parse
from alpha_bridge.recipe import Config, read_config
from alpha_bridge.runs import run_callbacks
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import units_of
from alpha_bridge.runs.opening import open_run
from alpha_bridge.runs.page import write_report
from alpha_bridge.settings import (
    EvaluationConfig,
    ImagesConfig,
    MixtureConfig,
    ModelConfig,
    ObjectiveConfig,
    Optimization,
    PathConfig,
)

STEPS = 20
BOUNDARIES = [4, 14, 20]
KEPT = (4, 14, 15, 18, 20)
"""Updates of the checkpoints that are left: the last three, and the ends of the steps."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("commands")


def config(data="gaussians25", **changes):
    small = {
        "data": str(data),
        "steps": STEPS,
        "batch_size": 8,
        "path": PathConfig(ml=0.2, transfer=0.5, adversarial=0.3),
        "model": ModelConfig(latent=2, hidden=(8,), width=4),
        "evaluation": EvaluationConfig(samples=40, shown=6, every=1000),
        "record_every": 5,
        "checkpoint_every": 3,
    }
    return Config(**(small | changes))


def save_images(folder, count, size=8, mode="L", most=256):
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    shape = (size, size) if mode == "L" else (size, size, 3)
    for index in range(count):
        pixels = rng.integers(0, most, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.png")
    return folder


def tensors(run, step):
    return {
        f"{file.stem}/{name}": value
        for file in sorted(run.checkpoint_folder(step).glob("*.safetensors"))
        for name, value in load_file(file).items()
    }


def assert_same_tensors(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert value.tobytes() == second[name].tobytes(), name


def deviations(run):
    return units_of(open_run(run)).std.numpy()


@pytest.fixture(scope="module")
def vectors(folder):
    """A run on vectors whose features differ in scale by a thousand, and its data."""
    path = folder / "vectors.npy"
    x = np.random.default_rng(0).normal(size=(400, 2)) * [50.0, 0.05] + [1000.0, -3.0]
    np.save(path, x)
    settings = config(
        path,
        steps=300,
        batch_size=64,
        path=PathConfig(ml=1.0, transfer=0.0, adversarial=0.0),
        model=ModelConfig(latent=2, hidden=(32,), noise=0.3),
        optimization=Optimization(generator=1e-2, encoder=1e-2, average=0.9),
        checkpoint_every=1000,
    )
    return commands.train(settings, folder / "vectors").run, x


@pytest.fixture(scope="module")
def five(folder):
    path = folder / "five.npy"
    np.save(path, np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32))
    return commands.train(config(path), folder / "five")


@pytest.fixture(scope="module")
def mixture(folder):
    return commands.train(config(mixture=MixtureConfig(side=2)), folder / "mixture")


@pytest.fixture(scope="module")
def unlabelled(folder):
    images = save_images(folder / "unlabelled-images", 30)
    console = Console(record=True, width=200, file=StringIO())
    trained = commands.train(config(images), folder / "unlabelled", console=console)
    return trained.run, console.export_text()


@pytest.fixture(scope="module")
def translator(folder):
    """A run between colourless and coloured images."""
    grey = save_images(folder / "grey", 30)
    coloured = save_images(folder / "coloured", 30, mode="RGB")
    marginal = ObjectiveConfig(kind="marginal")
    settings = config(coloured, prior=str(grey), objective=marginal)
    return commands.train(settings, folder / "translator").run


@pytest.fixture(scope="module")
def labelled(folder):
    for label, most in (("cat", 64), ("dog", 256)):
        save_images(folder / "labelled-images" / label, 45, mode="RGB", most=most)
    return commands.train(config(folder / "labelled-images"), folder / "labelled")


@pytest.fixture
def copy(tmp_path, mixture):
    """A copy of a run, to be harmed."""
    return Run.open(shutil.copytree(mixture.run.folder, tmp_path / "copy"))


# training


def test_a_run_holds_everything_that_later_commands_need(mixture):
    run = mixture.run
    names = sorted(
        str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()
    )
    checkpoints = [
        f"checkpoints/step-{step:08}/{file}"
        for step in KEPT
        for file in (
            "average.safetensors",
            "manifest.json",
            "memory.safetensors",
            "model.safetensors",
            "optimizers.safetensors",
            "state.json",
            "units.safetensors",
        )
        if file != "optimizers.safetensors" or step in KEPT[-3:]
    ]
    samples = [
        f"samples/{kind}-{step:08}.npy"
        for kind in ("reconstructions", "step")
        for step in BOUNDARIES
    ]
    tracked = [name for name in names if name.startswith("events.out.tfevents.")]
    assert len(tracked) == 1
    assert names == sorted(
        [".lock", "config.json", "metrics.jsonl", "report.html", *tracked, *checkpoints, *samples]
    )


def test_records_come_when_they_are_due_and_at_the_ends_of_the_steps(mixture):
    records = mixture.run.records
    assert [record["step"] for record in records] == [4, 5, 10, 14, 15, 20]
    phases = {record["step"]: record["phase"] for record in records}
    assert [phases[step] for step in BOUNDARIES] == ["ml", "transfer", "adversarial"]


def test_every_metric_has_a_name_that_parses(mixture, five, labelled):
    for trained in (mixture, five, labelled):
        assert trained.last
        for name in trained.last:
            assert str(parse(name)) == name


def test_training_returns_the_metrics_at_the_end_of_the_first_step_and_at_the_end(mixture):
    records = {record["step"]: record for record in mixture.run.records}
    assert mixture.first == metrics_of(records[4])
    assert mixture.last == metrics_of(records[20])
    assert mixture.seconds > 0


def test_the_configuration_is_kept_with_the_shape_of_the_data(five):
    kept = json.loads(five.run.config_path.read_text())
    assert kept["event_shape"] == [5]
    assert kept["data"].endswith("five.npy")


@pytest.mark.slow
def test_a_configuration_that_is_kept_repeats_the_run_to_the_bit(folder, mixture):
    settings = read_config(mixture.run.config_path)
    again = commands.train(settings, folder / "again").run
    assert_same_tensors(tensors(mixture.run, STEPS), tensors(again, STEPS))
    for step in BOUNDARIES:
        assert np.array_equal(mixture.run.samples[step], again.samples[step])


@pytest.mark.slow
def test_another_seed_gives_another_run(folder, mixture):
    other = commands.train(config(mixture=MixtureConfig(side=2), seed=1), folder / "seed-1").run
    ours, theirs = (tensors(run, STEPS)["model/generator.0.weight"] for run in (mixture.run, other))
    assert not np.array_equal(ours, theirs)


@pytest.mark.slow
def test_how_often_a_run_is_watched_does_not_change_it(folder, mixture):
    settings = config(
        mixture=MixtureConfig(side=2),
        evaluation=EvaluationConfig(samples=40, shown=6, every=1),
        record_every=1,
        checkpoint_every=1,
    )
    watched = commands.train(settings, folder / "watched").run
    assert_same_tensors(tensors(mixture.run, STEPS), tensors(watched, STEPS))
    assert len(watched.records) == STEPS


def older(run, folder):
    """The same run as it was written before checkpoints kept the units."""
    run = Run(shutil.copytree(run.folder, folder))
    np.save(folder / "units.npy", np.stack([np.array([7.0, 8.0]), np.ones(2)]))
    for step in run.checkpoint_steps:
        manifest = run.checkpoint_folder(step) / "manifest.json"
        sums = json.loads(manifest.read_text())
        del sums["units.safetensors"]
        manifest.write_text(json.dumps(sums))
    return run


def test_an_older_run_has_its_units_beside_its_checkpoints(vectors, tmp_path):
    run = older(vectors[0], tmp_path / "older")
    assert units_of(open_run(run)).mean.tolist() == [7.0, 8.0]


def test_an_older_run_that_lost_its_units_gives_no_samples(vectors, tmp_path):
    run = older(vectors[0], tmp_path / "older")
    (run.folder / "units.npy").unlink()
    with pytest.raises(
        ValueError, match=r"has lost units\.npy.*restore it.*or go on with .*--resume"
    ):
        commands.sample(run, 3, 0, tmp_path / "samples.npy")


@pytest.mark.parametrize("key", ["event_shape", "prior_shape"])
def test_a_configuration_without_the_shape_of_the_data_is_named(mixture, tmp_path, key):
    run = Run(shutil.copytree(mixture.run.folder, tmp_path / "run"))
    values = run.config | {"prior": "ring8", "prior_shape": [2]}
    values["objective"] |= {"kind": "marginal"}
    run.write_config({name: value for name, value in values.items() if name != key})
    with pytest.raises(ValueError, match=rf"config\.json has no {key}"):
        commands.sample(run, 3, 0, tmp_path / "samples.npy")


@pytest.mark.slow
def test_a_start_that_was_killed_before_its_trials_goes_on(tmp_path):
    stacked = config(trials=2, event_shape=(2,))
    run = Run.create(tmp_path / "run", stacked.model_dump(mode="json"))
    (run.folder / "trial-0").mkdir()
    commands.train(stacked, run.folder, resume=True)
    for trial in range(2):
        assert Run.open(run.folder / f"trial-{trial}").checkpoint_steps[-1] == STEPS


@pytest.mark.parametrize("name", ["trial-0", "checkpoints", "samples", "metrics.jsonl"])
def test_training_goes_on_through_no_link_that_leads_outside(tmp_path, name):
    stacked = config(trials=2, event_shape=(2,))
    run = Run.create(tmp_path / "run", stacked.model_dump(mode="json"))
    (tmp_path / "theirs").mkdir()
    (run.folder / name).symlink_to(tmp_path / "theirs")
    with pytest.raises(ValueError, match=rf"run/{name} leads out of"):
        commands.train(stacked, run.folder, resume=True)
    assert not list((tmp_path / "theirs").iterdir())


def test_vectors_keep_their_units(vectors):
    run, x = vectors
    units = units_of(open_run(run))
    mean, std = units.mean.numpy(), units.std.numpy()
    np.testing.assert_allclose(mean, x.mean(0), rtol=0.02)
    np.testing.assert_allclose(std, x.std(0), rtol=0.1)
    np.testing.assert_allclose(run.samples[300].mean(0), x.mean(0), atol=3 * x.std(0).max())


@pytest.fixture(scope="module", params=[0.0, 1e9])
def moved(folder, request):
    """A run on vectors of deviation 1 and a constant, where they are, and what it said."""
    x = np.random.default_rng(0).normal(size=(300, 2)) * [1.0, 0.0] + [request.param, 7.0]
    path = folder / f"moved-{request.param:g}.npy"
    np.save(path, x)
    settings = config(
        path,
        path=PathConfig(ml=1.0, transfer=0.0, adversarial=0.0),
        model=ModelConfig(latent=2, hidden=(32,), noise=0.3),
        steps=100,
        checkpoint_every=1000,
    )
    console = Console(record=True, width=200, file=StringIO())
    run = commands.train(settings, path.with_suffix(""), console=console).run
    return run, x, request.param, console.export_text()


@pytest.mark.slow
def test_where_vectors_lie_makes_no_difference(moved, tmp_path):
    run, x, shift, _ = moved
    np.save(tmp_path / "given.npy", x[:50])
    samples = np.load(commands.sample(run, 200, 0, tmp_path / "samples.npy"))[:, 0] - shift
    found = commands.reconstruct(run, tmp_path / "given.npy", tmp_path / "pairs.npy")
    originals, decoded = np.load(found.path)[:, :, 0] - shift
    assert 0.1 < samples.std() < 2 and abs(samples.mean()) < 1
    np.testing.assert_allclose(originals, x[:50, 0] - shift, atol=1e-5)
    assert np.square(originals - decoded).mean() / 2 == pytest.approx(found.error, rel=0.2)
    last = run.records[-1]
    (frechet,) = (last[name] for name in last if name.startswith("frechet_distance/vectors/40"))
    assert 0.01 < frechet < 2


def test_a_constant_column_is_said(moved):
    *_, said = moved
    assert "column 1 of the data is constant (7): it keeps its scale" in said


def test_images_are_kept_as_pictures_too(unlabelled):
    run, _ = unlabelled
    for step in BOUNDARIES:
        assert run.samples[step].dtype == np.uint8
        with Image.open(run.samples_picture(step)) as picture:
            picture.verify()


def test_a_folder_without_labels_is_compared_in_pixels_and_the_user_is_told(unlabelled):
    run, told = unlabelled
    names = [parse(name) for name in metrics_of(run.records[-1])]
    assert {name.protocol for name in names} == {"pixels", "mse"}
    assert told.count("no labels: distances compare averaged pixels") == 1


def test_a_folder_with_a_subfolder_for_each_class_is_compared_by_a_classifier(labelled):
    protocols = {parse(name).metric: parse(name).protocol for name in labelled.last}
    assert protocols["frechet_distance"] == protocols["retention"]
    assert protocols["retention"].startswith("classifier-")
    assert json.loads(labelled.run.config_path.read_text())["event_shape"] == [3, 8, 8]


def test_a_run_is_refused_where_something_stands_and_nothing_changes(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.folder.rglob("*")}
    with pytest.raises(FileExistsError, match=r"go on with .*--resume, or choose another"):
        commands.train(config(), copy.folder)
    assert {path: path.stat().st_mtime_ns for path in copy.folder.rglob("*")} == before


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"noise": 0}},
        {"batch_size": 100, "data": "five"},
        {"seed": -1},
        {"data": "none.npy"},
        {"images": ImagesConfig(size=9), "data": "unlabelled-images"},
    ],
)
def test_a_run_that_cannot_begin_leaves_no_folder(folder, tmp_path, five, unlabelled, changes):  # noqa: ARG001
    places = {name: str(folder / name) for name in ("unlabelled-images", "none.npy")}
    places["five"] = str(folder / "five.npy")
    if "data" in changes:
        changes = changes | {"data": places[changes["data"]]}
    with pytest.raises((ValueError, OSError)):
        commands.train(config(**changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_is_looked_at_before_the_data(tmp_path, resume):
    if not resume:
        (tmp_path / "mine.txt").write_text("keep me")
    message = "not a run" if resume else "not empty"
    with pytest.raises(OSError, match=message):
        commands.train(config("no/such/data"), tmp_path, resume=resume)


def test_a_run_that_diverges_keeps_its_last_good_checkpoint(folder):
    settings = config(
        optimization=Optimization(generator=1e30),
        path=PathConfig(ml=0.05, transfer=0.15, adversarial=0.8),
    )
    with pytest.raises(Diverged, match=r"diverged by update \d+: .* is not finite; lower the"):
        commands.train(settings, folder / "diverged")
    run = Run.open(folder / "diverged")
    (step,) = run.checkpoint_steps
    assert all(np.isfinite(value).all() for value in tensors(run, step).values())
    assert all(record["step"] <= step for record in run.records)
    assert run.report_path.exists()


# resuming


def test_a_run_that_is_done_stays_as_it_is_when_it_is_resumed(copy):
    before, records = tensors(copy, STEPS), copy.metrics_path.read_bytes()
    settings = read_config(copy.config_path)
    trained = commands.train(settings, copy.folder, resume=True)
    assert_same_tensors(before, tensors(copy, STEPS))
    assert copy.metrics_path.read_bytes() == records
    assert trained.last


@pytest.mark.parametrize("left", [[], [14], [4, 14]])
def test_a_run_that_was_killed_goes_on_from_its_last_whole_checkpoint(copy, left):
    before, records = tensors(copy, STEPS), copy.records
    for step in BOUNDARIES:
        if step not in left:
            shutil.rmtree(copy.checkpoint_folder(step))
    torn = copy.folder / "checkpoints" / "step-00000016.partial"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    with copy.metrics_path.open("ab") as file:
        file.write(b'{"step": 16, "phase": "adv')
    commands.train(read_config(copy.config_path), copy.folder, resume=True)
    assert_same_tensors(before, tensors(copy, STEPS))

    def without_time(lines):
        return [{key: line[key] for key in line if key != "seconds"} for line in lines]

    assert without_time(copy.records) == without_time(records)


def test_resuming_with_another_setting_names_it_and_changes_nothing(copy):
    before = copy.metrics_path.read_bytes()
    settings = config(mixture=MixtureConfig(side=2), seed=5)
    with pytest.raises(ValueError, match=r"another configuration \(seed: 0 and 5\): resume it"):
        commands.train(settings, copy.folder, resume=True)
    assert copy.metrics_path.read_bytes() == before
    assert json.loads(copy.config_path.read_text())["seed"] == 0


def test_the_way_out_of_another_setting_is_a_command_that_works(copy):
    with pytest.raises(ValueError) as caught:
        commands.train(config(seed=5), copy.folder, resume=True)
    words = re.search(r"alpha-bridge (train .*)", str(caught.value)).group(1).split()
    assert main(words) == 0


@pytest.mark.parametrize("harm", ["flipped", "missing", "empty"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used(copy, harm):
    right = commands.evaluate(copy, step=18), commands.evaluate(copy)
    file = copy.checkpoint_folder(STEPS) / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content) if harm == "flipped" else b"")
    if harm == "missing":
        file.unlink()
    with pytest.raises(ValueError, match="step-00000020"):
        commands.evaluate(copy, step=20)
    with pytest.warns(UserWarning, match="step-00000020.*: update 18 is used instead"):
        assert commands.evaluate(copy) == right[0]
    (note,) = commands.train(read_config(copy.config_path), copy.folder, resume=True).notes
    assert "step-00000020" in note and "training goes on from update 18" in note
    assert commands.evaluate(copy) == right[1]


@pytest.mark.parametrize("content", ["{", "[]", '{"stepz": 1}'])
def test_a_damaged_configuration_is_named(copy, content):
    copy.config_path.write_text(content)
    with pytest.raises(ValueError, match=re.escape(str(copy.config_path))):
        commands.sample(copy, 3, 0, None)


# sampling


def test_samples_of_vectors_are_in_the_units_of_the_data(vectors):
    run, x = vectors
    path = commands.sample(run, 2000, 0, run.folder / "many.npy")
    samples = np.load(path, allow_pickle=False)
    assert (samples.dtype, samples.shape) == (np.float32, (2000, 2))
    assert (np.abs(samples.mean(0) - x.mean(0)) < 0.5 * x.std(0)).all()
    assert (np.abs(np.log(samples.std(0) / x.std(0))) < math.log(3)).all()


def test_samples_of_images_are_a_picture_or_an_array(unlabelled, tmp_path):
    run, _ = unlabelled
    array = np.load(commands.sample(run, 5, 0, tmp_path / "a.npy"), allow_pickle=False)
    assert (array.dtype, array.shape) == (np.uint8, (5, 8, 8, 1))
    with Image.open(commands.sample(run, 5, 0, tmp_path / "new" / "a.png")) as picture:
        assert picture.format == "PNG"


def test_samples_go_into_the_run_by_default(unlabelled, five):
    image_run, _ = unlabelled
    assert commands.sample(image_run, 3, 1, None) == image_run.folder / "samples-3-seed-1.png"
    assert commands.sample(five.run, 3, 1, None) == five.run.folder / "samples-3-seed-1.npy"


def test_the_seed_and_the_checkpoint_decide_the_samples(mixture, tmp_path):
    def drawn(name, seed, step=None):
        path = commands.sample(mixture.run, 4, seed, tmp_path / f"{name}.npy", step)
        return np.load(path, allow_pickle=False)

    latest = drawn("latest", 0)
    assert np.array_equal(latest, drawn("again", 0))
    assert np.array_equal(latest, drawn("step", 0, STEPS))
    assert not np.array_equal(latest, drawn("seed", 1))
    assert not np.array_equal(latest, drawn("earlier", 0, BOUNDARIES[0]))


def test_samples_come_from_the_averaged_generator(mixture, tmp_path):
    path = commands.sample(mixture.run, 4, 0, tmp_path / "samples.npy")
    kept = tensors(mixture.run, STEPS)
    names = [f"average/generator.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")]
    first, shift, second, last = (kept[name] for name in names)
    hidden = normal(0, 0, 0, (4, 2)).numpy() @ first.T + shift.T
    expected = np.where(hidden > 0, hidden, 0.2 * hidden) @ second.T + last.T
    np.testing.assert_allclose(np.load(path, allow_pickle=False), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("count", "seed", "out", "step", "message"),
    [
        (0, 0, None, None, "count must be at least 1, got 0"),
        (3, -1, None, None, "seed must be at least 0, got -1"),
        (3, 0, None, 7, "no checkpoint after update 7: it has 4, 14, 15, 18, 20"),
        (3, 0, "samples.gif", None, "end .*samples.gif with .npy"),
        (3, 0, "samples.png", None, "vectors, not images: end .*samples.png with .npy"),
    ],
)
def test_samples_that_cannot_be_drawn_are_refused(
    mixture, tmp_path, count, seed, out, step, message
):
    path = None if out is None else tmp_path / out
    with pytest.raises(ValueError, match=message):
        commands.sample(mixture.run, count, seed, path, step)
    assert not list(tmp_path.iterdir())


def test_a_picture_needs_an_ending_that_is_known(unlabelled, tmp_path):
    run, _ = unlabelled
    with pytest.raises(ValueError, match=r"must end with .png or .npy, got .*a.gif"):
        commands.sample(run, 3, 0, tmp_path / "a.gif")


def test_a_file_that_stands_is_refused_before_any_work(mixture, unlabelled, tmp_path):
    out, image = tmp_path / "mine.npy", tmp_path / "no-image.png"
    for file in (out, image):
        file.write_text("keep me")
    run, _ = unlabelled
    for use in (
        lambda: commands.sample(mixture.run, 3, 0, out),
        lambda: commands.reconstruct(run, image, out),
    ):
        with pytest.raises(OSError, match=r"mine\.npy exists"):
            use()
    assert out.read_text() == "keep me"


def test_a_file_below_a_file_cannot_be_written(mixture, tmp_path):
    (tmp_path / "file").write_text("keep me")
    with pytest.raises(PermissionError, match=r"cannot write .*: choose another place"):
        commands.sample(mixture.run, 3, 0, tmp_path / "file" / "samples.npy")


def test_a_run_without_a_checkpoint_says_so(tmp_path):
    run = Run.create(tmp_path / "run", config(event_shape=(2,)).model_dump(mode="json"))
    with pytest.raises(
        ValueError, match=r"has no checkpoint: train it by alpha-bridge train .* --resume"
    ):
        commands.sample(run, 3, 0, None)


# reconstructing


@pytest.mark.usefixtures("drawn")
def test_a_folder_an_image_and_an_array_can_be_reconstructed(unlabelled, folder, tmp_path):
    run, _ = unlabelled
    images = folder / "unlabelled-images"
    array = tmp_path / "images.npy"
    np.save(array, np.stack([np.asarray(Image.open(file)) for file in sorted(images.iterdir())]))
    errors = {}
    for given in (images, images / "000.png", array):
        done = commands.reconstruct(run, given, tmp_path / f"{given.stem}.png")
        errors[given] = done.error
        with Image.open(done.path) as picture:
            picture.verify()
    assert errors[images] == pytest.approx(errors[array])
    assert 0 < errors[images / "000.png"] < 4


def test_reconstructions_as_an_array_begin_with_the_originals(unlabelled, folder, tmp_path):
    run, _ = unlabelled
    image = folder / "unlabelled-images" / "000.png"
    done = commands.reconstruct(run, image, tmp_path / "pairs.npy")
    originals, decoded = np.load(done.path, allow_pickle=False)
    assert np.array_equal(originals[0, ..., 0], np.asarray(Image.open(image)))
    from_pixels = np.square((originals.astype(float) - decoded) / 127.5).mean()
    assert from_pixels == pytest.approx(done.error, rel=0.02)
    assert done.refined_error == done.error


def test_deep_images_have_the_white_of_the_run_and_their_number_is_given(unlabelled, tmp_path):
    run = Run.open(shutil.copytree(unlabelled[0].folder, tmp_path / "run"))
    run.config_path.write_text(
        json.dumps(json.loads(run.config_path.read_text()) | {"white": 4095})
    )
    images = tmp_path / "deep"
    images.mkdir()
    Image.fromarray(np.full((8, 8), 1024, np.uint16)).save(images / "0.png")
    (images / "notes.txt").write_text("")
    console = Console(record=True, width=200, file=StringIO())
    done = commands.reconstruct(run, images, tmp_path / "pairs.npy", console=console)
    assert np.load(done.path)[0].max() == 64
    line = "1 image of 2 files; 1 left out: 1 without pixels (.txt)"
    assert line in console.export_text().splitlines()


def test_refined_latents_reconstruct_better(vectors, tmp_path):
    run, x = vectors
    np.save(tmp_path / "some.npy", x[:50])
    done = commands.reconstruct(run, tmp_path / "some.npy", tmp_path / "pairs.npy", refine=60)
    originals, decoded = np.load(done.path, allow_pickle=False)
    error = np.square((originals - decoded) / deviations(run)).mean()
    assert error == pytest.approx(done.refined_error, rel=1e-3)
    assert done.refined_error < 0.9 * done.error


def test_reconstructions_go_into_the_run_by_default(unlabelled, folder):
    run, _ = unlabelled
    path = commands.reconstruct(run, folder / "unlabelled-images", None).path
    assert path == run.folder / "reconstructions-of-unlabelled-images.png"


def test_vectors_are_reconstructed_in_the_units_of_the_data(vectors, tmp_path):
    run, x = vectors
    images = tmp_path.parent / run.folder.parent / "vectors.npy"
    done = commands.reconstruct(run, images, None)
    originals, decoded = np.load(done.path, allow_pickle=False)
    np.testing.assert_allclose(originals, x, rtol=1e-3)
    error = np.square((originals - decoded) / deviations(run)).mean()
    assert error == pytest.approx(done.error, rel=1e-3)
    assert error < 0.5


def test_images_of_another_kind_are_refused(five, unlabelled, folder, tmp_path):
    images, array = folder / "unlabelled-images", folder / "five.npy"
    run, _ = unlabelled
    with pytest.raises(ValueError, match="takes vectors, not images"):
        commands.reconstruct(five.run, images, tmp_path / "a.npy")
    with pytest.raises(ValueError, match=r"shape \(5,\), the model takes \(1, 8, 8\)"):
        commands.reconstruct(run, array, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


# evaluating and reporting


@pytest.mark.parametrize("name", ["mixture", "five", "labelled"])
def test_evaluating_again_gives_the_metrics_of_the_training(name, request):
    trained = request.getfixturevalue(name)
    assert commands.evaluate(trained.run) == pytest.approx(trained.last, rel=1e-5)


def test_an_earlier_checkpoint_can_be_evaluated(mixture):
    first = commands.evaluate(mixture.run, step=4)
    assert {name: first[name] for name in mixture.first} == pytest.approx(mixture.first, rel=1e-5)


def test_samples_and_reports_need_no_data_and_evaluations_say_what_is_missing(five, tmp_path):
    run = Run.open(shutil.copytree(five.run.folder, tmp_path / "run"))
    content = json.loads(run.config_path.read_text())
    gone = tmp_path / "gone.npy"
    run.config_path.write_text(json.dumps(content | {"data": str(gone)}))
    assert commands.sample(run, 3, 9, None).exists()
    assert write_report(run).exists()
    with pytest.raises(ValueError, match=r"the data of .*run cannot be used: .*gone.npy"):
        commands.evaluate(run)


def test_data_that_changed_since_are_not_evaluated_against(five, tmp_path):
    run = Run.open(shutil.copytree(five.run.folder, tmp_path / "run"))
    content = json.loads(run.config_path.read_text())
    np.save(tmp_path / "other.npy", np.random.default_rng(0).normal(size=(60, 3)))
    run.config_path.write_text(json.dumps(content | {"data": str(tmp_path / "other.npy")}))
    with pytest.raises(ValueError, match=r"have changed: .* shape \(3,\), the run is for \(5,\)"):
        commands.evaluate(run)


@pytest.mark.slow
def test_a_long_run_has_its_page_from_the_end_of_step_one_on(tmp_path, monkeypatch, unlabelled):
    monkeypatch.setattr(run_callbacks, "LONG", 0.0)
    console = Console(file=StringIO(), width=200)
    commands.train(config(), tmp_path / "run", console=console)
    assert console.file.getvalue().count("report so far: ") == len(BOUNDARIES) - 1
    _, said_of_a_short_one = unlabelled
    assert "report so far" not in said_of_a_short_one


def test_a_report_shows_the_metrics_of_the_run(mixture):
    page = write_report(mixture.run).read_text()
    assert "Modes" in page
    assert "Inception score" in page


def test_a_metric_that_was_not_finite_is_nan():
    record = {"step": 1, "phase": "ml", "modes/3std/5": None, "loss/generator": 1.0}
    assert math.isnan(metrics_of(record)["modes/3std/5"])
    assert list(metrics_of(record)) == ["modes/3std/5"]


# translating


@pytest.mark.parametrize(
    ("back", "source", "channels"), [(False, "grey", 3), (True, "coloured", 1)]
)
def test_images_are_translated_to_the_other_domain(
    translator, folder, tmp_path, back, source, channels
):
    out = tmp_path / "there.npy"
    assert commands.translate(translator, folder / source, out, back) == out
    translated = np.load(out)
    assert translated.dtype == np.uint8
    assert translated.shape == (30, 8, 8, channels)


@pytest.mark.usefixtures("drawn")
def test_translations_are_drawn_beside_their_originals(translator, folder):
    path = commands.translate(translator, folder / "grey", None)
    assert path == translator.folder / "translations-of-grey.png"
    assert path.stat().st_size > 0


def test_a_translator_is_measured_on_the_second_domain(translator, tmp_path):
    found = commands.evaluate(translator)
    assert found == pytest.approx(metrics_of(translator.records[-1]))
    dark = save_images(tmp_path / "dark", 30, most=64)
    other = commands.evaluate(translator, prior=str(dark))
    assert other.keys() == found.keys()
    distance = next(name for name in found if name.startswith("frechet_distance"))
    assert other[distance] != pytest.approx(found[distance])


@pytest.mark.slow
def test_vectors_are_translated_into_an_array(tmp_path):
    settings = config(prior="ring8", objective=ObjectiveConfig(kind="marginal"))
    run = commands.train(settings, tmp_path / "run").run
    np.save(tmp_path / "some.npy", np.zeros((5, 2), np.float32))
    path = commands.translate(run, tmp_path / "some.npy", None)
    assert np.load(path).shape == (5, 2)
    with pytest.raises(ValueError, match=r"end .* with .npy"):
        commands.translate(run, tmp_path / "some.npy", tmp_path / "a.png")


def test_a_translator_draws_no_samples_of_its_own(translator):
    with pytest.raises(ValueError, match=r"translates samples of .*grey and has no prior"):
        commands.sample(translator, 4, 0, None)


def test_a_translator_reconstructs_and_refines_nothing(translator, folder, tmp_path):
    out = tmp_path / "pairs.png"
    with pytest.raises(ValueError, match=r"--refine 5 descends towards N\(0, I\), .*grey"):
        commands.reconstruct(translator, folder / "coloured", out, refine=5)
    assert not out.exists()
    commands.reconstruct(translator, folder / "coloured", out)
    assert out.exists()


def test_a_run_without_a_second_domain_does_not_translate(unlabelled, folder):
    with pytest.raises(ValueError, match=r"has no second domain .* --objective marginal --prior"):
        commands.translate(unlabelled[0], folder / "grey", None)
