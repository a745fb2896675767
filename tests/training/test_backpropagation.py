"""An update that is written out, against passes of autograd for each loss; and when it is taken."""

import copy
import math
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from alpha_bridge.adversarial import Bridge, FixedSum, Hinge, JensenShannon, Wasserstein
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator, MLPTranslator
from alpha_bridge.objective import DataBridge, ReconstructionBridge
from alpha_bridge.observation import Patches
from alpha_bridge.path import AlphaPath
from alpha_bridge.penalty import R1, R1R2, Regularizer
from alpha_bridge.training import Optimization, TrainState, fit
from alpha_bridge.training.backpropagation import Backpropagation
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
    """Written out, and by passes of its own for each loss."""
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
    written, plain = both(model(trials).double(), alpha, regularizer, adversarial=adversarial)
    for network in NETWORKS:
        torch.testing.assert_close(written[0][network], plain[0][network], rtol=1e-10, atol=1e-13)


@alone_and_stacked
@at_each_step
@pytest.mark.parametrize("options", [{"kl_weight": 0.3}, {"normalized": True}], ids=str)
def test_the_options_of_the_objective_count(options, alpha, trials):
    written, plain = both(model(trials).double(), alpha, **options)
    for network in NETWORKS:
        torch.testing.assert_close(written[0][network], plain[0][network], rtol=1e-10, atol=1e-13)


@alone_and_stacked
@at_each_step
def test_losses_and_diagnostics_are_the_same(alpha, trials):
    written, plain = both(model(trials).double(), alpha)
    torch.testing.assert_close(written[1], plain[1])
    assert not any(value.requires_grad for value in written[1].values())


@at_each_step
@pytest.mark.parametrize("logit", [-200.0, -95.0, -47.0, 0.0, 88.0, 200.0])
def test_gradients_are_exact_at_every_logit(logit, alpha):
    """In single precision, against plain passes in double."""
    bridge = model()
    with torch.no_grad():
        bridge.discriminator[-1].bias.fill_(logit)
    single, _ = both(bridge, alpha)
    _, double = both(bridge.double(), alpha)
    for network in NETWORKS:
        for one, other in zip(single[0][network], double[0][network], strict=True):
            scale = float(other.abs().max())
            torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-5 * scale + 1e-30)


@at_each_step
def test_an_encoder_that_is_sure_keeps_its_digits(alpha):
    bridge = model()
    with torch.no_grad():
        bridge.encoder[-2].bias.copy_(torch.tensor([[10.0], [10.0], [-14.0], [-14.0]]))
    written, plain = both(bridge, alpha)
    torch.testing.assert_close(written[0]["encoder"], plain[0]["encoder"], rtol=2e-5, atol=1e-6)


@at_each_step
def test_every_trial_has_its_own_noise(alpha):
    bridge = model(3).double()
    with torch.no_grad():
        bridge.log_sigma.copy_(torch.tensor([[-1.0], [0.0], [1.0]]))
    written, plain = both(bridge, alpha)
    for network in NETWORKS:
        torch.testing.assert_close(written[0][network], plain[0][network], rtol=1e-10, atol=1e-13)


class Squared(Bridge):
    """A likelihood that counts squared, and a logit of fakes beside that of its data."""

    def combination(self, log_p, f_data, f_model, alpha, gamma):  # noqa: ARG002
        return gamma.kappa(alpha) * log_p.square() - gamma(alpha) * f_model

    def discriminator(self, f_data, f_model):
        return nn.functional.softplus(f_model - f_data)


@at_each_step
def test_losses_of_ones_own_are_followed(alpha):
    written, plain = both(model().double(), alpha, adversarial=Squared())
    for network in NETWORKS:
        torch.testing.assert_close(written[0][network], plain[0][network], rtol=1e-10, atol=1e-13)


def test_logits_that_are_no_numbers_are_not_taken_for_nothing():
    bridge = model()
    with torch.no_grad():
        bridge.discriminator[-1].bias.fill_(math.nan)
    written, _ = both(bridge, 0.5)
    assert all(gradient.isnan().any() for gradient in written[0]["discriminator"])


def test_the_penalty_is_paid_when_it_is_due():
    bridge = model().double()
    state = TrainState.start(bridge, Optimization())
    x, noise = draw((BATCH,), FEATURES, LATENT, 0)
    gradients = []
    for penalized in (True, False):
        made = Backpropagation.of(bridge, DataBridge(), R1(weight=3.0), Accelerator())
        made(x, noise, 0.5, SigmoidGamma(), penalized)
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
    written = ended()
    assert not seen
    monkeypatch.setattr(Backpropagation, "of", lambda *_: None)
    torch.testing.assert_close(written.state_dict(), ended().state_dict(), rtol=1e-9, atol=1e-12)
    assert len(seen) == len(path)


# When it is taken


class Own(AlphaBridge):
    def decode(self, z):
        return 2 * super().decode(z)


def with_generator(generator, kind=AlphaBridge):
    return kind(generator, MLPEncoder(2, 3), MLPDiscriminator(3))


def tied():
    bridge = with_generator(MLPGenerator(2, 3))
    bridge.encoder[2] = bridge.generator[2]
    return bridge


def two_precisions():
    bridge = model()
    bridge.generator.double()
    return bridge


def of_patches():
    bridge = model()
    bridge.discriminator.scope = Patches(size=4, stride=2)
    return bridge


OTHERWISE = {
    "passes of its own": {"objective": DataBridge(one_backward=False)},
    "another objective": {"objective": ReconstructionBridge()},
    "a likelihood of features": {"objective": DataBridge(features=object())},
    "another penalty": {"regularizer": R1R2()},
    "a learned noise": {"model": model(learn_noise=True)},
    "a model of another kind": {
        "model": Own(MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3))
    },
    "another generator": {"model": with_generator(MLPTranslator(2, 3))},
    "a generator of torch": {"model": with_generator(nn.Linear(2, 3))},
    "a layer in two networks": {"model": tied()},
    "two precisions": {"model": two_precisions()},
    "a logit of each patch": {"model": of_patches()},
    "mixed precision": {"accelerator": SimpleNamespace(mixed_precision="bf16", num_processes=1)},
    "two processes": {"accelerator": SimpleNamespace(mixed_precision="no", num_processes=2)},
}


def taken(**given):
    slots = {"model": model(), "objective": DataBridge(), "regularizer": R1()}
    slots["accelerator"] = SimpleNamespace(mixed_precision="no", num_processes=1)
    return Backpropagation.of(**(slots | given)) is not None


@pytest.mark.parametrize("given", OTHERWISE.values(), ids=OTHERWISE)
def test_everything_else_has_passes_of_autograd(given):
    assert taken() and not taken(**given)


def test_what_is_going_on_around_an_update_counts():
    with torch.autocast("cpu", torch.bfloat16):
        assert not taken()
    with torch.inference_mode():
        assert not taken()
    hook = register_module_forward_hook(lambda *_: None)
    try:
        assert not taken()
    finally:
        hook.remove()
    assert taken()
