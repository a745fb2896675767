"""The front of scikit-learn: tables in and out, repeated by a seed, kept as a run."""

import numpy as np
import pyarrow
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from alpha_bridge import TableBridge
from alpha_bridge.cli import main
from tests.data.tables.people import people

TABLE = people(120).select(["age", "height", "town", "sex", "member", "seen"])
FRAME = TABLE.to_pandas()
SETTINGS = {"model.latent": 2, "model.hidden": (8,), "batch_size": 16}


def bridge(steps=6, **given):
    return TableBridge(steps=steps, settings=SETTINGS, progress=False, **given)


@pytest.fixture(scope="module")
def fitted():
    return bridge().fit(FRAME)


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "run"
    fitted.save(folder)
    return folder


def test_a_data_frame_comes_back_with_its_types_and_columns(fitted):
    rows = fitted.sample(30)
    assert type(rows) is type(FRAME) and len(rows) == 30
    assert rows.dtypes.to_dict() == FRAME.dtypes.to_dict()


def test_a_table_comes_back_as_a_table():
    rows = bridge(method="ml").fit(TABLE).sample(5)
    assert isinstance(rows, pyarrow.Table) and rows.schema.equals(TABLE.schema)


def test_a_seed_gives_the_same_rows_bit_for_bit(fitted):
    again = clone(fitted).fit(FRAME)
    assert again.sample(50).equals(fitted.sample(50))
    other = bridge(random_state=np.random.RandomState(3)).fit(FRAME)
    assert not other.sample(50).equals(fitted.sample(50))
    assert not fitted.sample(50, random_state=1).equals(fitted.sample(50))


def test_rows_are_drawn_given_conditions(fitted):
    rows = fitted.sample(4, where={"sex": "f", "member": True, "town": None})
    assert {*rows["sex"]} == {"f"} and {*rows["member"]} == {True} and rows["town"].isna().all()


def test_gaps_are_filled_and_the_index_is_kept(fitted):
    holed = FRAME.head(6).set_axis([*"abcdef"])
    holed.loc["b", "sex"] = None
    holed.loc[["a", "c"], "height"] = np.nan
    filled = fitted.impute(holed)
    assert [*filled.index] == [*"abcdef"] and not filled.isna().any(axis=None)
    assert filled.dtypes.to_dict() == holed.dtypes.to_dict()
    assert filled.where(holed.notna(), None).equals(holed.where(holed.notna(), None))
    one, two = fitted.impute(holed, draws=2)
    assert not two.equals(one)


def test_weights_are_those_of_the_log_ratio(fitted):
    rows = fitted.sample(60)
    found, f = fitted.weights(rows), fitted.log_ratio(rows)
    assert found.weights.sum() == pytest.approx(1) and 0 < found.effective <= 1
    assert f.shape == (60,) and (np.diff(found.weights[np.argsort(f)]) >= 0).all()


def test_it_is_a_step_of_a_pipeline(fitted):
    pipeline = make_pipeline(clone(fitted), LogisticRegression())
    pipeline.fit(FRAME.drop(columns="sex"), FRAME["sex"])
    assert len(pipeline.predict(FRAME.drop(columns="sex").head(1))) == 1
    named = fitted.set_output(transform="pandas").transform(FRAME)
    fitted.set_output(transform="default")
    assert [*named.columns] == ["tablebridge0", "tablebridge1"] and len(named) == len(FRAME)
    assert np.array_equal(named, fitted.encode(FRAME))


@pytest.mark.parametrize(
    "check",
    [
        "parameters_default_constructible",
        "get_params_invariance",
        "set_params",
        "estimator_cloneable",
        "estimator_repr",
        "no_attributes_set_in_init",
    ],
)
def test_it_keeps_the_conventions_of_estimators(check):
    """All that are checked without data: the others hand over arrays, which have no columns."""
    getattr(estimator_checks, f"check_{check}")("TableBridge", TableBridge())


def test_what_is_saved_is_a_run(fitted, saved):
    again = TableBridge.load(saved)
    assert again.sample(20).equals(fitted.sample(20))
    assert np.array_equal(again.log_ratio(FRAME), fitted.log_ratio(FRAME))
    assert again.get_params() == fitted.get_params() | {
        "progress": True,
        "columns": again.config_.columns,
    }
    out = saved.parent / "rows.parquet"
    assert main(["sample", str(saved), "-n", "20", "--out", str(out)]) == 0
    assert pyarrow.parquet.read_table(out).to_pandas().equals(fitted.sample(20))


def test_what_is_decided_is_said_on_standard_error(capsys):
    bridge().set_params(progress=True).fit(TABLE)
    lines = capsys.readouterr().err
    assert "'sex': category of 2 values" in lines and "decided, where you give nothing" in lines


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda: bridge().fit(np.zeros((9, 2))), "a ndarray is no table"),
        (lambda: bridge().fit(TABLE.slice(0, 1)), "has one row: give two or more"),
        (lambda: bridge(method="mll").fit(TABLE), "method must be one of ml, .*, got 'mll'"),
        (lambda: bridge(realism=2.0).fit(TABLE), "realism must lie in"),
        (lambda: bridge(method="ml", realism=0.5).fit(TABLE), "got 0.5, has no effect where α"),
        (
            lambda: TableBridge(settings={"model.latnt": 2}).fit(TABLE),
            "did you mean 'model.latent'",
        ),
        (lambda: bridge(columns={"sx": "category"}).fit(TABLE), "there is no column 'sx'"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_a_line(act, says):
    with pytest.raises(ValueError, match=says) as error:
        act()
    assert "\n" not in str(error.value)


def test_nothing_is_drawn_before_it_is_fitted():
    with pytest.raises(NotFittedError):
        TableBridge().sample(3)
