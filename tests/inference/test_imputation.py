"""Tables whose gaps are filled: what was known stays, what was not is drawn, and no gap is left."""

import numpy as np
import pyarrow
import pytest
import torch
from pyarrow import compute

from alpha_bridge import AlphaBridge
from alpha_bridge.data.tables import load_table
from alpha_bridge.inference import imputation
from alpha_bridge.inference.imputation import impute
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, RowGenerator
from tests.data.tables.people import people

KEYS = ("key", "number")


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Few latents: what they are drawn from is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imputation, "LATENTS", 8)
        patch.setattr(imputation, "PARTS", 2)
        yield


@pytest.fixture(scope="module")
def trained():
    source = load_table(people())
    family, size = source.rows, source.rows.size
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = RowGenerator(2, family.categories, family.numbers, hidden=(8,))
        model = AlphaBridge(generator, MLPEncoder(2, size, (8,)), MLPDiscriminator(size, (8,)))
    return model.eval().requires_grad_(False), source.units


@pytest.fixture(scope="module")
def holed():
    """Some people of whom a third of the cells are not known."""
    table, rng = people().slice(0, 40), np.random.default_rng(1)
    for at, name in enumerate(table.schema.names):
        lost = pyarrow.array(rng.random(len(table)) < 0.3)
        cells = table[name].combine_chunks()
        if pyarrow.types.is_dictionary(cells.type):
            cells = cells.take(compute.if_else(lost, None, pyarrow.array(range(len(table)))))
        else:
            cells = compute.if_else(lost, pyarrow.scalar(None, cells.type), cells)
        table = table.set_column(at, name, cells)
    return table


@pytest.fixture(scope="module")
def imputed(trained, holed):
    return impute(*trained, holed, draws=2)


def test_no_gap_is_left_but_of_what_identifies(imputed, holed):
    for table in imputed.tables:
        assert table.schema == holed.schema
        left = {name for name in table.schema.names if table[name].null_count}
        assert left == {*KEYS}


def test_what_was_known_is_as_it_was(imputed, holed):
    for table in imputed.tables:
        for name in table.schema.names:
            known = holed[name].combine_chunks().is_valid()
            assert table[name].filter(known).to_pylist() == holed[name].filter(known).to_pylist()


def test_draws_differ_and_a_seed_repeats_them(trained, holed, imputed):
    one, two = imputed.tables
    assert not one.equals(two)
    assert impute(*trained, holed, 2).tables == imputed.tables
    assert not impute(*trained, holed, seed=1).tables[0].equals(one)


def test_the_line_counts_the_rows_and_the_effective_latents(imputed):
    assert imputed.line.startswith("40 rows have gaps; of 8 weighted latents for each, ")
    assert len(imputed.effective) == 40 and (imputed.effective <= 8).all()


def test_a_table_without_gaps_is_left_as_it_is(trained):
    table = people().drop_null().slice(0, 1)
    found = impute(*trained, table)
    assert found.tables[0].equals(table) and found.line == "no row has a gap to be filled"


def test_a_column_of_only_gaps_is_filled_with_cells_of_its_type(trained):
    table = people().slice(0, 9).set_column(2, "age", pyarrow.nulls(9))
    (made,) = impute(*trained, table).tables
    assert made["age"].null_count == 0 and made["age"].type == people()["age"].type


def test_a_column_keeps_its_own_type_where_it_can(trained):
    table = people().slice(0, 9)
    ages = pyarrow.array([None, *range(20, 28)], "int64")
    whole = pyarrow.array([None, *range(60, 68)], "int64")
    table = table.set_column(2, "age", ages).set_column(3, "weight", whole)
    (made,) = impute(*trained, table).tables
    assert made["age"].type == "int64"
    assert made["weight"].type == "double" and made["weight"][1].as_py() == 60


def test_what_no_training_row_has_is_kept_and_mentioned(trained):
    table = people().slice(0, 3).set_column(6, "town", pyarrow.array(["Ulm", "Bonn", None]))
    lines = []
    (made,) = impute(*trained, table, say=lines.append).tables
    assert made["town"].to_pylist()[:2] == ["Ulm", "Bonn"] and made["town"][2].is_valid
    assert len(lines) == 1 and "'Bonn' in row 1" in lines[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.drop_columns(["age", "town"]), "lacks 'age', 'town'"),
        (lambda table: table.append_column("x", table["age"]), "has 'x'"),
        (lambda table: table.rename_columns({"age": "years"}), "lacks 'age' and has 'years'"),
        (lambda table: table.set_column(2, "age", table["town"]), "'age' is .* string: '"),
    ],
)
def test_a_table_of_other_columns_is_refused_by_their_names(trained, change, says):
    with pytest.raises(ValueError, match=says) as error:
        impute(*trained, change(people().slice(0, 5)))
    assert "\n" not in str(error.value)


def test_columns_may_come_in_another_order(trained, holed):
    order = holed.schema.names[::-1]
    (made,) = impute(*trained, holed.select(order)).tables
    assert made.equals(impute(*trained, holed).tables[0].select(order))
