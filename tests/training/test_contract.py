"""Three modules that do not fit one another fail before the first update, by a line."""

import pytest
import torch
from torch import nn

from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import Marginals
from alpha_bridge.objective import JointBridge, MarginalBridge
from alpha_bridge.path import AlphaPath, constant
from alpha_bridge.training import Callback, fit

X = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
PATH = AlphaPath.three_steps(ml=1, transfer=1, adversarial=1)


class Gives(nn.Linear):
    """A network that makes ``make`` of what its layer gives."""

    def __init__(self, inputs, outputs, make):
        super().__init__(inputs, outputs)
        self.make = make

    def forward(self, x):
        return self.make(super().forward(x))


def trained(generator=(2, 3), encoder=(3, 4), discriminator=(3, 1), **options):
    networks = (generator, encoder, discriminator)
    modules = [nn.Linear(*net) if isinstance(net, tuple) else net for net in networks]
    data = options.pop("data", X)
    return fit(AlphaBridge(*modules), data, PATH, batch_size=8, **options)


@pytest.mark.parametrize(
    "networks",
    [
        {},
        {"encoder": Gives(3, 4, lambda h: h.chunk(2, -1))},
        {"discriminator": Gives(3, 1, lambda h: h.squeeze(-1))},
        {"objective": JointBridge(), "discriminator": (5, 1)},
        {
            "objective": MarginalBridge(),
            "discriminator": Marginals(nn.Linear(3, 1), nn.Linear(2, 1)),
        },
    ],
    ids=["one tensor", "a pair", "logits (N,)", "pairs", "marginals"],
)
def test_any_three_modules_that_fit_are_trained(networks):
    state = trained(**networks)
    assert state.step == len(PATH)
    assert state.model.latent_shape == (2,)


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ({"encoder": (3, 5)}, "an encoder must give mean and log-variance.*halves of a tensor"),
        ({"encoder": (4, 4)}, r"the encoder, a Linear, .* takes 4 numbers, and got 3"),
        ({"encoder": Gives(3, 4, lambda h: h.sum(0, True))}, "must give a mean for each sample"),
        ({"encoder": (3, 6)}, r"the generator, a Linear, cannot take latents of shape \(3,\)"),
        ({"generator": (2, 5)}, r"samples like the data's, .* \(8, 3\) .*got Tensor \(8, 5\)"),
        ({"generator": Gives(2, 3, lambda h: (h, h))}, r"must give samples like .*got tuple$"),
        ({"discriminator": (4, 1)}, "the discriminator, a Linear, cannot take samples of shape"),
        ({"discriminator": (3, 2)}, r"must give one number for each sample, got shape \(8, 2\)"),
        (
            {"objective": MarginalBridge(), "prior": torch.zeros(9, 5)},
            r"gives latents of shape \(2,\), and the second domain has \(5,\): make both the same",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused_by_a_line(networks, message):
    with pytest.raises(ValueError, match=message) as refused:
        trained(**networks)
    assert "\n" not in str(refused.value)


def test_latents_of_another_size_than_the_generator_states_are_refused():
    generator = nn.Linear(2, 3)
    generator.latent_shape = (2,)
    with pytest.raises(
        ValueError, match=r"latents of shape \(1,\), and the generator takes \(2,\)"
    ):
        trained(generator, (3, 2))


def test_the_trial_leaves_the_networks_alone():
    encoder = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4))
    model = AlphaBridge(nn.Linear(2, 3), encoder, nn.Linear(3, 1))
    fit(model, X, constant(0.0, 0), batch_size=8)
    assert model.training and int(model.encoder[0].num_batches_tracked) == 0


def test_what_is_no_module_or_no_path_is_refused():
    with pytest.raises(ValueError, match=r"the encoder must be a torch.nn.Module, got function"):
        AlphaBridge(nn.Linear(2, 3), lambda x: x, nn.Linear(3, 1))
    bridge = AlphaBridge(nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(3, 1))
    with pytest.raises(ValueError, match=r"path must be an AlphaPath, .*three_steps.*, got int"):
        fit(bridge, X, 1000)


# Callbacks


def test_a_function_is_a_callback_and_sees_every_update():
    steps = []
    trained(callbacks=[lambda event: steps.append(event.step)])
    assert steps == [1, 2, 3]


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([lambda *, loss: loss], r"takes the Event of an update, got <lambda> .too many"),
        ([Callback], r"got Callback \(a class: make an instance of it\)"),
        (["print"], r"got 'print' \(no function\)"),
        (Callback(), "callbacks must be a list, .*: put it in brackets"),
    ],
)
def test_what_is_no_callback_is_refused(callbacks, message):
    with pytest.raises(ValueError, match=message):
        trained(callbacks=callbacks)
