"""Outliers in the manner of scikit-learn: of vectors, images and tables, and of a run."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks

from alpha_bridge import OutlierBridge, commands
from alpha_bridge.recipe import Config
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig
from tests.data.tables.people import people

TINY = {"model.latent": 2, "model.hidden": (8,), "model.width": 4}


def detector(steps=10, **given):
    return OutlierBridge(steps=steps, settings=TINY, progress=False, **given)


VECTORS = np.random.default_rng(0).normal(size=(150, 3))
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
TABLE = people(90).select(["height", "town", "sex"]).to_pandas()
KINDS = {"vectors": VECTORS, "images": IMAGES, "table": TABLE}


@pytest.fixture(scope="module")
def fitted():
    return {kind: detector().fit(data) for kind, data in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_scores_follow_the_conventions(kind, fitted):
    found, data = fitted[kind], KINDS[kind]
    scores = found.score_samples(data)
    assert scores.shape == (len(data),)
    assert found.decision_function(data) == pytest.approx(scores - found.offset_)
    predicted = found.predict(data)
    assert ((predicted == -1) == (scores < found.offset_)).all()
    assert 0.02 <= (predicted == -1).mean() <= 0.25
    expected = {"vectors": 3, "images": 64, "table": 3}
    assert found.n_features_in_ == expected[kind]


def test_what_lies_far_away_has_the_lowest_score(fitted):
    near, far = fitted["vectors"].score_samples([[0, 0, 0], [40, -40, 40]])
    assert far < near and fitted["vectors"].predict([[40, -40, 40]]) == [-1]


def test_a_seed_gives_the_same_scores(fitted):
    again = clone(fitted["vectors"]).fit(VECTORS)
    assert (again.score_samples(VECTORS) == fitted["vectors"].score_samples(VECTORS)).all()


@pytest.mark.parametrize(
    "check",
    [
        "parameters_default_constructible",
        "get_params_invariance",
        "set_params",
        "estimator_cloneable",
        "no_attributes_set_in_init",
        "fit1d",
        "fit2d_1sample",
        pytest.param("estimators_nan_inf", marks=pytest.mark.slow),
        "estimator_sparse_array",
        "complex_data",
        "estimators_unfitted",
        "n_features_in",
        "n_features_in_after_fitting",
        pytest.param("outliers_fit_predict", marks=pytest.mark.slow),
    ],
)
def test_it_keeps_the_conventions_of_estimators(check):
    getattr(estimator_checks, f"check_{check}")("OutlierBridge", detector())


@pytest.mark.usefixtures("pages_without_figures")
def test_the_detector_of_a_run_takes_the_share_asked_for(tmp_path):
    np.save(tmp_path / "points.npy", VECTORS)
    small = {
        "steps": 8,
        "batch_size": 16,
        "path": PathConfig(ml=1.0, transfer=0.0, adversarial=0.0),
        "model": ModelConfig(latent=2, hidden=(8,), noise=0.4),
        "evaluation": EvaluationConfig(samples=20, shown=2, every=1000),
    }
    commands.train(Config(data=str(tmp_path / "points.npy"), **small), tmp_path / "run")
    found = OutlierBridge.from_run(tmp_path / "run", contamination=0.2)
    assert 0.1 < (found.predict(VECTORS) == -1).mean() < 0.3
    assert found.score_samples([[40, -40, 40]]) < found.score_samples(VECTORS).min()


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (
            lambda _: detector(contamination=0.7).fit(VECTORS),
            r"contamination must lie in \(0, 0.5\]",
        ),
        (lambda of: of["vectors"].predict(IMAGES), "that were fitted are vectors, got an array"),
        (lambda of: of["images"].predict(VECTORS), "that were fitted are images, got an array"),
        (lambda of: of["images"].predict(TABLE), "that were fitted are an array, got DataFrame"),
        (lambda of: of["table"].predict(VECTORS), "that were fitted are rows of a table, got nd"),
        (lambda of: of["vectors"].predict(VECTORS[:, :2]), "X has 2 features, but OutlierBridge"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_line(act, says, fitted):
    with pytest.raises(ValueError, match=says) as error:
        act(fitted)
    assert "\n" not in str(error.value)
