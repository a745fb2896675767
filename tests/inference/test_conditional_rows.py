"""Rows that meet conditions: their law by enumeration, and conditions that no row can meet."""

import itertools
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow
import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.data.tables import load_table
from alpha_bridge.inference import conditional_rows
from alpha_bridge.inference.conditional_rows import rows_given
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, RowGenerator
from tests.data.tables.people import people


def untrained(source, latent=1, scale=1.0):
    family, size = source.rows, source.rows.size
    with torch.random.fork_rng():
        torch.manual_seed(2)
        generator = RowGenerator(latent, family.categories, family.numbers, hidden=(8,))
        encoder = MLPEncoder(latent, size, (4,))
        model = AlphaBridge(generator, encoder, MLPDiscriminator(size, (4,)))
    for parameter in generator.network.parameters():
        parameter.data *= scale
    return model.eval().requires_grad_(False), source.units


@pytest.fixture(scope="module")
def tiny():
    """Three columns of categories, one of them with gaps, that hang together."""
    rng = np.random.default_rng(0)
    gaps = [None if row % 5 == 0 else "uv"[row % 2] for row in range(60)]
    table = {"a": rng.choice(["x", "y"], 60), "b": rng.choice(["p", "q", "r"], 60), "c": gaps}
    return untrained(load_table(pyarrow.table(table)), scale=4.0)


@pytest.fixture(scope="module")
def known():
    """A model of every kind of column, untrained."""
    return untrained(load_table(people()), latent=2)


def cells(table):
    return [*zip(*(table[name].to_pylist() for name in table.schema.names), strict=True)]


@pytest.mark.parametrize(
    "where", [{"a": "x"}, {"b": "q", "c": "v"}, {"c": None}, {"a": "y", "b": "r"}]
)
def test_rows_have_the_law_of_the_model_given_the_conditions(tiny, where):
    """Summed over all rows, and integrated over all latents on a grid."""
    model, units = tiny
    grid = torch.linspace(-6, 6, 601)[:, None]
    weight = torch.exp(-grid[:, 0].double().square() / 2)
    described = model.generator(grid).double()
    shares = [described[:, at : at + size].softmax(-1) for at, size in model.rows.categories]
    law = {}
    for row in itertools.product("xy", "pqr", ["u", "v", None]):
        if all(dict(zip("abc", row, strict=True))[name] == value for name, value in where.items()):
            places = "xy".index(row[0]), "pqr".index(row[1]), ["u", "v", None].index(row[2])
            each = [share[:, at] for share, at in zip(shares, places, strict=True)]
            law[row] = float((weight * each[0] * each[1] * each[2]).sum() / weight.sum())
    found = rows_given(model, units, where, 4000)
    assert found.share == pytest.approx(sum(law.values()), rel=0.1)
    drawn = cells(found.table)
    assert {*drawn} <= {*law}
    for row, share in law.items():
        assert drawn.count(row) / 4000 == pytest.approx(share / sum(law.values()), abs=0.03)


@pytest.mark.parametrize(
    ("where", "cells"),
    [
        ({"age": 30, "gain": 0}, {"age": 30, "gain": 0}),
        ({"age": "30", "member": "True"}, {"age": 30, "member": True}),
        ({"town": None, "weight": ""}, {"town": None, "weight": None}),
        ({"sex": "m", "born": "1970-05-04"}, {"sex": "m", "born": date(1970, 5, 4)}),
        ({"price": "88.10", "country": "DE"}, {"price": Decimal("88.10"), "country": "DE"}),
        ({"weight": 71.3, "height": 1.7012345}, {"weight": 71.3, "height": 1.7012345}),
    ],
)
def test_every_kind_of_column_takes_a_condition(known, monkeypatch, where, cells):
    monkeypatch.setattr(conditional_rows, "LATENTS", 256)
    found = rows_given(*known, where, 20)
    assert found.table.schema == people().schema and len(found.table) == 20
    assert {name: {*found.table[name].to_pylist()} for name in cells} == {
        name: {cell} for name, cell in cells.items()
    }
    assert (found.share is None) == ("height" in where)
    assert 20 <= found.effective <= found.latents


def test_the_line_has_the_share_and_the_effective_latents(tiny):
    line = rows_given(*tiny, {"a": "x"}, 100).line
    assert "% of the model's; of 4,096 weighted latents " in line and line.endswith("are effective")


def test_a_seed_repeats_the_rows(tiny):
    one, two, other = (rows_given(*tiny, {"a": "x"}, 50, seed).table for seed in (0, 0, 1))
    assert one.equals(two) and not one.equals(other)


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"twn": "Ulm"}, r"there is no column 'twn': did you mean 'town'\?"),
        ({"xx": 1}, r"there is no column 'xx': there are 'key', "),
        ({"town": "Bonn"}, r"no training row has 'Bonn' in column 'town': "),
        ({"sex": "F"}, r"no training row has 'F' in column 'sex': there are 'f', 'm'"),
        ({"key": "P1"}, r"column 'key' identifies rows and is made anew"),
        ({"country": "FR"}, r"no training row has 'FR' in column 'country'"),
        ({"age": "old"}, r"column 'age' is of the type uint8, got 'old'"),
        ({"age": 300}, r"column 'age' is of the type uint8, got 300"),
        ({"age": 120}, r"column 'age' goes from 17 to 90, got 120"),
        ({"age": None}, r"column 'age' has no gaps in the training table"),
        ({"weight": 71.33}, r"no row has 71.33 in column 'weight', and the nearest is 71.3"),
        ({"born": "1970"}, r"column 'born' is of the type date32\[day\], got '1970'"),
    ],
)
def test_a_condition_that_no_row_can_meet_is_refused(known, where, says):
    with pytest.raises(ValueError, match=says) as error:
        rows_given(*known, where, 5)
    assert "\n" not in str(error.value)


def test_too_few_rows_are_refused_with_their_share(tiny, monkeypatch):
    monkeypatch.setattr(conditional_rows, "LATENTS", 128)
    monkeypatch.setattr(conditional_rows, "MOST", 1)
    with pytest.raises(ValueError, match=r"too few rows meet a=x: such rows are .*% of the mod.*"):
        rows_given(*tiny, {"a": "x"}, 4000)
