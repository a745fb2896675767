"""The objective of the paper: whose gradient is whose, by hand and with one backward pass."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from alpha_bridge import twin
from alpha_bridge.adversarial import Bridge, FixedSum, JensenShannon, Wasserstein
from alpha_bridge.control import RealismGamma, balanced_kappa
from alpha_bridge.gamma import LinearGamma, SigmoidGamma
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from alpha_bridge.objective import DataBridge, Noise
from alpha_bridge.objective.backward import mixes_samples, rescale_gradient, slopes
from tests.contracts.objective_slot import gradient
from tests.looping import at_each, at_each_alpha

BATCH, LATENT, TRIALS = 6, 2, 3
GAMMA = SigmoidGamma(c=4.0, d=-2.0)
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def mlp(trials=None):
    sizes = {"hidden": (8,), "trials": trials}
    return (
        MLPGenerator(LATENT, 3, **sizes),
        MLPEncoder(LATENT, 3, **sizes),
        MLPDiscriminator(3, **sizes),
    )


def conv():
    sizes = {"size": 8, "channels": 2, "width": 2, "hidden": 4}
    return ConvGenerator(LATENT, **sizes), ConvEncoder(LATENT, **sizes), ConvDiscriminator(**sizes)


def batch_normalised():
    def network(inputs, outputs):
        return nn.Sequential(
            nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, outputs)
        )

    return network(LATENT, 3), mlp()[1], network(3, 1)


MODELS = {"mlp": mlp, "trials": lambda: mlp(TRIALS), "conv": conv}
three = at_each("alpha", [0.0, 0.5, 1.0])
every_kind = pytest.mark.parametrize("kind", MODELS)


class Scaled(nn.Module):
    """A discriminator whose logits reach several nats, so that weights differ."""

    def __init__(self, network):
        super().__init__()
        self.network, self.scale, self.offset = network, 10.0, 0.0

    def forward(self, x):
        return self.scale * self.network(x) + self.offset


class Setting:
    """A model, a batch and its noise, in float64."""

    def __init__(self, kind="mlp", networks=None, noise=0.7):
        generator, encoder, discriminator = (networks or MODELS[kind])()
        self.model = AlphaBridge(
            generator,
            encoder,
            Scaled(discriminator),
            noise,
            learn_noise=True,
            latent_shape=(LATENT,),
        ).double()
        self.event = (2, 8, 8) if kind == "conv" else (3,)
        leading = (TRIALS, BATCH) if kind == "trials" else (BATCH,)
        self.x = torch.randn(*leading, *self.event, dtype=torch.float64)
        self.noise = Noise(
            prior=torch.randn(*leading, LATENT, dtype=torch.float64),
            posterior=torch.randn(*leading, LATENT, dtype=torch.float64),
        )

    def around(self, logit):
        """The same in float32, with logits around a number."""
        self.model.float().discriminator.offset = logit
        self.x = self.x.float()
        self.noise = Noise(self.noise.prior.float(), self.noise.posterior.float())
        return self

    def losses(self, alpha, gamma=GAMMA, penalized=False, clip=5.0, **options):
        objective = DataBridge(**{"adversarial": Bridge(clip), **options})
        return objective.losses(self.model, self.x, self.noise, alpha, gamma, penalized)

    def gradient(self, loss, network):
        return gradient(self.model, loss, network)

    def gradients(self, alpha, gamma=GAMMA, **options):
        """What each network follows."""
        return {
            network: self.gradient(loss, network)
            for networks, loss in self.losses(alpha, gamma, **options).of_networks.items()
            for network in networks
        }

    # The same by other means: torch.distributions and the definitions.

    def log_likelihood(self):
        mean, log_variance = self.model.encoder(self.x)
        z = mean + (log_variance / 2).exp() * self.noise.posterior
        return self._event_sum(Normal(self.model.generator(z), self._sigma()).log_prob(self.x))

    def elbo(self):
        mean, log_variance = self.model.encoder(self.x)
        posterior = Normal(mean, (log_variance / 2).exp())
        prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
        return self.log_likelihood() - kl_divergence(posterior, prior).sum(-1)

    def f_data(self):
        return self.model.discriminator(self.x).squeeze(-1)

    def f_model(self):
        return self.model.discriminator(self.model.generator(self.noise.prior)).squeeze(-1)

    def _sigma(self):
        sigma = self.model.log_sigma.exp()
        return sigma.reshape(*sigma.shape, *[1] * len(self.event))

    def _event_sum(self, terms):
        return terms.flatten(-len(self.event)).sum(-1)


# One backward pass


@every_kind
@pytest.mark.parametrize("clip", [5.0, 0.3])
@at_each_alpha
def test_one_backward_gives_the_gradients_of_the_plain_way(kind, clip, alpha):
    setting = Setting(kind)
    one = setting.gradients(alpha, clip=clip, one_backward=True)
    plain = setting.gradients(alpha, clip=clip, one_backward=False)
    assert one.keys() == plain.keys() == set(NETWORKS)
    for network in NETWORKS:
        torch.testing.assert_close(one[network], plain[network], **EXACT)


def test_one_backward_serves_all_networks():
    setting = Setting()
    assert list(setting.losses(0.5).of_networks) == [NETWORKS]
    apart = setting.losses(0.5, one_backward=False).of_networks
    assert list(apart) == [(network,) for network in NETWORKS]


@at_each("alpha", [0.5, 0.9])
def test_one_backward_survives_a_vanishing_forward_half(alpha):
    setting = Setting().around(0.0)
    gradients = setting.gradients(alpha, gamma=SigmoidGamma(c=200.0, d=200.0))
    expected = setting.gradient(-setting.elbo(), "encoder")
    torch.testing.assert_close(gradients["encoder"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("one_backward", [True, False])
@pytest.mark.parametrize("offset", [1e4, -1e4], ids=["weights of zero", "weights without bound"])
def test_the_encoder_stands_apart_from_weights_without_a_clip(one_backward, offset):
    setting = Setting()
    with torch.no_grad():
        setting.model.discriminator.network[-1].bias.add_(offset)
    gradients = setting.gradients(0.5, clip=math.inf, one_backward=one_backward)
    expected = setting.gradient(-setting.elbo(), "encoder")
    torch.testing.assert_close(gradients["encoder"], expected, **EXACT)


@pytest.mark.parametrize("offset", [0.0, 30.0, -30.0])
@pytest.mark.parametrize("adversarial", [Bridge(), JensenShannon(), Wasserstein()], ids=repr)
def test_one_pass_through_the_discriminator_serves_both_sides(adversarial, offset):
    setting = Setting()
    with torch.no_grad():
        setting.model.discriminator.network[-1].bias.add_(offset)
    one, plain = (
        setting.gradients(1.0, adversarial=adversarial, one_backward=shared)
        for shared in (True, False)
    )
    for network in NETWORKS:
        torch.testing.assert_close(one[network], plain[network], rtol=1e-9, atol=1e-12)


# β's slope in a fake falls below what can be divided by at −46, and to nothing at −104.
LOGITS = [-200.0, -95.0, -47.0, -45.0, 88.0, 200.0]


def deviations(setting, alpha, **options):
    """How far each network's gradient is from that of passes of its own, as a share of it."""
    one, plain = (
        setting.gradients(alpha, one_backward=shared, **options) for shared in (True, False)
    )
    return {
        network: float(
            (one[network] - plain[network]).norm() / plain[network].norm().clamp(min=1e-30)
        )
        for network in NETWORKS
    }


@three
@pytest.mark.parametrize("clip", [5.0, 40.0, math.inf])
@pytest.mark.parametrize("logit", LOGITS)
def test_one_backward_is_exact_at_every_logit_of_float32(logit, clip, alpha):
    setting = Setting().around(logit)
    with_bound = clip < math.inf or max(-alpha * logit, (1 - alpha) * logit) < 60
    if with_bound:  # else the plain way overflows
        assert max(deviations(setting, alpha, clip=clip).values()) < 1e-5


@three
@pytest.mark.parametrize("logit", LOGITS)
def test_one_backward_is_exact_at_every_logit_of_bfloat16(logit, alpha):
    setting = Setting().around(logit)
    with torch.autocast("cpu", torch.bfloat16):
        assert max(deviations(setting, alpha).values()) < 2**-5


@pytest.mark.parametrize("logit", LOGITS)
@pytest.mark.parametrize("adversarial", [FixedSum(0.3), JensenShannon(), Wasserstein()], ids=repr)
def test_one_backward_is_exact_at_every_logit_of_each_adversarial_loss(adversarial, logit):
    setting = Setting().around(logit)
    for alpha in (0.0, 0.5, 1.0):
        assert max(deviations(setting, alpha, adversarial=adversarial).values()) < 1e-5


@three
@pytest.mark.parametrize("kind", ["mlp", "trials"])
def test_one_backward_is_exact_where_logits_are_far_apart(kind, alpha):
    setting = Setting(kind).around(0.0)
    discriminator = setting.model.discriminator
    discriminator.scale = 1e4
    discriminator.offset = -float(setting.f_model().detach().quantile(0.5))
    assert setting.f_model().min() < -100 and setting.f_model().max() > 100
    assert max(deviations(setting, alpha).values()) < 1e-5


class Hinge(JensenShannon):
    """Its β has no slope at all in fakes below −1, and no logit of its own for data."""

    def discriminator(self, f_data, f_model):
        return nn.functional.relu(1 + f_model - f_data.clamp(max=1))


def test_one_backward_is_exact_for_a_loss_without_slopes():
    setting = Setting()
    sloped = (1 + setting.f_model() - setting.f_data().clamp(max=1) > 0).tolist()
    assert True in sloped and False in sloped
    assert max(deviations(setting, 1.0, adversarial=Hinge()).values()) < 1e-10


@pytest.mark.parametrize("one_backward", [True, False])
def test_a_fake_beyond_doubt_pulls_the_generator_as_any_other(one_backward):
    setting = Setting().around(-200.0)
    expected = setting.gradient(-setting.f_model(), "generator")
    found = setting.gradients(1.0, one_backward=one_backward)["generator"]
    assert expected.norm() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_logits_that_are_no_numbers_are_not_taken_for_nothing():
    setting = Setting().around(math.nan)
    assert not setting.gradients(0.5)["generator"].isfinite().any()


def test_slopes_are_those_of_each_sample_and_leave_the_graph():
    x = torch.randn(4, dtype=torch.float64, requires_grad=True)
    at = 3 * x
    loss = at**3 + x  # x reaches the loss by another way too, which is no part of the slope
    (slope,) = slopes(loss, at)
    torch.testing.assert_close(slope, 3 * at.detach() ** 2)
    loss.sum().backward()
    torch.testing.assert_close(x.grad, 9 * at.detach() ** 2 + 1)


def test_a_number_without_a_graph_has_no_slope():
    x = torch.ones(2, requires_grad=True)
    of_x, of_constant = slopes(2 * x, x, torch.ones(3))
    assert of_x.tolist() == [2, 2] and of_constant.tolist() == [0, 0, 0]
    assert slopes(torch.ones(2), x)[0].tolist() == [0, 0]


def test_each_samples_gradient_is_rescaled_by_its_own_number():
    z = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    scale = torch.rand(4, dtype=torch.float64) - 0.5
    along = torch.randn(4, 2, 3, dtype=torch.float64)
    rescale_gradient(z, scale)
    (gradient,) = torch.autograd.grad(2 * z, z, along)
    torch.testing.assert_close(gradient, 2 * along * scale[:, None, None])


# The generator


@every_kind
@pytest.mark.parametrize("clip", [5.0, 0.3, math.inf])
@at_each("alpha", [0.0, 1e-8, 0.1, 0.5, 0.9, 1 - 1e-8])
def test_the_generator_follows_the_twins(kind, clip, alpha):
    setting = Setting(kind)
    bridge = twin.bridge(
        setting.log_likelihood(), setting.f_data(), setting.f_model(), alpha, GAMMA, clip
    )
    torch.testing.assert_close(
        setting.gradients(alpha, clip=clip)["generator"],
        setting.gradient(bridge, "generator"),
        **EXACT,
    )


@every_kind
def test_the_generator_follows_the_evidence_bound_at_zero(kind):
    setting = Setting(kind)
    expected = setting.gradient(-setting.elbo(), "generator")
    torch.testing.assert_close(setting.gradients(0.0)["generator"], expected, **EXACT)


@every_kind
def test_the_generator_follows_the_reverse_divergence_alone_at_one(kind):
    setting = Setting(kind)
    expected = setting.gradient(-setting.f_model(), "generator")
    torch.testing.assert_close(setting.gradients(1.0)["generator"], expected, **EXACT)


@at_each("alpha", [0.1, 0.5, 0.9])
def test_the_generator_follows_the_paper_term_by_term(alpha):
    """Equation (15), written out with γ = α, so that κ = 1."""
    setting = Setting()
    f_data, f_model = setting.f_data(), setting.f_model()
    forward = -(-alpha * f_data).exp().detach() * setting.log_likelihood()
    reverse = -((1 - alpha) * f_model).exp().detach() * f_model
    torch.testing.assert_close(
        setting.gradients(alpha, LinearGamma(), clip=math.inf)["generator"],
        setting.gradient(forward + alpha * reverse, "generator"),
        **EXACT,
    )


# The encoder and the discriminator


@three
@every_kind
@pytest.mark.parametrize("options", [{}, {"one_backward": False}, {"clip": math.inf}], ids=repr)
def test_the_encoder_follows_the_plain_evidence_bound_everywhere(kind, options, alpha):
    setting = Setting(kind)
    expected = setting.gradient(-setting.elbo(), "encoder")
    torch.testing.assert_close(setting.gradients(alpha, **options)["encoder"], expected, **EXACT)


@three
@every_kind
def test_the_discriminator_follows_the_logistic_loss_everywhere(kind, alpha):
    setting = Setting(kind)
    real, fake = setting.f_data().sigmoid(), setting.f_model().sigmoid()
    expected = setting.gradient(-real.log() - (1 - fake).log(), "discriminator")
    torch.testing.assert_close(setting.gradients(alpha)["discriminator"], expected, **EXACT)


# Stop-gradients


def test_no_gradient_flows_through_the_weights_of_the_data():
    setting = Setting()
    losses = setting.losses(0.5, penalized=True, one_backward=False)
    (outputs,) = losses.outputs
    for networks, loss in losses.of_networks.items():
        (gradient,) = torch.autograd.grad(
            loss.sum(), outputs.real, retain_graph=True, allow_unused=True
        )
        assert (gradient is not None) == (networks == ("discriminator",))


def test_the_discriminator_takes_part_in_the_generators_loss_by_the_reverse_half_alone():
    setting = Setting()
    losses = setting.losses(0.5, clip=math.inf, one_backward=False)
    reverse = GAMMA(0.5) * twin.reverse(setting.f_model(), 0.5)
    torch.testing.assert_close(
        setting.gradient(losses.of_networks[("generator",)], "discriminator"),
        setting.gradient(reverse, "discriminator"),
        **EXACT,
    )


def test_the_data_carry_a_gradient_only_for_the_regulariser():
    setting = Setting()
    for penalized in (True, False):
        (outputs,) = setting.losses(0.5, penalized=penalized).outputs
        assert torch.equal(outputs.real, setting.x)
        torch.testing.assert_close(outputs.f_data, setting.f_data())
        assert outputs.real.requires_grad is penalized
    assert not setting.x.requires_grad


def test_the_generator_has_no_graph_where_its_adversarial_half_has_no_weight():
    setting = Setting()
    with_graph = []
    setting.model.generator.register_forward_hook(
        lambda _module, _inputs, output: with_graph.append(output.requires_grad)
    )
    for alpha in (0.0, 0.5):
        setting.losses(alpha)
    assert with_graph == [False, True, True, True]


# Generators that mix samples


@at_each("alpha", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("one_backward", [True, False])
def test_batch_normalisation_keeps_both_gradients_right(alpha, one_backward):
    setting = Setting(networks=batch_normalised)
    gradients = setting.gradients(alpha, one_backward=one_backward)
    encoder = setting.gradient(-setting.elbo(), "encoder")
    log_p, f_data, f_model = setting.log_likelihood(), setting.f_data(), setting.f_model()
    surrogate = twin.bridge(log_p, f_data, f_model, alpha, GAMMA, 5.0) if alpha < 1 else -f_model
    torch.testing.assert_close(gradients["encoder"], encoder, **EXACT)
    torch.testing.assert_close(
        gradients["generator"], setting.gradient(surrogate, "generator"), **EXACT
    )


@pytest.mark.parametrize(
    ("network", "mixes"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2))), True),
        (nn.SyncBatchNorm(2), True),
        (nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), False),
        (nn.GroupNorm(1, 2), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_network_that_mixes_samples_is_known_by_its_batch_normalisation(network, mixes):
    assert mixes_samples(network) is mixes


# Numbers


def test_the_rate_is_the_divergence_from_the_prior_whatever_its_weight():
    setting = Setting("trials")
    one, half = (setting.losses(0.0, kl_weight=weight) for weight in (1.0, 0.5))
    assert torch.equal(one.diagnostics["rate"], half.diagnostics["rate"])
    apart = one.values["encoder"] - half.values["encoder"]
    assert torch.allclose(apart.mean(-1), one.diagnostics["rate"] / 2)


@three
def test_the_effective_sample_sizes_are_shares_of_each_trial(alpha):
    diagnostics = Setting("trials").losses(alpha).diagnostics
    assert set(diagnostics) == {"ess/forward", "ess/reverse", "mse", "rate"}
    for share in (diagnostics["ess/forward"], diagnostics["ess/reverse"]):
        assert share.shape == (TRIALS,)
        assert not share.requires_grad
        assert ((share > 0) & (share <= 1 + 1e-12)).all()


def test_each_half_uses_all_samples_at_its_own_end():
    setting = Setting()
    one = torch.ones((), dtype=torch.float64)
    torch.testing.assert_close(setting.losses(0.0).diagnostics["ess/forward"], one)
    torch.testing.assert_close(setting.losses(1.0).diagnostics["ess/reverse"], one)


# Other adversarial losses


def test_what_the_regulariser_sees_are_both_sides_and_their_logits():
    setting = Setting("trials")
    (outputs,) = setting.losses(0.5).outputs
    torch.testing.assert_close(outputs.fake, setting.model.generator(setting.noise.prior))
    torch.testing.assert_close(outputs.f_model, setting.f_model())
    torch.testing.assert_close(outputs.log_ratio(outputs.real), outputs.f_data)
    assert outputs.noise is setting.noise.penalty


@pytest.mark.parametrize("one_backward", [True, False])
@at_each("alpha", [0.0, 0.5, 1.0])
def test_the_fixed_sum_adds_the_gradients_of_both_losses(one_backward, alpha):
    setting = Setting()
    adversarial = FixedSum(weight=0.3)
    gradient = setting.gradients(alpha, adversarial=adversarial, one_backward=one_backward)
    likelihood = setting.gradient(-setting.log_likelihood(), "generator")
    adversarial = setting.gradient(-setting.f_model(), "generator")
    torch.testing.assert_close(gradient["generator"], 0.3 * likelihood + adversarial, **EXACT)
    torch.testing.assert_close(
        gradient["encoder"], setting.gradient(-setting.elbo(), "encoder"), **EXACT
    )


@three
@pytest.mark.parametrize("one_backward", [True, False])
@every_kind
def test_a_normalized_loss_divides_the_generators_gradient_alone(kind, one_backward, alpha):
    setting = Setting(kind)
    plain, normalized = (
        setting.gradients(alpha, one_backward=one_backward, normalized=given)
        for given in (False, True)
    )
    size = math.prod(setting.event)
    balanced = balanced_kappa(setting.model.sigma.detach().flatten()[0].item(), size)
    scale = GAMMA.kappa(alpha) + balanced * GAMMA(alpha)
    torch.testing.assert_close(normalized["generator"] * scale, plain["generator"], **EXACT)
    for network in ("encoder", "discriminator"):
        torch.testing.assert_close(normalized[network], plain[network], **EXACT)


def test_a_normalized_gradient_keeps_its_size_where_sigma_is_small():
    setting, gamma = Setting("conv", noise=0.05), RealismGamma(0.9, 128, 0.05)
    with torch.no_grad():  # so that σ is about as large as the error
        setting.x = 0.05 * torch.randn_like(setting.x) + setting.model.decode(setting.noise.prior)
    norms = {
        given: [
            float(setting.gradients(alpha, gamma, normalized=given)["generator"].norm())
            for alpha in (0.0, 0.9)
        ]
        for given in (False, True)
    }
    assert norms[False][0] > 10 * norms[False][1]
    assert 1 / 3 < norms[True][0] / norms[True][1] < 3


def test_a_critic_and_its_generator_pull_on_the_same_number():
    setting = Setting()
    losses = setting.losses(1.0, adversarial=Wasserstein(), one_backward=False).of_networks
    for network, sign in (("generator", -1), ("discriminator", 1)):
        expected = setting.gradient(sign * setting.f_model(), network)
        if network == "discriminator":
            expected = expected - setting.gradient(setting.f_data(), network)
        torch.testing.assert_close(setting.gradient(losses[(network,)], network), expected, **EXACT)


@every_kind
def test_the_discriminator_alone_has_the_loss_that_it_has_among_all(kind):
    setting = Setting(kind)
    alone = DataBridge().discrimination(setting.model, setting.x, setting.noise, penalized=True)
    assert set(alone.of_networks) == {("discriminator",)}
    among_all = setting.losses(0.5, one_backward=False).of_networks[("discriminator",)]
    torch.testing.assert_close(alone.of_networks[("discriminator",)], among_all)
    (outputs,) = alone.outputs
    assert outputs.real.requires_grad and not outputs.fake.requires_grad
