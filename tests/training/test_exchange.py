"""Gradients leave while backward passes go on, in one order, and come back as their means.

The other process is made up here: its gradients are three times this one's, so that the mean is
exactly twice this one's. ``test_distributed`` has two real ones.
"""

from contextlib import nullcontext
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
from torch import distributed

from alpha_bridge.errors import Lost
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.objective import DataBridge
from alpha_bridge.penalty import R1
from alpha_bridge.training import Optimization, TrainState
from alpha_bridge.training.update import completed, update, update_discriminator
from tests.training.draws import draw, gradients_seen

LATENT, FEATURES, BATCH = 2, 3, 8

shared_or_own_passes = pytest.mark.parametrize("one_backward", [True, False])


def processes(count):
    return SimpleNamespace(num_processes=count, process_index=0, autocast=nullcontext)


def build(trials=None):
    torch.manual_seed(0)
    sizes = {"hidden": (6,), "trials": trials}
    return AlphaBridge(
        MLPGenerator(LATENT, FEATURES, **sizes),
        MLPEncoder(LATENT, FEATURES, **sizes),
        MLPDiscriminator(FEATURES, **sizes),
        learn_noise=True,
    ).double()


def frozen():
    model = build()
    model.encoder.requires_grad_(False)
    return model


def tied():
    model = build()
    model.encoder[0].bias = model.discriminator[0].bias = model.generator[0].bias
    return model


MODELS = {"plain": build, "trials": lambda: build(3), "frozen encoder": frozen, "tied": tied}


def step(model, count, alpha=0.5, one_backward=True, alone=False):
    """One update: the gradients that the optimisers are given, by network."""
    state = TrainState.start(model, Optimization())
    seen, objective = gradients_seen(state), DataBridge(one_backward=one_backward)
    x, noise = draw((*model.trial_shape, BATCH), FEATURES, LATENT, seed=1)
    if alone:
        update_discriminator(state, x, noise, objective, R1(), processes(count))
    else:
        update(state, x, noise, alpha, SigmoidGamma(), objective, R1(), processes(count))
    return seen


class Other:
    """A process whose gradients are three times this one's."""

    def __init__(self):
        self.events = []

    def all_reduce(self, flat, async_op):
        assert async_op
        self.events.append(("sent", flat.numel()))

        def wait():
            self.events.append(("awaited", flat.numel()))
            flat.mul_(4)

        return SimpleNamespace(wait=wait)

    @property
    def sent(self):
        return [size for event, size in self.events if event == "sent"]


@pytest.fixture
def other(monkeypatch):
    other = Other()
    monkeypatch.setattr(distributed, "all_reduce", other.all_reduce)
    return other


def sizes(model):
    return {name: sum(p.numel() for p in model.network_parameters(name)) for name in NETWORKS}


# When they leave


@shared_or_own_passes
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_two_networks_leave_before_the_last_gradient_of_the_third(other, alpha, one_backward):
    model, size = build(), sizes(build())
    *early, late = completed(alpha)
    for parameter in model.network_parameters(late):
        parameter.register_post_accumulate_grad_hook(lambda _: other.events.append(("made", 1)))
    step(model, 2, alpha=alpha, one_backward=one_backward)
    last = max(place for place, (event, _) in enumerate(other.events) if event == "made")
    sent = [count for event, count in other.events[:last] if event == "sent"]
    assert sent == [size[network] for network in early]


@shared_or_own_passes
def test_the_last_network_leaves_in_its_own_backward_pass(other, monkeypatch, one_backward):
    backward = torch.Tensor.backward

    def noted(self, **options):
        backward(self, **options)
        other.events.append(("passed", len(other.sent)))

    monkeypatch.setattr(torch.Tensor, "backward", noted)
    step(build(), 2, one_backward=one_backward)
    assert [sent for event, sent in other.events if event == "passed"][-1] == 3


def test_none_is_awaited_before_all_have_left(other):
    step(build(), 2)
    assert [event for event, _ in other.events] == ["sent"] * 3 + ["awaited"] * 3


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_order_is_that_of_all_processes_whatever_passes_they_have(other, alpha):
    size = sizes(build())
    if alpha == 1:
        size["generator"] -= 1  # σ has no gradient
    for divisible in ([True, True], [True, False], [False, True], [False, False]):
        other.events.clear()
        with patch("alpha_bridge.objective.data.divisible", lambda *_, found=divisible: found):
            step(build(), 2, alpha=alpha)
        assert other.sent == [size[network] for network in completed(alpha)]


def test_a_step_of_the_discriminator_alone_exchanges_its_gradients_alone(other):
    step(build(), 2, alone=True)
    assert other.sent == [sizes(build())["discriminator"]]


def test_one_process_sends_nothing(other):
    step(build(), 1)
    assert not other.events


# What comes back


@shared_or_own_passes
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", MODELS)
def test_every_gradient_is_replaced_by_the_mean_once(other, kind, alpha, one_backward):
    alone = step(MODELS[kind](), 1, alpha, one_backward)
    assert not other.events
    both = step(MODELS[kind](), 2, alpha, one_backward)
    assert both.keys() == alone.keys()
    for network, gradients in alone.items():
        for mean, own in zip(both[network], gradients, strict=True):
            assert (mean is None) == (own is None)
            assert own is None or torch.equal(mean, 2 * own)


@pytest.mark.usefixtures("other")
def test_a_parameter_of_two_networks_waits_for_the_passes_of_both():
    with patch("alpha_bridge.objective.data.divisible", lambda *_: [True, False]):
        alone, both = (step(tied(), count)["generator"] for count in (1, 2))
    for mean, own in zip(both, alone, strict=True):
        assert torch.equal(mean, 2 * own)


# What goes wrong


def test_an_error_in_a_backward_pass_leaves_no_hooks_behind(other):
    model = build()

    def fail(_):
        raise KeyError("mine")

    hook = model.generator[0].weight.register_hook(fail)
    with pytest.raises(KeyError, match="mine"):
        step(model, 2)
    assert other.sent  # others wait for this process, which is about to end
    hook.remove()
    assert not any(p._post_accumulate_grad_hooks for p in model.parameters())


@pytest.mark.parametrize("place", ["all_reduce", "wait"])
def test_a_failed_exchange_is_the_loss_of_a_process(monkeypatch, place):
    def fail(*_, **__):
        raise RuntimeError("[pair.cc:1] Connection closed by peer")

    work = SimpleNamespace(wait=fail)
    failing = fail if place == "all_reduce" else lambda *_, **__: work
    monkeypatch.setattr(distributed, "all_reduce", failing)
    with pytest.raises(Lost, match=r"process 0 of 2 lost another, .*Connection closed by peer"):
        step(build(), 2)
