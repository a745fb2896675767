"""The presets: valid, and complete enough to be built without their data."""

import pytest
import torch

from alpha_bridge.recipe import Config, read_config
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.recipe.presets import PRESETS

SHAPES = {
    "gaussians25": (2,),
    "ring8": (2,),
    "unbalanced": (2,),
    "spirals": (2,),
    "digits": (1, 8, 8),
    "mnist": (1, 28, 28),
    "cifar10": (3, 32, 32),
    "celeba": (3, 64, 64),
}

DIGITS = ("digits", "mnist")
"""Whose paths keep some of the likelihood to the end."""


def test_there_is_a_preset_for_each_data_set_of_the_paper_and_for_what_is_built_in():
    assert list(PRESETS) == list(SHAPES)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_valid_configuration(name):
    assert read_config(PRESETS[name].model_dump()) == PRESETS[name]


@pytest.mark.parametrize("name", ["mnist", "cifar10", "celeba"])
def test_images_of_a_preset_have_the_shape_that_it_asks_for(name):
    images = PRESETS[name].images
    assert (images.channels, images.size, images.size) == SHAPES[name]


@pytest.mark.parametrize("name", PRESETS)
def test_networks_of_a_preset_fit_its_data(name):
    config = PRESETS[name].model_copy(update={"event_shape": SHAPES[name]})
    model = build_model(config)
    x = torch.zeros(2, *SHAPES[name])
    assert model.sample(2).shape == x.shape
    assert model.reconstruct(x).shape == x.shape
    assert model.log_ratio(x).shape == (2,)
    assert model.latent_shape == (config.model.latent,)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_follows_all_three_steps_of_the_algorithm(name):
    config: Config = PRESETS[name]
    assert (config.path.start, config.path.end) == (0.0, 0.9 if name in DIGITS else 1.0)
    assert min(config.path.lengths(config.steps)) >= 1
