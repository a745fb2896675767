"""Metrics of rows: what equal tables score, and what each of them notices."""

import pytest
import torch

from alpha_bridge.metrics.table_quality import (
    associations,
    c2st,
    closest_records,
    marginals,
    rare_categories,
)
from alpha_bridge.observation import RowFamily

ROWS = RowFamily(categories=((0, 3), (3, 2)), numbers=((5, None),))
SHARES = torch.tensor([0.7, 0.298, 0.002])


def table(count, seed, shares=SHARES, linked=True):
    rng = torch.Generator().manual_seed(seed)
    first = shares.expand(count, 3).multinomial(1, generator=rng)[:, 0]
    second = (torch.rand(count, generator=rng) < (0.2 + 0.6 * linked * (first == 1))).long()
    x = torch.zeros(count, 6)
    x[torch.arange(count), first] = 1
    x[torch.arange(count), 3 + second] = 1
    x[:, 5] = torch.randn(count, generator=rng) + linked * second
    return x


REAL = table(4000, 0)


@pytest.mark.slow
def test_another_sample_of_the_same_table_scores_near_the_best():
    fake = table(4000, 1)
    assert marginals(REAL, fake, ROWS) > 0.97
    assert associations(REAL, fake, ROWS) > 0.95
    assert rare_categories(REAL, fake, ROWS) == 1
    assert c2st(REAL, fake, ROWS) == pytest.approx(0.5, abs=0.04)
    assert closest_records(REAL[:2000], REAL[2000:], fake) == pytest.approx(0.5, abs=0.04)


@pytest.mark.slow
def test_columns_that_forget_each_other_are_noticed_by_pairs_and_trees_alone():
    shuffled = REAL.clone()
    order = torch.Generator().manual_seed(0)
    shuffled[:, :3] = REAL[torch.randperm(len(REAL), generator=order), :3]
    assert marginals(REAL, shuffled, ROWS) == pytest.approx(1)
    assert associations(REAL, shuffled, ROWS) < 0.93
    assert c2st(REAL, shuffled, ROWS) > 0.56


def test_a_category_that_is_left_out_is_noticed_however_rare():
    fake = table(4000, 1, shares=torch.tensor([0.7, 0.3, 0.0]))
    assert rare_categories(REAL, fake, ROWS) == pytest.approx(0.8)


def test_a_number_that_moves_is_noticed_by_its_margin():
    moved = REAL + torch.tensor([0, 0, 0, 0, 0, 1.0])
    assert marginals(REAL, moved, ROWS) < 0.9


def test_copies_of_training_rows_are_found_out():
    assert closest_records(REAL[:2000], REAL[2000:], REAL[:2000]) > 0.8


def test_a_single_column_has_no_pairs():
    with pytest.raises(ValueError, match="a single one: give two or more"):
        associations(REAL[:, 5:], REAL[:, 5:], RowFamily(categories=(), numbers=((0, None),)))


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_few_rows_are_told_apart_as_far_as_they_can_be(count):
    found = c2st(REAL[:count], table(9, 1), ROWS)
    assert found == 0.5 if count < 2 else 0 <= found <= 1
