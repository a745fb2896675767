"""The model: shapes, latents there and back, the noise σ, and the bound on the likelihood."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal

from alpha_bridge.interpolation import lerp
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator

LATENT, FEATURES = 2, 3


def networks(trials=None):
    sizes = {"hidden": (8,), "trials": trials}
    return (
        MLPGenerator(LATENT, FEATURES, **sizes),
        MLPEncoder(LATENT, FEATURES, **sizes),
        MLPDiscriminator(FEATURES, **sizes),
    )


def bridge(trials=None, **options):
    return AlphaBridge(*networks(trials), **options).double()


def samples(trials=None, count=5):
    shape = (count, FEATURES) if trials is None else (trials, count, FEATURES)
    return torch.randn(shape, dtype=torch.float64)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


class Lambda(nn.Module):
    """A function as a network without parameters."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class SpatialEncoder(nn.Conv2d):
    """Images ``(batch, 1, 8, 8)`` to two ``(batch, 2, 4, 4)``."""

    def __init__(self):
        super().__init__(1, 4, 2, stride=2)

    def forward(self, x):
        return super().forward(x).chunk(2, 1)


def spatial_bridge():
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    generator = nn.ConvTranspose2d(2, 1, 2, stride=2)
    return AlphaBridge(generator, SpatialEncoder(), discriminator, noise=0.5).double()


# Shapes

with_and_without_trials = pytest.mark.parametrize("trials", [None, 1, 4])


@with_and_without_trials
def test_every_tensor_starts_with_the_trials(trials):
    model, x = bridge(trials), samples(trials)
    leading = () if trials is None else (trials,)
    assert model.prior(7).shape == (*leading, 7, LATENT)
    assert model.sample(7).shape == (*leading, 7, FEATURES)
    assert model.encode(x).shape == model.encode(x, draw=True).shape == (*leading, 5, LATENT)
    assert model.reconstruct(x).shape == x.shape
    assert model.interpolate(x, x.flip(-2), count=4).shape == (4, *x.shape)
    assert model.log_ratio(x).shape == (*leading, 5)
    assert model.log_likelihood_bound(x, draws=2).shape == (*leading, 5)
    assert model.sigma.shape == (*leading, 1)
    assert model.batch_ndim == len(leading) + 1


def test_latents_may_be_spatial():
    model, x = spatial_bridge(), torch.randn(5, 1, 8, 8, dtype=torch.float64)
    assert model.encode(x).shape == (5, 2, 4, 4)
    assert model.latent_shape == (2, 4, 4)
    assert model.sample(3).shape == (3, 1, 8, 8)
    assert model.interpolate(x[:2], x[2:4], count=3).shape == (3, 2, 1, 8, 8)
    assert model.log_ratio(x).shape == model.log_likelihood_bound(x, draws=2).shape == (5,)


@pytest.mark.parametrize("network", [lambda x: x.sum(-1).T, lambda x: x.sum(-1).T.unsqueeze(-1)])
def test_a_discriminator_that_gives_the_batch_before_the_trials_is_refused(network):
    generator, encoder, _ = networks(trials=4)
    model = AlphaBridge(generator, encoder, Lambda(network)).double()
    with pytest.raises(ValueError, match=r"one number for each sample, got shape \(5, 4.*\(4, 5\)"):
        model.log_ratio(samples(4))


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_a_discriminator_may_keep_a_last_dimension_of_one(shape):
    generator, encoder, _ = networks()
    model = AlphaBridge(generator, encoder, Lambda(lambda x: x.sum(-1).reshape(shape))).double()
    x = samples()
    torch.testing.assert_close(model.log_ratio(x), x.sum(-1))


def test_a_discriminator_that_gives_a_vector_is_named_with_its_shape():
    generator, encoder, _ = networks()
    model = AlphaBridge(generator, encoder, nn.Linear(FEATURES, 4)).double()
    with pytest.raises(ValueError, match=r"got shape \(5, 4\) for a batch of shape \(5,\)"):
        model.log_ratio(samples())


# Latents


def test_a_draw_has_the_moments_that_the_encoder_states():
    model = bridge()
    x = samples(count=1)
    mean, log_variance = model.posterior(x)
    draws = model.encode(x.expand(200_000, -1), draw=True, rng=rng())
    torch.testing.assert_close(draws.mean(0), mean[0], atol=0.01, rtol=0)
    torch.testing.assert_close(draws.var(0), log_variance[0].exp(), atol=0.01, rtol=0)


def test_encoding_gives_the_mean_unless_a_draw_is_asked_for():
    model, x = bridge(), samples()
    assert torch.equal(model.encode(x), model.posterior(x)[0])
    assert not torch.isclose(model.encode(x), model.encode(x, draw=True)).any()


def test_a_draw_lets_gradients_through_to_the_encoder():
    model = bridge()
    model.encode(samples(), draw=True).sum().backward()
    assert all(p.grad is not None for p in model.network_parameters("encoder"))


def test_reconstruction_decodes_the_encoded_mean():
    model, x = bridge(), samples()
    assert torch.equal(model.reconstruct(x), model.decode(model.encode(x)))


@pytest.mark.parametrize("act", ["sample", "encode", "log_likelihood_bound"])
def test_a_generator_of_random_numbers_makes_every_draw_repeatable(act):
    model, x = bridge(), samples()
    draw = {
        "sample": lambda seed: model.sample(5, rng(seed)),
        "encode": lambda seed: model.encode(x, draw=True, rng=rng(seed)),
        "log_likelihood_bound": lambda seed: model.log_likelihood_bound(x, 2, rng(seed)),
    }[act]
    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


def test_samples_are_decoded_standard_normal_latents():
    generator = Lambda(lambda z: z)
    model = AlphaBridge(generator, nn.Identity(), nn.Identity(), latent_shape=(3,))
    x = model.sample(100_000, rng())
    torch.testing.assert_close(x.mean(0), torch.zeros(3), atol=0.02, rtol=0)
    torch.testing.assert_close(x.T.cov(), torch.eye(3), atol=0.02, rtol=0)


def test_the_trials_have_draws_of_their_own():
    z = bridge(trials=3).prior(5)
    assert not torch.isclose(z[0], z[1]).any()


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(count):
    with pytest.raises(ValueError, match=f"count must be at least 1, got {count}"):
        bridge().sample(count)


def test_the_shape_of_a_latent_is_asked_for_before_it_is_known():
    with pytest.raises(ValueError, match=r"latent_shape=.* or encode a sample first"):
        spatial_bridge().sample(3)


def test_the_shape_of_a_latent_is_the_one_that_is_given():
    model = AlphaBridge(nn.Linear(6, 3), nn.Identity(), nn.Identity(), latent_shape=(6,))
    assert model.sample(4).shape == (4, 3)


# Ways between latents


def test_an_interpolation_starts_and_ends_at_the_reconstructions():
    model = bridge()
    start, end = samples(), samples()
    way = model.interpolate(start, end, count=5)
    torch.testing.assert_close(way[0], model.reconstruct(start))
    torch.testing.assert_close(way[-1], model.reconstruct(end))


def test_an_interpolation_follows_the_curve_that_it_is_given():
    model = bridge()
    start, end = samples(), samples()
    middle = model.decode((model.encode(start) + model.encode(end)) / 2)
    torch.testing.assert_close(model.interpolate(start, end, 3, lerp)[1], middle)


def test_an_interpolation_needs_two_points():
    with pytest.raises(ValueError, match="count must be at least 2, got 1"):
        bridge().interpolate(samples(), samples(), count=1)


# Noise


@pytest.mark.parametrize("noise", [0.0, -0.4, math.nan, math.inf])
def test_noise_that_is_not_positive_is_refused(noise):
    with pytest.raises(ValueError, match=f"noise must be positive and finite, got {noise}"):
        bridge(noise=noise)


@with_and_without_trials
def test_the_noise_is_the_one_that_is_asked_for(trials):
    sigma = bridge(trials, noise=0.4).sigma
    torch.testing.assert_close(sigma, torch.full_like(sigma, 0.4), rtol=1e-7, atol=0)


def test_a_learned_noise_is_the_generators():
    model = bridge(learn_noise=True)
    owners = [p for p in NETWORKS if any(q is model.log_sigma for q in model.network_parameters(p))]
    assert owners == ["generator"]


def test_a_fixed_noise_is_nobodys():
    model = bridge()
    assert not any(parameter is model.log_sigma for parameter in model.parameters())


@pytest.mark.parametrize("learn_noise", [False, True])
def test_the_players_share_out_all_parameters(learn_noise):
    model = bridge(learn_noise=learn_noise)
    shared_out = [id(p) for player in NETWORKS for p in model.network_parameters(player)]
    assert sorted(shared_out) == sorted(map(id, model.parameters()))


def test_a_player_does_not_train_what_is_frozen():
    model = bridge()
    model.generator[0].requires_grad_(False)
    trained = list(model.network_parameters("generator"))
    assert len(trained) == len(list(model.generator.parameters())) - 2


# Other arms


def test_other_arms_encode_and_decode_in_place_of_the_first():
    model, (generator, encoder, _), x = bridge(), networks(), samples()
    other = model.with_arms(generator.double(), encoder.double())
    assert torch.equal(other.reconstruct(x), generator(encoder(x)[0]))


def test_other_arms_leave_the_original_untouched():
    model = bridge()
    before = model.generator, model.encoder
    model.with_arms(*networks()[:2])
    assert (model.generator, model.encoder) == before


def test_the_rest_is_shared_with_other_arms():
    model = bridge(learn_noise=True)
    other = model.with_arms(*networks()[:2])
    assert other.discriminator is model.discriminator
    assert other.log_sigma is model.log_sigma


@pytest.mark.parametrize("learned", [False, True])
def test_another_noise_is_no_parameter_and_leaves_the_original_untouched(learned):
    model = bridge(learn_noise=learned)
    before = model.sigma.clone()
    other = model.with_noise(7.0)
    assert other.sigma == pytest.approx(7.0) and other.generator is model.generator
    assert "log_sigma" not in dict(other.named_parameters())
    assert torch.equal(model.sigma, before) and isinstance(model.log_sigma, nn.Parameter) == learned


# Likelihood

NOISE = 0.5
WEIGHT = torch.tensor([[1.0, 0.0, 0.5], [-0.5, 2.0, 1.0]], dtype=torch.float64)  # orthogonal rows
SHIFT = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)


def posterior(x):
    """Moments of p(z|x) for x = zW + b + σε: diagonal, since the rows of W are orthogonal."""
    variance = 1 / (1 + WEIGHT.square().sum(-1) / NOISE**2)
    mean = variance * ((x - SHIFT) @ WEIGHT.T) / NOISE**2
    return mean, variance.log().expand_as(mean)


def wrong_posterior(x):
    mean, log_variance = posterior(x)
    return mean + 0.2, log_variance + 0.7


def linear_gaussian(encode):
    model = AlphaBridge(Lambda(lambda z: z @ WEIGHT + SHIFT), Lambda(encode), nn.Identity())
    model.double().log_sigma.fill_(math.log(NOISE))  # more digits than the argument keeps
    return model


def exact_log_likelihood(x):
    covariance = WEIGHT.T @ WEIGHT + NOISE**2 * torch.eye(FEATURES, dtype=torch.float64)
    return MultivariateNormal(SHIFT, covariance).log_prob(x)


@pytest.mark.parametrize("draws", [1, 10])
def test_the_bound_is_exact_when_the_encoder_is(draws):
    x = samples()
    bound = linear_gaussian(posterior).log_likelihood_bound(x, draws)
    torch.testing.assert_close(bound, exact_log_likelihood(x), rtol=1e-10, atol=1e-10)


def test_the_bound_rises_with_the_draws_and_stays_below_the_likelihood():
    model, x = linear_gaussian(wrong_posterior), samples(count=20_000)
    bounds = [model.log_likelihood_bound(x, draws).mean().item() for draws in (1, 3, 10, 30)]
    exact = exact_log_likelihood(x).mean().item()
    assert bounds == sorted(bounds)
    assert bounds[0] < exact - 0.1
    assert bounds[-1] < exact < bounds[-1] + 0.02


def test_one_draw_of_the_bound_falls_short_by_the_divergence_of_the_encoder():
    model, x = linear_gaussian(wrong_posterior), samples(count=20_000)
    (mean, log_variance), (wrong_mean, wrong_log_variance) = posterior(x), wrong_posterior(x)
    divergence = torch.distributions.kl_divergence(
        torch.distributions.Normal(wrong_mean, (wrong_log_variance / 2).exp()),
        torch.distributions.Normal(mean, (log_variance / 2).exp()),
    ).sum(-1)
    gap = exact_log_likelihood(x) - model.log_likelihood_bound(x, draws=1)
    torch.testing.assert_close(gap.mean(), divergence.mean(), atol=0.03, rtol=0)


def test_the_trials_have_bounds_of_their_own():
    model, x = bridge(trials=2), samples(trials=2)
    first = model.log_likelihood_bound(x, 2, rng())[0]
    changed = torch.stack([x[0], x[1] + 1])
    assert torch.equal(model.log_likelihood_bound(changed, 2, rng())[0], first)


def test_a_bound_without_draws_is_refused():
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        bridge().log_likelihood_bound(samples(), draws=0)


# What is saved


@pytest.mark.parametrize("learn_noise", [False, True])
def test_a_state_dict_brings_back_the_networks_and_the_noise(learn_noise):
    model, other = (bridge(noise=noise, learn_noise=learn_noise) for noise in (0.4, 1.0))
    other.load_state_dict(model.state_dict())
    x = samples()
    assert torch.equal(other.sigma, model.sigma)
    assert torch.equal(other.sample(5, rng()), model.sample(5, rng()))
    assert torch.equal(other.log_ratio(x), model.log_ratio(x))
    assert torch.equal(other.encode(x), model.encode(x))


def test_a_copy_is_independent():
    model = bridge()
    other = copy.deepcopy(model)
    with torch.no_grad():
        next(other.network_parameters("generator")).add_(1)
    assert not torch.equal(other.sample(5, rng()), model.sample(5, rng()))
