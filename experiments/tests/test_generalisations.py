"""Both generalisations beside the plain bridge, in a miniature of the miniature."""

import json

import numpy as np
import pytest
import torch

from alpha_bridge.model import AlphaBridge
from alpha_bridge.recipe import changed
from alpha_bridge.recipe.assembly import build_evaluation
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.recipe.presets import PRESETS
from experiments import generalisations, reproduce
from experiments.pages.markdown import RESULTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generalisations")
    images = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 1), dtype=np.uint8)
    np.save(folder / "images.npy", images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHA_BRIDGE_CACHE", str(folder / "cache"))
        changes = {"steps": 10, "evaluation.every": 5, "evaluation.samples": 60, "batch_size": 4}
        for key, value in {**changes, "model.width": 2, "model.latent": 2}.items():
            patch.setitem(generalisations.QUICK, key, value)
        reproduce("generalisations", folder / "out", quick=True, data=str(folder / "images.npy"))
    return folder / "out"


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "generalisations.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_all_train_the_same_arms_for_as_many_updates(record):
    configs = {run["method"]: run["config"] for run in record["runs"]}
    assert [*configs] == ["alpha-bridge", "marginal", "joint", "ali"]
    kinds = [config["objective"]["kind"] for config in configs.values()]
    assert kinds == ["data", "marginal", "joint", "joint"]
    for key in ("model", "steps", "optimization", "regularizer"):
        assert all(config[key] == configs["ali"][key] for config in configs.values())


@pytest.mark.slow
def test_the_arm_of_each_is_measured_at_the_end(record):
    for run in record["runs"]:
        *before, last = run["evaluations"]
        names = {name.split("/")[0] for name in last}
        assert names >= {*generalisations.METRICS}
        assert not any(name.startswith("pair_accuracy") for row in before for name in row)
    assert len(record["claims"]) == 4


@pytest.mark.slow
def test_samples_and_reconstructions_are_drawn(folder):
    assert (folder / "generalisations.png").read_bytes().startswith(b"\x89PNG")


def test_claims_are_read_from_the_means_at_the_end():
    record = json.loads((RESULTS / "generalisations.json").read_text(encoding="utf-8"))
    claims = generalisations.claims(record)
    assert [claim.holds for claim in claims] == [True, True, True, True]
    assert [claim.found for claim in claims] == [claim["found"] for claim in record["claims"]]


def test_the_recorded_methods_have_the_same_arms():
    record = json.loads((RESULTS / "generalisations.json").read_text(encoding="utf-8"))
    assert [*record["settings"]["methods"]] == [*generalisations.SETTINGS]
    assert record["settings"]["methods"] == generalisations.SETTINGS


class Inverse(torch.nn.Module):
    """The perfect inverse of an identity, with little noise."""

    def forward(self, x):
        return x, torch.full_like(x, -20.0)


def test_a_perfect_arm_is_measured_as_one():
    prior = {"mixture.side": 1, "mixture.std": 1.0}
    config = changed(PRESETS["gaussians25"], {"evaluation.samples": 1000, **prior})
    evaluation = build_evaluation(config, build_source(config))
    model = AlphaBridge(torch.nn.Identity(), Inverse(), torch.nn.Identity(), latent_shape=(2,))
    found = {
        name.split("/")[0]: value for name, value in generalisations.arm(model, evaluation).items()
    }
    assert found["reconstruction_of_samples"] == 0
    assert found["pair_accuracy"] == pytest.approx(0.5, abs=0.06)
    assert found["aggregate_kl"] == pytest.approx(0.0, abs=0.02)
