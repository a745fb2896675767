"""What is missed and what is invented is shown as it was ranked, and exported with its numbers."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from alpha_bridge.studio import uncovered
from alpha_bridge.studio.uncovered import Extremes


@pytest.fixture(scope="module")
def missed(digits, tmp_path_factory):
    return uncovered.missed_samples(digits, 40, 4, tmp_path_factory.mktemp("missed"))


@pytest.fixture(scope="module")
def invented(digits):
    return uncovered.invented_samples(digits, 4)


def test_missed_samples_are_images_of_the_data(missed):
    assert missed.images.shape == (4, 8, 8, 1)
    from sklearn.datasets import load_digits

    known = (load_digits().images * 255 / 16).round().astype(np.uint8)
    for image, numbers in zip(missed.images, missed.numbers, strict=True):
        assert np.abs(known[numbers["row"]].astype(int) - image[..., 0]).max() <= 1


def test_invented_samples_have_the_lowest_ratios_first(invented):
    ratios = [numbers["log ratio"] for numbers in invented.numbers]
    assert ratios == sorted(ratios)
    assert invented.html.count("<figure>") == 4


def test_points_are_a_table(ring, tmp_path):
    found = [uncovered.missed_samples(ring, 40, 4, tmp_path), uncovered.invented_samples(ring, 4)]
    assert all(of.images is None and {"x0", "x1"} <= {*of.numbers[0]} for of in found)
    assert all("<table>" in of.html for of in found)


def test_an_export_has_pictures_and_numbers(missed, tmp_path):
    rows = Extremes("rows", [{"city": "Bern, CH", "log ratio": -1.5}])
    path = uncovered.export([("missed", missed), ("rows", rows)], tmp_path / "both.zip")
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("missed.json"))[0]["row"] == missed.numbers[0]["row"]
        with archive.open("missed-001.png") as file:
            np.testing.assert_array_equal(np.asarray(Image.open(file)), missed.images[0, ..., 0])
        assert archive.read("rows.csv").decode().splitlines() == [
            "city,log ratio",
            '"Bern, CH",-1.5',
        ]
