"""Two sets by the command line: files and runs of all kinds, and the samples that differ."""

import json

import numpy as np
import pytest
from PIL import Image

from alpha_bridge import commands
from alpha_bridge.cli import main
from tests.commands.test_density_ratio import config

COUNT = ["--count", "60", "--permutations", "39"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Points and rows, others that are moved, photos, and a run of points and of rows."""
    place = tmp_path_factory.mktemp("compare")
    rng = np.random.default_rng(0)
    points = rng.normal(size=(160, 2)).astype(np.float32)
    np.save(place / "alike.npy", points[:80])
    np.save(place / "same.npy", points[80:])
    np.save(place / "moved.npy", points + np.float32(9))
    np.save(place / "three.npy", np.zeros((80, 3), np.float32) + rng.random((80, 1), np.float32))
    for name, center in (("rows", 0), ("others", 5)):
        cells = (f"{rng.normal(center):.3f},{rng.choice(['x', 'y'])}" for _ in range(120))
        (place / f"{name}.csv").write_text("\n".join(["a,b", *cells]) + "\n")
    for name, light in (("dark", 60), ("light", 250)):
        (place / name).mkdir()
        for at in range(24):
            pixels = rng.integers(light - 60, light, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(place / name / f"{at:02}.png")
    commands.train(config("ring8"), place / "points")
    commands.train(config(str(place / "rows.csv")), place / "table")
    return place


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def compared(capsys, *words):
    capsys.readouterr()
    assert main(["compare", *words, *COUNT, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [
        ("alike.npy", "same.npy", False),
        ("alike.npy", "moved.npy", True),
        ("dark", "light", True),
        ("others.csv", "rows.csv", True),
        ("points", "moved.npy", True),
        ("others.csv", "table", True),
    ],
)
def test_sets_of_each_kind_are_compared(capsys, first, second, differ):
    found = compared(capsys, first, second)
    assert (found["p_value"] == 1 / 40) == differ
    assert len(found["first"]) == 12 and 0 <= found["accuracy"] <= 1


def test_two_samples_of_one_run_are_not_the_same_draws(capsys):
    assert compared(capsys, "points", "points")["p_value"] > 0.05


def test_the_samples_that_differ_are_named(here, capsys):
    found = compared(capsys, "dark", "light", "-n", "3")
    assert all(sample["file"].endswith(".png") for sample in found["first"])
    chances = [sample["chance"] for sample in found["first"]]
    assert chances == sorted(chances)
    (first, *_) = compared(capsys, "rows.csv", "others.csv")["first"]
    assert {"chance", "row", "a", "b"} == {*first}
    lines = (here / "rows.csv").read_text().splitlines()[1:]
    assert f"{first['a']:.3f},{first['b']}" == lines[first["row"]]


def test_every_chance_is_in_the_file(here, capsys):
    out = here / "chances.json"
    assert main(["compare", "alike.npy", "moved.npy", *COUNT, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "(they differ)" in printed and "60 of the 80 samples of alike.npy" in printed
    record = json.loads(out.read_text())
    assert len(record["first"]) == len(record["second"]) == 60
    assert {*record["first"][0]} == {"chance", "row"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.npy", "same.npy"], "none.npy does not exist"),
        (["alike.npy", "three.npy"], "the model takes (2,)"),
        (["alike.npy", "rows.csv"], "'rows.csv' is a table"),
        (["rows.csv", "alike.npy"], "alike.npy' is no table"),
        (["points", "table"], "give two sets of one kind"),
        (["alike.npy", "same.npy", "--count", "9"], "at least 20, got 9"),
        (["alike.npy", "same.npy", "--permutations", "0"], "permutations must be at least 1"),
        (["alike.npy", "same.npy", "--out", "a.png"], "must end with .json, got a.png"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused_in_a_line(capsys, words, says):
    assert main(["compare", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
