"""The four facts of the twin gradients, by quadrature with an exact density ratio.

The data are N(0, 1), the model is N(μ, σ²). Both the data x and the noise z of the model
samples x' = μ + σz are standard normal, so one grid serves both expectations.
"""

import math

import pytest
import torch
from torch.distributions import Categorical, Normal

from alpha_bridge import twin
from alpha_bridge.divergence import alpha_divergence
from alpha_bridge.gamma import CosineGamma, LinearGamma, PowerGamma, SigmoidGamma
from alpha_bridge.ratio import reverse_weight
from tests.looping import at_each, at_each_alpha

STEP = 0.02
GRID = torch.arange(-25, 25, STEP, dtype=torch.float64)
DATA = Normal(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))
MASS = STEP * DATA.log_prob(GRID).exp()
GAMMAS = [LinearGamma(), PowerGamma(3.0), CosineGamma(), SigmoidGamma(), SigmoidGamma(1.0, 2.0)]

every_gamma = pytest.mark.parametrize("gamma", GAMMAS, ids=repr)
every_model = pytest.mark.parametrize(("mean", "scale"), [(0.7, 0.8), (-1.2, 1.3)])


class Model:
    """N(μ, σ²) with parameters μ and log σ."""

    def __init__(self, mean, scale):
        self.mean = torch.tensor(mean, dtype=torch.float64, requires_grad=True)
        self.log_scale = torch.tensor(math.log(scale), dtype=torch.float64, requires_grad=True)
        self.parameters = [self.mean, self.log_scale]

    @property
    def density(self):
        return Normal(self.mean, self.log_scale.exp())

    def log_ratio(self, x):
        """f(x), a fixed function: the model's parameters do not move with it."""
        fixed = Normal(self.mean.detach(), self.log_scale.detach().exp())
        return DATA.log_prob(x) - fixed.log_prob(x)

    def draw(self, z):
        return self.mean + self.log_scale.exp() * z

    def gradient(self, loss):
        return torch.stack(torch.autograd.grad(loss, self.parameters))

    def gradient_of_divergence(self, alpha):
        return self.gradient(alpha_divergence(self.density, DATA, alpha))


def expectation(per_sample):
    return (MASS * per_sample).sum()


def bridge(model, alpha, gamma, clip=math.inf):
    log_p, f_data = model.density.log_prob(GRID), model.log_ratio(GRID)
    return twin.bridge(log_p, f_data, model.log_ratio(model.draw(GRID)), alpha, gamma, clip)


below_one = at_each("alpha", [0.0, 1e-8, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-3, 1 - 1e-8])


@every_model
@below_one
def test_forward_twin_has_the_gradient_of_the_divergence(mean, scale, alpha):
    model = Model(mean, scale)
    surrogate = twin.forward(model.density.log_prob(GRID), model.log_ratio(GRID), alpha)
    torch.testing.assert_close(
        model.gradient(expectation(surrogate)),
        model.gradient_of_divergence(alpha),
        rtol=1e-10,
        atol=1e-14 / (1 - alpha),  # (10) divides a vanishing integral, hence its rounding, by 1 − α
    )


@every_model
@at_each_alpha
def test_reverse_twin_has_the_gradient_of_the_divergence(mean, scale, alpha):
    model = Model(mean, scale)
    surrogate = twin.reverse(model.log_ratio(model.draw(GRID)), alpha)
    torch.testing.assert_close(
        model.gradient(expectation(surrogate)),
        model.gradient_of_divergence(alpha),
        rtol=1e-10,
        atol=1e-14,
    )


@every_gamma
@at_each_alpha
def test_every_gamma_gives_the_gradient_of_the_divergence(gamma, alpha):
    model = Model(0.7, 0.8)
    torch.testing.assert_close(
        model.gradient(expectation(bridge(model, alpha, gamma))),
        model.gradient_of_divergence(alpha),
        rtol=1e-10,
        atol=1e-13,
    )


@every_gamma
def test_bridge_is_the_sum_of_its_twins(gamma):
    log_p, f_data, f_model = torch.randn(3, 20, dtype=torch.float64)
    weighted = (1 - gamma(0.3)) * twin.forward(log_p, f_data, 0.3)
    weighted += gamma(0.3) * twin.reverse(f_model, 0.3)
    torch.testing.assert_close(twin.bridge(log_p, f_data, f_model, 0.3, gamma), weighted)


@every_gamma
def test_alpha_zero_is_maximum_likelihood(gamma):
    model = Model(0.7, 0.8)
    log_p = model.density.log_prob(GRID)
    torch.testing.assert_close(bridge(model, 0.0, gamma), -log_p, rtol=1e-15, atol=0)


def test_forward_twin_at_zero_is_maximum_likelihood():
    log_p, f = torch.randn(2, 20)
    assert torch.equal(twin.forward(log_p, f, 0.0), -log_p)


def test_reverse_twin_at_one_is_the_reverse_kl_gan():
    f = torch.randn(20)
    assert torch.equal(twin.reverse(f, 1.0), -f)


def test_bridge_at_one_has_the_gradient_of_the_reverse_kl_gan():
    model = Model(0.7, 0.8)
    gan = expectation(-model.log_ratio(model.draw(GRID)))
    torch.testing.assert_close(
        model.gradient(expectation(bridge(model, 1.0, SigmoidGamma()))), model.gradient(gan)
    )


@every_gamma
def test_forward_half_keeps_the_limit_of_its_weight_at_one(gamma):
    log_p, f_data = torch.randn(2, 20, dtype=torch.float64)
    surrogate = twin.bridge(log_p, f_data, torch.zeros_like(log_p), 1.0, gamma)
    torch.testing.assert_close(surrogate, -gamma.kappa(1.0) * (-f_data).exp() * log_p)


@every_gamma
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_bridge_is_continuous_at_its_ends(gamma, end):
    model = Model(0.7, 0.8)
    x = GRID.abs() < 3
    near = bridge(model, abs(end - 1e-9), gamma)[x]
    torch.testing.assert_close(near, bridge(model, end, gamma)[x], rtol=1e-5, atol=1e-6)


@below_one
def test_reverse_twin_is_a_tsallis_logarithm(alpha):
    f = torch.linspace(-4, 4, 9, dtype=torch.float64)
    order = 1 - alpha
    expected = [-math.expm1(order * value) / order for value in f.tolist()]
    torch.testing.assert_close(
        twin.reverse(f, alpha), torch.tensor(expected, dtype=torch.float64), rtol=1e-14, atol=0
    )


@at_each_alpha
def test_reverse_twin_needs_no_stopped_gradient(alpha):
    x = torch.linspace(-3, 3, 13, dtype=torch.float64, requires_grad=True)
    f = torch.sin(x) * 2
    (slope,) = torch.autograd.grad(f.sum(), x, retain_graph=True)
    (gradient,) = torch.autograd.grad(twin.reverse(f, alpha).sum(), x)
    torch.testing.assert_close(gradient, -((1 - alpha) * f).exp() * slope, rtol=1e-13, atol=1e-15)


def test_reverse_twin_is_smooth_at_one():
    f = torch.linspace(-4, 4, 9, dtype=torch.float64)
    limit_of_slope = f**2 / 2  # ∂S_R/∂α at 1
    for gap in (1e-4, 1e-6):
        slope = (twin.reverse(f, 1.0) - twin.reverse(f, 1 - gap)) / gap
        torch.testing.assert_close(slope, limit_of_slope, rtol=5 * gap, atol=1e-15 / gap)


@at_each_alpha
def test_gradient_of_the_reverse_twin_is_its_slope(alpha):
    f = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda f: twin.reverse(f, alpha, clip=1.3), f)


@below_one
def test_score_function_with_the_frozen_weight_gives_the_reverse_twin(alpha):
    model = Model(-0.5, 1.2)
    weight = reverse_weight(model.log_ratio(GRID), alpha)
    expected_weight = STEP * (weight * model.density.log_prob(GRID).exp()).sum()
    reverse = expectation(twin.reverse(model.log_ratio(model.draw(GRID)), alpha))
    torch.testing.assert_close(
        -model.gradient(expected_weight) / (1 - alpha),
        model.gradient(reverse),
        rtol=1e-10,
        atol=1e-14 / (1 - alpha),
    )


@below_one
def test_reparameterised_expectation_of_the_frozen_weight_gives_the_reverse_twin(alpha):
    model = Model(-0.5, 1.2)
    weight = ((1 - alpha) * model.log_ratio(model.draw(GRID))).exp()
    reverse = expectation(twin.reverse(model.log_ratio(model.draw(GRID)), alpha))
    torch.testing.assert_close(
        -model.gradient(expectation(weight)) / (1 - alpha),
        model.gradient(reverse),
        rtol=1e-6,
        atol=1e-12,
    )


@at_each("alpha", [0.0, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-3])
def test_frozen_weight_gives_the_gradient_for_a_categorical_model(alpha):
    logits = torch.randn(6, dtype=torch.float64, requires_grad=True)
    p = Categorical(logits=logits).probs
    q = Categorical(logits=torch.randn(6, dtype=torch.float64)).probs
    if alpha:
        divergence = (1 - (p**alpha * q ** (1 - alpha)).sum()) / (alpha * (1 - alpha))
    else:
        divergence = (q * (q / p).log()).sum()
    expected_weight = (p * reverse_weight((q / p).log(), alpha)).sum()
    (twin_gradient,) = torch.autograd.grad(
        -expected_weight / (1 - alpha), logits, retain_graph=True
    )
    (gradient,) = torch.autograd.grad(divergence, logits)
    torch.testing.assert_close(twin_gradient, gradient, rtol=1e-9, atol=1e-11)


@at_each("alpha", [0.0, 0.3, 0.9])
def test_clipped_forward_twin_is_weighted_by_the_clipped_weight(alpha):
    log_p = torch.randn(41, dtype=torch.float64, requires_grad=True)
    f = torch.linspace(-10, 10, 41, dtype=torch.float64)
    twin.forward(log_p, f, alpha, clip=2.0).sum().backward()
    expected = -(-alpha * f).clamp(-2, 2).exp() / (1 - alpha)
    torch.testing.assert_close(log_p.grad, expected, rtol=1e-14, atol=0)


@at_each_alpha
def test_gradient_of_the_clipped_reverse_twin_is_the_clipped_weight(alpha):
    f = torch.linspace(-10, 10, 41, dtype=torch.float64, requires_grad=True)
    twin.reverse(f, alpha, clip=2.0).sum().backward()
    expected = -((1 - alpha) * f.detach()).clamp(-2, 2).exp()
    torch.testing.assert_close(f.grad, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("side", [-1, 1])
@at_each("alpha", [0.0, 0.5, 0.9])
def test_clipped_reverse_twin_has_no_jump_where_the_bound_begins(side, alpha):
    bound = side * 2.0 / (1 - alpha)
    below, above = (
        twin.reverse(torch.tensor(bound * share, dtype=torch.float64), alpha, clip=2.0)
        for share in (1 - 1e-9, 1 + 1e-9)
    )
    torch.testing.assert_close(below, above, rtol=1e-7, atol=0)


@pytest.mark.parametrize("side", [-1, 1])
def test_clipped_reverse_twin_has_no_kink_where_the_bound_begins(side):
    bound = side * 4.0
    f = torch.tensor([bound * (1 - 1e-9), bound, bound * (1 + 1e-9)], dtype=torch.float64)
    f.requires_grad_()
    twin.reverse(f, 0.5, clip=2.0).sum().backward()
    torch.testing.assert_close(f.grad, f.grad[1].expand(3), rtol=1e-8, atol=0)


@at_each_alpha
def test_clip_that_is_never_met_changes_nothing(alpha):
    f = torch.linspace(-3, 3, 13, dtype=torch.float64)
    assert torch.equal(twin.reverse(f, alpha, clip=100.0), twin.reverse(f, alpha))


@at_each_alpha
def test_clipped_bridge_stays_finite_for_a_discriminator_that_is_too_sure(alpha):
    f_data, f_model = torch.tensor([[1e4, -1e4], [1e4, -1e4]], requires_grad=True)
    surrogate = twin.bridge(-torch.ones(2), f_data, f_model, alpha, SigmoidGamma(), clip=5.0)
    assert surrogate.isfinite().all()


@at_each_alpha
def test_no_gradient_flows_into_the_ratio_at_the_data(alpha):
    log_p, f_data, f_model = (torch.randn(5, requires_grad=True) for _ in range(3))
    loss = twin.bridge(log_p, f_data, f_model, alpha, SigmoidGamma()).sum()
    (gradient,) = torch.autograd.grad(loss, [f_data], allow_unused=True)
    assert gradient is None


def test_forward_twin_sends_no_gradient_into_the_ratio():
    log_p, f = (torch.randn(5, requires_grad=True) for _ in range(2))
    (gradient,) = torch.autograd.grad(twin.forward(log_p, f, 0.5).sum(), [f], allow_unused=True)
    assert gradient is None


@at_each_alpha
def test_losses_are_of_each_sample_in_each_trial(alpha):
    log_p, f_data, f_model = torch.randn(3, 4, 6)
    rows = [
        twin.bridge(log_p[k], f_data[k], f_model[k], alpha, SigmoidGamma(), clip=1.0)
        for k in range(4)
    ]
    together = twin.bridge(log_p, f_data, f_model, alpha, SigmoidGamma(), clip=1.0)
    torch.testing.assert_close(together, torch.stack(rows))


def test_forward_twin_at_one_points_to_the_bridge():
    with pytest.raises(ValueError, match=r"below 1, got 1\.0: use bridge instead"):
        twin.forward(torch.zeros(1), torch.zeros(1), 1.0)


@at_each("alpha", [-0.1, 1.1, math.nan])
def test_alpha_outside_the_unit_interval_is_refused(alpha):
    zero = torch.zeros(1)
    with pytest.raises(ValueError, match="alpha must lie in"):
        twin.forward(zero, zero, alpha)
    with pytest.raises(ValueError, match="alpha must lie in"):
        twin.reverse(zero, alpha)
    with pytest.raises(ValueError, match="alpha must lie in"):
        twin.bridge(zero, zero, zero, alpha, LinearGamma())


def gradients_of_mean(model, count, surrogate):
    """The gradient that each of ``count`` samples gives for μ."""
    means = model.mean.detach().expand(count).clone().requires_grad_()
    scale = model.log_scale.detach().exp()
    (gradients,) = torch.autograd.grad(surrogate(means, scale).sum(), means)
    return gradients


def z_score(gradients, expected):
    return (gradients.mean() - expected) / (gradients.std() / len(gradients) ** 0.5)


@at_each("alpha", [0.0, 0.3, 0.7, 0.95])
def test_average_of_the_forward_twin_over_data_samples_is_unbiased(alpha):
    model, x = Model(0.5, 1.2), DATA.sample((100_000,))
    gradients = gradients_of_mean(
        model,
        len(x),
        lambda mean, scale: twin.forward(
            Normal(mean, scale).log_prob(x), model.log_ratio(x), alpha
        ),
    )
    assert abs(z_score(gradients, model.gradient_of_divergence(alpha)[0])) < 4


@at_each("alpha", [0.0, 0.3, 0.7, 1.0])
def test_average_of_the_reverse_twin_over_model_samples_is_unbiased(alpha):
    model, z = Model(0.5, 1.2), DATA.sample((100_000,))
    gradients = gradients_of_mean(
        model, len(z), lambda mean, scale: twin.reverse(model.log_ratio(mean + scale * z), alpha)
    )
    assert abs(z_score(gradients, model.gradient_of_divergence(alpha)[0])) < 4


def test_monte_carlo_test_rejects_a_gradient_without_its_weights():
    model, x = Model(0.5, 1.2), DATA.sample((100_000,))
    gradients = gradients_of_mean(
        model, len(x), lambda mean, scale: -Normal(mean, scale).log_prob(x) / (1 - 0.7)
    )
    assert abs(z_score(gradients, model.gradient_of_divergence(0.7)[0])) > 10


@pytest.mark.parametrize("clip", [0.3, math.inf])
@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_the_slopes_of_the_combination_are_autograds(alpha, clip):
    log_p, f_data, f_model = torch.randn(3, 50, dtype=torch.float64, requires_grad=True).unbind()
    loss = twin.bridge(log_p, f_data, f_model, alpha, SigmoidGamma(), clip)
    expected = torch.autograd.grad(loss.sum(), (log_p, f_model))
    found = twin.bridge_slopes(f_data, f_model, alpha, SigmoidGamma(), clip)
    torch.testing.assert_close(found, expected)
