"""Training along an adaptive path: what is measured, and that it changes nothing else."""

import math

import pytest
import torch

from alpha_bridge.adversarial import JensenShannon, Wasserstein
from alpha_bridge.control import AdaptivePath, RealismGamma
from alpha_bridge.data import from_tensor
from alpha_bridge.errors import Diverged
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.objective import DataBridge, JointBridge
from alpha_bridge.path import AlphaPath, constant
from alpha_bridge.settings import ControlConfig
from alpha_bridge.training import Callback, fit
from alpha_bridge.training.decoder_noise import AnnealedNoise, GammaOfNoise, MeasuredNoise
from tests.saving import SaveAfter

LIMITS = ControlConfig(every=2, patience=2)
BATCH = 16


def model(trials=None):
    torch.manual_seed(0)
    sizes = {"hidden": (8,), "trials": trials}
    networks = MLPGenerator(2, 3, **sizes), MLPEncoder(2, 3, **sizes), MLPDiscriminator(3, **sizes)
    return AlphaBridge(*networks, noise=0.5)


def data(held_out=True):
    x = torch.randn(80, 3, generator=torch.Generator().manual_seed(1))
    return from_tensor(x[:64], held_out=x[64:] if held_out else None)


class Numbers(Callback):
    def __init__(self):
        self.all, self.alphas = [], []

    def after(self, event):
        self.all.append(event.numbers)
        self.alphas.append(event.alpha)


def trained(path, callbacks=(), held_out=True, trials=None, **options):
    own = model(trials)
    seen = Numbers()
    fit(
        own,
        data(held_out),
        path,
        batch_size=BATCH,
        progress=False,
        callbacks=[*callbacks, seen],
        **options,
    )
    return own, seen


def adaptive(ml=4, transfer=8, adversarial=4):
    return AdaptivePath(ml, transfer, adversarial, limits=LIMITS)


def equal(one, other):
    return all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_readings_change_nothing_of_training():
    one, _ = trained(AdaptivePath(3, 2, 2, end=0.0, limits=LIMITS))
    other, _ = trained(constant(0.0, 7))
    assert equal(one, other)


@pytest.mark.parametrize("held_out", [True, False])
@pytest.mark.parametrize("trials", [None, 2])
def test_alpha_moves_and_the_last_reading_is_logged(held_out, trials):
    _, seen = trained(adaptive(), held_out=held_out, trials=trials)
    assert seen.alphas[:4] == [0.0] * 4
    assert seen.alphas[-1] > 0.3
    last = {name: x for name, x in seen.all[-1].items() if name.startswith("control/")}
    assert {*last} == {
        f"control/{name}"
        for name in ("ess", "accuracy", "overconfidence", "missed", "error", "direction")
    }
    assert all(x.shape == (() if trials is None else (trials,)) for x in last.values())


def test_a_run_that_goes_on_is_the_run_that_never_stopped(tmp_path):
    def parts():
        gamma = RealismGamma(0.9, 3)
        return {"gamma": gamma}, [MeasuredNoise(), GammaOfNoise(gamma, every=3)]

    options, callbacks = parts()
    whole, seen = trained(adaptive(), [*callbacks, SaveAfter(7, tmp_path / "saved")], **options)
    options, callbacks = parts()
    rest, after = trained(adaptive(), callbacks, checkpoint=tmp_path / "saved", **options)
    assert equal(whole, rest)
    assert after.alphas == seen.alphas[7:]
    assert after.all == seen.all[7:]


def test_one_path_trains_twice_alike():
    path = adaptive()
    one, _ = trained(path)
    other, _ = trained(path)
    assert equal(one, other)


def test_an_objective_without_the_datas_ratio_is_refused():
    with pytest.raises(ValueError, match="decided by the ratio of data and model, got JointBridge"):
        trained(adaptive(), objective=JointBridge())


def test_a_critic_is_refused():
    with pytest.raises(
        ValueError, match="which the discriminator of Wasserstein does not give: use"
    ):
        trained(adaptive(), objective=DataBridge(Wasserstein()))


def test_a_loss_without_weights_takes_all_samples():
    _, seen = trained(adaptive(), objective=DataBridge(JensenShannon()))
    assert seen.all[-1]["control/ess"] == pytest.approx(1)
    assert seen.alphas[-1] > 0.3


def test_a_measured_sigma_is_the_root_mean_squared_error():
    own, seen = trained(constant(0.0, 40), [MeasuredNoise(decay=0.0)])
    assert own.sigma.item() == pytest.approx(math.sqrt(seen.all[-1]["mse"]), rel=1e-5)


def sigmas_at(path, rate, trials=None):
    sigmas = []
    seen = lambda event: sigmas.append(event.state.model.sigma.max().item())  # noqa: E731
    trained(path, [MeasuredNoise(0.5, rate), seen], trials=trials)
    return sigmas


THREE_STEPS = AlphaPath.three_steps(ml=4, transfer=3, adversarial=3)


@pytest.mark.parametrize("trials", [None, 2])
def test_a_measured_sigma_rises_in_step_one_while_latents_hold_more_than_the_rate(trials):
    held, free = (sigmas_at(THREE_STEPS, rate, trials=trials) for rate in (1e-3, 1e3))
    assert held[:4] == sorted(held[:4])
    assert held[3] > 2 * free[3]
    assert held[4:] == sorted(held[4:], reverse=True)
    assert free == sigmas_at(THREE_STEPS, None, trials=trials)


def test_the_rate_has_no_say_where_nothing_comes_after_step_one():
    path = constant(0.0, 6)
    assert sigmas_at(path, 1e-3) == sigmas_at(path, None)


def test_a_rate_that_the_objective_does_not_give_is_refused():
    without = lambda event: event.numbers.pop("rate")  # noqa: E731
    with pytest.raises(ValueError, match=r"got rate=1 and an objective that gives none: use"):
        trained(THREE_STEPS, [without, MeasuredNoise(rate=1)])


def test_an_annealed_sigma_falls_evenly_in_its_logarithm():
    sigmas = []
    trained(
        constant(0.0, 4),
        [AnnealedNoise(0.8, 0.05), lambda event: sigmas.append(event.state.model.sigma.item())],
    )
    assert sigmas == pytest.approx([0.4, 0.2, 0.1, 0.05])


def test_a_sigma_that_is_not_finite_is_left_to_what_recognises_divergence():
    def spoil(event):
        event.state.model.log_sigma.fill_(math.nan)

    gamma = RealismGamma(0.9, 3)
    with pytest.raises(Diverged, match="log_sigma is not finite"):
        trained(constant(0.0, 4), [spoil, GammaOfNoise(gamma, every=1)], gamma=gamma)
