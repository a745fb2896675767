"""The examples run as their first lines say, in short forms."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
NEEDED = {"01_own_images": ["photos"]}
"""Arguments before the number of updates."""


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder to run in, with images in ``photos``."""
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (100, 8, 8), dtype=np.uint8)
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / "photos" / f"{index}.png")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(example):
    assert len(example.read_text("utf-8").splitlines()) <= 60


@pytest.mark.slow
@pytest.mark.usefixtures("photos", "pages_without_figures", "quick_classifiers")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example, monkeypatch, capsys):
    arguments = [*NEEDED.get(example.stem, []), "20"]
    monkeypatch.setattr(sys, "argv", [example.name, *arguments])
    runpy.run_path(str(example))
    assert capsys.readouterr().out
