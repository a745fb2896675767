"""A small VAE of each library, trained on the digits, bridged and switched: gains and losses."""

import pytest

from alpha_bridge.data import digits
from alpha_bridge.recipe import changed
from alpha_bridge.recipe.assembly import assemble, build_evaluation
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import PRESETS, from_vae
from alpha_bridge.vae import LIBRARIES
from experiments import bridge_vae
from experiments.bridge_vae import QUICK, SETTINGS, SHARED, train_vae

UPDATES = {"diffusers": (200, 150), "pythae": (400, 600)}
"""Of the VAE, and of the bridge and the switch: pythae's dense networks need more, of less time."""
BATCHES = {"diffusers": (32, 16), "pythae": (64, 32)}
"""Samples in each of them."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request):
    return request.param


@pytest.fixture(scope="module")
def measured(library, tmp_path_factory):
    """Metrics of the VAE and of what it became in either way, by name without the protocol."""
    folder = tmp_path_factory.mktemp("bridged") / library
    (updates, steps), (batch, batch_size) = UPDATES[library], BATCHES[library]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bridge_vae, "VAE_BATCH", batch)
        train_vae(library, digits(), seed=0, updates=updates).save(folder)
    small = {"steps": steps, "batch_size": batch_size}
    preset = changed(PRESETS["digits"], SHARED | QUICK | small)
    begun = from_vae(preset, str(folder))
    found = {}
    for way, own in SETTINGS.items():
        parts = assemble(changed(METHODS[way].apply(begun), own))
        evaluation = build_evaluation(parts.config, parts.source)
        found["VAE"] = metrics(evaluation, parts.model)
        found[way] = metrics(evaluation, parts.fit().averaged())
    return found


def metrics(evaluation, model):
    measured = evaluation(model, {}).metrics
    return {name.split("/")[0]: value for name, value in measured.items()}


def test_the_bridge_takes_thirty_percent_off_the_distance(measured):
    before, after = (measured[name]["frechet_distance"] for name in ("VAE", "alpha-bridge"))
    assert after <= 0.7 * before


def test_its_reconstructions_are_at_most_ten_percent_worse(measured):
    before, after = (measured[name]["reconstruction_error"] for name in ("VAE", "alpha-bridge"))
    assert after <= 1.1 * before


def test_the_hard_switch_loses_more_of_the_reconstructions_than_that(measured):
    before, after = (measured[name]["reconstruction_error"] for name in ("VAE", "naive"))
    assert after > 1.1 * before


@pytest.mark.parametrize("library", ["diffusers"], indirect=True)
def test_of_an_autoencoder_kl_it_also_spoils_the_samples(measured):
    before, after = (measured[name]["frechet_distance"] for name in ("VAE", "naive"))
    assert after > before
