"""Refinement: descends to the mode of the posterior, never up, each sample by itself."""

import pytest
import torch
from torch import nn

from alpha_bridge.inference.inversion import refine
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator


class Affine(nn.Module):
    """x = Az, whose posterior is known."""

    def __init__(self, a):
        super().__init__()
        self.a = nn.Parameter(a)
        self.latent_shape = (a.shape[1],)

    def forward(self, z):
        return z @ self.a.T


def mlps(**options):
    model = AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3), **options)
    return model.eval().requires_grad_(False)


@pytest.fixture
def x():
    return torch.randn(20, 3, generator=torch.Generator().manual_seed(1))


def test_it_finds_the_mode_of_a_linear_gaussian_model(x):
    """The mode is (AᵀA + σ²I)⁻¹ Aᵀx."""
    a = torch.tensor([[1.0, 0.5], [0.0, 1.0], [-1.0, 0.3]])
    model = AlphaBridge(Affine(a), MLPEncoder(2, 3), MLPDiscriminator(3), noise=0.7).eval()
    mode = torch.linalg.solve(a.T @ a + 0.49 * torch.eye(2), a.T @ x.T).T
    refined = refine(model, x, steps=400)
    torch.testing.assert_close(refined.after.latents, mode, atol=1e-2, rtol=0)


def test_the_objective_is_that_of_the_surrogate_and_the_prior(x):
    model = mlps(noise=0.5)
    for point in vars(refine(model, x, steps=3)).values():
        error = (x - model.decode(point.latents)).square()
        torch.testing.assert_close(point.error, error.mean(1))
        expected = error.sum(1) / 0.5 + point.latents.square().sum(1) / 2
        torch.testing.assert_close(point.objective, expected)


@pytest.mark.parametrize("rate", [0.05, 50.0])
def test_no_sample_ends_above_where_it_began(x, rate):
    refined = refine(mlps(noise=0.3), x, steps=5, rate=rate)
    assert (refined.after.objective <= refined.before.objective).all()


def test_it_begins_at_the_mean_of_the_encoder_and_gets_better(x):
    model = mlps(noise=0.1)
    refined = refine(model, x, steps=50)
    assert torch.equal(refined.before.latents, model.encode(x))
    assert (refined.after.objective < refined.before.objective).all()
    assert refined.after.error.mean() < refined.before.error.mean()


def test_no_steps_leave_the_means(x):
    refined = refine(mlps(), x, steps=0)
    assert torch.equal(refined.after.latents, refined.before.latents)


def test_without_steps_nothing_is_saved_for_a_backward_pass(x):
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(saved.append, id):
        refine(mlps(), x, steps=0)
    assert not saved


def test_the_last_point_has_no_graph(x):
    model, seen = mlps(), []
    model.generator.register_forward_hook(lambda *_: seen.append(torch.is_grad_enabled()))
    refine(model, x, steps=2)
    assert seen == [True, True, False]


def test_no_sample_touches_another(x):
    model = mlps(noise=0.3)
    together = refine(model, x, steps=20).after.latents
    alone = torch.cat([refine(model, one[None], steps=20).after.latents for one in x[:3]])
    torch.testing.assert_close(together[:3], alone, atol=1e-4, rtol=0)


def test_it_works_where_gradients_are_off_and_leaves_the_model_alone(x):
    model = AlphaBridge(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        refined = refine(model, x, steps=5)
    assert (refined.after.objective < refined.before.objective).any()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_trials_are_refined_side_by_side(x):
    networks = MLPGenerator(2, 3, trials=2), MLPEncoder(2, 3, trials=2)
    model = AlphaBridge(*networks, MLPDiscriminator(3, trials=2)).eval()
    refined = refine(model, x.expand(2, 20, 3), steps=5)
    assert refined.after.latents.shape == (2, 20, 2)
    assert refined.after.objective.shape == refined.after.error.shape == (2, 20)


@pytest.mark.parametrize(("name", "options"), [("refine", {"steps": -1}), ("rate", {"rate": 0.0})])
def test_a_number_out_of_its_range_is_named(x, name, options):
    with pytest.raises(ValueError, match=f"{name} must"):
        refine(mlps(), x, **options)
