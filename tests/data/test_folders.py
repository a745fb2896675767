"""What folders and tables of a data set say: read as it is meant, and nowhere else."""

import datasets
import numpy as np
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from alpha_bridge.data import load_images

# ``datasets`` leaves the table open
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    return path


def picture(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4, 3), value, np.uint8)).save(path)


def table(folder, names):
    lines = [f"{name},{number}" for number, name in enumerate(names)]
    (folder / "metadata.csv").write_text("\n".join(["file_name,age", *lines]))


def parquet(path, cells, mode=None):
    features = datasets.Features({"image": datasets.Image(mode=mode)})
    # as a stranger writes it: ``datasets`` would put the bytes in
    data = datasets.Dataset.from_dict({"image": cells}, features=features)
    pyarrow.parquet.write_table(data.data.table, path)


# classes


@pytest.mark.parametrize("splits", [[""], ["train", "test"]])
def test_a_table_beside_folders_of_classes_leaves_the_classes(folder, splits):
    for split in splits:
        names = [f"{kind}/{i}.png" for kind in ("cat", "dog") for i in range(4)]
        for name in names:
            picture(folder / split / name, 255 * name.startswith("dog"))
        table(folder / split, names)
    source = load_images(str(folder))
    labels = source.training_labels(100)
    assert source.classes == 2
    assert torch.equal(source.training(100)[:, 0, 0, 0] // 255, labels.byte())
    assert source.training_attributes(100).names[:2] == ["age=0", "age=1"]
    assert "the classes are the names of the folders: cat, dog" in source.notes


def test_a_class_that_only_one_split_has_is_one(folder):
    for name in ("train/cat", "test/cat", "test/dog"):
        for i in range(3):
            picture(folder / name / f"{i}.png")
    source = load_images(str(folder))
    assert source.training_labels(9).tolist() == [0, 0, 0]
    assert sorted(source.held_out_labels(9).tolist()) == [0, 0, 0, 1, 1, 1]


def test_labels_of_the_table_stand_in_place_of_folders(folder):
    for kind in ("cat", "dog"):
        for i in range(3):
            picture(folder / kind / f"{i}.png")
    lines = [f"{kind}/{i}.png,{10 * i}" for kind in ("cat", "dog") for i in range(3)]
    (folder / "metadata.csv").write_text("\n".join(["file_name,label", *lines]))
    source = load_images(str(folder))
    assert source.training_attributes(9).names == ["label=0", "label=10", "label=20"]
    assert source.classes == 3 and set(source.training_labels(9).tolist()) <= {0, 1, 2}
    assert "the labels of column label: 3 classes (0, 10, 20)" in source.notes


def test_what_a_table_says_is_known_of_its_images_and_unknown_of_the_others(folder):
    for i in range(5):
        picture(folder / f"{i}.png", i)
    table(folder, ["3.png", "0.png"])
    source = load_images(str(folder), size=4)
    known = [source.training_attributes(9), source.held_out_attributes(9)]
    values = torch.cat([source.training(9), source.held_out(9)])[:, 0, 0, 0].tolist()
    has = np.concatenate([attributes.known("age=1") for attributes in known])
    assert dict(zip(values, has.tolist(), strict=True)) == {0: 1, 1: -1, 2: -1, 3: 0, 4: -1}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.csv", b"file_name,age\n0.png,1\n0.png,2", "has a second line for 0.png"),
        ("metadata.csv", b"file_name,age\n0.png", "metadata.csv cannot be read .*: repair"),
        ("metadata.jsonl", b"{", "metadata.jsonl cannot be read .*: repair or remove"),
        ("metadata.parquet", b"PAR1", "metadata.parquet cannot be read .*: repair or remove"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(folder, name, content, message):
    picture(folder / "0.png")
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_images(str(folder))


def test_a_table_without_names_of_files_is_left_out_and_said(folder):
    for i in range(3):
        picture(folder / f"{i}.png")
    (folder / "metadata.csv").write_text("number,age\n0,3")
    assert "metadata.csv has no column file_name: it is left out" in load_images(str(folder)).notes


# the mode that a column states


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 3), (None, 3)])
def test_images_have_the_mode_that_their_column_states(folder, mode, channels):
    picture(folder / "p.png", 100)
    content = (folder / "p.png").read_bytes()
    (folder / "p.png").unlink()
    parquet(folder / "train.parquet", [{"bytes": content, "path": None}] * 3, mode)
    source = load_images(str(folder), size=4)
    assert source.event_shape == (channels, 4, 4)
    assert source.training(9).unique().tolist() == [100]


def test_grey_bytes_of_a_column_in_colour_are_in_colour(folder, tmp_path):
    Image.fromarray(np.full((4, 4), 9, np.uint8)).save(tmp_path / "p.png")
    content = (tmp_path / "p.png").read_bytes()
    parquet(folder / "train.parquet", [{"bytes": content, "path": None}] * 3, "RGB")
    assert load_images(str(folder), size=4).event_shape == (3, 4, 4)


# inside the folder


CARDS = {
    "above": "data_files: '../private/*.png'",
    "hidden": "data_files: 'a/../../private/*.png'",
    "absolute": "data_files: '/PRIVATE/*.png'",
    "list": "data_files:\n  - split: train\n    path: ['a.png', '../private/*.png']",
    "splits": "data_files:\n    train: ../private/*.png",
    "url": "data_files: https://example.com/x.parquet",
    "hub": "data_files: hf://datasets/a/b/x.parquet",
    "file": "data_files: file:///PRIVATE/0.png",
    "folder": "data_dir: ../private",
    "windows": "data_files: 'C:\\private\\*.png'",
}


@pytest.mark.parametrize("card", ["README.md", ".huggingface.yaml"])
@pytest.mark.parametrize("case", CARDS)
def test_a_card_that_names_data_elsewhere_is_refused(folder, tmp_path, case, card):
    for i in range(3):
        picture(tmp_path / "private" / f"{i}.png")
        picture(folder / f"{i}.png")
    said = CARDS[case].replace("/PRIVATE", str(tmp_path / "private"))
    configurations = f"configs:\n- config_name: default\n  {said}\n"
    text = f"---\n{configurations}---\n" if card == "README.md" else configurations
    (folder / card).write_text(text)
    message = rf"{card} names the data .*, which are not in {folder}: they are not read"
    with pytest.raises(ValueError, match=message):
        load_images(str(folder))


def test_a_card_may_name_what_lies_in_the_folder(folder):
    for name in ("a", "b"):
        for i in range(3):
            picture(folder / name / f"{i}.png")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: x\n  data_files: a/*.png\n---\n"
    )
    assert load_images(str(folder)).size == 2


@pytest.mark.parametrize("content", [b"---\nconfigs: [\n---\n", b"---\na: \xff\n---\n"])
def test_a_broken_card_is_named(folder, content):
    picture(folder / "0.png")
    (folder / "README.md").write_bytes(content)
    with pytest.raises(ValueError, match=r"README\.md cannot be read .*: repair or remove it"):
        load_images(str(folder))


@pytest.mark.parametrize("path", ["/PRIVATE/0.png", "../private/0.png", "data/../../private/0.png"])
def test_a_column_that_leads_out_of_the_folder_is_refused(folder, tmp_path, path):
    picture(tmp_path / "private" / "0.png")
    path = path.replace("/PRIVATE", str(tmp_path / "private"))
    parquet(folder / "train.parquet", [{"bytes": None, "path": path}] * 3)
    with pytest.raises(ValueError, match=f"image 0 of train.parquet has the path .*{folder}"):
        load_images(str(folder))


def test_a_column_may_lead_into_the_folder(folder):
    for i in range(2):
        picture(folder / "pictures" / f"{i}.jpeg", 100)
    paths = ["pictures/0.jpeg", str(folder / "pictures" / "1.jpeg")]
    parquet(folder / "train.parquet", [{"bytes": None, "path": path} for path in paths])
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: x\n  data_files: train.parquet\n---\n"
    )
    assert load_images(str(folder)).training(9).unique().tolist() == [100]


def test_links_out_of_the_folder_are_followed_and_counted(folder, tmp_path):
    for i in range(3):
        picture(tmp_path / "elsewhere" / f"{i}.png")
        (folder / f"{i}.png").symlink_to(tmp_path / "elsewhere" / f"{i}.png")
    note = load_images(str(folder)).notes[1]
    assert f"3 files of {folder} are links that lead out of it" in note


@pytest.mark.parametrize("name", ["csv", "imagefolder", "parquet", "json", "text", "webdataset"])
def test_the_name_of_a_reader_is_no_data_set(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "0.png")
    with pytest.raises(ValueError, match=rf"no data set '{name}'.* such as \./{name}"):
        load_images(name)


def test_a_set_of_the_hub_is_not_fetched_unless_it_is_named(monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", None)
    with pytest.raises(ValueError, match=r"is not on this machine: .* --data foo/bar"):
        load_images("foo/bar", fetch=False)


def test_a_folder_that_is_a_link_is_said_to_be_left_out(tmp_path):
    folder, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    for place in (folder / "cat", folder / "dog", elsewhere):
        place.mkdir(parents=True)
        for number in range(3):
            Image.new("L", (8, 8), number).save(place / f"{number}.png")
    (folder / "bird").symlink_to(elsewhere)
    source = load_images(str(folder), cache=tmp_path / "cache")
    note = source.notes[1]
    assert "1 folders" in note and "are links, which are not followed" in note and "bird" in note
    assert len(source.training(100)) + len(source.held_out(100)) == 6
