"""The two generalisations: whose gradient is whose, and which divergences they follow."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal
from torch.quasirandom import SobolEngine

from alpha_bridge.adversarial import Bridge, JensenShannon, Wasserstein
from alpha_bridge.divergence import alpha_divergence
from alpha_bridge.gamma import Gamma, LinearGamma, SigmoidGamma
from alpha_bridge.metrics.definition import is_metric
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    ConvPairDiscriminator,
    Marginals,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from alpha_bridge.objective import DataBridge, JointBridge, MarginalBridge, Noise, pairs
from experiments.forward_halves import Problem, excess

BATCH, LATENT, TRIALS = 6, 2, 3
GAMMA = SigmoidGamma(c=4.0, d=-2.0)
EXACT = {"rtol": 1e-10, "atol": 1e-10}
OBJECTIVES = {"marginal": MarginalBridge, "joint": JointBridge}
each = pytest.mark.parametrize("name", OBJECTIVES)
three = pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
each_kind = pytest.mark.parametrize("kind", ["mlp", "trials", "conv"])


def networks(name, kind):
    if kind == "conv":
        sizes = {"size": 8, "channels": 2, "width": 2, "hidden": 4}
        arms = ConvGenerator(LATENT, **sizes), ConvEncoder(LATENT, **sizes)
        of_x, of_pairs = ConvDiscriminator(**sizes), ConvPairDiscriminator(LATENT, **sizes)
        of_z = MLPDiscriminator(LATENT, hidden=(8,))
    else:
        sizes = {"hidden": (8,), "trials": TRIALS if kind == "trials" else None}
        arms = MLPGenerator(LATENT, 3, **sizes), MLPEncoder(LATENT, 3, **sizes)
        of_x, of_z = MLPDiscriminator(3, **sizes), MLPDiscriminator(LATENT, **sizes)
        of_pairs = MLPDiscriminator(3 + LATENT, **sizes)
    return *arms, of_pairs if name == "joint" else Marginals(of_x, of_z)


class Fixed(Gamma):
    """One γ for every α: a half alone."""

    def __init__(self, gamma):
        self.gamma = gamma

    def value(self, alpha):  # noqa: ARG002
        return self.gamma

    def slope_to_one(self, beta):
        return (1 - self.gamma) / beta


FORWARD, REVERSE = Fixed(0.0), Fixed(1.0)


class Setting:
    """A model, a batch and its noise, in float64."""

    def __init__(self, name, kind="mlp"):
        self.model = AlphaBridge(
            *networks(name, kind), noise=0.7, learn_noise=True, latent_shape=(LATENT,)
        ).double()
        self.name = name
        event = (2, 8, 8) if kind == "conv" else (3,)
        leading = (TRIALS, BATCH) if kind == "trials" else (BATCH,)

        def normal(*shape):
            return torch.randn(*leading, *shape, dtype=torch.float64)

        self.x, self.noise = normal(*event), Noise(normal(LATENT), normal(LATENT))

    def losses(self, alpha, gamma=GAMMA, penalized=False, **options):
        objective = OBJECTIVES[self.name](**options)
        return objective.losses(self.model, self.x, self.noise, alpha, gamma, penalized)

    def gradient(self, loss, network):
        return gradient(self.model, loss, network)

    def gradients(self, alpha, **options):
        of_networks = self.losses(alpha, **options).of_networks.items()
        return {
            network: self.gradient(loss, network)
            for networks, loss in of_networks
            for network in networks
        }

    # The same by other means: the equations of section 3.3, term by term.

    def by_hand(self, alpha, gamma=GAMMA):
        model, dims = self.model, self.x.ndim - self.model.batch_ndim
        mean, log_variance = model.encoder(self.x)
        z = mean + (log_variance / 2).exp() * self.noise.posterior
        prior, fake = self.noise.prior, model.generator(self.noise.prior)
        sigma = model.sigma.reshape(*model.sigma.shape, *[1] * dims)
        decoded = torch.distributions.Normal(model.generator(z.detach()), sigma)
        wake = decoded.log_prob(self.x).flatten(-dims).sum(-1)
        mean, log_variance = model.encoder(fake.detach())
        sleep = torch.distributions.Normal(mean, (log_variance / 2).exp()).log_prob(prior).sum(-1)
        discriminator = model.discriminator
        if self.name == "joint":
            h, h_made = (
                discriminator(pairs(*sides, model.batch_ndim)).squeeze(-1)
                for sides in ((self.x, z), (fake, prior))
            )
            f, f_made, g, g_made = h, h_made, -h_made, -h
        else:
            f, f_made = discriminator.of_x(self.x).squeeze(-1), discriminator.of_x(fake).squeeze(-1)
            g, g_made = discriminator.of_z(prior).squeeze(-1), discriminator.of_z(z).squeeze(-1)
        kappa, share = gamma.kappa(alpha) if alpha < 1 else 0.0, gamma(alpha)

        def loss(at_real, at_made, log_likelihood):
            forward = -(-alpha * at_real).exp().detach() * log_likelihood
            reverse = -((1 - alpha) * at_made).exp().detach() * at_made
            return kappa * forward + share * reverse

        log_sigmoid = nn.functional.logsigmoid
        of_beta = -log_sigmoid(f) - log_sigmoid(-f_made)
        if self.name == "marginal":
            of_beta = of_beta - log_sigmoid(g) - log_sigmoid(-g_made)
        return {
            "generator": loss(f, f_made, wake),
            "encoder": loss(g, g_made, sleep),
            "discriminator": of_beta,
        }


def gradient(model, loss, network):
    """Gradient of the mean over the batch, summed over trials; zero where none flows."""
    flat = torch.autograd.grad(
        loss.mean(-1).sum(),
        list(model.network_parameters(network)),
        retain_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    return torch.cat([part.flatten() for part in flat])


# The equations


@three
@each
@each_kind
def test_each_network_follows_its_line_of_the_equation(name, kind, alpha):
    setting = Setting(name, kind)
    found = setting.gradients(alpha, adversarial=Bridge(clip=math.inf))
    for network, loss in setting.by_hand(alpha).items():
        torch.testing.assert_close(found[network], setting.gradient(loss, network), **EXACT)


@each
def test_the_values_are_each_networks_own_loss(name):
    setting = Setting(name)
    values = setting.losses(0.5, adversarial=Bridge(clip=math.inf)).values
    for network, loss in setting.by_hand(0.5).items():
        own, by_hand = (setting.gradient(of, network) for of in (values[network], loss))
        torch.testing.assert_close(own, by_hand, **EXACT)


@three
def test_the_generator_of_the_marginal_bridge_follows_equation_16(alpha):
    setting = Setting("marginal")
    arguments = (setting.model, setting.x, setting.noise, alpha, GAMMA)
    plain = DataBridge(one_backward=False).losses(*arguments).of_networks["generator",]
    torch.testing.assert_close(
        setting.gradients(alpha)["generator"], setting.gradient(plain, "generator"), **EXACT
    )


@each
def test_the_weights_are_constants(name):
    """Without the reverse halves, only the weights know the discriminators, and give no slope."""
    setting = Setting(name)
    values = setting.losses(0.5, gamma=FORWARD).values
    assert not setting.gradient(values["generator"], "discriminator").any()
    assert not setting.gradient(values["encoder"], "discriminator").any()
    assert setting.gradient(setting.losses(0.5).values["encoder"], "discriminator").any()


@each
@each_kind
def test_neither_network_is_pulled_by_the_other_ones_loss(name, kind):
    setting = Setting(name, kind)
    values = setting.losses(0.5).values
    assert not setting.gradient(values["generator"], "encoder").any()
    assert not setting.gradient(values["encoder"], "generator").any()


@each
def test_in_a_full_cycle_a_reconstruction_trains_the_network_that_made_the_code(name):
    setting = Setting(name)
    values = setting.losses(0.5, full_cycle=True).values
    assert setting.gradient(values["generator"], "encoder").any()
    assert setting.gradient(values["encoder"], "generator").any()


@each
def test_an_implicit_encoder_has_no_noise(name):
    setting = Setting(name)
    values = setting.losses(0.5, implicit=True).values["generator"]
    setting.noise = Noise(setting.noise.prior, torch.zeros_like(setting.noise.posterior))
    torch.testing.assert_close(values, setting.losses(0.5).values["generator"])


@each
@pytest.mark.parametrize("adversarial", [JensenShannon(), Wasserstein()], ids=repr)
def test_any_adversarial_loss_will_do(name, adversarial):
    setting = Setting(name)
    losses = setting.losses(1.0, adversarial=adversarial)
    (outputs, *_), values = losses.outputs, losses.values
    expected = adversarial.reverse(outputs.f_model, 1.0)
    torch.testing.assert_close(values["generator"], expected)


# The slot


@each
def test_the_diagnostics_are_of_both_arms_and_no_metrics(name):
    found = Setting(name).losses(0.5).diagnostics
    assert [*found] == [
        f"ess/{space}{half}" for space in ("", "latent_") for half in ("forward", "reverse")
    ]
    assert all(value.shape == () for value in found.values())
    assert not any(map(is_metric, found))


def test_a_discriminator_without_a_part_for_latents_is_refused():
    setting = Setting("joint")
    with pytest.raises(ValueError, match="MLPDiscriminator, has no part of_z"):
        setting.model.latent_log_ratio(setting.noise.prior)


# The divergences, on a linear Gaussian problem whose log ratios are known


class Affine(nn.Module):
    """z ↦ a z + b + s ε with fixed ε: a generator whose samples have its own noise on them."""

    def __init__(self, a, b, s, noise):
        super().__init__()
        self.a, self.b = (nn.Parameter(torch.tensor([value])) for value in (a, b))
        self.s, self.noise = s, noise

    def forward(self, z):
        return self.a * z + self.b + self.s * self.noise


class Encoder(nn.Module):
    """N(k x + m, e^v)."""

    def __init__(self, k, m, v):
        super().__init__()
        self.k, self.m, self.v = (nn.Parameter(torch.tensor([value])) for value in (k, m, v))

    def forward(self, x):
        return self.k * x + self.m, self.v.expand_as(x)


class Known(nn.Module):
    """Exact log ratio between two densities, and of the latents between two others."""

    def __init__(self, q, p, of_z=None):
        super().__init__()
        self.q, self.p = q, p
        if of_z:
            self.of_z = Known(*of_z)

    def forward(self, x):
        return self.q.log_prob(x) - self.p.log_prob(x)


class LinearGaussian:
    """x ~ N(m, s²), z|x ~ N(kx + m', e^v); z ~ N(0, 1), x|z ~ N(az + b, σ²), by quadrature.

    The batch is a Sobol net: means over it are integrals to some four digits.
    """

    M, S, SIGMA = 0.5, 0.8, 0.6

    def __init__(self, name, noisy):
        points = SobolEngine(4, scramble=True, seed=0).draw(2**16, dtype=torch.float64)
        points = torch.special.ndtri(points.clamp(1e-9, 1 - 1e-9))
        data, prior, posterior, noise = (column.unsqueeze(-1) for column in points.unbind(-1))
        torch.set_default_dtype(torch.float64)
        try:
            generator = Affine(0.5, 0.2, self.SIGMA if noisy else 0.0, noise)
            encoder = Encoder(0.6, -0.1, -0.7)
        finally:
            torch.set_default_dtype(torch.float32)
        self.model = AlphaBridge(
            generator, encoder, nn.Identity(), noise=self.SIGMA, latent_shape=(1,)
        ).double()
        with torch.no_grad():
            q, p = self.encoded(), self.made()
        if name == "joint":
            self.model.discriminator = Known(q, p)
        else:
            spaces = [(q, p), (p, q)]
            (q_x, p_x), (p_z, q_z) = (
                [marginal(joint, axis) for joint in joints] for axis, joints in enumerate(spaces)
            )
            self.model.discriminator = Known(q_x, p_x, of_z=(p_z, q_z))
        self.x, self.noise = self.M + self.S * data, Noise(prior, posterior)

    def encoded(self):
        """q(x) q_φ(z|x)."""
        e, variance = self.model.encoder, self.S**2
        k, v = e.k[0], e.v[0].exp()
        mean = torch.stack([torch.tensor(self.M).double(), k * self.M + e.m[0]])
        rows = [torch.stack([variance + 0 * k, k * variance])]
        rows.append(torch.stack([k * variance, k**2 * variance + v]))
        return MultivariateNormal(mean, torch.stack(rows))

    def made(self):
        """p(z) p_θ(x|z)."""
        a, b = self.model.generator.a[0], self.model.generator.b[0]
        mean = torch.stack([b, 0 * b])
        rows = [torch.stack([a**2 + self.SIGMA**2, a]), torch.stack([a, 1 + 0 * a])]
        return MultivariateNormal(mean, torch.stack(rows))

    def gradients(self, objective, alpha, gamma):
        losses = objective.losses(self.model, self.x, self.noise, alpha, gamma)
        loss = losses.of_networks["generator", "encoder"]
        return {
            network: gradient(self.model, loss, network) for network in ("generator", "encoder")
        }


def marginal(joint, axis):
    mean, covariance = joint.mean[axis], joint.covariance_matrix[axis, axis]
    return MultivariateNormal(mean.unsqueeze(0), covariance.reshape(1, 1))


def slope(problem, value, network):
    parameters = list(problem.model.network_parameters(network))
    parts = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
    return torch.cat(parts)


CLOSE = {"rtol": 5e-3, "atol": 2e-3}


def sides(name, problem):
    """The divergences of θ and of φ, each as a function of α."""
    p, q = problem.made(), problem.encoded()
    if name == "joint":
        return {"generator": (p, q), "encoder": (q, p)}
    return {
        "generator": (marginal(p, 0), marginal(q, 0)),
        "encoder": (marginal(q, 1), marginal(p, 1)),
    }


def follows(name, noisy, gamma, alpha, network):
    """Whether a network's gradient is that of its divergence, at exact log ratios."""
    problem = LinearGaussian(name, noisy)
    objective = OBJECTIVES[name](Bridge(clip=math.inf))
    found = problem.gradients(objective, alpha, gamma)[network]
    exact = slope(problem, alpha_divergence(*sides(name, problem)[network], alpha), network)
    torch.testing.assert_close(found, exact, **CLOSE)


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 0.3, 0.7])
def test_the_generators_forward_half_of_the_joint_bridge_follows_its_divergence(alpha):
    follows("joint", False, FORWARD, alpha, "generator")


@pytest.mark.parametrize(("network", "noisy"), [("generator", False), ("encoder", True)])
@pytest.mark.parametrize("alpha", [0.0, 1e-3, 0.3, 0.7])
def test_the_forward_halves_of_the_marginal_bridge_follow_their_divergence_and_its_excess(
    network, noisy, alpha
):
    problem, known = LinearGaussian("marginal", noisy), Problem()
    found = problem.gradients(MarginalBridge(Bridge(clip=math.inf)), alpha, FORWARD)[network]
    own, other, axis = known.joints(network)
    divergence = alpha_divergence(marginal(own, axis), marginal(other, axis), alpha)
    beside = excess(own, other, axis, alpha) / (1 - alpha)
    exact = known.slope(divergence + beside, network)
    torch.testing.assert_close(found, exact, **CLOSE)
    assert (found - known.slope(divergence, network)).norm() > 0.05 * exact.norm()


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.7])
def test_the_forward_half_of_the_plain_bridge_follows_its_divergence_and_its_excess(alpha):
    problem, known = LinearGaussian("marginal", False), Problem()
    losses = DataBridge(Bridge(clip=math.inf), one_backward=False).losses(
        problem.model, problem.x, problem.noise, alpha, FORWARD
    )
    found = gradient(problem.model, losses.of_networks[("generator",)], "generator")
    own, other, axis = known.joints("generator")
    divergence = alpha_divergence(marginal(own, axis), marginal(other, axis), alpha)
    exact = known.slope(divergence + excess(own, other, axis, alpha) / (1 - alpha), "generator")
    torch.testing.assert_close(found, exact, **CLOSE)


@each
@pytest.mark.parametrize("alpha", [0.3, 0.7, 1 - 1e-3, 1.0])
def test_the_generators_reverse_half_follows_its_divergence(name, alpha):
    follows(name, True, REVERSE, alpha, "generator")


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 0.3, 0.7, 1 - 1e-3, 1.0])
def test_the_encoder_of_the_joint_bridge_follows_its_divergence(alpha):
    follows("joint", True, LinearGamma(), alpha, "encoder")


@pytest.mark.parametrize("alpha", [0.3, 0.7, 1 - 1e-3, 1.0])
def test_the_encoders_reverse_half_of_the_marginal_bridge_follows_its_divergence(alpha):
    follows("marginal", True, REVERSE, alpha, "encoder")
