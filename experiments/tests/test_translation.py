"""Translation without pairs: of known mixtures and of digits, in miniatures of miniatures."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from alpha_bridge.adversarial import Bridge, FixedSum
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import Surrogate
from experiments import reproduce, translation, translation2d
from experiments.translating import WAYS


def test_the_bridge_keeps_a_cycle_to_the_end_and_the_baseline_has_fixed_weights():
    bridge, baseline = WAYS["alpha-bridge"], WAYS["cyclegan"]
    path = bridge.path(100)
    assert len(path) == len(baseline.path(100)) == 100
    assert path(0) == 0.0 and path(99) == 0.8
    assert (bridge.adversarial, baseline.adversarial) == (Bridge(), FixedSum())
    assert baseline.full_cycle and not bridge.full_cycle


# Mixtures


class Affine(nn.Module):
    """Another map of each trial: z ↦ z A + b."""

    def __init__(self, matrices, shifts):
        super().__init__()
        self.trial_shape = matrices.shape[:1]
        self.matrices, self.shifts = matrices, shifts

    def forward(self, z):
        return z @ self.matrices + self.shifts.unsqueeze(-2)


def true_maps():
    """The true translation and its inverse."""
    origin = translation2d._moved(torch.zeros(1, 2))
    there = translation2d._moved(torch.eye(2)) - origin
    return there, origin[0], there.inverse(), -origin[0] @ there.inverse()


def test_the_true_translation_hits_every_component():
    there, shift, back, shift_back = true_maps()
    model = AlphaBridge(
        Affine(torch.stack([there, 0 * there]), torch.stack([shift, shift])),
        Surrogate(Affine(torch.stack([back, back]), torch.stack([shift_back, shift_back])), 1.0),
        nn.Identity(),
    )
    found = translation2d.score(model)
    assert found["there"][0] > 0.999
    assert found["there"][1] < 0.5
    assert found["back"] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert found["cycle"][0] == found["error"][0] == pytest.approx(0.0, abs=1e-5)
    assert found["cycle"][1] > 0.1 < found["error"][1]


def test_components_keep_their_weights():
    first, second = translation2d.mixtures()
    assert torch.equal(first.weights, second.weights)
    assert len(set(second.weights.tolist())) == len(second.weights)
    torch.testing.assert_close(translation2d._moved(second.means.float()), first.means.float())


def test_every_way_is_trained_from_both_beginnings(untrained):
    record = untrained.record(translation2d)
    assert [(run["begins"], run["way"]) for run in record["runs"]] == [
        (begins, way) for begins in translation2d.BEGINNINGS for way in WAYS
    ]
    assert len(translation2d.draw(record).axes) == len(record["runs"])


@pytest.mark.parametrize("begins", translation2d.BEGINNINGS)
def test_a_run_has_each_metric_of_each_trial(begins, monkeypatch):
    monkeypatch.setattr(translation2d, "HIDDEN", (8,))
    run = translation2d.train("alpha-bridge", begins, 10, 2, 0).record
    assert all(len(run[metric]) == 2 for metric in translation2d.METRICS)
    assert len(run["shown"]["there"]) == translation2d.SHOWN


# Digits


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    out = tmp_path_factory.mktemp("translation") / "out"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"QUICK_UPDATES": 4, "WIDTH_OF_NETWORKS": 4, "HIDDEN": 8}.items():
            patch.setattr(translation, name, value)
        quick = partial(translation.cached_classifier, updates=200)
        patch.setattr(translation, "cached_classifier", quick)
        reproduce("translation", out, quick=True)
    return json.loads((out / "translation.json").read_text("utf-8")), out


@pytest.mark.slow
def test_every_way_translates_digits_to_their_outlines(digits):
    record, out = digits
    ways = [(run["domain"], run["way"]) for run in record["runs"]]
    assert ways == [("traced", way) for way in translation.COMPARED]
    assert all(0 <= run["there"] <= 1 and run["error"] > 0 for run in record["runs"])
    assert (out / "translation.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_classifiers_know_the_true_images(digits):
    record, _ = digits
    assert min(record["ceilings"]["traced"].values()) > 0.9


def test_outlines_are_where_the_gradient_is():
    images = np.zeros((1, 8, 8, 1), np.uint8)
    images[0, 2:6, 3, 0] = 200
    traced = translation.traced(images)
    assert traced[0, 3, 3, 0] == 0 < traced[0, 3, 2, 0]


def test_images_without_labels_are_refused(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((20, 8, 8, 1), np.uint8))
    with pytest.raises(ValueError, match="has no labels, and without them nobody knows"):
        data = str(tmp_path / "images.npy")
        reproduce("translation", tmp_path / "out", quick=True, data=data)
