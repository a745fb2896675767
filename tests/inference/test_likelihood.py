"""The bound under a noise of choice: which one fits, and that nothing else changes."""

import pytest
import torch

from alpha_bridge.inference.likelihood import bounds
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator


@pytest.fixture
def model():
    networks = MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3)
    return AlphaBridge(*networks, noise=0.3).eval()


@pytest.fixture
def x():
    return torch.randn(250, 3, generator=torch.Generator().manual_seed(1))


def test_the_best_sigma_makes_the_bound_of_one_draw_largest(model, x):
    best = model.best_sigma(x)
    found = [bounds(model, x, share * best, draws=1).mean() for share in (0.8, 1, 1.25)]
    assert found[1] > max(found[0], found[2])


def test_each_sample_has_a_bound_of_its_own(model, x):
    rng = torch.Generator().manual_seed(0)
    expected = model.log_likelihood_bound(x[:100], 4, rng)
    torch.testing.assert_close(bounds(model, x, 0.3, draws=4)[:100], expected)


def test_the_models_own_noise_stays_as_it_is(model, x):
    bounds(model, x, 2.0, draws=1)
    assert model.sigma == pytest.approx(0.3)


def test_the_draws_are_made_where_their_generator_is_whatever_the_device(model, x, monkeypatch):
    """As an accelerator has it, which refuses another device's generator; meta stands for it."""
    made, randn = [], torch.randn

    def strict(*shape, generator, device, **options):
        assert torch.device(device).type == generator.device.type
        made.append(randn(*shape, generator=generator, device=device, **options))
        return made[-1]

    monkeypatch.setattr(torch, "randn", strict)
    bounds(model, x, 0.3, draws=2)
    here, made[:] = list(made), []
    found = bounds(model.to("meta"), x.to("meta"), 0.3, draws=2)
    assert found.device.type == "meta" and found.shape == (250,)
    assert len(made) == len(here) == 6
    assert all(torch.equal(one, other) for one, other in zip(here, made, strict=True))


def test_a_sigma_that_is_not_positive_is_refused(model, x):
    with pytest.raises(ValueError, match="sigma must be positive"):
        bounds(model, x, 0.0, draws=1)
