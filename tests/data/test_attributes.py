"""Attributes by name: of the data's own columns, or of a table, for the same rows, known or not."""

import json
import time

import numpy as np
import pytest
import torch
from PIL import Image

from alpha_bridge.data import (
    Attributes,
    DensitySource,
    digits,
    from_array,
    grid,
    load_images,
    read_labels,
)

WORDS = {"Smiling": ["1", "", "-1", "1"], "label": ["cat", "dog", "", "cat"]}


@pytest.mark.parametrize(
    "cells",
    [["1", "0", ""], ["1", "-1", ""], ["true", "False", " "], ["YES", "no", ""], ["1 ", " 0", ""]],
)
def test_a_column_of_yes_and_no_is_one_attribute(cells):
    attributes = Attributes.of({"Smiling": cells})
    assert attributes.names == ["Smiling"]
    assert attributes.known("Smiling").tolist() == [1, 0, -1]


@pytest.mark.parametrize("cells", [["cat", "dog", ""], ["0", "2", ""], ["-1", "0", ""]])
def test_any_other_column_gives_an_attribute_for_each_word(cells):
    attributes = Attributes.of({"label": cells})
    assert attributes.names == [f"label={cells[0]}", f"label={cells[1]}"]
    assert attributes.known(f"label={cells[1]}").tolist() == [0, 1, -1]


def test_as_many_words_as_samples_are_read_in_a_moment():
    begin = time.process_time()
    attributes = Attributes.of({"name": [f"{number:06}" for number in range(100_000)]})
    assert attributes.codes[:, 0].tolist() == list(range(100_000))
    with pytest.raises(ValueError, match="give one of name=000000, or of 99999 more"):
        attributes.known("nam=000001")
    assert time.process_time() - begin < 20  # a comparison of all with all took minutes


def test_three_words_are_no_yes_and_no():
    assert Attributes.of({"a": ["1", "0", "-1"]}).names == ["a=-1", "a=0", "a=1"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("Smilin", "did you mean Smiling"), ("Beard", "give one of Smiling, label=cat, or of 1 more")],
)
def test_an_attribute_that_is_not_there_is_named(name, hint):
    with pytest.raises(ValueError, match=f"no attribute '{name}': {hint}"):
        Attributes.of(WORDS).known(name)


def test_without_attributes_the_remedy_is_a_table():
    with pytest.raises(ValueError, match=r"--labels FILE\.csv"):
        Attributes.none(3).known("Smiling")


def test_some_rows_are_taken_with_what_is_known_of_them():
    part = Attributes.of(WORDS, np.arange(4))[np.array([3, 1])]
    assert part.known("label=dog").tolist() == [0, 1]
    assert part.rows.tolist() == [3, 1]


# sources


@pytest.mark.parametrize("side", ["training", "held_out"])
def test_labels_are_attributes_of_the_same_samples(side):
    for source in (digits(), DensitySource(grid())):
        labels = getattr(source, f"{side}_labels")(50)
        attributes = getattr(source, f"{side}_attributes")(50)
        for k in (0, 3):
            assert torch.equal(torch.from_numpy(attributes.known(f"label={k}")) == 1, labels == k)


def test_rows_say_where_a_sample_is_in_the_data():
    array = np.arange(20.0)[:, None]
    source = from_array(array[:15], array[15:])
    for side in ("training", "held_out"):
        x = getattr(source, side)(20)
        assert getattr(source, f"{side}_attributes")(20).rows.tolist() == x[:, 0].tolist()


def test_rows_of_a_file_are_those_of_the_file(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(50.0)[:, None])
    source = load_images(str(tmp_path / "x.npy"))
    for side in ("training", "held_out"):
        x = getattr(source, side)(50)
        assert getattr(source, f"{side}_attributes")(50).rows.tolist() == x[:, 0].tolist()


def test_data_that_are_drawn_have_no_rows():
    assert DensitySource(grid()).training_attributes(5).rows is None


# data sets with columns


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Images whose grey level is their number, with columns of every kind about them."""
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "table"
    folder.mkdir()
    lines = []
    for k in range(20):
        Image.fromarray(np.full((4, 4), 10 * k, np.uint8)).save(folder / f"{k:02}.png")
        known = {"even": k % 2 == 0, "third": ["a", "b", "c"][k % 3], "size": k % 4}
        lines.append({"file_name": f"{k:02}.png"} | (known if k else {}) | {"id": f"unique {k}"})
    text = "\n".join(map(json.dumps, lines))
    (folder / "metadata.jsonl").write_text(text)
    return folder


@pytest.mark.parametrize("side", ["training", "held_out"])
def test_columns_are_attributes_of_the_decoded_images(table, side):
    for _ in range(2):  # decoded, and from the cache
        source = load_images(str(table))
        number = getattr(source, side)(20)[:, 0, 0, 0].long().numpy() // 10
        attributes = getattr(source, f"{side}_attributes")(20)
        assert np.array_equal(attributes.rows, number)
        known = number > 0
        for name, has in (
            ("even", number % 2 == 0),
            ("third=b", number % 3 == 1),
            ("size=3", number % 4 == 3),
        ):
            assert np.array_equal(attributes.known(name), np.where(known, has, -1)), name


def test_a_column_that_names_single_samples_is_no_attribute(table, monkeypatch):
    monkeypatch.setattr("alpha_bridge.data.choice.MOST_VALUES", 4)
    names = load_images(str(table)).training_attributes(1).names
    assert {name.split("=")[0] for name in names} == {"even", "size", "third"}


def test_classes_of_folders_are_attributes_by_their_names(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    for name, value in (("cat", 0), ("dog", 255)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for k in range(5):
            pixels = np.full((4, 4), value, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{k}.png")
    source = load_images(str(tmp_path / "pets"))
    has = source.training_attributes(10).known("label=dog")
    assert np.array_equal(has, source.training(10)[:, 0, 0, 0].numpy() // 255)


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "sub/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def written(folder, text, name="labels.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("column", ["file_name", "file", "image"])
def test_images_are_found_beside_the_table(folder, column):
    path = written(folder, f"{column},Smiling,kind\na.png,1,cat\nsub/b.png,,dog\n")
    labels = read_labels(path)
    assert labels.files == [folder / "a.png", folder / "sub" / "b.png"]
    assert labels.attributes.known("Smiling").tolist() == [1, -1]
    assert labels.attributes.known("kind=dog").tolist() == [0, 1]


def test_images_are_found_in_the_folders_that_are_given(folder):
    path = written(folder, "file,Smiling\nb.png,1\n")
    assert read_labels(path, folder / "sub").files == [folder / "sub" / "b.png"]


def test_an_image_may_be_named_by_its_whole_path(folder):
    path = written(folder, f"file,Smiling\n{folder / 'a.png'},1\n")
    assert read_labels(path).files == [folder / "a.png"]


def test_rows_are_joined_with_those_of_the_data(folder):
    labels = read_labels(written(folder, "row,Smiling\n7,1\n3,0\n"))
    joined = labels.of(np.array([3, 4, 7]))
    assert labels.files is None
    assert joined.known("Smiling").tolist() == [0, -1, 1]


def test_a_table_as_a_spreadsheet_saves_it(folder):
    path = written(folder, "\ufeffrow,Smiling\r\n0,TRUE\r\n\r\n1,FALSE\r\n")
    assert read_labels(path).attributes.known("Smiling").tolist() == [1, 0]


def test_samples_that_are_drawn_have_no_rows_to_join(folder):
    labels = read_labels(written(folder, "row,Smiling\n7,1\n"))
    with pytest.raises(ValueError, match="have no rows"):
        labels.of(Attributes.none(2).rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no lines below its header"),
        ("row,Smiling\n", "has no lines below its header"),
        ("Smiling,Male\n1,0\n", "has the columns Smiling, Male: one of them, and only one, must"),
        ("row,file,Smiling\n0,a.png,1\n", "one of them, and only one, must"),
        ("row\n0\n", "has no column of attributes"),
        ("row,Smiling,Smiling\n0,1,1\n", "has a column twice"),
        ("row,Smiling\n0,1\n1\n", "line 3 of .*has 1 cells, its header has 2"),
        ("row,Smiling\n0,1\n0,0\n", "has 2 lines for row 0"),
        ("row,Smiling\n-1,1\n", "has the row '-1'"),
        ("row,Smiling\nx,1\n", "has the row 'x'"),
        (f"row,Smiling\n{10**18},1\n", "has the row '1000"),
        (f"row,Smiling\n{'9' * 5000},1\n", "has the row '9999"),
        ("file,Smiling\n../a.png,1\n", r"names the image \.\./a\.png, which lies neither"),
        ("file,Smiling\nsub/../../a.png,1\n", "which lies neither"),
        ("file,Smiling\n/etc/hostname,1\n", "names the image /etc/hostname, which lies neither"),
    ],
)
def test_what_is_no_such_table_is_refused(folder, text, message):
    with pytest.raises(ValueError, match=message):
        read_labels(written(folder, text))


def test_lines_about_images_that_are_not_there_are_counted_and_left_out(folder):
    text = "file,Smiling\nc.png,1\na.png,0\nd.png,1\n"
    (folder / "a.png").write_bytes(b"")
    labels = read_labels(written(folder, text))
    assert (labels.files, labels.attributes.known("Smiling").tolist()) == ([folder / "a.png"], [0])
    assert labels.notes == [
        f"2 of 3 lines of {folder / 'labels.csv'} are about no image that is there"
    ]


def test_rows_that_the_table_and_the_data_do_not_share_are_counted(folder):
    labels = read_labels(written(folder, "row,Smiling\n1,1\n9,0\n3,1\n"))
    assert [*labels.unmatched(np.arange(3), np.array([3, 4]))] == [
        "1 of 3 lines of the table are about no row of the data",
        "3 of 5 rows of the data have no line in the table",
    ]


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "labels.csv").write_bytes(b"row,Smiling\n\xff\xfe,1\n")
    with pytest.raises(ValueError, match="cannot be read as a table"):
        read_labels(folder / "labels.csv")


def test_a_table_or_an_image_that_is_missing_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"none\.csv does not exist"):
        read_labels(folder / "none.csv")
    with pytest.raises(
        FileNotFoundError, match=r"names no image that is there: the first is c\.png"
    ):
        read_labels(written(folder, "file,Smiling\nc.png,1\n"))


def test_a_name_too_long_for_the_system_is_a_missing_image(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"file_name,smiling\n{'x' * 5000}.png,1\n")
    with pytest.raises(
        FileNotFoundError, match=r"names no image that is there: the first is x+\.png"
    ):
        read_labels(path)
