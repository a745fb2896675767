"""The forward and backward passes of one update: as many as docs/speed.md derives, and no more."""

from collections import Counter

import pytest
import torch
from accelerate import Accelerator

from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.objective import DataBridge, Noise
from alpha_bridge.penalty import R1, R1R2, GradientPenalty, Regularizer
from alpha_bridge.training import Optimization, TrainState
from alpha_bridge.training.update import update

FORWARD = {"generator": 2, "encoder": 1, "discriminator": 2}
BACKWARD = {
    0.0: {"generator": 1, "encoder": 1, "discriminator": 2},
    0.5: {"generator": 2, "encoder": 1, "discriminator": 2},
    1.0: {"generator": 2, "encoder": 1, "discriminator": 2},
}
PENALTY = {"discriminator": 1, "double": 1}

steps = pytest.mark.parametrize("alpha", BACKWARD, ids=["I", "II", "III"])


def passes(alpha, regularizer=None, objective=None, logit=0.0):
    """Forward and backward passes through each network in one update, with logits of some size."""
    bridge = AlphaBridge(
        MLPGenerator(2, 3, (6,)), MLPEncoder(2, 3, (6,)), MLPDiscriminator(3, (6,))
    )
    with torch.no_grad():
        bridge.discriminator[-1].bias.fill_(logit)
    forward, backward = Counter(), Counter()

    def watch(network):
        def passed(_module, inputs, outputs):
            forward[network] += 1
            output = outputs[0] if isinstance(outputs, tuple) else outputs
            if output.requires_grad:  # whatever goes back through the network begins here
                output.register_hook(lambda _gradient: backward.update([network]))
            if inputs[0].is_leaf and inputs[0].requires_grad:
                inputs[0].register_hook(watch_slope)

        return passed

    def watch_slope(gradient):
        if gradient.requires_grad:
            gradient.register_hook(lambda _gradient: backward.update(["double"]))

    for network in NETWORKS:
        bridge.get_submodule(network).register_forward_hook(watch(network))
    update(
        TrainState.start(bridge, Optimization()),
        torch.randn(8, 3),
        Noise(torch.randn(8, 2), torch.randn(8, 2), torch.rand(8)),
        alpha,
        SigmoidGamma(),
        objective or DataBridge(),
        regularizer or Regularizer(),
        Accelerator(),
    )
    return forward, backward


@steps
def test_each_network_runs_as_often_as_the_algorithm_needs(alpha):
    forward, _ = passes(alpha)
    assert forward == FORWARD


@steps
def test_each_network_is_gone_back_through_as_often_as_the_algorithm_needs(alpha):
    _, backward = passes(alpha)
    assert backward == BACKWARD[alpha]


@steps
def test_the_penalty_costs_a_slope_and_a_way_back_through_it(alpha):
    forward, backward = passes(alpha, R1())
    assert forward == FORWARD
    assert backward == Counter(BACKWARD[alpha]) + Counter(PENALTY)


@steps
def test_a_penalty_on_fakes_costs_a_forward_pass_of_its_own_as_well(alpha):
    """R2: the fakes once more, their slope, and a way back through it."""
    forward, backward = passes(alpha, R1R2())
    assert forward == Counter(FORWARD) + Counter(discriminator=1)
    assert backward == Counter(BACKWARD[alpha]) + Counter(PENALTY) + Counter(PENALTY)


@steps
def test_a_penalty_that_asks_for_no_logits_of_fakes_makes_no_pass_of_them(alpha):
    forward, _ = passes(alpha, GradientPenalty())
    assert forward == Counter(FORWARD) + Counter(discriminator=1)  # of the points between


def test_passes_of_their_own_cost_one_more_through_generator_and_discriminator():
    _, backward = passes(0.5, objective=DataBridge(one_backward=False))
    assert backward == Counter(BACKWARD[0.5]) + Counter(generator=1, discriminator=1)


@pytest.mark.parametrize(("logit", "more"), [(-100.0, 1), (-40.0, 0), (100.0, 0)])
def test_fakes_beyond_doubt_cost_one_more_through_the_discriminator(logit, more):
    _, backward = passes(1.0, logit=logit)
    assert backward == Counter(BACKWARD[1.0]) + Counter(discriminator=more)
