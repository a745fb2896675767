"""The objectives on data that a linear Gaussian model can match: what is trained, and measured.

All settings are ours. None is searched, but for the rate of generator and encoder: it is the larger
of two that were tried on other seeds, with which Step I had longer converged when it ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from alpha_bridge.adversarial import Bridge
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.networks import Marginals, MLPDiscriminator
from alpha_bridge.objective import DataBridge, JointBridge, MarginalBridge, Objective
from alpha_bridge.path import AlphaPath
from alpha_bridge.penalty import R1
from alpha_bridge.settings import PathConfig
from alpha_bridge.training import Callback, Event, Optimization, fit

from .framework import Outcome, Record
from .framework.scores import finite
from .linear_gaussian import errors, linear_model

__all__ = ["ARMS", "NOISES", "STEPS", "Arm", "ends_of_steps", "hyperparameters", "train"]

SIZE, SIGMA = 2, 0.5
MEAN, VARIANCES, ANGLE = (1.0, -1.0), (2.0, 0.5), pi / 6
"""The data's mean, the eigenvalues of Σ, and how far its axes are turned."""

HIDDEN, BATCH, STEPS = (64, 64), 128, 4000
TRAINING, HELD_OUT = 2**16, 5000
GAMMA, ADVERSARIAL, REGULARIZER = SigmoidGamma(), Bridge(), R1(weight=0.3)
OPTIMIZATION = Optimization(generator=5e-3, encoder=5e-3, discriminator=2e-3)
BRIDGE = PathConfig(ml=0.3, transfer=0.4, adversarial=0.3)
POINTS = 20
"""Measurements along training."""


def _of_x(trials: int | None) -> nn.Module:
    return MLPDiscriminator(SIZE, HIDDEN, trials)


def _of_pairs(trials: int | None) -> nn.Module:
    return MLPDiscriminator(2 * SIZE, HIDDEN, trials)


def _of_both(trials: int | None) -> nn.Module:
    return Marginals(_of_x(trials), MLPDiscriminator(SIZE, HIDDEN, trials))


@dataclass(frozen=True)
class Arm:
    """What is trained.

    Attributes:
        objective: What is bridged to what.
        discriminator: From a number of replicas, or None, to the discriminator that it needs.
        shares: Of the updates, for Steps I, II and III.
    """

    objective: Objective
    discriminator: Callable[[int | None], nn.Module]
    shares: PathConfig = BRIDGE

    def path(self, steps: int) -> AlphaPath:
        """α of every update.

        Args:
            steps: Updates of the whole path.
        """
        return AlphaPath.three_steps(*self.shares.lengths(steps))


ARMS = {
    "data": Arm(DataBridge(ADVERSARIAL), _of_x),
    "marginal": Arm(MarginalBridge(ADVERSARIAL), _of_both),
    "joint": Arm(JointBridge(ADVERSARIAL), _of_pairs),
    "adversarial": Arm(
        JointBridge(ADVERSARIAL), _of_pairs, PathConfig(ml=0, transfer=0, adversarial=1)
    ),
}
NOISES = {"without noise": 0.0, "with noise": SIGMA}
"""The noise on fakes."""


def ends_of_steps(steps: int) -> list[int]:
    """Updates at which Steps I, II and III of the bridges end, of ``steps`` in all.

    Example:
        >>> ends_of_steps(1000)
        [300, 700, 1000]
    """
    return [*ARMS["joint"].path(steps).boundaries]


def _law() -> MultivariateNormal:
    """The data's density."""
    turn = torch.tensor([[cos(ANGLE), -sin(ANGLE)], [sin(ANGLE), cos(ANGLE)]]).double()
    covariance = turn @ torch.tensor(VARIANCES).double().diag() @ turn.mT
    return MultivariateNormal(torch.tensor(MEAN).double(), covariance)


class _Errors(Callback):
    """Measures the averaged model of each trial after chosen updates."""

    def __init__(self, law: MultivariateNormal, x: Tensor, updates: Sequence[int]) -> None:
        self.law, self.x, self.updates = law, x, frozenset(updates)
        self.metrics: dict[str, list[list[float | None]]] = {}
        self.alphas: list[float] = []

    def after(self, event: Event) -> None:
        if event.step not in self.updates:
            return
        event.state.require_finite()
        self.alphas.append(round(event.alpha, 5))
        for name, found in errors(event.state.averaged(), self.law, self.x).items():
            self.metrics.setdefault(name, []).append([finite(value) for value in found.tolist()])


def train(name: str, fakes: str, seed: int, trials: int, steps: int) -> Outcome:
    """Train stacked trials of an objective.

    Args:
        name: One of :data:`ARMS`.
        fakes: One of :data:`NOISES`.
        seed: Seed of the first trial; each further one adds 1.
        trials: Number of trials.
        steps: Updates of the whole path.

    Returns:
        A record with ``updates``, α of each as ``alpha``; ``metrics`` of
        :func:`~experiments.linear_gaussian.errors`, by name a row for each of
        ``updates`` with a number for each trial, None for what is not finite; and ``seconds``.

    Raises:
        Diverged: A parameter became NaN or infinite.
    """
    arm, law = ARMS[name], _law()
    evenly = (steps * point // POINTS for point in range(1, POINTS + 1))
    updates = sorted({*evenly, *ends_of_steps(steps)})
    model = linear_model(SIZE, SIGMA, NOISES[fakes], arm.discriminator, seed, trials)
    begin = perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the data's points and of the noise on fakes
        x, held_out = law.sample((TRAINING,)).float(), law.sample((HELD_OUT,)).float()
        measured = _Errors(law, held_out, updates)
        fit(
            model,
            x,
            arm.path(steps),
            objective=arm.objective,
            gamma=GAMMA,
            regularizer=REGULARIZER,
            optimization=OPTIMIZATION,
            batch_size=BATCH,
            seed=seed,
            callbacks=[measured],
        )
    return Outcome(
        {
            "updates": updates,
            "alpha": measured.alphas,
            "metrics": measured.metrics,
            "seconds": round(perf_counter() - begin, 1),
        }
    )


def hyperparameters(trials: int, steps: int) -> list[Record]:
    """Every setting and its value, as the page of results shows them; all are ours.

    Args:
        trials: Number of trials.
        steps: Updates of the whole path.
    """
    shared = {
        "trials": trials,
        "steps": steps,
        "batch_size": BATCH,
        "data.mean": MEAN,
        "data.variances": VARIANCES,
        "data.angle": round(ANGLE, 5),
        "data.training": TRAINING,
        "evaluation.samples": HELD_OUT,
        "model.noise": SIGMA,
        "discriminator.hidden": HIDDEN,
        "objective.clip": ADVERSARIAL.clip,
        "gamma.c": GAMMA.c,
        "gamma.d": GAMMA.d,
        "regularizer.r1": REGULARIZER.weight,
        **{f"optimization.{key}": value for key, value in vars(OPTIMIZATION).items()},
    }
    rows = [{"key": key, "whose": "ours", "values": [value]} for key, value in shared.items()]
    shares = {
        name: [[arm.shares.ml, arm.shares.transfer, arm.shares.adversarial]]
        for name, arm in ARMS.items()
    }
    noises = {f"fakes {fakes}": [noise] for fakes, noise in NOISES.items()}
    return [
        *rows,
        {"key": "path", "whose": "ours", "values": shares},
        {"key": "fakes' noise", "whose": "ours", "values": noises},
    ]
