"""What training can start from, found by names at a short look."""

import json

import pytest

from alpha_bridge.files import nearby
from alpha_bridge.files.nearby import Nearby, data_nearby


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def images(count, folder=""):
    return [f"{folder}{number}.PNG" for number in range(count)]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["people.csv"], [("people.csv", "table", 0)]),
        (["x.npy", "notes.txt", ".hidden.csv"], [("x.npy", "array", 0)]),
        (images(10, "cats/"), [("cats", "images", 10)]),
        (images(10, "pets/train/cats/"), [("pets", "images", 10)]),
        (images(10, "too/deep/to/be/seen/"), []),
        (images(3, "few/"), []),
        (images(12), [("", "images", 12)]),
    ],
)
def test_data_are_found_by_their_names(tmp_path, names, found):
    touch(tmp_path, *names)
    expected = [Nearby(tmp_path / name, kind, count) for name, kind, count in found]
    assert data_nearby(tmp_path) == (expected, False)


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("mine/config.json", {"_class_name": "AutoencoderKL"}, ["VAE"]),
        ("mine/final_model/model_config.json", {}, ["VAE"]),
        ("mine/config.json", {"steps": 10}, []),
    ],
)
def test_vaes_are_known_by_their_configurations(tmp_path, file, content, found):
    touch(tmp_path, file)
    (tmp_path / file).write_text(json.dumps(content))
    assert [one.kind for one in data_nearby(tmp_path)[0]] == found


def test_a_damaged_configuration_is_no_vae(tmp_path):
    touch(tmp_path, "mine/config.json")
    assert data_nearby(tmp_path) == ([], False)


def test_what_is_skipped_is_not_looked_at(tmp_path):
    touch(tmp_path, *images(10, "runs/"))
    assert data_nearby(tmp_path, {tmp_path / "runs"}) == ([], False)


def test_a_large_folder_is_looked_at_in_part_which_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(nearby, "LOOKED_AT", 10)
    touch(tmp_path, *(f"{number:02}.csv" for number in range(12)))
    found, cut = data_nearby(tmp_path)
    assert (len(found), cut) == (10, True)
