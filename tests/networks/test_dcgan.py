"""The DCGAN's networks: what they share with the others, and the scale of their signal."""

import pytest
import torch

from alpha_bridge.networks import DCGANDiscriminator, DCGANEncoder, DCGANGenerator

SIZES = [8, 28, 32, 64]
LATENT = 3

every_size = pytest.mark.parametrize("size", SIZES)

BUILD = {
    "generator": lambda *args, **options: DCGANGenerator(LATENT, *args, **options),
    "encoder": lambda *args, **options: DCGANEncoder(LATENT, *args, **options),
    "discriminator": DCGANDiscriminator,
}
every_network = pytest.mark.parametrize("kind", BUILD)


def network(kind, size=8, channels=3, width=2, **options):
    return BUILD[kind](size, channels, width=width, **options).double()


def batch(kind, size=8, channels=3, count=3):
    shape = (LATENT,) if kind == "generator" else (channels, size, size)
    return torch.randn(count, *shape, dtype=torch.float64)


def outputs(module, x):
    y = module(x)
    return list(y) if isinstance(y, tuple) else [y]


def convolutions(module):
    kinds = torch.nn.Conv2d | torch.nn.ConvTranspose2d
    return [layer for layer in module.modules() if isinstance(layer, kinds)]


@every_size
def test_the_generator_gives_images_of_its_size(size):
    assert network("generator", size)(batch("generator")).shape == (3, 3, size, size)


@every_size
def test_the_encoder_gives_two_moments(size):
    moments = network("encoder", size)(batch("encoder", size))
    assert [moment.shape for moment in moments] == [(3, LATENT), (3, LATENT)]


@every_size
def test_the_discriminator_gives_one_logit(size):
    x = batch("discriminator", size)
    assert network("discriminator", size)(x).shape == (3, 1)


@every_network
def test_every_layer_is_a_convolution(kind):
    layers = [layer for layer in network(kind, 64).modules() if [*layer.parameters(False)]]
    assert layers == convolutions(torch.nn.Sequential(*layers))
    assert len(layers) == 5


@every_network
def test_channels_double_with_each_halving(kind):
    sizes = {
        tuple(sorted((layer.in_channels, layer.out_channels)))
        for layer in convolutions(network(kind, size=64, width=4))
        if layer.stride == (2, 2)
    }
    assert sizes == {(3, 4), (4, 8), (8, 16), (16, 32)}


@every_network
def test_every_parameter_takes_part(kind):
    module = network(kind, width=8)
    sum(y.square().sum() for y in outputs(module, batch(kind))).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in module.parameters())


def results(module, x):
    """Outputs, and the gradients of all parameters."""
    found = outputs(module, x)
    return [*found, *torch.autograd.grad(sum(map(torch.sum, found)), [*module.parameters()])]


@every_network
def test_rectifiers_work_in_place_and_nothing_else_changes(kind):
    module, x = network(kind), batch(kind)
    rectifiers = [layer for layer in module if hasattr(layer, "inplace")]
    assert rectifiers and all(layer.inplace for layer in rectifiers)
    of = results(module, x)
    for layer in rectifiers:
        layer.inplace = False
    assert all(map(torch.equal, of, results(module, x)))


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_the_first_weights_keep_the_scale_of_the_signal(kind):
    module = network(kind, size=64, width=24)
    scales = []
    for layer in convolutions(module)[:-1]:
        layer.register_forward_hook(lambda _, __, y: scales.append(y.detach().square().mean()))
    module(batch(kind, size=64, count=32))
    assert len(scales) == 4
    assert max(scales) / min(scales) < 4


def test_the_generator_states_the_shape_of_its_latents():
    assert network("generator").latent_shape == (LATENT,)


@every_network
@pytest.mark.parametrize("size", [7, 30, 128])
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
