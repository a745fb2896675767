"""Outliers in the manner of scikit-learn: of vectors, images and tables, and of a run."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks

from alpha_bridge import OutlierBridge, commands
from alpha_bridge.control import AdaptivePath
from alpha_bridge.errors import Diverged, Halted
from alpha_bridge.recipe import Config, value_of
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig
from alpha_bridge.training import FlightRecorder
from alpha_bridge.training.incidents import Incident, RollBack
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


def seen_at_once(**answer):
    """Settings under which every model has collapsed, and what is done about it."""
    return {"watch.spread": 1e9, "watch.patience": 2, "watch.every": 2} | {
        f"watch.{key}": value for key, value in answer.items()
    }


def trained(capsys, steps=20, **settings):
    """What is said of a training that may end, and the error."""
    found = OutlierBridge(steps=steps, settings=TINY | settings)
    try:
        found.fit(VECTORS)
    except (Diverged, Halted) as error:
        return capsys.readouterr().err, error
    return capsys.readouterr().err, None


def test_training_stops_after_an_incident_where_that_is_asked_for(capsys):
    said, error = trained(capsys, **seen_at_once(answer="stop"))
    assert type(error) is Halted
    assert "the generator has collapsed" in said and "training stops" in said
    assert trained(capsys, **seen_at_once(answer="say"))[1] is None


def test_training_begins_again_with_lower_rates_as_often_as_it_may(capsys):
    said, error = trained(capsys, **seen_at_once(answer="roll-back", rollbacks=2))
    assert type(error) is Halted
    assert said.count("training begins again") == 2
    said, error = trained(capsys, **{"optimization.generator": 1e30})
    assert type(error) is Diverged
    assert "roll-back 3 of 3: training begins again, optimization.generator 1.25e+29" in said


@pytest.mark.parametrize("change", ["rates", "alpha"])
def test_what_is_trained_after_a_roll_back_is_what_the_new_settings_train(change, monkeypatch):
    watched, after = [], FlightRecorder.after

    def once(self, event):
        after(self, event)
        if event.step == 7 and not watched:
            watched.append(event.alpha)
            raise RollBack(Incident("collapse", 7, 6, event.alpha, None, "", {}))

    monkeypatch.setattr(FlightRecorder, "after", once)
    found = OutlierBridge(steps=20, settings=TINY | {"watch.change": change}, progress=False)
    found.fit(VECTORS)
    config = found.config_
    changes = {of.key: of.after for of in config.changes}
    parts = {"path", "gamma"} if change == "alpha" else {"optimization"}
    assert {key.split(".")[0] for key in changes} == parts
    assert all(value_of(config, key) == value for key, value in changes.items())
    assert change == "rates" or 0 < config.path.end == float(f"{watched[0]:.6g}") < 0.9
    again = OutlierBridge(steps=20, settings=found.settings | changes, progress=False).fit(VECTORS)
    assert (again.score_samples(VECTORS) == found.score_samples(VECTORS)).all()


def test_what_is_said_of_an_alpha_that_did_not_reach_its_end_is_told(capsys, monkeypatch):
    monkeypatch.setattr(AdaptivePath, "verdict", "α is 0.00, and 0.9 was to be reached")
    said, _ = trained(capsys)
    assert said.count("α is 0.00, and 0.9 was to be reached\n") == 1


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
