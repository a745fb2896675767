"""The command that shows what the generator misses: the numbers and files are what they say."""

import json

import numpy as np
import pytest
from PIL import Image

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.commands.missed import missed
from alpha_bridge.inference.likelihood import bounds
from alpha_bridge.recipe import Config, read_config
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.runs.loading import load_model
from alpha_bridge.runs.opening import open_run
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig


def config(**changes):
    small = {
        "steps": 20,
        "batch_size": 16,
        "path": PathConfig(ml=1.0, transfer=0.0, adversarial=0.0),
        "model": ModelConfig(latent=2, hidden=(16,), width=8, noise=0.4),
        "evaluation": EvaluationConfig(samples=20, shown=2, every=1000, features="pixels"),
    }
    return Config(**(small | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("missed")


@pytest.fixture(scope="module")
def digits(folder):
    return commands.train(config(data="digits"), folder / "digits").run


@pytest.fixture(scope="module")
def mixture(folder):
    return commands.train(config(data="ring8"), folder / "mixture").run


@pytest.fixture(scope="module")
def found(digits):
    return missed(digits, count=60, draws=3)


def test_each_sample_is_ranked_once_by_each_measure_and_the_worst_come_first(found):
    assert sorted(sample.index for sample in found.samples) == list(range(60))
    for key, value in (("bound_rank", "bound"), ("distance_rank", "distance")):
        by_rank = sorted(found.samples, key=lambda sample: getattr(sample, key))
        assert [getattr(sample, key) for sample in by_rank] == list(range(1, 61))
        worse = -1 if value == "distance" else 1
        values = [worse * getattr(sample, value) for sample in by_rank]
        assert values == sorted(values)
    ranks = [sample.bound_rank + sample.distance_rank for sample in found.samples]
    assert ranks == sorted(ranks)


def test_the_numbers_are_those_of_the_held_out_samples(digits, found):
    settings = read_config(digits.config_path)
    source, model = build_source(settings), load_model(open_run(digits))
    x, labels = source.units.normalize(source.held_out(60)), source.held_out_labels(60)
    bound = bounds(model, x, model.best_sigma(x), 3) / 64
    errors = (x - model.reconstruct(x)).square().flatten(1).mean(1)
    rows = source.held_out_attributes(60).rows
    for sample in found.samples:
        at = sample.index
        assert sample.bound == pytest.approx(float(bound[at]), rel=1e-4)
        assert sample.distance**2 == pytest.approx(float(errors[at]), rel=1e-4)
        assert (sample.label, sample.row) == (labels[at], rows[at])


@pytest.mark.usefixtures("drawn")
def test_the_files_say_what_was_found(digits, tmp_path):
    found = missed(digits, count=20, n=3, draws=2, out=tmp_path / "worst.png")
    assert found.table == tmp_path / "worst.json"
    record = json.loads(found.table.read_text(encoding="utf-8"))
    assert record["settings"] == {"draws": 2, "ranked": 20, "generated": 2000}
    assert [s["index"] for s in record["samples"]] == [s.index for s in found.samples]
    assert record["samples"][0]["rank"] == found.samples[0].rank
    with Image.open(found.picture) as picture:
        picture.verify()


def test_points_of_a_known_density_are_ranked_too(mixture):
    found = missed(mixture, count=30, draws=2)
    assert {sample.row for sample in found.samples} == {None}
    assert {sample.label for sample in found.samples} <= set(range(8))
    assert found.picture.stat().st_size > 0


def test_samples_of_the_user_are_ranked(digits, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "noise.npy", noise)
    found = missed(digits, tmp_path / "noise.npy", draws=2)
    assert len(found.samples) == 5 and found.samples[0].label is None
    assert found.picture == digits.folder / "missed-of-noise.png"


@pytest.mark.slow
def test_classes_and_files_are_named_as_edit_takes_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for index in range(40):
        place = tmp_path / "photos" / "ab"[index % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{index}.png")
    run = commands.train(config(data="photos"), tmp_path / "run").run
    own = missed(run, draws=2)
    assert all(sample.file == f"{sample.name}/{sample.file[2:]}" for sample in own.samples)
    given = missed(run, tmp_path / "photos" / "a", draws=2)
    assert {sample.file for sample in given.samples} == {
        f"{index}.png" for index in range(0, 40, 2)
    }


def test_nothing_is_overwritten(digits, tmp_path):
    out = tmp_path / "worst.png"
    out.with_suffix(".json").write_text("mine")
    with pytest.raises(FileExistsError, match=r"worst\.json exists: choose another file"):
        missed(digits, count=5, out=out)
    assert not out.exists()


def test_a_person_gets_a_table_and_a_program_an_object(digits, tmp_path, capsys):
    words = ["missed", str(digits.folder), "--count", "20", "-n", "3", "--draws", "2", "--out"]
    assert main([*words, str(tmp_path / "a.png")]) == 0
    said = capsys.readouterr().out
    assert "of 20, by the mean of both ranks" in said
    assert str(tmp_path / "a.png") in said.replace("\n", "")
    assert main([*words, str(tmp_path / "b.png"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["samples"]) == 3


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nowhere"], "nowhere is not a run"),
        (["digits", "--images=none.npy"], "none.npy does not exist"),
        (["digits", "--images=point.npy"], "(2,)"),
        (["digits", "--count=0"], "count must be at least 1"),
        (["digits", "-n", "0"], "n must be at least 1"),
        (["digits", "--draws=0"], "draws must be at least 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("digits")
def test_wrong_words_get_one_line(folder, words, part, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    np.save("point.npy", np.zeros((3, 2)))
    capsys.readouterr()
    assert main(["missed", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert part in line
