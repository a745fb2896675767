"""What is seen of a table: shares that add up, in the table's own words, and associations."""

import json

import numpy as np
import pyarrow
import pytest

from alpha_bridge.data.tables import load_table
from alpha_bridge.metrics.table_profile import cramers_v, profile, read_profile
from tests.data.tables.people import ROWS, people

SOURCE = load_table(people())
COMPACT = SOURCE.units.coding.compact(people())


@pytest.fixture(scope="module")
def seen():
    """All people beside the younger half of them."""
    age = people()["age"].to_numpy()
    return profile(SOURCE.units.coding, COMPACT, COMPACT[age < np.median(age)])


def column(seen, name):
    return next(column for column in seen.columns if column.name == name)


def test_shares_of_a_column_add_up_to_one(seen):
    for of in seen.columns:
        assert [sum(of.real), sum(of.generated)] == pytest.approx([1, 1], abs=1e-4)


def test_a_column_has_its_categories_and_gaps_and_then_its_numbers(seen):
    table = people()
    assert column(seen, "weight").values == ("missing",)
    share = table["weight"].null_count / ROWS
    assert column(seen, "weight").real[0] == pytest.approx(share, abs=1e-5)
    assert column(seen, "gain").values == ("0",) and column(seen, "sex").values == ("f", "m")
    assert column(seen, "sex").ends is None and column(seen, "age").ends == ("17", "90")
    assert column(seen, "born").ends[0].startswith("1960-")
    assert {"key", "number", "country"}.isdisjoint(of.name for of in seen.columns)


def test_agreement_is_one_where_rows_are_the_same_and_falls_where_they_are_not(seen):
    same = profile(SOURCE.units.coding, COMPACT, COMPACT)
    assert min(of.agreement for of in same.columns) == 1 and same.real == same.generated
    assert column(seen, "age").agreement == pytest.approx(0.5, abs=0.05)
    assert column(seen, "member").agreement > 0.9


def test_it_comes_back_from_json(seen):
    assert read_profile(json.loads(json.dumps(seen.content()))) == seen


def test_examples_are_rows_of_the_table_with_gaps(seen):
    assert [*seen.examples[0]] == people().schema.names
    assert (
        len(seen.examples) == 8 and seen.examples[0]["town"] is None
    )  # of row 0, as of each ninth


def test_pairs_of_a_wide_table_are_those_of_the_first_columns():
    draws = np.random.default_rng(0).integers(0, 2, (50, 42)).astype(bool)
    table = pyarrow.table({f"c{at}": draws[:, at] for at in range(42)})
    coding = load_table(table).units.coding
    seen = profile(coding, coding.compact(table), coding.compact(table))
    assert len(seen.columns) == 42 and len(seen.real) == 40


def test_independent_columns_have_no_association_and_copies_have_all():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 5, 4000), rng.integers(0, 3, 4000)
    assert cramers_v(one, other) < 0.05
    assert cramers_v(one, (one + 2) % 5) == pytest.approx(1)
    assert cramers_v(one, np.zeros(4000, int)) == 0
    assert cramers_v(one[:1], other[:1]) == 0
