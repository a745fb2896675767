"""Rows of tables beside those of usual synthesizers: the claims, and how rows are scored."""

import json
import sys

import pyarrow.parquet
import pytest
import torch

from experiments import tables
from experiments.pages.images import synthesized
from experiments.table_baselines import fit
from experiments.table_scores import scored


def record(c2st=0.55, rare=0.99, closest=0.5, tstr=0.9):
    of = {
        "alpha-bridge": (c2st, rare, 0.95, tstr, closest),
        "tvae": (0.8, 0.5, 0.9, 0.88, 0.5),
        "ctgan": (0.75, 0.9, 0.85, 0.8, 0.5),
    }
    names = ("c2st", "rare_categories", "associations", "tstr", "closest_records")
    runs = [
        {
            "set": "a",
            "method": method,
            "seed": seed,
            "seconds": 1.0,
            "metrics": {f"{n}/x/9": v + seed / 1000 for n, v in zip(names, values, strict=True)},
        }
        for method, values in of.items()
        for seed in (0, 1)
    ]
    return {"runs": runs, "settings": {"quick": True}}


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({}, []),
        ({"c2st": 0.45}, []),
        ({"tstr": 0.87}, [0]),
        ({"c2st": 0.7498, "rare": 0.9002}, [1, 2]),
        ({"rare": 0.8}, [0, 1, 2]),
        ({"closest": 0.56}, [3]),
    ],
)
def test_each_claim_can_fail(changed, fails):
    holds = [claim.holds for claim in tables.claims(record(**changed))]
    assert holds == [at not in fails for at in range(4)]


def test_the_figure_and_the_page_have_every_method():
    assert len(tables.draw(record()).axes) == len(tables.COMPARED)
    text = "\n".join(synthesized(record()))
    assert "| ctgan | 0.7505 ± " in text


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return tables._made_up(tmp_path_factory.mktemp("tables"))["answers"]


def test_shuffled_columns_keep_their_types_and_shares_and_lose_each_other(answers, tmp_path):
    training, out = tmp_path / "training.parquet", tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(tables.parts_of(answers)[0], training)
    account = fit("shuffled", training, out, seed=0, epochs=None)
    assert json.loads(out.with_suffix(".json").read_text()) == account
    table = scored(answers)
    x = table.read(str(out))
    torch.testing.assert_close(x.mean(0), table.training.mean(0))
    assert (x.T @ x / len(x) - table.training.T @ table.training / len(x)).abs().max() > 0.02


@pytest.mark.slow
def test_a_fit_does_not_depend_on_where_its_python_is(answers):
    mine, theirs = (
        next(tables._usual({"answers": answers}, range(1), ("shuffled",), python))
        for python in (sys.executable, "/elsewhere/python")
    )
    assert mine.key == theirs.key
    found = mine().record
    assert found["fit"]["method"] == "shuffled"
    assert "c2st" in {key.split("/")[0] for key in found["metrics"]}


def test_rows_of_a_table_of_few_cells_have_all_metrics(answers):
    table = scored(answers)
    found = {key.split("/")[0] for key in table.of_rows(table.training)}
    assert found >= {*tables.COMPARED, "trtr", "total_variation", "missed_mass"}


def test_usual_synthesizers_that_are_not_fitted_need_their_environment(tmp_path):
    rows = pyarrow.table({"a": [*range(6000)], "b": ["x", "y"] * 3000})
    for of in tables.SETS:
        (tmp_path / of).mkdir()
        pyarrow.parquet.write_table(rows, tmp_path / of / "rows.parquet")
    study = tables.Study("tables", tmp_path / "out")
    with pytest.raises(ValueError, match=r"24 of 24 fits .* give --python"):
        tables.measure(study, 0, None, quick=False, data=str(tmp_path))
    assert len(tables.parts_of(str(tmp_path / "out" / "nltcs"))[0]) == tables.ROWS
