"""Outliers that are known: how sets are mixed, what is compared, and what is claimed."""

from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from experiments import outlier_baselines, outlier_sets, outliers
from experiments.framework import Study
from experiments.outlier_sets import OWN, mixed


@pytest.mark.parametrize("name", OWN)
def test_a_set_is_mixed_by_its_seed_alone(name):
    of = mixed(name, 1)
    assert len(of.tested) == len(of.outlier) and 0 < of.outlier.mean() < 1
    again = mixed(name, 1)
    assert (again.tested == of.tested).all() and (again.outlier == of.outlier).all()
    assert len(of.training) <= outlier_sets.TRAINED / (1 - outlier_sets.SHARE) + 1


def test_the_density_itself_is_the_best_of_all_scores():
    of = mixed("spirals", 0)
    assert outliers._area(of, -of.log_q) > 0.9


def test_cells_of_corrupted_rows_are_usual_ones(tmp_path):
    (tmp_path / "adult").mkdir()
    frame = pd.DataFrame({"a": np.arange(2000), "b": np.arange(2000)})
    frame.to_parquet(tmp_path / "adult" / "train-0.parquet")
    of = mixed("adult", 0, str(tmp_path))
    same = (of.tested["a"] == of.tested["b"]).to_numpy()
    assert same[~of.outlier].all() and same[of.outlier].mean() < 0.05
    training, tested = outliers.coded(of)
    assert training.shape[1:] == tested.shape[1:] and np.isfinite(tested).all()


@pytest.mark.slow
def test_a_miniature_compares_with_the_forest(tmp_path, monkeypatch):
    def here(command, **_):
        """Without the start of another interpreter."""
        for file in Path(command[2]).glob("*.npz"):
            outlier_baselines.score(command[3], file)
        return CompletedProcess(command, 0)

    monkeypatch.setattr(outliers, "QUICK", ("wine",))
    monkeypatch.setattr(outliers.subprocess, "run", here)
    study = Study("outliers", tmp_path)
    record = outliers.measure(study, seed=0, trials=None, quick=True)
    (run,) = record["runs"]
    assert {*run["auroc"]} == {"bound", "reconstruction", "ratio", "sum", "IsolationForest"}
    assert all(0 <= area <= 1 for area in run["auroc"].values())


def record(**better):
    areas = dict.fromkeys((*outliers.OURS, *outliers.USUAL), 0.7) | better
    runs = [
        {"set": name, "seed": seed, "auroc": areas | ({"density": 0.9} if name == "ring" else {})}
        for name in ("ring", "photos")
        for seed in range(2)
    ]
    return {"runs": runs, "methods": [*outliers.OURS, *outliers.USUAL], "quick": False}


def test_claims_name_the_sets_where_the_sum_is_above_and_below():
    first, *_, last = outliers.claims(record(sum=0.8, ALAD=0.85))
    assert first.holds and first.found[0]["above with every seed"] == "ring, photos"
    assert not last.holds and last.found[0]["below with every seed"] == "ring, photos"


def test_the_table_and_the_figure_have_every_set_and_method():
    table = outliers.table(record(sum=0.8))
    assert "| ring | 0.700 ± 0.000 |" in table and "**0.800**" in table and "0.900" in table
    assert len(outliers.draw(record()).axes) == 2
