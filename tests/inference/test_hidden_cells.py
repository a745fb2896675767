"""Imputation error: of hidden cells alone, of known ones alone, and beside mode and mean."""

import pyarrow
import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.data.tables import load_table
from alpha_bridge.inference import hidden_cells
from alpha_bridge.inference.hidden_cells import HiddenCells, errors, imputation_errors
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, RowGenerator
from alpha_bridge.observation import RowFamily

ROWS = 60


@pytest.fixture(scope="module")
def source():
    """Whether b is large or small decides a, and a third of a is missing."""
    a = [("x", "y", None)[row % 3] for row in range(240)]
    b = [{"x": 0.0, "y": 10.0}.get(of, 5.0) + row / 1000 for row, of in enumerate(a)]
    c = [str(row % 2) for row in range(240)]
    return load_table(pyarrow.table({"a": a, "b": b, "c": c}))


@pytest.fixture
def cells(source):
    return HiddenCells(source.units, source.training(200), source.training(ROWS))


def test_errors_of_what_is_filled_in_are_of_hidden_cells_alone():
    rows = RowFamily(categories=((0, 2), (3, 2)), numbers=((2, 1), (5, None)))
    real = torch.tensor([[1, 0, 0, 1, 0, 0.5], [0, 1, 2, 1, 0, 0.0]])
    found = torch.tensor([[0, 1, 1, 1, 0, 0.5], [0, 1, 1, 0, 1, 9.0]])
    hidden = torch.tensor([[True, False, True], [True, True, False]])
    places = hidden.repeat_interleave(torch.tensor([3, 2, 1]), 1)
    assert errors(real, found, places, rows) == pytest.approx([0.5, 1.0, 1.0, 0.0])


def test_no_gap_of_the_table_is_asked_for_or_taken_for_the_mode(cells, source):
    gaps = torch.tensor(
        [cell is None for cell in source.table(cells.held_out.numpy())["a"].to_pylist()]
    )
    assert gaps.any() and not cells.hidden[gaps, 0].any()
    assert 0.1 < cells.hidden[:, 1:].double().mean() < 0.3
    (start, size), gap = source.rows.categories[0], source.columns[0].gap
    assert cells._usual[0, start : start + size].argmax() != gap


def test_the_truth_has_no_error_and_mode_and_mean_have_that_of_mode_and_mean(cells):
    assert cells._relative(cells._real) == 0 and cells._relative(cells._usual) == 1


def test_what_one_column_says_of_another_is_learned_by_the_iterative_imputer(cells):
    assert cells.of_iterative_imputer < 1


def test_the_error_of_a_model_has_its_protocol_in_its_name(cells, source, monkeypatch):
    monkeypatch.setattr(hidden_cells, "FEW", 1)
    size, shape = source.rows.size, (source.rows.categories, source.rows.numbers)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = RowGenerator(2, *shape, hidden=(4,))
        model = AlphaBridge(generator, MLPEncoder(2, size, (4,)), MLPDiscriminator(size, (4,)))
    model.eval().requires_grad_(False)
    parts = cells.training, cells.held_out
    found = imputation_errors(model, source.units, *parts)
    assert [*found] == ["imputation_error/model-to-mode-0.2-hidden/60-held-out"]
    untrained = found.popitem()[1]
    assert 0.5 < untrained < 3 and untrained == cells.of_model(model)
