"""Tables of attributes: read for what they are, or refused in one line."""

import numpy as np
import pytest

from alpha_bridge.data import Attributes, read_labels


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "sub/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def table(folder, text, name="labels.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("column", ["file_name", "file", "image"])
def test_images_are_found_beside_the_table(folder, column):
    path = table(folder, f"{column},Smiling,kind\na.png,1,cat\nsub/b.png,,dog\n")
    labels = read_labels(path)
    assert labels.files == [folder / "a.png", folder / "sub" / "b.png"]
    assert labels.attributes.known("Smiling").tolist() == [1, -1]
    assert labels.attributes.known("kind=dog").tolist() == [0, 1]


def test_images_are_found_in_the_folders_that_are_given(folder):
    path = table(folder, "file,Smiling\nb.png,1\n")
    assert read_labels(path, folder / "sub").files == [folder / "sub" / "b.png"]


def test_an_image_may_be_named_by_its_whole_path(folder):
    path = table(folder, f"file,Smiling\n{folder / 'a.png'},1\n")
    assert read_labels(path).files == [folder / "a.png"]


def test_rows_are_joined_with_those_of_the_data(folder):
    labels = read_labels(table(folder, "row,Smiling\n7,1\n3,0\n"))
    joined = labels.of(np.array([3, 4, 7]))
    assert labels.files is None
    assert joined.known("Smiling").tolist() == [0, -1, 1]


def test_a_table_as_a_spreadsheet_saves_it(folder):
    path = table(folder, "\ufeffrow,Smiling\r\n0,TRUE\r\n\r\n1,FALSE\r\n")
    assert read_labels(path).attributes.known("Smiling").tolist() == [1, 0]


def test_samples_that_are_drawn_have_no_rows_to_join(folder):
    labels = read_labels(table(folder, "row,Smiling\n7,1\n"))
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
        read_labels(table(folder, text))


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / "labels.csv").write_bytes(b"row,Smiling\n\xff\xfe,1\n")
    with pytest.raises(ValueError, match="cannot be read as a table"):
        read_labels(folder / "labels.csv")


def test_a_table_or_an_image_that_is_missing_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"none\.csv does not exist"):
        read_labels(folder / "none.csv")
    with pytest.raises(FileNotFoundError, match=r"names the image c\.png"):
        read_labels(table(folder, "file,Smiling\nc.png,1\n"))


def test_a_name_too_long_for_the_system_is_a_missing_image(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"file_name,smiling\n{'x' * 5000}.png,1\n")
    with pytest.raises(FileNotFoundError, match=r"names the image x+\.png, which is not"):
        read_labels(path)
