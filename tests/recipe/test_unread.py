"""Settings that nothing reads are known for every objective, loss and γ, and none that is read."""

from typing import get_args, get_type_hints

import pytest

from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.slots import GAMMAS, OBJECTIVES
from alpha_bridge.recipe.unread import GAMMAS_OF, IDLE_IN, unread
from alpha_bridge.settings import ObjectiveConfig


def test_every_objective_says_what_it_leaves_unread():
    assert IDLE_IN.keys() == OBJECTIVES.keys()
    fields = set(get_type_hints(ObjectiveConfig))
    assert all(fields >= set(idle) for idle in IDLE_IN.values())


def test_every_kind_of_gamma_reads_the_settings_that_are_its_own():
    for kind in GAMMAS:
        idle = unread(changed(Config(), {"gamma.kind": kind}))
        own = {key for key, kinds in GAMMAS_OF.items() if kind in kinds}
        assert own.isdisjoint(idle)
        assert {key for key in idle if key.startswith("gamma.")} == GAMMAS_OF.keys() - own


@pytest.mark.parametrize("name", METHODS)
def test_a_method_reads_what_it_defines_and_suggests(name):
    method = METHODS[name]
    assert unread(method.apply(Config())).keys().isdisjoint(method.keys)


@pytest.mark.parametrize("name", ["vqgan-fixed", "vqgan-adaptive", "vaegan-sum"])
def test_a_sum_of_losses_has_no_gamma_and_that_of_autoencoders_no_sigma(name):
    idle = unread(METHODS[name].apply(Config()))
    assert GAMMAS_OF.keys() <= idle.keys()
    assert ("model.noise" in idle) == name.startswith("vqgan")
    assert not any("give --gamma.kind" in why for why in idle.values())


def test_a_frozen_encoder_has_no_settings_of_its_own():
    idle = (
        unread(changed(Config(init="a/vae"), {"freeze": "encoder"})).keys()
        - unread(Config()).keys()
    )
    assert idle == {"optimization.encoder", "optimization.hold", "objective.kl_weight"}
    frozen = {"freeze": "encoder", "objective.kind": "reconstruction"}
    assert "latent_scale" in unread(changed(Config(init="a/vae"), frozen))


def test_every_adversarial_loss_is_known_to_have_a_bound_or_none():
    games = get_args(get_type_hints(ObjectiveConfig)["game"])
    bounded = {
        game
        for game in games
        if "objective.clip" not in unread(changed(Config(), {"objective.game": game}))
    }
    assert bounded == {"bridge", "hinge"}
