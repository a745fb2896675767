"""Properties of an objective."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.metrics.definition import is_metric
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import MLPEncoder, MLPGenerator, RowGenerator
from alpha_bridge.objective import Noise, Objective
from alpha_bridge.path import AlphaPath
from alpha_bridge.penalty import R1
from alpha_bridge.training import fit
from tests.saving import SaveAfter

LATENT, FEATURES, BATCH, TRIALS = 2, 3, 5, 2
ALPHAS = (0.0, 0.5, 1.0)
GAMMA = SigmoidGamma(c=4.0, d=-2.0)
EXACT = {"rtol": 1e-9, "atol": 1e-11}


@dataclass(frozen=True)
class Problem:
    """An objective and the discriminator that it needs.

    Attributes:
        objective: The objective.
        discriminator: From the number of stacked trials, or None, to the network.
    """

    objective: Objective
    discriminator: Callable[[int | None], nn.Module]

    def model(self, trials=None):
        """The smallest model for it, in float64."""
        sizes = {"hidden": (6,), "trials": trials}
        return AlphaBridge(
            MLPGenerator(LATENT, FEATURES, **sizes),
            MLPEncoder(LATENT, FEATURES, **sizes),
            self.discriminator(trials),
            noise=0.7,
            learn_noise=True,
        ).double()


@dataclass(frozen=True)
class RowProblem(Problem):
    """Of rows with a category of two and a number."""

    def model(self, trials=None):
        assert trials is None
        rows = {"categories": [(0, 2)], "numbers": [(2, None)]}
        generator = RowGenerator(LATENT, **rows, hidden=(6,))
        encoder = MLPEncoder(LATENT, FEATURES, hidden=(6,))
        return AlphaBridge(generator, encoder, self.discriminator(None), noise=0.7).double()


def batch(*leading):
    x, prior, posterior = (
        torch.randn(*leading, size, dtype=torch.float64) for size in (FEATURES, LATENT, LATENT)
    )
    penalty, *columns = torch.rand(FEATURES + 1, *leading, dtype=torch.float64)
    return x, Noise(prior, posterior, penalty, torch.stack(columns, -1))


def gradient(model, loss, network):
    """Gradient of a loss to the parameters of a network, zero where none flows."""
    parameters = list(model.network_parameters(network))
    if not loss.requires_grad:
        return torch.cat([torch.zeros_like(parameter).flatten() for parameter in parameters])
    parts = torch.autograd.grad(
        loss.mean(-1).sum(),
        parameters,
        retain_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    return torch.cat([part.flatten() for part in parts])


def is_finite_at_both_ends(problem):
    model, (x, noise) = problem.model(), batch(BATCH)
    for alpha in (0.0, 1e-12, 1 - 1e-12, 1.0):
        losses = problem.objective.losses(model, x, noise, alpha, GAMMA)
        for network, loss in losses.values.items():
            assert loss.isfinite().all() and gradient(model, loss, network).isfinite().all()


def is_per_sample(problem):
    """Of the batch's shape, and every number from its own sample and noise alone."""
    model, (x, noise) = problem.model(), batch(BATCH)
    moved = x.clone()
    moved[2] += 1
    others = [0, 1, 3, 4]
    for alpha in ALPHAS:
        before, after = (
            problem.objective.losses(model, data, noise, alpha, GAMMA).values for data in (x, moved)
        )
        assert set(before) == set(NETWORKS)
        for network, loss in before.items():
            assert loss.shape == (BATCH,)
            torch.testing.assert_close(loss[others], after[network][others], **EXACT)
        assert not torch.isclose(before["discriminator"][2], after["discriminator"][2])


def is_trial_by_trial_the_single_run(problem):
    stacked, (x, noise) = problem.model(TRIALS), batch(TRIALS, BATCH)
    for alpha in ALPHAS:
        together = problem.objective.losses(stacked, x, noise, alpha, GAMMA)
        for trial in range(TRIALS):
            single = problem.model()
            single.load_state_dict({k: value[trial] for k, value in stacked.state_dict().items()})
            draws = Noise(*(value[trial] for value in vars(noise).values()))
            alone = problem.objective.losses(single, x[trial], draws, alpha, GAMMA)
            for network, loss in alone.values.items():
                torch.testing.assert_close(together.values[network][trial], loss, **EXACT)
            for name, number in alone.diagnostics.items():
                torch.testing.assert_close(together.diagnostics[name][trial], number, **EXACT)


def is_unchanged_by_the_shared_backward_pass(problem):
    """A pass gives each network that it serves the gradient of the network's own loss."""
    model, (x, noise) = problem.model(), batch(BATCH)
    for alpha in (0.0, 1e-8, 0.5, 1 - 1e-8, 1.0):
        losses = problem.objective.losses(model, x, noise, alpha, GAMMA)
        shared = {
            network: gradient(model, loss, network)
            for networks, loss in losses.of_networks.items()
            for network in networks
        }
        # computed anew: the passes above may rescale what goes back through their own graph
        plain = _plain(problem.objective).losses(model, x, noise, alpha, GAMMA).values
        assert set(shared) == set(NETWORKS)
        for network, loss in plain.items():
            torch.testing.assert_close(shared[network], gradient(model, loss, network), **EXACT)


def _plain(objective):
    """The objective without a shared pass, where it has one."""
    plain = copy.copy(objective)
    if hasattr(objective, "one_backward"):
        object.__setattr__(plain, "one_backward", False)
    return plain


def has_twins_that_add_up_to_the_loss_of_the_generator(problem):
    model, (x, noise) = problem.model(), batch(BATCH)
    for alpha in (0.0, 0.4, 1 - 1e-8):
        forward, reverse = problem.objective.twins(model, x, noise, alpha)
        whole = GAMMA.kappa(alpha) * forward + GAMMA(alpha) * reverse
        values = problem.objective.losses(model, x, noise, alpha, GAMMA).values
        torch.testing.assert_close(whole, values["generator"], **EXACT)


def has_the_same_loss_of_the_discriminator_alone(problem):
    model, (x, noise) = problem.model(), batch(BATCH)
    alone = problem.objective.discrimination(model, x, noise, penalized=True)
    assert list(alone.of_networks) == [("discriminator",)]
    loss = alone.of_networks[("discriminator",)]
    values = problem.objective.losses(model, x, noise, 0.5, GAMMA).values
    torch.testing.assert_close(loss, values["discriminator"], **EXACT)
    for network in ("generator", "encoder"):
        assert not gradient(model, loss, network).any()


def lets_a_penalty_reach_every_discriminator(problem):
    model, (x, noise) = problem.model(), batch(BATCH)
    outputs = problem.objective.losses(model, x, noise, 0.5, GAMMA, penalized=True).outputs
    total = sum(R1(weight=1.0).penalty(one) for one in outputs)
    for layer in model.discriminator.modules():
        if hasattr(layer, "weight"):
            (slope,) = torch.autograd.grad(total.sum(), layer.weight, retain_graph=True)
            assert slope.any()


def logs_numbers_of_each_trial_that_are_no_metrics(problem):
    model, (x, noise) = problem.model(TRIALS), batch(TRIALS, BATCH)
    for alpha in ALPHAS:
        for name, number in problem.objective.losses(
            model, x, noise, alpha, GAMMA
        ).diagnostics.items():
            assert number.shape == (TRIALS,) and not number.requires_grad
            assert not is_metric(name)


def resumes_exactly(problem):
    data = torch.randn(40, FEATURES)
    path = AlphaPath.three_steps(ml=2, transfer=3, adversarial=2)

    def run(weights=0, **options):
        torch.manual_seed(weights)
        model = problem.model().float()
        return fit(model, data, path, objective=problem.objective, batch_size=BATCH, **options)

    with TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        whole = run(callbacks=[SaveAfter(4, checkpoint)])
        resumed = run(weights=1, checkpoint=checkpoint)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name])


ALWAYS = (
    is_finite_at_both_ends,
    is_per_sample,
    is_trial_by_trial_the_single_run,
    is_unchanged_by_the_shared_backward_pass,
    has_twins_that_add_up_to_the_loss_of_the_generator,
    has_the_same_loss_of_the_discriminator_alone,
    lets_a_penalty_reach_every_discriminator,
    logs_numbers_of_each_trial_that_are_no_metrics,
    resumes_exactly,
)
"""What any objective has."""
