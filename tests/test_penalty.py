"""Regularisers of the discriminator: their gradients, their norms, and trials kept apart."""

import copy

import pytest
import torch
from torch import nn

from alpha_bridge.penalty import (
    R1,
    R1R2,
    DiscriminatorOutputs,
    GradientPenalty,
    Regularizer,
    SpectralNorm,
)
from tests.contracts import cases
from tests.contracts.regularizer import (
    ALWAYS,
    OF_A_PENALTY,
    is_never_due,
    keeps_the_network_as_it_is,
)

WIDTHS = {"trials": 3, "inputs": 5, "outputs": 4}


class StackedLinear(nn.Module):
    """Independent linear layers side by side, weight ``(trials, in, out)``."""

    def __init__(self, trials, inputs, outputs):
        super().__init__()
        self.trial_shape = (trials,)
        self.weight = nn.Parameter(torch.randn(trials, inputs, outputs, dtype=torch.float64))

    def forward(self, x):
        return torch.bmm(x, self.weight)


class Matrix(nn.Module):
    """A weight without trials, in the orientation of one of :class:`StackedLinear`."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)


def double(layer):
    return layer.double()


LAYERS = {
    "Linear": lambda: double(nn.Linear(5, 4)),
    "Conv2d": lambda: double(nn.Conv2d(3, 4, 3)),
    "stacked": lambda: StackedLinear(**WIDTHS),
}
every_layer = pytest.mark.parametrize("build", LAYERS.values(), ids=LAYERS.keys())


def spectral_norm(layer):
    """Largest singular value of each trial's matrix, by decomposition."""
    matrix = layer.weight.detach().flatten(len(getattr(layer, "trial_shape", ())) + 1)
    return torch.linalg.svd(matrix).S[..., 0]


def buffers(module):
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


def half_square(x, matrix):
    """f(x) = xᵀAx / 2 of a symmetric A, whose gradient is Ax."""
    return torch.einsum("...i,ij,...j->...", x, matrix, x) / 2


def on_data(x, f):
    """What R1 looks at: data and their logits, and no model."""
    return DiscriminatorOutputs(None, real=x, f_data=f, fake=None)


def between(log_ratio, real, fake, noise=None):
    """What the gradient penalty looks at."""
    f_data = log_ratio(real)
    return DiscriminatorOutputs(
        log_ratio, real, f_data, fake, torch.rand_like(f_data) if noise is None else noise
    )


@pytest.fixture
def symmetric():
    matrix = torch.randn(4, 4, dtype=torch.float64)
    return matrix + matrix.T


PARTS = {
    "none": (Regularizer(), [*ALWAYS, is_never_due, keeps_the_network_as_it_is]),
    "R1": (R1(weight=0.3), [*ALWAYS, *OF_A_PENALTY]),
    "R1 and R2": (R1R2(weight=0.3), [*ALWAYS, *OF_A_PENALTY]),
    "gradient penalty": (GradientPenalty(), [*ALWAYS, *OF_A_PENALTY]),
    "spectral norm": (SpectralNorm(), [*ALWAYS, is_never_due]),
}


@cases(PARTS)
def test_a_regulariser_has_the_properties_of_its_slot(part, holds):
    holds(part)


def test_r1_is_half_the_squared_gradient_of_each_sample(symmetric):
    x = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    penalty = R1(weight=0.3).penalty(on_data(x, half_square(x, symmetric)))
    torch.testing.assert_close(penalty, 0.15 * (x @ symmetric).square().sum(-1))


def test_r1_of_trials_is_that_of_each_sample_in_each_trial(symmetric):
    x = torch.randn(3, 6, 4, dtype=torch.float64, requires_grad=True)
    penalty = R1(weight=1.0).penalty(on_data(x, half_square(x, symmetric)))
    torch.testing.assert_close(penalty, 0.5 * (x @ symmetric).square().sum(-1))


def test_r1_of_images_sums_over_the_whole_image():
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    f = x.pow(3).sum((1, 2, 3))
    expected = 0.5 * (3 * x.square()).square().sum((1, 2, 3))
    torch.testing.assert_close(R1(weight=1.0).penalty(on_data(x, f)), expected)


def test_gradient_of_r1_reaches_the_parameters(symmetric):
    matrix = symmetric.clone().requires_grad_()
    x = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    R1(weight=2.0).penalty(on_data(x, half_square(x, matrix))).sum().backward()
    # of ‖Ax‖² with Ax written as (A + Aᵀ)x / 2, as automatic differentiation sees it
    outer = torch.einsum("ni,nj->ij", x.detach() @ symmetric, x.detach())
    torch.testing.assert_close(matrix.grad, outer + outer.T)


def test_double_backward_of_r1_is_exact_through_a_network():
    network = double(nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)))
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in network.named_parameters()]

    def penalty(*parameters):
        f = torch.func.functional_call(network, dict(zip(names, parameters, strict=True)), x)
        return R1().penalty(on_data(x, f.squeeze(-1)))

    assert torch.autograd.gradcheck(penalty, tuple(network.parameters()))


# R1 with R2, its mirror image at fakes


def on_both_sides(real, fake, matrix):
    """What R1 and R2 look at, of a discriminator that is half a square."""
    real, fake = real.requires_grad_(), fake.requires_grad_()
    return DiscriminatorOutputs(
        lambda x: half_square(x, matrix), real, half_square(real, matrix), fake
    )


@pytest.mark.parametrize("leading", [(6,), (3, 6)])
def test_r1r2_is_half_the_squared_gradient_of_samples_of_both_sides(leading, symmetric):
    real, fake = torch.randn(2, *leading, 4, dtype=torch.float64)
    penalty = R1R2(weight=0.3, every=2).penalty(on_both_sides(real, fake, symmetric))
    squares = ((side.detach() @ symmetric).square().sum(-1) for side in (real, fake))
    torch.testing.assert_close(penalty, 0.3 * sum(squares))


def test_what_is_detached_is_the_same_and_asks_nothing_of_who_made_it(symmetric):
    real, maker = torch.randn(2, 6, 4, dtype=torch.float64)
    maker.requires_grad_()
    outputs = on_both_sides(real, maker.clone(), symmetric)
    outputs = DiscriminatorOutputs(outputs.log_ratio, outputs.real, outputs.f_data, 2 * maker)
    apart = outputs.detached()
    assert apart.real is outputs.real and apart.f_data is outputs.f_data
    assert torch.equal(apart.fake, outputs.fake) and torch.equal(apart.f_model, outputs.f_model)
    (R1R2().penalty(apart) + apart.f_model).sum().backward()
    assert maker.grad is None and apart.fake.grad is not None


def test_logits_of_fakes_are_computed_once_and_only_if_they_are_asked_for():
    passes = []
    outputs = DiscriminatorOutputs(lambda x: passes.append(x) or x.sum(-1), *[torch.ones(3, 2)] * 3)
    assert not passes
    assert outputs.f_model is outputs.f_model
    assert len(passes) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": -1.0}, "weight must be at least 0, got -1.0"),
        ({"weight": float("nan")}, "weight must be at least 0, got nan"),
        ({"every": 0}, "every must be at least 1, got 0"),
    ],
)
def test_r1_refuses_what_makes_no_penalty(options, message):
    with pytest.raises(ValueError, match=message):
        R1(**options)


# The gradient penalty between both sides


def test_gradient_penalty_of_a_critic_of_slope_one_is_zero():
    direction = torch.tensor([0.6, -0.8], dtype=torch.float64)
    real, fake = torch.randn(2, 6, 2, dtype=torch.float64)
    outputs = between(lambda x: x @ direction + 3, real, fake)
    assert GradientPenalty().penalty(outputs).abs().max() < 1e-30


@pytest.mark.parametrize("slope", [0.0, 0.5, 3.0])
def test_gradient_penalty_is_the_squared_distance_of_the_slope_from_one(slope):
    real, fake = torch.randn(2, 3, 6, 1, 4, 4, dtype=torch.float64)
    outputs = between(lambda x: slope * x.flatten(2).sum(-1) / 4, real, fake)
    expected = torch.full((3, 6), 2.0 * (slope - 1) ** 2, dtype=torch.float64)
    torch.testing.assert_close(GradientPenalty(weight=2.0).penalty(outputs), expected)


def test_gradient_penalty_looks_on_the_line_between_both_sides_evenly():
    seen = []

    def log_ratio(x):
        seen.append(x.detach())
        return x.square().sum(-1)

    real, fake = torch.tensor([1.0, 3.0]).expand(20_000, 2), torch.tensor([0.0, 1.0])
    outputs = between(log_ratio, real, fake.expand(20_000, 2))
    GradientPenalty().penalty(outputs)
    share = seen[-1][:, 0]
    torch.testing.assert_close(seen[-1][:, 1], 1 + 2 * share)
    assert share.min() >= 0 and share.max() <= 1
    deciles = share.quantile(torch.linspace(0.1, 0.9, 9))
    torch.testing.assert_close(deciles, torch.linspace(0.1, 0.9, 9), rtol=0, atol=0.015)


def test_double_backward_of_the_gradient_penalty_is_exact_through_a_network():
    network = double(nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)))
    real, fake = torch.randn(2, 4, 3, dtype=torch.float64)
    noise = torch.rand(4, dtype=torch.float64)
    names = [name for name, _ in network.named_parameters()]

    def penalty(*parameters):
        def log_ratio(x):
            weights = dict(zip(names, parameters, strict=True))
            return torch.func.functional_call(network, weights, x).squeeze(-1)

        return GradientPenalty().penalty(between(log_ratio, real, fake, noise))

    assert torch.autograd.gradcheck(penalty, tuple(network.parameters()))


def test_gradient_penalty_takes_its_points_from_the_noise_and_nothing_else():
    seen = []
    real, fake = torch.ones(5, 2), torch.zeros(5, 2)
    noise = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])
    outputs = DiscriminatorOutputs(
        lambda x: seen.append(x) or x.sum(-1), real, real.sum(-1), fake, noise
    )
    GradientPenalty().penalty(outputs)
    torch.testing.assert_close(seen[0].detach(), noise[:, None].expand(5, 2))


def test_gradient_penalty_without_noise_is_refused():
    with pytest.raises(ValueError, match=r"no noise for it: give Noise\(penalty=...\)"):
        GradientPenalty().penalty(on_data(torch.ones(3, 2), torch.ones(3)))


@pytest.mark.parametrize("options", [{"weight": -1.0}, {"weight": float("inf")}, {"every": 0}])
def test_gradient_penalty_refuses_what_makes_no_penalty(options):
    with pytest.raises(ValueError, match=r"got (-1\.0|inf|0)"):
        GradientPenalty(**options)


# None, and spectral normalisation


@every_layer
def test_prepared_weight_has_norm_one(build):
    norm = spectral_norm(SpectralNorm().prepare(build()))
    torch.testing.assert_close(norm, torch.ones_like(norm), rtol=1e-12, atol=0)


@every_layer
def test_prepared_weight_keeps_its_direction(build):
    layer = build()
    weight, norm = layer.weight.detach().clone(), spectral_norm(layer)
    norm = norm.reshape(*norm.shape, *[1] * (weight.ndim - norm.ndim))
    torch.testing.assert_close(SpectralNorm().prepare(layer).weight, weight / norm)


@every_layer
def test_power_iteration_follows_a_weight_that_moves(build):
    layer = SpectralNorm().prepare(build())
    with torch.no_grad():
        layer.parametrizations.weight.original.normal_()
    for _ in range(300):
        norm_is_one_at_last = layer.weight
    norm = spectral_norm(layer)
    torch.testing.assert_close(norm, torch.ones_like(norm), rtol=1e-6, atol=0)
    assert norm_is_one_at_last.requires_grad


def test_more_iterations_follow_faster():
    start, moved = torch.randn(2, 20, 20, dtype=torch.float64)
    errors = []
    for iterations in (1, 10):
        layer = nn.Linear(20, 20).double()
        with torch.no_grad():
            layer.weight.copy_(start)
        SpectralNorm(iterations).prepare(layer)
        with torch.no_grad():
            layer.parametrizations.weight.original.copy_(moved)
        errors.append((spectral_norm(layer) - 1).abs().item())
    assert errors[1] < errors[0]


def test_trials_are_normalised_as_linear_layers_alone():
    stacked = StackedLinear(**WIDTHS)
    alone = [nn.Linear(5, 4, bias=False).double() for _ in range(3)]
    for layer, weight in zip(alone, stacked.weight.detach(), strict=True):
        layer.weight = nn.Parameter(weight.T.clone())
        SpectralNorm().prepare(layer)
    apart = torch.stack([layer.weight.T for layer in alone])
    torch.testing.assert_close(SpectralNorm().prepare(stacked).weight, apart)


def test_power_iteration_of_a_trial_is_that_of_its_matrix_alone():
    stacked = StackedLinear(**WIDTHS)
    alone = [Matrix(weight) for weight in stacked.weight.detach().clone()]
    moved = torch.randn_like(stacked.weight)
    for layer, weight in zip([stacked, *alone], [moved, *moved], strict=True):
        SpectralNorm(2).prepare(layer)
        with torch.no_grad():
            layer.parametrizations.weight.original.copy_(weight)
    apart = torch.stack([layer.weight for layer in alone])
    torch.testing.assert_close(stacked.weight, apart)


@every_layer
def test_evaluation_leaves_the_buffers_alone(build):
    layer = SpectralNorm().prepare(build()).eval()
    with torch.no_grad():
        layer.parametrizations.weight.original.normal_()
    before = buffers(layer)
    layer.weight.sum()
    assert all(torch.equal(before[name], now) for name, now in buffers(layer).items())


@every_layer
def test_training_moves_the_buffers(build):
    layer = SpectralNorm().prepare(build())
    with torch.no_grad():
        layer.parametrizations.weight.original.normal_()
    before = buffers(layer)
    layer.weight.sum()
    assert all(not torch.equal(before[name], now) for name, now in buffers(layer).items())


@every_layer
def test_state_dict_round_trip_restores_the_weight(build):
    trained = SpectralNorm().prepare(build())
    with torch.no_grad():
        trained.parametrizations.weight.original.normal_()
    trained.weight.sum()
    fresh = SpectralNorm().prepare(build())
    fresh.load_state_dict(copy.deepcopy(trained.state_dict()))
    assert torch.equal(fresh.eval().weight, trained.eval().weight)


@every_layer
def test_gradient_of_a_normalised_weight_is_orthogonal_to_it(build):
    layer = SpectralNorm().prepare(build()).eval()  # the norm does not depend on the scale
    original = layer.parametrizations.weight.original
    (layer.weight * torch.randn_like(original)).sum().backward()
    along = (original.grad * original.detach()).flatten(1).sum()
    assert original.grad.abs().max() > 1e-3
    assert abs(along.item()) < 1e-12


def test_gradient_of_a_normalised_weight_is_exact():
    layer = SpectralNorm().prepare(double(nn.Linear(5, 4))).eval()
    normalise = layer.parametrizations.weight[0]
    original = layer.parametrizations.weight.original
    assert torch.autograd.gradcheck(normalise, original)


def test_gradient_penalty_works_through_a_normalised_network():
    network = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    network = SpectralNorm().prepare(network)
    x = torch.randn(4, 3, requires_grad=True)
    R1().penalty(on_data(x, network(x).squeeze(-1))).sum().backward()
    assert network[0].parametrizations.weight.original.grad.abs().sum() > 0


def test_two_forward_passes_before_one_backward_are_allowed():
    network = SpectralNorm().prepare(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)))
    (network(torch.randn(4, 3)) - network(torch.randn(4, 3))).sum().backward()
    assert network[0].parametrizations.weight.original.grad.isfinite().all()


def test_normalised_network_is_one_lipschitz():
    network = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1)).double()
    network = SpectralNorm().prepare(network)
    with torch.no_grad():
        x, y = 10 * torch.randn(2, 200, 6, dtype=torch.float64)
        rise = (network(x) - network(y)).abs().squeeze(-1)
    assert (rise <= (x - y).norm(dim=-1) * (1 + 1e-9)).all()


def test_biases_and_scales_are_left_alone():
    network = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
    before = {name: value.clone() for name, value in network[1].state_dict().items()}
    bias = network[0].bias.detach().clone()
    SpectralNorm().prepare(network)
    assert torch.equal(network[0].bias, bias)
    assert all(torch.equal(before[name], value) for name, value in network[1].state_dict().items())


def test_preparing_twice_is_preparing_once():
    layer = SpectralNorm().prepare(nn.Linear(3, 4))
    again = SpectralNorm().prepare(layer)
    assert again.state_dict().keys() == layer.state_dict().keys()
    assert len(layer.parametrizations.weight) == 1


def test_spectral_norm_refuses_no_iteration():
    with pytest.raises(ValueError, match="iterations must be at least 1, got 0"):
        SpectralNorm(iterations=0)
