"""Any encoder and any decoder as the arms of a bridge, and the map between their latents."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from alpha_bridge import AlphaPath, fit
from alpha_bridge.vae import VAEEncoder, VAEGenerator
from alpha_bridge.vae import bridge as bridge_vae

MEAN, LOG_VARIANCE = torch.full((5, 2), 0.3), torch.full((5, 2), -1.0)


class Gives(nn.Module):
    """A network that gives what it is told to."""

    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, _):
        return self.output


def namespace(**values):
    return SimpleNamespace(**values)


@pytest.mark.parametrize(
    "output",
    [
        (MEAN, LOG_VARIANCE),
        [MEAN, LOG_VARIANCE],
        torch.cat([MEAN, LOG_VARIANCE], 1),
        namespace(mean=MEAN, logvar=LOG_VARIANCE),
        namespace(mean=MEAN, log_variance=LOG_VARIANCE),
        namespace(embedding=MEAN, log_covariance=LOG_VARIANCE),
        namespace(latent_dist=namespace(mean=MEAN, logvar=LOG_VARIANCE)),
    ],
    ids=["pair", "list", "halves", "logvar", "log_variance", "pythae", "diffusers"],
)
def test_moments_are_read_however_they_are_given(output):
    mean, log_variance = VAEEncoder(Gives(output))(torch.zeros(5, 3))
    assert torch.equal(mean, MEAN)
    assert torch.equal(log_variance, LOG_VARIANCE)


@pytest.mark.parametrize("name", ["sample", "reconstruction"])
def test_samples_are_read_however_they_are_given(name):
    x = torch.ones(5, 3)
    z = torch.zeros(5, 2)
    assert torch.equal(VAEGenerator(Gives(x), (2,))(z), x)
    assert torch.equal(VAEGenerator(Gives(namespace(**{name: x})), (2,))(z), x)


@pytest.mark.parametrize("output", [torch.zeros(5, 3), namespace(mean=MEAN), (MEAN,), None])
def test_an_encoder_without_moments_is_refused(output):
    with pytest.raises(ValueError, match=r"must give mean and log-variance.*wrap it"):
        VAEEncoder(Gives(output))(torch.zeros(5, 3))


def test_a_decoder_without_samples_is_refused():
    with pytest.raises(ValueError, match=r"a decoder must give a tensor.*NoneType"):
        VAEGenerator(Gives(None), (2,))(torch.zeros(5, 2))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_latent_scale_out_of_its_range_is_refused(scale):
    with pytest.raises(ValueError, match="latent scale must be positive and finite"):
        VAEEncoder(nn.Linear(3, 4), scale)


def test_latents_are_mapped_as_a_gaussian_is():
    encoder = VAEEncoder(Gives((MEAN, LOG_VARIANCE)), scale=0.5, shift=0.1)
    mean, log_variance = encoder(torch.zeros(5, 3))
    assert torch.allclose(mean, 0.5 * (MEAN - 0.1))
    assert torch.allclose(log_variance.exp(), 0.25 * LOG_VARIANCE.exp())


def test_the_generator_undoes_the_map_of_the_encoder():
    z = torch.randn(5, 2, 3, 3)
    scale, shift = torch.tensor([0.5, 2.0]).reshape(2, 1, 1), torch.ones(2, 1, 1)
    encoder = VAEEncoder(Gives((z, z)), scale, shift)
    generator = VAEGenerator(nn.Identity(), (2, 3, 3), scale, shift)
    assert torch.allclose(generator(encoder(z)[0]), z, atol=1e-6)


def vae(scale=1.0):
    """A linear VAE whose reconstructions are off by 0.1, and data for it."""
    torch.manual_seed(0)
    x = torch.randn(300, 2)
    encoder = nn.Linear(2, 4)
    decoder = nn.Linear(2, 2)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [0, 0], [0, 0]]) * scale)
        encoder.bias.copy_(torch.tensor([0.0, 0, -20, -20]))
        decoder.weight.copy_(torch.eye(2) / scale)
        decoder.bias.fill_(0.1)
    return encoder, decoder, nn.Linear(2, 1), x


def test_a_bridge_from_a_vae_makes_its_reconstructions():
    encoder, decoder, discriminator, x = vae()
    bridge = bridge_vae(encoder, decoder, discriminator, x)
    assert torch.allclose(bridge.reconstruct(x), x + 0.1, atol=1e-5)
    assert bridge.latent_shape == (2,)
    assert bridge.training


def test_the_noise_is_the_error_of_reconstructions():
    *networks, x = vae()
    assert bridge_vae(*networks, x).sigma.item() == pytest.approx(0.1, rel=1e-3)


def test_the_noise_can_be_given_and_learned():
    *networks, x = vae()
    bridge = bridge_vae(*networks, x, noise=0.3, learn_noise=True)
    assert bridge.sigma.item() == pytest.approx(0.3)
    assert bridge.log_sigma in set(bridge.network_parameters("generator"))


@pytest.mark.parametrize("noise", [0.0, -1.0])
def test_noise_out_of_its_range_is_refused(noise):
    *networks, x = vae()
    with pytest.raises(ValueError, match="noise must be positive"):
        bridge_vae(*networks, x, noise=noise)


def test_the_networks_themselves_are_trained():
    encoder, decoder, discriminator, x = vae()
    bridge = bridge_vae(encoder, decoder, discriminator, x)
    assert set(decoder.parameters()) == set(bridge.network_parameters("generator"))
    assert set(encoder.parameters()) == set(bridge.network_parameters("encoder"))


def test_latents_of_another_scale_are_refused_with_the_one_to_give():
    *networks, x = vae(scale=5.0)
    with pytest.raises(
        ValueError, match=r"root mean square of (4\.\d+|5\.\d+) .*scale of 0\.(\d+)"
    ):
        bridge_vae(*networks, x)


def test_the_scale_that_is_asked_for_is_accepted():
    *networks, x = vae(scale=5.0)
    bridge = bridge_vae(*networks, x, latent_scale=0.2)
    assert bridge.encode(x).std().item() == pytest.approx(1, abs=0.1)
    assert torch.allclose(bridge.reconstruct(x), x + 0.1, atol=1e-4)


def test_latents_that_nothing_draws_may_have_any_scale():
    *networks, x = vae(scale=0.05)
    bridge = bridge_vae(*networks, x, sampled=False)
    assert bridge.encode(x).square().mean().sqrt() < 0.1
    assert torch.allclose(bridge.reconstruct(x), x + 0.1, atol=1e-4)


def test_a_decoder_of_other_samples_is_refused():
    encoder, _, discriminator, x = vae()
    with pytest.raises(ValueError, match=r"samples of shape \(7,\) of samples of shape \(2,\)"):
        bridge_vae(encoder, nn.Linear(2, 7), discriminator, x)


def of_images(encoder=3, decoder=4, discriminator=3):
    """Networks of images of 8 pixels, with that many channels, or numbers of a latent."""
    return (
        nn.Sequential(nn.Conv2d(encoder, 4, 3, 2, 1), nn.Flatten(), nn.Linear(64, 8)),
        nn.Sequential(nn.Linear(decoder, 192), nn.Unflatten(1, (3, 8, 8))),
        nn.Sequential(nn.Conv2d(discriminator, 4, 3, 2, 1), nn.Flatten(), nn.Linear(64, 1)),
    )


@pytest.mark.parametrize(
    ("networks", "shape", "says"),
    [
        (
            {},
            (4, 8, 8),
            r"encoder, .* shape \(4, 8, 8\): a Conv2d of it takes 3 channels, and got 4",
        ),
        ({}, (3, 9, 9), r"encoder, .* shape \(3, 9, 9\): a Linear of it takes 64 numbers, and got"),
        ({"decoder": 5}, (3, 8, 8), r"decoder, .* takes 5 numbers, and got 4"),
        (
            {"discriminator": 1},
            (3, 8, 8),
            r"discriminator, .* takes 1 channel, and got 3: make both fit",
        ),
    ],
)
def test_networks_of_other_channels_are_refused_by_a_line(networks, shape, says):
    with pytest.raises(ValueError, match=f"the {says}") as refused:
        bridge_vae(*of_images(**networks), torch.randn(30, *shape), sampled=False)
    assert "\n" not in str(refused.value)


def test_discriminators_of_pairs_and_of_smaller_images_are_taken():
    x = torch.randn(30, 3, 8, 8)
    encoder, decoder, _ = of_images()
    bridge_vae(encoder, decoder, nn.Linear(192 + 4, 1), x, sampled=False)
    bridge_vae(nn.Linear(3, 4), nn.Linear(2, 3), nn.Linear(3 + 2, 1), torch.randn(99, 3))
    smaller = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Flatten(), nn.Linear(16, 1))
    bridge_vae(encoder, decoder, smaller, x, sampled=False)
    with pytest.raises(ValueError, match=r"discriminator, a Linear, .* takes 9 numbers, and got 3"):
        bridge_vae(nn.Linear(3, 4), nn.Linear(2, 3), nn.Linear(9, 1), torch.randn(99, 3))


def test_networks_with_batch_normalisation_are_averaged_with_their_statistics():
    _, _, discriminator, x = vae()
    encoder = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 4))
    decoder = nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
    bridge = bridge_vae(encoder, decoder, discriminator, x, latent_scale=1.0)
    state = fit(bridge, x, AlphaPath.three_steps(ml=1, transfer=3, adversarial=1), batch_size=32)
    for arm in ("generator", "encoder"):
        averaged = dict(state.average.module.get_submodule(arm).named_buffers())
        trained = dict(bridge.get_submodule(arm).named_buffers())
        assert any(name.endswith("num_batches_tracked") for name in trained)
        assert all(torch.equal(averaged[name], value) for name, value in trained.items())
    moved = bridge.generator.network[1].running_mean.abs().sum()
    assert moved > 0
    assert state.averaged().eval().reconstruct(x).isfinite().all()


def test_the_map_of_the_latents_is_kept_with_the_weights():
    *networks, x = vae(scale=5.0)
    bridge = bridge_vae(*networks, x, latent_scale=0.2, latent_shift=0.1)
    state = bridge.state_dict()
    for arm in ("generator", "encoder"):
        assert state[f"{arm}.scale"].item() == pytest.approx(0.2)
        assert state[f"{arm}.shift"].item() == pytest.approx(0.1)


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize(
    "x",
    [torch.empty(0, 3), torch.full((9, 3), torch.nan), torch.ones(9, 3, dtype=torch.uint8)],
    ids=["none", "no numbers", "bytes"],
)
def test_samples_that_nothing_can_be_measured_on_are_refused(x, sampled):
    networks = nn.Linear(3, 4), nn.Linear(2, 3), nn.Linear(3, 1)
    with pytest.raises(ValueError, match="x must be samples of finite floats"):
        bridge_vae(*networks, x, sampled=sampled)
