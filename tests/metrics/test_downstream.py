"""Train on synthetic, test on real: which column is told, and what rows are worth for it."""

import pytest
import torch

from alpha_bridge.metrics.downstream import Target, learned, target
from alpha_bridge.observation import RowFamily

ROWS = RowFamily(
    categories=((0, 2), (2, 11), (13, 3), (16, 2)), numbers=((18, None), (19, 15), (20, None))
)
NAMES = ["sold", "city", "mixed", "odd", "size", "price"]
SIMPLE = RowFamily(categories=((0, 2), (2, 3)), numbers=((5, None), (6, 2)))


def table(count, seed, linked=True):
    """The first category follows the number; the second number, which has a gate, twice it."""
    rng = torch.Generator().manual_seed(seed)
    x, number = torch.zeros(count, 7), torch.randn(count, generator=rng)
    first, second = number, number
    if not linked:
        first, second = torch.randn(2, count, generator=rng)
    x[torch.arange(count), (first > 0).long()] = 1
    x[torch.arange(count), 2 + torch.randint(3, (count,), generator=rng)] = 1
    x[:, 5], x[:, 6] = number, 2 * second * x[:, 2]
    return x


REAL = table(400, 0)


def test_a_category_of_few_values_is_told_where_nobody_names_a_column():
    assert target(ROWS, NAMES).name == "odd"
    assert target(RowFamily((), ((0, None), (1, None))), ["a", "b"]).name == "b"


def test_a_column_that_is_named_is_told_and_others_are_listed():
    assert target(ROWS, NAMES, "mixed") == Target("mixed", 2, 1)
    assert target(ROWS, NAMES, "size").protocol == "size-r2"
    assert target(ROWS, NAMES, "city").protocol == "city-auc"
    with pytest.raises(ValueError, match=r"got 'town': give one of sold, city, mixed"):
        target(ROWS, NAMES, "town")


@pytest.mark.parametrize("of", [Target("a", 0, None), Target("b", None, 1)])
def test_rows_of_the_same_law_teach_and_rows_whose_columns_forget_each_other_do_not(of):
    good = learned(table(400, 1), REAL, SIMPLE, of)
    bad = learned(table(400, 1, linked=False), REAL, SIMPLE, of)
    assert good > 0.8
    assert bad < 0.7


def test_a_class_that_generated_rows_lack_is_as_good_as_chance():
    of = Target("a", 0, None)
    assert learned(REAL[REAL[:, 0] > 0], REAL, SIMPLE, of) == 0.5
