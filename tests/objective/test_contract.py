"""Every objective has the properties of its slot."""

import torch

from alpha_bridge.adversarial import FixedSum, JensenShannon
from alpha_bridge.networks import Marginals, MLPDiscriminator
from alpha_bridge.objective import (
    DataBridge,
    JointBridge,
    MarginalBridge,
    ReconstructionBridge,
    RowBridge,
    VQGANSum,
)
from tests.contracts import cases
from tests.contracts.objective_slot import (
    ALWAYS,
    FEATURES,
    LATENT,
    Problem,
    RowProblem,
    has_twins_that_add_up_to_the_loss_of_the_generator,
    is_per_sample,
    is_trial_by_trial_the_single_run,
    logs_numbers_of_each_trial_that_are_no_metrics,
)


def of_samples(trials):
    return MLPDiscriminator(FEATURES, hidden=(6,), trials=trials)


def of_both(trials):
    return Marginals(of_samples(trials), MLPDiscriminator(LATENT, hidden=(6,), trials=trials))


def of_pairs(trials):
    return MLPDiscriminator(FEATURES + LATENT, hidden=(6,), trials=trials)


class StraightThrough(RowBridge):
    """With the draws of torch's generator that training gives an update."""

    def _pass(self, *given, **named):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return super()._pass(*given, **named)


OF_A_SUM = [
    holds for holds in ALWAYS if holds is not has_twins_that_add_up_to_the_loss_of_the_generator
]
OF_TRIALS = (is_trial_by_trial_the_single_run, logs_numbers_of_each_trial_that_are_no_metrics)
OF_THE_BATCH = [holds for holds in OF_A_SUM if holds is not is_per_sample]
OF_ROWS = [holds for holds in ALWAYS if holds not in OF_TRIALS]
OBJECTIVES = {
    "data": (Problem(DataBridge(), of_samples), ALWAYS),
    "plain passes": (Problem(DataBridge(one_backward=False), of_samples), ALWAYS),
    "Jensen-Shannon": (Problem(DataBridge(JensenShannon()), of_samples), ALWAYS),
    "fixed sum": (Problem(DataBridge(FixedSum(0.3)), of_samples), OF_A_SUM),
    "reconstruction": (Problem(ReconstructionBridge(kl_weight=0.1), of_samples), ALWAYS),
    "rows": (RowProblem(RowBridge(), of_samples), OF_ROWS),
    "rows, straight through": (RowProblem(StraightThrough(temperature=0.5), of_samples), OF_ROWS),
    "vqgan, fixed": (Problem(VQGANSum(0.3), of_samples), OF_A_SUM),
    "vqgan, adaptive": (Problem(VQGANSum(0.3, adaptive=True), of_samples), OF_THE_BATCH),
    "marginal": (Problem(MarginalBridge(), of_both), ALWAYS),
    "joint": (Problem(JointBridge(), of_pairs), ALWAYS),
}


@cases(OBJECTIVES)
def test_an_objective_has_the_properties_of_its_slot(part, holds):
    holds(part)
