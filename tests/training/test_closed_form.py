"""An update in closed form, against passes of autograd for each loss; and when it is taken."""

import copy
import math

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from alpha_bridge.adversarial import Bridge, FixedSum, Hinge, JensenShannon, Wasserstein
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator, MLPTranslator
from alpha_bridge.objective import DataBridge, ReconstructionBridge
from alpha_bridge.path import AlphaPath
from alpha_bridge.penalty import R1, R1R2, Regularizer
from alpha_bridge.training import Optimization, TrainState, fit
from alpha_bridge.training.closed_form import ClosedForm
from alpha_bridge.training.update import update
from tests.training.draws import draw, gradients_seen

LATENT, FEATURES, BATCH = 2, 3, 8

at_each_step = pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0], ids=["I", "II", "III"])
alone_and_stacked = pytest.mark.parametrize("trials", [None, 3], ids=["alone", "stacked"])


def model(trials=None, **options):
    torch.manual_seed(0)
    sizes = {"hidden": (6, 5), "trials": trials}
    return AlphaBridge(
        MLPGenerator(LATENT, FEATURES, **sizes),
        MLPEncoder(LATENT, FEATURES, **sizes),
        MLPDiscriminator(FEATURES, **sizes),
        noise=0.5,
        **options,
    )


def updated(bridge, alpha, objective, regularizer=None):
    """What an update makes of a copy: the gradients of each network, and the numbers."""
    state = TrainState.start(copy.deepcopy(bridge), Optimization())
    seen = gradients_seen(state)
    x, noise = draw((*bridge.trial_shape, BATCH), FEATURES, LATENT, 0)
    dtype = bridge.log_sigma.dtype
    x, noise = x.to(dtype), type(noise)(noise.prior.to(dtype), noise.posterior.to(dtype))
    slots = SigmoidGamma(), objective, regularizer or R1(weight=3.0), Accelerator()
    return seen, update(state, x, noise, alpha, *slots)


def both(bridge, alpha, regularizer=None, **options):
    """In closed form, and by passes of its own for each loss."""
    return (
        updated(bridge, alpha, DataBridge(one_backward=one_backward, **options), regularizer)
        for one_backward in (True, False)
    )


@alone_and_stacked
@at_each_step
@pytest.mark.parametrize("regularizer", [Regularizer(), R1(weight=3.0)], ids=["free", "R1"])
@pytest.mark.parametrize(
    "adversarial", [Bridge(), Hinge(), FixedSum(0.3), JensenShannon(), Wasserstein()], ids=repr
)
def test_gradients_are_those_of_plain_passes(adversarial, regularizer, alpha, trials):
    closed, plain = both(model(trials).double(), alpha, regularizer, adversarial=adversarial)
    for network in NETWORKS:
        torch.testing.assert_close(closed[0][network], plain[0][network], rtol=1e-10, atol=1e-13)


@alone_and_stacked
@at_each_step
@pytest.mark.parametrize("options", [{"kl_weight": 0.3}, {"normalized": True}], ids=str)
def test_the_options_of_the_objective_count(options, alpha, trials):
    closed, plain = both(model(trials).double(), alpha, **options)
    for network in NETWORKS:
        torch.testing.assert_close(closed[0][network], plain[0][network], rtol=1e-10, atol=1e-13)


@alone_and_stacked
@at_each_step
def test_losses_and_diagnostics_are_the_same(alpha, trials):
    closed, plain = both(model(trials).double(), alpha)
    torch.testing.assert_close(closed[1], plain[1])
    assert not any(value.requires_grad for value in closed[1].values())


@at_each_step
@pytest.mark.parametrize("logit", [-200.0, -95.0, -47.0, 0.0, 88.0, 200.0])
def test_gradients_are_exact_at_every_logit(logit, alpha):
    bridge = model()
    with torch.no_grad():
        bridge.discriminator[-1].bias.fill_(logit)
    closed, plain = both(bridge, alpha)
    for network in NETWORKS:
        torch.testing.assert_close(closed[0][network], plain[0][network], rtol=1e-4, atol=1e-6)


def test_logits_that_are_no_numbers_are_not_taken_for_nothing():
    bridge = model()
    with torch.no_grad():
        bridge.discriminator[-1].bias.fill_(math.nan)
    closed, _ = both(bridge, 0.5)
    assert all(gradient.isnan().any() for gradient in closed[0]["discriminator"])


def test_the_penalty_is_paid_when_it_is_due():
    bridge = model().double()
    state = TrainState.start(bridge, Optimization())
    x, noise = draw((BATCH,), FEATURES, LATENT, 0)
    gradients = []
    for penalized in (True, False):
        closed = ClosedForm.of(bridge, DataBridge(), R1(weight=3.0), Accelerator())
        closed(x, noise, 0.5, SigmoidGamma(), penalized)
        gradients.append([p.grad.clone() for p in state.parameters("discriminator")])
    assert not any(map(torch.equal, gradients[0][::2], gradients[1][::2]))  # weights
    assert all(map(torch.equal, gradients[0][1::2], gradients[1][1::2]))  # biases


def test_a_run_ends_where_passes_of_autograd_lead(monkeypatch):
    path, data = AlphaPath.three_steps(ml=3, transfer=4, adversarial=3), torch.randn(64, FEATURES)
    seen, losses = [], DataBridge.losses

    def spy(*given, **options):
        seen.append(given)
        return losses(*given, **options)

    def ended():
        return fit(model().double(), data, path, batch_size=BATCH, progress=False).model

    monkeypatch.setattr(DataBridge, "losses", spy)
    closed = ended()
    assert not seen
    monkeypatch.setattr(ClosedForm, "of", lambda *_: None)
    torch.testing.assert_close(closed.state_dict(), ended().state_dict(), rtol=1e-9, atol=1e-12)
    assert len(seen) == len(path)


# When it is taken


class Own(AlphaBridge):
    def decode(self, z):
        return 2 * super().decode(z)


def with_generator(generator):
    return AlphaBridge(generator, MLPEncoder(2, 3), MLPDiscriminator(3))


def tied():
    bridge = with_generator(MLPGenerator(2, 3))
    bridge.encoder[2] = bridge.generator[2]
    return bridge


OTHERWISE = {
    "passes of its own": {"objective": DataBridge(one_backward=False)},
    "another objective": {"objective": ReconstructionBridge()},
    "another penalty": {"regularizer": R1R2()},
    "a learned noise": {"model": model(learn_noise=True)},
    "a model of another kind": {
        "model": Own(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3))
    },
    "another generator": {"model": with_generator(MLPTranslator(2, 3))},
    "a generator of torch": {"model": with_generator(nn.Linear(2, 3))},
    "a layer in two networks": {"model": tied()},
}


@pytest.mark.parametrize("given", OTHERWISE.values(), ids=OTHERWISE)
def test_everything_else_has_passes_of_autograd(given):
    slots = {"model": model(), "objective": DataBridge(), "regularizer": R1()}
    accelerator = Accelerator()
    assert ClosedForm.of(*slots.values(), accelerator) is not None
    assert ClosedForm.of(*(slots | given).values(), accelerator) is None
