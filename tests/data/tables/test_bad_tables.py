"""Tables that are refused, in one line with column, row and value."""

import re

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from alpha_bridge.data.tables import load_table, write_table

MANY = "".join(f"{row},{row / 2},2020-01-{row % 28 + 1:02}\n" for row in range(100))
NAMES = "a,b,day\n"

FILES = {
    "nothing": (b"", r"'.*' is empty: give a table with a line of names"),
    "names alone": (b"a,b\n", r"has no rows: give two or more"),
    "one row": (b"a,b\n1,2\n", r"has one row: give two or more, one is held out"),
    "a column of gaps": (b"a,b\n1,\n2,NA\n3,\n", r"column 'b' has only gaps"),
    "a name twice": (b"a,b,a\n1,2,3\n", r"has 2 columns of the name 'a'"),
    "no names": (b"1,2\n3,4\n5,6\n", r"the first line of '.*' has numbers, where the names"),
    "a field too many": (b'a,b\n1,"x\ny"\n2,y,z\n', r"line 3: it has 3 fields.*has 2, got '2,y,z'"),
    "a field too few": (b"a,b\n1,2\n3\n", r"line 3: it has 1 fields.*has 2, got '3'"),
    "a text among numbers": (
        NAMES + MANY + "x1,2,2020-01-01\n",
        r"column 'a', row 100: 'x1' is no number, as 100 of 101 cells are",
    ),
    "no date": (
        NAMES + MANY + "1,2,2020-02-30\n",
        r"column 'day', row 100: '2020-02-30' is no date, as 100 of 101 cells are",
    ),
    "no time": (
        "a\n" + "".join(f"{row // 60:02}:{row % 60:02}\n" for row in range(99)) + "24:00\n",
        r"column 'a', row 99: '24:00' is no time of a day, as 99 of 100 cells are",
    ),
    "another date": (NAMES + MANY + "1,2,31/12/2020\n", r"column 'day', row 100: '31/12/2020' is"),
    "infinity": (NAMES + MANY + "1,-inf,2020-01-01\n", r"column 'b', row 100: -inf is infinite"),
    "spaces before numbers": (NAMES + MANY.replace(",", ", "), r"column 'b', row 0: ' 0\.0' is a"),
    "commas in numbers": (
        "a;b\n" + "".join(f"{row},5;{row}\n" for row in range(50)),
        r"column 'a', row 0: '0,5' is a number with spaces or a comma: write it with a point",
    ),
    "another file": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", r"is no table: give a CSV file of texts"),
    "another encoding": ("a,b\n1,Köln\n2,y\n".encode("latin-1"), r"is no table .*UTF-8"),
    "beyond 64 bits": (
        "a,b\n" + "".join(f"{2**63 + row},{row}\n" for row in range(50)),
        r"column 'a', row 0: '9223372036854775808' is a whole number beyond 64 bits: say in the",
    ),
    "thousands of digits": (
        "a,b\n" + f"{'9' * 5000},1\n" * 50,
        r"column 'a', row 0: '9+\.\.\.' is a whole",
    ),
    "an open quote": (b'a,b\n1,"x\n2,y\n', r"."),
}


@pytest.mark.parametrize("name", FILES)
def test_a_csv_file_is_refused_in_a_line(tmp_path, name):
    content, line = FILES[name]
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=line) as error:
        load_table(path)
    assert "\n" not in str(error.value) and "Traceback" not in str(error.value)


def frame(**columns):
    return pyarrow.table(columns)


TABLES = {
    "no columns": (frame(), r"has no columns"),
    "a list": (frame(x=[[1], [2], [3]]), r"column 'x' is of the type list<.*leave it out"),
    "bytes": (frame(x=[b"1", b"2", b"3"]), r"column 'x' is of the type binary"),
    "gaps alone": (frame(x=pyarrow.nulls(5)), r"column 'x' .*gaps"),
    "infinity": (frame(x=[1.0, np.inf, 2.0, 3.0]), r"column 'x', row 1: inf is infinite"),
    "constants": (frame(x=[1, 1, 1, 1]), r"there is nothing to learn"),
    "beyond 64 bits": (frame(x=pyarrow.array([2**63, 1, 2, 3], "uint64")), r"beyond 64 bits"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_refused_in_a_line(name):
    table, line = TABLES[name]
    with pytest.raises(ValueError, match=line) as error:
        load_table(table)
    assert "\n" not in str(error.value)


def test_what_is_no_table_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=re.escape(f"'{path}' is no table")):
        load_table(path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_table(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="a list is no table"):
        load_table([1, 2])
    with pytest.raises(ValueError, match=r"t\.txt is no name of a table"):
        write_table(frame(x=[1]), tmp_path / "t.txt")


def test_parts_that_differ_are_refused(tmp_path):
    write_table(frame(x=[1, 2]), tmp_path / "train.parquet")
    write_table(frame(y=[1, 2]), tmp_path / "test.parquet")
    with pytest.raises(ValueError, match="has other columns than"):
        load_table(tmp_path)


def test_a_part_that_lacks_a_column_of_another_is_refused(tmp_path):
    write_table(frame(x=[1, 2], age=[3, 4]), tmp_path / "0.parquet")
    write_table(frame(x=[1, 2], Age=[3, 4]), tmp_path / "1.parquet")
    with pytest.raises(ValueError, match=r"1\.parquet' has other columns than .*'Age', 'age'"):
        load_table(tmp_path)


def test_a_part_that_is_cut_off_is_named(tmp_path):
    for name in ("train", "test", "test2"):
        write_table(frame(x=[1, 2], age=[3, 4]), tmp_path / f"{name}.parquet")
    (tmp_path / "test2.parquet").write_bytes(b"PA")
    with pytest.raises(ValueError, match=r"test2\.parquet' is no table"):
        load_table(tmp_path)


def test_a_damaged_part_is_named(tmp_path):
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(frame(x=np.arange(9999)), path)
    content = bytearray(path.read_bytes())
    content[100:2000] = bytes(1900)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"t\.parquet' cannot be read"):
        load_table(path)


COLUMNS = {
    "no such column": ({"z": "category"}, r"there is no column 'z' in the table, which has 'x'"),
    "no such kind": ({"x": "float"}, r"column 'x' cannot be a 'float': give one of number, int"),
    "no such key": ({"x": {"sort": "number"}}, r"column 'x' is given as .*: give its kind"),
    "a kind alone": ({"x": {"type": "int64"}}, r"column 'x' is given as"),
    "no list": ({"x": {"kind": "number", "spikes": 3}}, r"spikes of column 'x' must be a list"),
    "a text": ({"y": "number"}, r"column 'y' cannot be a number: it has 2 values of the type str"),
    "not constant": ({"x": "constant"}, r"column 'x' cannot be a constant"),
    "a number": ({"x": "time"}, r"column 'x' cannot be a time"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_cannot_be_so_are_refused(name):
    columns, line = COLUMNS[name]
    with pytest.raises(ValueError, match=line):
        load_table(frame(x=list(range(40)), y=["a", "b"] * 20), columns)


def test_a_column_whose_values_are_listed_is_a_category():
    table = frame(x=pyarrow.array([*range(40)]).dictionary_encode())
    with pytest.raises(ValueError, match=r"column 'x' cannot be a number: .* the type dictionary<"):
        load_table(table, {"x": "number"})


def test_columns_of_a_file_are_refused_by_its_name(tmp_path):
    file = tmp_path / "columns.json"
    file.write_text('{"x": "float"}')
    with pytest.raises(ValueError, match=r"columns\.json: column 'x' cannot be a 'float'"):
        load_table(frame(x=[1, 2, 3]), file)


def test_texts_that_are_to_be_dates_are_refused_by_their_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("day\n2020-01-01\n5.1.2020\n6.1.2020\n")
    with pytest.raises(ValueError, match=r"column 'day', row 1: '5\.1\.2020' is no date"):
        load_table(path, {"day": "time"})


def test_a_table_without_the_columns_of_another_is_refused():
    units = load_table(frame(x=np.arange(40.0), y=["a", "b"] * 20)).units
    with pytest.raises(ValueError, match=r"the table has no column 'y', it has 'x'"):
        load_table(frame(x=np.arange(40.0)), units=units)
    with pytest.raises(ValueError, match=r"column 'x' is of the type string, and of double in the"):
        load_table(frame(x=["u", "v"], y=["a", "b"]), units=units)


def test_a_data_frame_of_two_types_in_a_column_is_refused():
    pandas = pytest.importorskip("pandas")
    mixed = pandas.DataFrame({"x": [1, 2, "three", 4]})
    with pytest.raises(ValueError, match=r"column 'x', row 2: 'three' is of the type str, and 3"):
        load_table(mixed)
    twice = pandas.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    with pytest.raises(ValueError, match=r"the data frame has 2 columns of the name 'a'"):
        load_table(twice)


def test_digits_that_are_no_numbers_keep_their_zeros(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("zip\n" + "".join(f"0{row % 7}\n" for row in range(90)))
    source = load_table(path)
    assert source.columns[0].values[:2] == ("00", "01")


def test_lines_that_are_empty_are_passed_over(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n\na,b\n" + "".join(f"{row},{row % 7}\n" for row in range(90)) + "\n\n")
    assert [column.name for column in load_table(path).columns] == ["a", "b"]


def test_a_header_of_control_characters_is_written_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\x1b[2J;b\n" + "".join(f"{row};{row % 7}\n" for row in range(90)))
    source = load_table(path)
    assert "cells of 't.csv' are parted by semicolons" in source.notes
    assert all("\x1b" not in line for line in source.notes)
