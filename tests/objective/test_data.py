"""The objective of the paper: whose gradient is whose, by hand and with one backward pass."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from alpha_bridge import twin
from alpha_bridge.gamma import LinearGamma, SigmoidGamma
from alpha_bridge.model import PLAYERS, AlphaBridge
from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from alpha_bridge.objective import DataBridge, Noise
from alpha_bridge.objective.data import divide_gradient, mixes_samples

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
    _, encoder, discriminator = mlp()
    layers = nn.Linear(LATENT, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3)
    return nn.Sequential(*layers), encoder, discriminator


NETWORKS = {"mlp": mlp, "trials": lambda: mlp(TRIALS), "conv": conv}
every_kind = pytest.mark.parametrize("kind", NETWORKS)


class Scaled(nn.Module):
    """A discriminator whose logits reach several nats, so that weights differ."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return 10 * self.network(x)


class Setting:
    """A model, a batch and its noise, in float64."""

    def __init__(self, kind="mlp", networks=None, noise=0.7):
        generator, encoder, discriminator = (networks or NETWORKS[kind])()
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

    def losses(self, alpha, gamma=GAMMA, penalized=False, **options):
        objective = DataBridge(**options)
        return objective.losses(self.model, self.x, self.noise, alpha, gamma, penalized)

    def gradient(self, loss, player):
        """Gradient of the mean over the batch, summed over trials; zero where none flows."""
        parameters = list(self.model.player_parameters(player))
        flat = torch.autograd.grad(
            loss.mean(-1).sum(),
            parameters,
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        return torch.cat([gradient.flatten() for gradient in flat])

    def gradients(self, alpha, gamma=GAMMA, **options):
        """What each player follows."""
        return {
            player: self.gradient(loss, player)
            for players, loss in self.losses(alpha, gamma, **options).of_players.items()
            for player in players
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
def test_one_backward_gives_the_gradients_of_the_plain_way(kind, clip, alpha):
    setting = Setting(kind)
    one = setting.gradients(alpha, clip=clip, one_backward=True)
    plain = setting.gradients(alpha, clip=clip, one_backward=False)
    assert one.keys() == plain.keys() == set(PLAYERS)
    for player in PLAYERS:
        torch.testing.assert_close(one[player], plain[player], **EXACT)


def test_one_backward_shares_the_pass_between_generator_and_encoder():
    setting = Setting()
    assert ("generator", "encoder") in setting.losses(0.5).of_players
    assert ("generator", "encoder") not in setting.losses(0.5, one_backward=False).of_players


@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_one_backward_survives_a_vanishing_forward_half(alpha):
    setting = Setting()
    setting.model.float()
    setting.x = setting.x.float()
    setting.noise = Noise(setting.noise.prior.float(), setting.noise.posterior.float())
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


def test_the_divided_gradient_is_each_samples_own():
    z = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(4, dtype=torch.float64) + 0.1
    along = torch.randn(4, 2, 3, dtype=torch.float64)
    divided = divide_gradient(z, weight)
    assert torch.equal(divided, z)
    (gradient,) = torch.autograd.grad(divided, z, along)
    torch.testing.assert_close(gradient, along / weight[:, None, None])


# The generator


@every_kind
@pytest.mark.parametrize("clip", [5.0, 0.3, math.inf])
@pytest.mark.parametrize("alpha", [0.0, 1e-8, 0.1, 0.5, 0.9, 1 - 1e-8])
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


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
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


@every_kind
@pytest.mark.parametrize("options", [{}, {"one_backward": False}, {"clip": math.inf}], ids=repr)
def test_the_encoder_follows_the_plain_evidence_bound_everywhere(kind, options, alpha):
    setting = Setting(kind)
    expected = setting.gradient(-setting.elbo(), "encoder")
    torch.testing.assert_close(setting.gradients(alpha, **options)["encoder"], expected, **EXACT)


@every_kind
def test_the_discriminator_follows_the_logistic_loss_everywhere(kind, alpha):
    setting = Setting(kind)
    real, fake = setting.f_data().sigmoid(), setting.f_model().sigmoid()
    expected = setting.gradient(-real.log() - (1 - fake).log(), "discriminator")
    torch.testing.assert_close(setting.gradients(alpha)["discriminator"], expected, **EXACT)


@pytest.mark.parametrize("one_backward", [True, False])
def test_the_losses_are_of_each_sample(one_backward, alpha):
    losses = Setting("trials").losses(alpha, one_backward=one_backward)
    assert all(loss.shape == (TRIALS, BATCH) for loss in losses.of_players.values())
    assert {player for players in losses.of_players for player in players} == set(PLAYERS)


@every_kind
@pytest.mark.parametrize("changed", [0, BATCH - 1])
def test_the_loss_of_a_sample_is_its_own(kind, changed):
    setting = Setting(kind)
    before = setting.losses(0.5).of_players
    setting.x = setting.x.clone()
    setting.x.narrow(setting.model.batch_ndim - 1, changed, 1).add_(1)
    others = [sample for sample in range(BATCH) if sample != changed]
    for players, loss in setting.losses(0.5).of_players.items():
        torch.testing.assert_close(loss[..., others], before[players][..., others])
        assert not torch.isclose(loss[..., changed], before[players][..., changed]).any()


# Stop-gradients


@pytest.mark.parametrize("one_backward", [True, False])
def test_no_gradient_flows_through_the_weights_of_the_data(one_backward):
    setting = Setting()
    losses = setting.losses(0.5, penalized=True, one_backward=one_backward)
    ((real, _),) = losses.real
    for players, loss in losses.of_players.items():
        (gradient,) = torch.autograd.grad(loss.sum(), real, retain_graph=True, allow_unused=True)
        assert (gradient is not None) == (players == ("discriminator",))


def test_the_discriminator_takes_part_in_the_generators_loss_by_the_reverse_half_alone():
    setting = Setting()
    losses = setting.losses(0.5, clip=math.inf, one_backward=False)
    reverse = GAMMA(0.5) * twin.reverse(setting.f_model(), 0.5)
    torch.testing.assert_close(
        setting.gradient(losses.of_players[("generator",)], "discriminator"),
        setting.gradient(reverse, "discriminator"),
        **EXACT,
    )


def test_the_data_carry_a_gradient_only_for_the_regulariser():
    setting = Setting()
    for penalized in (True, False):
        ((real, f),) = setting.losses(0.5, penalized=penalized).real
        assert torch.equal(real, setting.x)
        torch.testing.assert_close(f, setting.f_data())
        assert real.requires_grad is penalized
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


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.9, 1.0])
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


def test_the_effective_sample_sizes_are_shares_of_each_trial(alpha):
    diagnostics = Setting("trials").losses(alpha).diagnostics
    assert set(diagnostics) == {"ess/forward", "ess/reverse"}
    for share in diagnostics.values():
        assert share.shape == (TRIALS,)
        assert not share.requires_grad
        assert ((share > 0) & (share <= 1 + 1e-12)).all()


def test_each_half_uses_all_samples_at_its_own_end():
    setting = Setting()
    one = torch.ones((), dtype=torch.float64)
    torch.testing.assert_close(setting.losses(0.0).diagnostics["ess/forward"], one)
    torch.testing.assert_close(setting.losses(1.0).diagnostics["ess/reverse"], one)


@pytest.mark.parametrize("clip", [0.0, -1.0, math.nan])
def test_a_clip_that_is_not_positive_is_refused(clip):
    with pytest.raises(ValueError, match=f"clip must be positive and finite, got {clip}"):
        DataBridge(clip=clip)
