"""Edits of a run: what is moved, along what, how far, and what is refused."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.commands import edit
from alpha_bridge.commands.edit_images import _drawn as drawn
from alpha_bridge.inference.editing import Direction, Evidence
from alpha_bridge.recipe import Config, read_config
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.runs.loading import load_model
from alpha_bridge.runs.opening import open_run
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig


def config(**changes):
    small = {
        "data": "digits",
        "steps": 30,
        "batch_size": 32,
        "path": PathConfig(ml=1.0, transfer=0.0, adversarial=0.0),
        "model": ModelConfig(latent=4, hidden=(16,), width=8, noise=0.4),
        "evaluation": EvaluationConfig(samples=20, shown=2, every=1000, features="pixels"),
    }
    return Config(**(small | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("edit")


@pytest.fixture(scope="module")
def run(folder):
    return commands.train(config(), folder / "digits").run


@pytest.fixture(scope="module")
def vectors(folder):
    """A run on points of the plane, the right half of which is labelled by row."""
    x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    np.save(folder / "x.npy", x)
    with (folder / "right.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("row", "right"), *enumerate((x[:, 0] > 0).astype(int))])
    return commands.train(config(data=str(folder / "x.npy")), folder / "vectors").run


@pytest.fixture(scope="module")
def images(folder):
    """Images of threes and of others as files, with a table of which is which."""
    source = build_source(config())
    pixels, three = source.training(60), source.training_labels(60) == 3
    (folder / "images").mkdir()
    with (folder / "three.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "three", "one"])
        for k in range(60):
            Image.fromarray(pixels[k, 0].numpy()).save(folder / "images" / f"{k:02}.png")
            table.writerow([f"images/{k:02}.png", int(three[k]), 1])
    return folder / "images"


def model_of(run):
    return load_model(open_run(run))


def held_out(run, count):
    source = build_source(read_config(run.config_path))
    return source.units.normalize(source.held_out(count)), source.units


def test_a_strip_goes_through_the_reconstruction(run, tmp_path):
    edited = edit(run, ["label=3"], strength=1.5, n=4, columns=5, out=tmp_path / "strip.npy")
    cells = np.load(edited.path)
    assert edited.columns == pytest.approx([-1.5, -0.75, 0, 0.75, 1.5])
    assert cells.shape == (4, 5, 8, 8, 1)
    x, units = held_out(run, 4)
    np.testing.assert_array_equal(cells[:, 2], units.stored(model_of(run).reconstruct(x)))
    assert (cells[:, 0] != cells[:, 4]).any()


def test_strips_of_attributes_follow_each_other(run, tmp_path):
    both = edit(run, ["label=3", "label=0"], n=2, out=tmp_path / "a.npy")
    second = edit(run, ["label=0"], n=2, out=tmp_path / "b.npy")
    np.testing.assert_array_equal(np.load(both.path)[2:], np.load(second.path))


def test_the_last_column_is_moved_by_the_strength_along_the_direction(run, tmp_path):
    edited = edit(run, ["label=3"], strength=2.5, n=3, out=tmp_path / "strip.npy")
    model, (x, units) = model_of(run), held_out(run, 3)
    (direction,) = edited.directions
    moved = model.decode(model.encode(x) + 2.5 * direction.scale * direction.vector)
    np.testing.assert_array_equal(np.load(edited.path)[:, -1], units.stored(moved))


def test_directions_are_those_of_training_labels(run, tmp_path):
    (direction,) = edit(run, ["label=3"], method="means", out=tmp_path / "a.npy").directions
    source = build_source(config())
    z = model_of(run).encode(source.units.normalize(source.training(10_000)))
    three = source.training_labels(10_000) == 3
    way = z[three].mean(0) - z[~three].mean(0)
    torch.testing.assert_close(direction.vector, way / way.norm(), atol=1e-4, rtol=0)
    assert (direction.evidence.having, direction.evidence.lacking) == (three.sum(), (~three).sum())
    assert direction.evidence.interval[0] > 0.5


def test_an_edit_leaves_the_named_attributes_alone(run, tmp_path):
    plain, apart, other = (
        edit(run, [name], against=against, out=tmp_path / f"{k}.npy").directions[0].vector
        for k, (name, against) in enumerate(
            [("label=3", []), ("label=3", ["label=8"]), ("label=8", [])]
        )
    )
    assert abs(float((apart * other).sum())) < 1e-5 < abs(float((plain * other).sum()))


def test_a_table_of_rows_labels_the_data_of_the_run(vectors, folder, tmp_path):
    edited = edit(vectors, ["right"], labels=folder / "right.csv", out=tmp_path / "strip.npy")
    (direction,) = edited.directions
    assert direction.evidence.having + direction.evidence.lacking == 180  # a tenth is held out
    assert np.load(edited.path).shape == (8, 7, 2)


def test_a_table_of_files_labels_images(run, images, tmp_path):
    table = images.parent / "three.csv"
    edited = edit(run, ["three"], labels=table, out=tmp_path / "strip.npy")
    evidence = edited.directions[0].evidence
    three = int((build_source(config()).training_labels(60) == 3).sum())
    assert (evidence.having, evidence.lacking) == (three, 60 - three)


@pytest.mark.slow
def test_held_out_images_of_the_run_that_a_table_names_are_left_out(images, tmp_path, capsys):
    photos = shutil.copytree(images, tmp_path / "images")
    run = commands.train(config(data=str(photos), steps=3), tmp_path / "run").run
    source = build_source(read_config(run.config_path))
    apart = {source.files[row] for row in source.held_out_attributes(60).rows}
    assert len(apart) == 6
    lines = (images.parent / "three.csv").read_text().splitlines()
    elsewhere = shutil.copy(images / min(apart), tmp_path / "elsewhere.png")
    table = tmp_path / "three.csv"
    table.write_text("\n".join([*lines, f"{elsewhere.name},1,1"]) + "\n")
    words = ["--attribute", "three", "--labels", str(table), "--out", str(tmp_path / "a.npy")]
    capsys.readouterr()
    assert main(["edit", str(run.folder), *words, "--json"]) == 0
    out, err = capsys.readouterr()
    assert "6 of 61 labelled images are left out: they are held out" in err
    (direction,) = json.loads(out)["directions"]
    three = {line.split(",")[0] for line in lines if line.split(",")[1] == "1"}
    having = len(three - {f"images/{name}" for name in apart}) + 1
    assert (direction["having"], direction["lacking"]) == (having, 55 - having)


def test_images_of_the_user_are_edited(run, images, tmp_path):
    given = {"images": images / "07.png", "columns": 3}
    edited = edit(run, ["label=3"], **given, out=tmp_path / "strip.npy")
    pixels = torch.from_numpy(np.array(Image.open(images / "07.png")))[None, None]
    decoded = model_of(run).reconstruct(pixels.float() / 127.5 - 1)
    expected = build_source(config()).units.stored(decoded)
    np.testing.assert_array_equal(np.load(edited.path)[:, 1], expected)


def test_samples_are_edited_from_their_own_latents(run, tmp_path):
    strips = [
        np.load(edit(run, ["label=3"], samples=True, seed=seed, out=out).path)
        for seed, out in ((0, tmp_path / "0.npy"), (1, tmp_path / "1.npy"))
    ]
    drawn = np.load(commands.sample(run, 8, 0, tmp_path / "drawn.npy"))
    np.testing.assert_array_equal(strips[0][:, 3], drawn)
    assert (strips[0] != strips[1]).any()


@pytest.mark.parametrize("between", ["slerp", "lerp"])
def test_a_way_between_images_begins_and_ends_with_their_reconstructions(run, between, tmp_path):
    done = edit(run, between=between, n=5, columns=4, out=tmp_path / "way.npy")
    cells = np.load(done.path)
    x, units = held_out(run, 4)
    ends = units.stored(model_of(run).reconstruct(x))
    assert cells.shape == (2, 4, 8, 8, 1)
    assert np.abs(cells[:, 0].astype(int) - ends[::2]).max() <= 1
    assert np.abs(cells[:, -1].astype(int) - ends[1::2]).max() <= 1


def test_refined_latents_are_where_an_edit_starts(run, tmp_path):
    edited = edit(run, ["label=3"], n=4, refine=30, out=tmp_path / "strip.npy")
    before, after = edited.errors
    assert after < before
    x, units = held_out(run, 4)
    middle = units.normalize(torch.from_numpy(np.load(edited.path)[:, 3]).permute(0, 3, 1, 2))
    assert float((x - middle).square().mean()) == pytest.approx(after, rel=0.02)


# the command


@pytest.mark.parametrize("between", [False, True])
def test_a_picture_has_the_originals_and_how_sure_a_direction_is(between):
    originals = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1) * np.ones((8, 8, 1), np.uint8)
    cells = np.full((2 if between else 4, 3, 8, 8, 1), 9, np.uint8)
    evidence = Evidence(9, 9, 0.6, (0.55, 0.65), 0.6, 0.5)
    directions = [] if between else [Direction("smile", torch.ones(1), 1.0, evidence)]
    (axes,) = drawn(cells, ["0", "1", "2"], directions, originals).axes
    mosaic = axes.images[0].get_array()[::10, ::10, 0].tolist()
    headings = [tick.get_text() for tick in axes.get_xticklabels()]
    if between:
        assert mosaic == [[0, 9, 9, 9, 1], [2, 9, 9, 9, 3]]
        assert headings == ["original", "0", "1", "2", "original"]
    else:
        assert mosaic == [[k, 9, 9, 9] for k in range(4)]
        assert axes.get_yticklabels()[0].get_text() == "smile\naccuracy 0.60\nweak"


@pytest.mark.usefixtures("drawn")
def test_a_person_gets_how_sure_it_is_and_a_picture(run, capsys):
    words = ["edit", str(run.folder), "--attribute", "label=3", "--attribute", "label=0"]
    assert main([*words, "-n", "2", "--refine", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    picture = run.folder / "edit-label=3-label=0.png"
    assert said[0].startswith("label=3: ") and " labels with it and " in said[0]
    assert said[1].startswith("label=0: ")
    assert said[2].startswith("mean squared error ") and ", refined " in said[2]
    assert said[3] == str(picture)
    with Image.open(picture) as content:
        content.verify()


def test_a_program_gets_one_object(run, tmp_path, capsys):
    out = tmp_path / "way.png"
    words = ["edit", str(run.folder), "--json", "--out", str(out)]
    assert main([*words, "--between", "slerp", "-n", "2"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["file"] == str(out) and said["directions"] == []
    out = tmp_path / "strip.npy"
    words = ["edit", str(run.folder), "--json", "--out", str(out)]
    assert main([*words, "--attribute", "label=3", "--samples"]) == 0
    said = json.loads(capsys.readouterr().out)
    (direction,) = said["directions"]
    assert direction["attribute"] == "label=3" and len(direction["interval"]) == 2
    assert said["error"] is None


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["--attribute NAME", "--between"]),
        (["--attribute=label=3", "--between=lerp"], ["--attribute NAME", "--between"]),
        (["--attribute=Smiling"], ["no attribute 'Smiling'", "label=0"]),
        (["--attribute=label=3", "--against=Smiling"], ["no attribute 'Smiling'"]),
        (["--attribute=label=3", "--against=label=3"], ["'label=3'", "nothing is left"]),
        (["--attribute=one", "--labels=three.csv"], ["'one'", "got 60 with it and 0 without"]),
        (["--attribute=one", "--labels=none.csv"], ["none.csv does not exist"]),
        (["--attribute=label=3", "--images=none.png"], ["none.png does not exist"]),
        (["--attribute=label=3", "--images=x.npy"], ["(2,)", "(1, 8, 8)"]),
        (["--attribute=label=3", "--images=images", "--samples"], ["--samples or --images"]),
        (["--attribute=label=3", "--samples", "--refine=3"], ["leave out --refine"]),
        (["--attribute=label=3", "--out=three.csv"], ["three.csv exists"]),
        (["--attribute=label=3", "--out=strip.jpg"], [".png or .npy"]),
        (["--attribute=label=3", "--strength=0"], ["strength must be positive"]),
        (["--attribute=label=3", "--columns=1"], ["columns must be at least 2"]),
        (["--attribute=label=3", "-n", "0"], ["n must be at least 1"]),
        (["--attribute=label=3", "--refine=-1"], ["refine must be at least 0"]),
        (["--between=slerp", "--labels=three.csv"], ["no attribute: leave out --labels three.csv"]),
        (["--between=slerp", "--against=label=3"], ["leave out --against label=3"]),
        (["--between=slerp", "-n", "1"], ["to go between must be at least 2"]),
        (["--attribute=label=3", "--method=best"], ["best"]),
    ],
    ids=lambda value: " ".join(value).replace("/", "|"),
)
@pytest.mark.usefixtures("run", "images", "vectors")
def test_wrong_words_get_one_line_and_leave_nothing(folder, words, parts, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    capsys.readouterr()
    assert main(["edit", "digits", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(part in line for part in parts), line
    assert sorted(folder.rglob("*")) == before


def test_vectors_have_no_picture(vectors, folder, capsys):
    words = ["edit", str(vectors.folder), "--between", "lerp", "--out", str(folder / "a.png")]
    assert main(words) == 2
    assert "vectors, not images" in capsys.readouterr().err
