"""Stacked trials are single runs side by side: their tensors and weights."""

import pytest
import torch

from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.settings import GammaConfig
from alpha_bridge.training.state import of_trial, stack

TRIALS = 3


def config(trials=1, seed=7, **changes):
    preset = PRESETS["gaussians25"]
    return preset.model_copy(update={"trials": trials, "seed": seed, "steps": 30, **changes})


@pytest.mark.parametrize("trial", range(TRIALS))
def test_a_stacked_model_starts_with_the_weights_of_single_ones(trial):
    shape = {"event_shape": (2,)}
    stacked = build_model(config(TRIALS, **shape)).state_dict()
    single = build_model(config(seed=7 + trial, **shape)).state_dict()
    assert all(torch.equal(stacked[name][trial], value) for name, value in single.items())


def test_stacking_and_taking_apart_are_inverse():
    states = [{"weight": torch.randn(2, 3), "bias": torch.randn(3)} for _ in range(4)]
    together = {"model": stack(states)}
    for trial, state in enumerate(states):
        for name, value in state.items():
            assert torch.equal(of_trial(together, trial)["model"][name], value)


def test_counts_are_shared_by_all_trials():
    assert of_trial({"optimizers": {"0.step": torch.tensor(9)}}, 1)["optimizers"]["0.step"] == 9


def test_what_is_remembered_of_the_path_and_of_gamma_is_that_of_all_trials():
    memory = {"path/state": torch.rand(21), "gamma/sigma": torch.rand(()), "labels": torch.ones(3)}
    own = of_trial({"memory": memory}, 1)["memory"]
    assert {name: value.shape for name, value in own.items()} == {
        **{"path/state": (21,), "gamma/sigma": (), "labels": ()}
    }


def test_a_gamma_that_is_measured_wants_one_trial():
    with pytest.raises(ValueError, match="one trial at a time, got trials=3"):
        assemble(config(TRIALS, gamma=GammaConfig(kind="optimal")))


def test_images_have_no_stacked_trials():
    with pytest.raises(ValueError, match="no stacked trials, got trials=3"):
        assemble(PRESETS["digits"].model_copy(update={"trials": TRIALS}))
