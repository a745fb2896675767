"""Convolutional networks: every size that they take, and what they refuse."""

import pytest
import torch

from alpha_bridge.networks import ConvDiscriminator, ConvEncoder, ConvGenerator
from tests.looping import at_each

SIZES = [8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64]
LATENT = 3

every_size = at_each("size", SIZES)
every_colour = pytest.mark.parametrize("channels", [1, 2, 3])

BUILD = {
    "generator": lambda *args, **options: ConvGenerator(LATENT, *args, **options),
    "encoder": lambda *args, **options: ConvEncoder(LATENT, *args, **options),
    "discriminator": ConvDiscriminator,
}
every_network = pytest.mark.parametrize("kind", BUILD)


def network(kind, size=8, channels=1, width=2, hidden=4, **options):
    return BUILD[kind](size, channels, width=width, hidden=hidden, **options).double()


def batch(kind, size=8, channels=1, count=3):
    shape = (LATENT,) if kind == "generator" else (channels, size, size)
    return torch.randn(count, *shape, dtype=torch.float64)


def outputs(module, x):
    y = module(x)
    return list(y) if isinstance(y, tuple) else [y]


@every_size
@every_colour
def test_the_generator_gives_images_of_its_size(size, channels):
    images = network("generator", size, channels)(batch("generator"))
    assert images.shape == (3, channels, size, size)


@every_size
@every_colour
def test_the_encoder_gives_two_moments(size, channels):
    moments = network("encoder", size, channels)(batch("encoder", size, channels))
    assert [moment.shape for moment in moments] == [(3, LATENT), (3, LATENT)]


@every_size
@every_colour
def test_the_discriminator_gives_one_logit(size, channels):
    x = batch("discriminator", size, channels)
    assert network("discriminator", size, channels)(x).shape == (3, 1)


@every_size
def test_images_are_halved_to_a_base_of_four_to_seven_pixels(size):
    base = network("generator", size)[3].size
    assert 4 <= base <= 7


@every_colour
def test_images_lie_within_the_range_of_the_data(channels):
    images = network("generator", channels=channels)(100 * batch("generator"))
    assert images.abs().max() <= 1


@every_size
@every_colour
def test_weights_that_are_channels_last_in_memory_give_such_images(size, channels):
    generator = network("generator", size, channels).to(memory_format=torch.channels_last)
    assert generator(batch("generator")).is_contiguous(memory_format=torch.channels_last)


@every_network
def test_channels_double_with_each_halving(kind):
    inputs_and_outputs = {
        tuple(sorted((layer.in_channels, layer.out_channels)))
        for layer in network(kind, size=64, width=3).modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d)
    }
    assert inputs_and_outputs == {(1, 3), (3, 6), (6, 12), (12, 24)}


@every_network
def test_every_parameter_takes_part(kind):
    module = network(kind)
    sum(y.square().sum() for y in outputs(module, batch(kind))).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in module.parameters())


def test_the_generator_states_the_shape_of_its_latents():
    assert network("generator").latent_shape == (LATENT,)


@every_network
@at_each("size", [0, 1, 4, 7, 9, 11, 18, 22, 30, 33, 36, 65, 128, 256])
def test_a_size_that_does_not_halve_to_the_base_is_refused(kind, size):
    with pytest.raises(ValueError, match=f"images of {size} pixels .*resize them"):
        network(kind, size)


@every_network
def test_trials_are_refused_with_a_way_out(kind):
    with pytest.raises(ValueError, match="got trials=3: run the trials one after the other"):
        network(kind, trials=3)


@every_network
@pytest.mark.parametrize("name", ["channels", "width"])
def test_a_count_below_one_is_refused(kind, name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        network(kind, **{name: 0})


@pytest.mark.parametrize("player", ["discriminator", "encoder", "generator"])
def test_vectors_and_images_have_one_order_in_memory(player):
    network_ = network(player).to(memory_format=torch.channels_last)
    x = batch(player)
    x = x.to(memory_format=torch.channels_last) if x.ndim == 4 else x
    for layer in network_:
        before, x = x, layer(x)
        if (
            isinstance(before, torch.Tensor)
            and isinstance(x, torch.Tensor)
            and before.ndim != x.ndim
        ):
            assert x.untyped_storage().data_ptr() == before.untyped_storage().data_ptr()
