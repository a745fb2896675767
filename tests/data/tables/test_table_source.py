"""A table as a source: rows of numbers, and back to the table as it was."""

import datetime
import json

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet
import pytest
import torch

from alpha_bridge.data.tables import (
    KINDS,
    TableUnits,
    load_table,
    read_rows,
    table_source,
    write_table,
)
from alpha_bridge.data.tables.quantiles import Quantiles
from alpha_bridge.data.tables.where import Conditions
from alpha_bridge.files.table_files import is_table
from tests.contracts import cases
from tests.contracts.data_source import ALWAYS, holds_out_what_training_never_sees

from .people import ROWS, people, without_keys

SOURCE = load_table(people())
EXACT = ["height"]
"""Columns whose numbers have no rounding."""


@cases({"a table": (SOURCE, [*ALWAYS, holds_out_what_training_never_sees])})
def test_a_table_has_the_properties_of_its_slot(part, holds):
    holds(part)


def as_given(source=SOURCE, table=None):
    """The rows of a table as they come back, and as they were."""
    table = people() if table is None else table
    compact = source.units.coding.compact(table)
    return source.table(compact), table


def test_every_kind_of_column_is_recognised():
    found = {column.name: column.kind for column in SOURCE.columns}
    assert found == {
        "key": "identifier",
        "number": "identifier",
        "age": "integer",
        "weight": "number",
        "height": "number",
        "gain": "integer",
        "town": "category",
        "sex": "category",
        "member": "boolean",
        "seen": "time",
        "born": "time",
        "country": "constant",
        "price": "number",
    }
    assert {*found.values()} == {*KINDS}


def test_dates_in_an_order_that_only_people_know_are_texts_and_the_line_says_so():
    given = pyarrow.table(
        {"day": ["05.07.2021", "06.07.2021"] * 20, "n": ["a", "b", "c", "d"] * 10}
    )
    of_day, of_n = load_table(given).notes[1:3]
    assert of_day.endswith("give dates as 2026-02-28 if they are to be learned as such")
    assert "dates" not in of_n


def test_times_of_a_day_are_written_as_their_file_has_them(tmp_path):
    """Of a column in two forms that cannot be known: it is of texts."""
    path, out = tmp_path / "given.csv", tmp_path / "rows.csv"
    lines = [f"{row % 24:02}:{row % 60:02},08:{row % 60:02}:00," for row in range(120)]
    forms = ["09:30", "09:30:10"] * 60
    path.write_text("\n".join(["at,since,both", *map("".join, zip(lines, forms, strict=True))]))
    source = load_table(path)
    assert [column.kind for column in source.columns] == ["time", "time", "category"]
    rows = torch.cat([source.training(120), source.held_out(120)]).numpy()
    write_table(TableUnits.of(source.units.tensors()).coding.table(rows), out)
    given = path.read_text().splitlines()[1:]
    assert {*out.read_text().replace('"', "").splitlines()[1:]} == {*given}
    Conditions.of(source.units.coding, {"at": "10:10"})
    as_texts = load_table(path, {"at": "category"})
    seen = read_rows(path, as_texts.units)[:, 0] >= 0
    assert seen.sum() >= 108  # all that were trained on


def test_a_row_comes_back_as_it_was():
    back, table = as_given()
    assert back.schema == table.schema
    exact = [*EXACT, "key", "number"]
    assert back.drop_columns(exact).equals(table.drop_columns(exact))
    np.testing.assert_allclose(back["height"], table["height"], rtol=1e-6)


@pytest.mark.parametrize("held_out", [False, True])
def test_the_rows_of_a_source_are_those_of_its_table(held_out):
    """Whatever place a row was given within the range of a value that many have."""
    rows = SOURCE.held_out(ROWS) if held_out else SOURCE.training(ROWS)
    back = without_keys(SOURCE.table(rows)).drop_columns(EXACT).to_pylist()
    table = {str(row) for row in without_keys(people()).drop_columns(EXACT).to_pylist()}
    assert {*map(str, back)} <= table and len(back) == (ROWS // 10 if held_out else ROWS * 9 // 10)


def test_model_rows_come_back_exactly():
    rows = SOURCE.training(ROWS)
    assert torch.equal(SOURCE.units.denormalize(SOURCE.units.normalize(rows)), rows)
    stacked = rows.expand(2, *rows.shape)
    assert torch.equal(SOURCE.units.normalize(stacked)[1], SOURCE.units.normalize(rows))


def test_a_block_has_a_one_and_a_number_is_there_by_its_gate():
    model, rows = SOURCE.units.normalize(SOURCE.training(ROWS)), SOURCE.rows
    for start, size in rows.categories:
        assert (model[:, start : start + size].sum(1) == 1).all()
    gated = [(place, gate) for place, gate in rows.numbers if gate is not None]
    assert gated and all((model[model[:, gate] == 0, place] == 0).all() for place, gate in gated)


def test_numbers_are_standard_normal():
    model = SOURCE.units.normalize(SOURCE.training(ROWS))
    for place, gate in SOURCE.rows.numbers:
        z = model[:, place] if gate is None else model[model[:, gate] == 1, place]
        assert abs(z.mean()) < 0.2 and abs(z.std() - 1) < 0.2


def test_units_are_made_of_their_tensors_alone():
    units = TableUnits.of(SOURCE.units.tensors())
    rows = SOURCE.training(9).numpy()
    assert units.coding.table(rows).equals(SOURCE.table(rows))
    assert units.coding.columns == SOURCE.columns and units.rows == SOURCE.rows


def test_keys_are_made_anew():
    back = SOURCE.table(SOURCE.training(50))
    for name in ("key", "number"):
        made = back[name].to_pylist()
        assert len({*made}) == 50 and not {*made} & {*people()[name].to_pylist()}
    assert back["key"][0].as_py() == "P00400"  # the last key is trained on


def test_a_spike_and_a_special_end_are_told_apart():
    rng = np.random.default_rng(0)
    table = pyarrow.table({"x": np.where(rng.random(900) < 0.05, -999.0, rng.normal(size=900))})
    assert load_table(table).columns[0].values == (-999.0,)
    assert [column.values for column in SOURCE.columns if column.name == "gain"] == [(0,)]


def test_categories_without_number_share_buckets():
    names = [f"n{row:05}" for row in range(2000) for _ in range(2)]
    table = pyarrow.table({"name": names, "x": np.arange(4000.0)})
    source = load_table(table)
    assert source.event_shape == (257,)
    assert "category of 1,972 values" in source.notes[1]
    assert "rare ones share 64 buckets" in source.notes[1]
    made = source.table(source.training(500))["name"].to_pylist()
    assert None not in made and {*made} <= {*names} and len({*made}) > 350


def test_what_no_training_row_has_is_kept_as_unseen_and_mentioned():
    table = people().slice(0, 3)
    other = table.set_column(6, "town", pyarrow.array(["Ulm", "Bonn", None]))
    lines = []
    compact = SOURCE.units.coding.compact(other, say=lines.append)
    assert SOURCE.table(compact)["town"].to_pylist() == ["Ulm", None, None]
    assert lines == [
        "column 'town': some cells hold what no training row has, first 'Bonn' in row 1: they are "
        "kept as unseen"
    ]
    unknown = SOURCE.units.evidence(torch.from_numpy(compact), gaps=False).incomplete
    assert unknown[1] and unknown[2]


def test_a_number_that_is_missing_where_none_was_is_unknown():
    table = people().slice(0, 2)
    compact = SOURCE.units.coding.compact(table.set_column(4, "height", pyarrow.array([None, 1.7])))
    rows = torch.from_numpy(compact)
    assert SOURCE.table(rows)["height"].null_count == 1
    assert SOURCE.units.normalize(rows).isfinite().all()
    assert SOURCE.units.evidence(rows, gaps=True).incomplete.tolist()[0]


def test_a_gap_is_evidence_where_it_is_a_value_and_else_unknown_and_never_drawn():
    rows, places = SOURCE.training(ROWS), SOURCE.units.coding.places
    coded = [
        (column, code)
        for column, (code, _) in zip(SOURCE.columns, places, strict=True)
        if code is not None
    ]
    ((column, code, start, size),) = (
        (*of, *block)
        for of, block in zip(coded, SOURCE.rows.categories, strict=True)
        if of[0].name == "town"
    )
    gap, block = column.gap, slice(start, start + size)
    at = rows[:, code] == gap
    value, hole = (
        SOURCE.units.evidence(rows[at], gaps).allowed[:, block] for gaps in (True, False)
    )
    assert (value.sum(1) == 1).all() and value[:, gap].all()
    assert (hole.sum(1) == size - 1).all() and not hole[:, gap].any()


def test_a_number_lies_where_it_would_become_the_same_cell():
    """All that lies between the ends does, and what is beyond does not."""
    compact = SOURCE.units.coding.compact(people()).astype(float)
    low, high = SOURCE.units.coding.ends(compact)
    numbers = [number for _, number in SOURCE.units.coding.places if number is not None]
    names = [column.name for column in SOURCE.columns if column.numeric]
    exact = [name for name in names if name in EXACT]
    given = people().drop_columns(exact)
    for share, same in ((0.01, True), (0.99, True), (-0.02, False), (1.02, False)):
        moved = compact.copy()
        inside = np.maximum(low, -9), np.minimum(high, 9)
        moved[:, numbers] = inside[0] + share * (inside[1] - inside[0])
        back = SOURCE.table(moved).drop_columns(exact)
        for at, name in enumerate(names):
            if name not in exact:
                known = np.isfinite(low[:, at]) & np.isfinite(high[:, at])
                equal = pyarrow.compute.equal(back[name], given[name]).to_numpy()[known]
                assert equal.all() if same else not equal.any()


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "arrow"])
def test_a_file_is_read_as_it_was_written(tmp_path, ending):
    table, path = people(), tmp_path / f"people.{ending}"
    write_table(table, path)
    source = load_table(path)
    assert source.fingerprint
    back, _ = as_given(source, table if ending in ("parquet", "arrow") else None)
    if ending in ("csv", "tsv"):  # which has fewer types
        assert back["town"].to_pylist() == table["town"].to_pylist()
        assert (
            back["born"].equals(table["born"])
            and str(back.schema.field("seen").type)[-4:] == "UTC]"
        )
    else:
        assert back.schema == table.schema
        assert source.fingerprint == SOURCE.fingerprint


def test_a_data_frame_keeps_its_types():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "whole": pandas.array([1, None, 3] * 40, "Int64"),
            "kind": pandas.Categorical(["low", "high", "low"] * 40, ["low", "high"], ordered=True),
            "text": ["a", "b", None] * 40,
            "x": np.arange(120) / 4,
        }
    )
    source = load_table(frame)
    back = source.table(source.units.coding.compact(pyarrow.Table.from_pandas(frame)))
    pandas.testing.assert_frame_equal(back.to_pandas(), frame)


def test_columns_can_be_said_and_are_read_as_a_run_recorded_them(tmp_path):
    file = tmp_path / "columns.json"
    file.write_text(json.dumps({"age": "category", "gain": {"kind": "integer", "spikes": []}}))
    source = load_table(people(), file)
    kinds = {column.name: (column.kind, column.values) for column in source.columns}
    assert kinds["age"][0] == "category" and kinds["gain"] == ("integer", ())
    recorded = json.loads(json.dumps({c.name: c.record() for c in source.columns}))
    again = load_table(people(), recorded)
    assert again.columns == source.columns
    assert torch.equal(again.training(9), source.training(9))


def test_the_names_of_files_tell_what_is_held_out(tmp_path):
    write_table(people(), tmp_path / "train-0.parquet")
    write_table(people(30), tmp_path / "test-0.parquet")
    source = load_table(tmp_path)
    assert source.size == ROWS and len(source.held_out(99)) == 30


def test_a_large_table_is_coded_once_and_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(table_source, "IN_MEMORY", 0)
    monkeypatch.setattr(table_source, "SURVEYED", 300)
    path = tmp_path / "people.parquet"
    write_table(people(), path)
    first = load_table(path, cache=tmp_path / "cache")
    again = load_table(path, cache=tmp_path / "cache")
    assert torch.equal(first.training(99), again.training(99))
    assert first.fingerprint == again.fingerprint == SOURCE.fingerprint
    assert "columns are recognised by 300 of the rows to train on" in first.notes


def test_another_table_is_read_as_that_of_a_model():
    other = people(99).set_column(4, "height", pyarrow.array([None, *[1.7] * 98]))
    source = load_table(other, units=SOURCE.units)
    assert source.event_shape == SOURCE.event_shape and source.size == 89
    assert not any("unseen" in line for line in source.notes)
    assert source.units.normalize(source.training(89)).isfinite().all()


def test_the_range_of_a_large_table_is_that_of_all_rows(monkeypatch):
    monkeypatch.setattr(table_source, "SURVEYED", 40)
    source, whole = load_table(people()), {column.name: column for column in SOURCE.columns}
    for column in source.columns:
        if column.name in ("age", "weight", "seen"):
            assert (column.low, column.high) == (whole[column.name].low, whole[column.name].high)
    back, table = as_given(source)
    assert back.select(["age", "seen", "price"]).equals(table.select(["age", "seen", "price"]))


def rows_of(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "cells",
    [
        ["1.0", "0.0", ""],
        ["2024-01-01", "2024-02-01"],
        ["2024-01-01 10:00:00", "2024-02-01 11:30:00"],
        ["06:00", "14:00"],
        ["true", "false"],
        ["0x1A", "0x2B"],
        ["007", "008"],
    ],
)
def test_a_category_of_a_file_is_read_again_as_a_run_recorded_it(tmp_path, cells):
    lines = "".join(f"{row},{cells[row % len(cells)]}\n" for row in range(100))
    path = rows_of(tmp_path / "t.csv", f"x,of\n{lines}")
    source = load_table(path)
    assert source.columns[1].kind in ("category", "boolean")
    recorded = json.loads(json.dumps({c.name: c.record() for c in source.columns}))
    again = load_table(path, recorded)
    assert again.columns == source.columns and again.fingerprint == source.fingerprint
    assert again.units.coding.schema.equals(source.units.coding.schema, check_metadata=True)


def test_texts_that_pyarrow_would_count_are_texts(tmp_path):
    path = rows_of(tmp_path / "t.csv", "x\n" + "0x1A\n0xff00aa\n" * 20)
    assert load_table(path).columns[0].values == ("0x1A", "0xff00aa")


@pytest.mark.parametrize("gap", [None, "", float("nan"), np.float64("nan"), "NA", "NaT"])
def test_a_condition_on_a_gap_is_given_as_data_frames_have_it(gap):
    if gap in ("NA", "NaT"):
        gap = getattr(pytest.importorskip("pandas"), gap)
    found = Conditions.of(SOURCE.units.coding, {"weight": gap})
    assert found.cells["weight"].null_count == 1
    found = Conditions.of(SOURCE.units.coding, {"age": np.int64(30)})
    assert found.cells["age"].to_pylist() == [30]


def test_long_keys_are_keys_and_nan_is_a_gap_however_it_is_spelt(tmp_path):
    lines = (
        "".join(f"{row:030},{row / 3}\n" for row in range(99)) + f"{99:030},-nan\n{100:030},NAN\n"
    )
    source = load_table(rows_of(tmp_path / "t.csv", f"key,x\n{lines}"))
    assert [column.kind for column in source.columns] == ["identifier", "number"]
    assert source.columns[1].gaps


TIMES = [datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=31 * row) for row in range(200)]


@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_times_in_another_unit_are_the_same_times(unit):
    units = load_table(pyarrow.table({"at": pyarrow.array(TIMES, pyarrow.timestamp("us"))})).units
    same = pyarrow.table({"at": pyarrow.array(TIMES, pyarrow.timestamp(unit))})
    usual = pyarrow.table({"at": pyarrow.array(TIMES, pyarrow.timestamp("us"))})
    assert torch.equal(read_rows(same, units), read_rows(usual, units))


def test_days_are_times_at_midnight_and_texts_may_be_times(tmp_path):
    units = load_table(pyarrow.table({"at": pyarrow.array(TIMES, pyarrow.timestamp("us"))})).units
    days = [datetime.datetime(2024, 3, day) for day in (1, 2, 3)]
    wanted = read_rows(pyarrow.table({"at": pyarrow.array(days, pyarrow.timestamp("us"))}), units)
    path = rows_of(tmp_path / "t.csv", "at\n2024-03-01\n2024-03-02\n2024-03-03\n")
    dates = pyarrow.array([day.date() for day in days])
    for given in (path, pyarrow.table({"at": dates}), pyarrow.table({"at": dates.cast("string")})):
        assert torch.equal(read_rows(given, units), wanted)


@pytest.mark.parametrize("other", [[20240301, 20240302], [True, False]])
def test_numbers_are_no_times(other):
    units = load_table(pyarrow.table({"at": pyarrow.array(TIMES, pyarrow.timestamp("us"))})).units
    with pytest.raises(ValueError, match=r"column 'at' is of the type .*, and of timestamp\[us\]"):
        read_rows(pyarrow.table({"at": other}), units)
    numbers = load_table(pyarrow.table({"at": np.random.default_rng(0).normal(size=99)})).units
    with pytest.raises(
        ValueError, match=r"column 'at' is of the type timestamp\[us\], and of double"
    ):
        read_rows(pyarrow.table({"at": pyarrow.array(TIMES[:3], pyarrow.timestamp("us"))}), numbers)


@pytest.mark.parametrize("values", [range(70), np.arange(70) / 2, map(str, range(70))])
def test_whoever_lists_the_values_of_a_column_has_a_category(values):
    listed = [*values]
    x = pyarrow.array([listed[row % 70] for row in range(350)]).dictionary_encode()
    source = load_table(pyarrow.table({"x": x, "y": [row % 3 for row in range(350)]}))
    assert source.columns[0].kind == "category"
    made = source.table(source.training(300)).column("x")
    assert made.type == x.type and made.null_count == 0


def test_gaps_alone_are_gaps_of_the_type_of_the_training_table(tmp_path):
    lines = "".join(f"{row % 7},{'' if row % 5 else row / 2}\n" for row in range(100))
    units = load_table(rows_of(tmp_path / "t.csv", f"a,b\n{lines}")).units
    new = rows_of(tmp_path / "new.csv", "a,b\n1,\n2,\n")
    back = units.coding.table(read_rows(new, units).numpy())
    assert back.column("a").to_pylist() == [1, 2] and back.column("b").null_count == 2


def test_texts_stay_texts_whatever_a_new_file_holds(tmp_path):
    lines = "".join(f"{row},{('True', 'False', 'Unknown')[row % 3]}\n" for row in range(99))
    units = load_table(rows_of(tmp_path / "t.csv", f"a,b\n{lines}")).units
    lines = []
    new = rows_of(tmp_path / "new.csv", "a,b\n1,True\n2,False\n")
    back = units.coding.table(read_rows(new, units, lines.append).numpy())
    assert back.column("b").to_pylist() == ["True", "False"] and lines == []


def test_a_number_beyond_those_of_the_training_rows_is_mentioned():
    units, lines = SOURCE.units, []
    weight = pyarrow.array([70.0, 1e6, 80.0])
    at = SOURCE.units.coding.schema.get_field_index("weight")
    read_rows(people(3).set_column(at, "weight", weight), units, lines.append)
    (line,) = [line for line in lines if "'weight'" in line]
    assert "first 1000000.0 in row 1: they come back as the nearest end" in line
    assert not any("beyond" in line for line in SOURCE.notes)


@pytest.mark.parametrize("x", [np.arange(500.0), np.repeat([1.0, 2.0, 7.0], 100), np.ones(20)])
def test_numbers_beyond_the_ends_are_farther_out_and_come_back_as_the_ends(x):
    map, far = Quantiles.fitted(x), 10.0 ** np.arange(0, 300, 30)
    for given, end in ((x.max() + far, x.max()), (x.min() - far, x.min())):
        z = map.forward(given)
        assert (np.diff(np.abs(z)) > 0).all() and np.abs(z).max() < 1000
        assert (np.sign(z) == np.sign(given - end)).all() and (map.inverse(z) == end).all()
    near = map.forward(x.max() + np.array([0.0, 1e-9]), 1.0)
    assert 0 <= near[1] - near[0] < 1e-6
    assert map.forward(x.max() + 1e-9 + np.zeros(1), 0.02) >= near[0]


def test_files_for_training_and_for_validation_are_told_apart_and_others_left_out(tmp_path):
    for name, rows in (("Train-0", ROWS), ("val-0", 30), ("values-0", 50)):
        write_table(people(rows), tmp_path / f"{name}.parquet")
    source = load_table(tmp_path)
    assert source.size == ROWS and len(source.held_out(99)) == 30
    assert any("'values-0.parquet'" in line and "left out of" in line for line in source.notes)


def test_folders_tell_what_is_held_out_too(tmp_path):
    for part, rows in (("train", ROWS), ("validation", 30)):
        (tmp_path / "people" / part).mkdir(parents=True)
        write_table(people(rows), tmp_path / "people" / part / "0000.parquet")
    (tmp_path / "people" / "README.md").write_text("people")
    assert is_table(tmp_path / "people")
    source = load_table(tmp_path / "people")
    assert source.size == ROWS and len(source.held_out(99)) == 30
    (tmp_path / "people" / "run" / "samples").mkdir(parents=True)
    for name in ("config.json", "metrics.jsonl", "report.html"):
        (tmp_path / "people" / "run" / name).touch()
    assert is_table(tmp_path / "people")
    (tmp_path / "people" / "train" / "0.png").write_bytes(b"")
    assert not is_table(tmp_path / "people")


@pytest.mark.parametrize("kind", ["int16", "int64", "uint64", "string"])
def test_new_keys_are_those_of_no_row(monkeypatch, kind):
    monkeypatch.setattr(table_source, "SURVEYED", 40)
    keys = pyarrow.array(range(400))
    if kind == "uint64":
        keys = pyarrow.array(range(2**63 - 1000, 2**63 - 600), "uint64")
    if kind == "string":
        keys = pyarrow.array([f"K{key:04}" for key in range(400)])
    table = pyarrow.table({"key": keys.cast(kind), "x": np.random.default_rng(0).normal(size=400)})
    source = load_table(table)
    assert source.columns[0].kind == "identifier"
    made = source.table(source.training(300)).column("key").to_pylist()
    assert not {*made} & {*keys.to_pylist()} and len({*made}) == 300


def test_keys_begin_again_where_their_type_ends():
    keys = pyarrow.array(range(32_767 - 99, 32_768), "int16")
    table = pyarrow.table({"key": keys, "x": np.random.default_rng(0).normal(size=100)})
    source = load_table(table)
    made = source.table(source.training(90)).column("key")
    assert made.type == "int16" and made.to_pylist() == [*range(90)]
