"""The encoder against a known posterior: the closed forms, the statements, and what is learnt."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from alpha_bridge.settings import Optimization
from experiments import linear_arms, posterior
from experiments.linear_gaussian import (
    LinearGenerator,
    errors,
    least_diagonal_kl,
    linear_model,
    surrogate,
)
from experiments.linear_gaussian import posterior as posterior_of

TRIALS = 3
EXACT = {"rtol": 1e-9, "atol": 1e-9}
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@pytest.fixture
def law():
    covariance = torch.tensor([[1.5, 0.4], [0.4, 0.8]], dtype=torch.float64)
    return MultivariateNormal(torch.tensor([1.0, -1.0], dtype=torch.float64), covariance)


@pytest.fixture
def x(law):
    return law.sample((2000,))


@pytest.fixture
def weights():
    """W, b and σ of each trial."""
    return normal(TRIALS, 2, 2), normal(TRIALS, 2), torch.full((TRIALS, 1), 0.6).double()


@pytest.fixture
def model(law):
    """Its surrogate is the data's density; W has the axes of Σ."""
    build = linear_arms.ARMS["data"].discriminator
    model = linear_model(2, 0.6, 0.0, build, 0, TRIALS).double()
    values, axes = torch.linalg.eigh(law.covariance_matrix)
    place(model, axes * (values - 0.36).sqrt(), law.mean)
    return model


@torch.no_grad()
def place(model, weight, bias):
    affine = model.generator.affine
    affine.weight.copy_(weight)
    affine.bias.copy_(bias.unsqueeze(-1))


@torch.no_grad()
def encode_by(model, matrix, center, variance):
    """Let the encoder be N(matrix (x − center), diag variance)."""
    affine = model.encoder.affine
    affine.weight.copy_(matrix)
    affine.bias.copy_(-(matrix @ center).unsqueeze(-1))
    model.encoder.log_variance.copy_(variance.log())


def known(model, x):
    affine = model.generator.affine
    arguments = (affine.weight, affine.bias.squeeze(-1), model.sigma)
    return posterior_of(*(each.detach() for each in arguments), x.expand(TRIALS, *x.shape))


# The closed forms


def test_the_posterior_is_that_of_bayes(weights):
    weight, bias, sigma = weights
    x, z = normal(TRIALS, 5, 2), normal(TRIALS, 5, 2)
    prior = Independent(Normal(torch.zeros_like(z), 1.0), 1).log_prob(z)
    decoded = z @ weight.mT + bias.unsqueeze(-2)
    likelihood = Independent(Normal(decoded, sigma.unsqueeze(-1).expand_as(x)), 1).log_prob(x)
    evidence = surrogate(*weights).expand((5, TRIALS)).log_prob(x.transpose(0, 1)).mT
    found = posterior_of(*weights, x).log_prob(z)
    torch.testing.assert_close(found, prior + likelihood - evidence, **EXACT)


def test_the_surrogate_is_what_noisy_fakes_are_drawn_from():
    generator = LinearGenerator(2, fake_noise=0.6)
    fakes = generator(torch.randn(200_000, 2)).detach()
    affine = generator.affine
    expected = surrogate(affine.weight, affine.bias.squeeze(-1), torch.tensor([0.6]))
    torch.testing.assert_close(fakes.mean(0), expected.mean, rtol=0, atol=0.01)
    torch.testing.assert_close(fakes.T.cov(), expected.covariance_matrix, rtol=0, atol=0.01)


def test_no_diagonal_gaussian_is_nearer_than_the_least(weights):
    covariance = posterior_of(*weights, normal(TRIALS, 1, 2)).covariance_matrix[:, 0]
    target = MultivariateNormal(torch.zeros(2).double(), covariance)
    best = 1 / torch.linalg.inv(covariance).diagonal(dim1=-2, dim2=-1)
    least = least_diagonal_kl(covariance)

    def divergence(variance):
        own = MultivariateNormal(torch.zeros(2).double(), torch.diag_embed(variance))
        return kl_divergence(own, target)

    torch.testing.assert_close(divergence(best), least, **EXACT)
    assert all((divergence(best * normal(TRIALS, 2).exp()) >= least).all() for _ in range(20))


def test_the_exact_posterior_and_model_have_no_error(model, law, x):
    exact = known(model, x)
    matrix = exact.covariance_matrix[0, 0] @ model.generator.affine.weight[0].mT / 0.36
    encode_by(model, matrix, law.mean, exact.variance[0, 0])
    found = errors(model, law, x)
    for name in ("posterior_kl", "diagonal_kl", "mean_error", "surrogate_kl"):
        torch.testing.assert_close(found[name], torch.zeros(TRIALS).double(), rtol=0, atol=1e-7)


def test_the_divergences_are_those_of_torch(model, law, x):
    found = errors(model, law, x)
    mean, log_variance = (part.detach() for part in model.posterior(x.expand(TRIALS, *x.shape)))
    variance = torch.diag_embed(log_variance.exp())
    expected = kl_divergence(MultivariateNormal(mean, variance), known(model, x)).mean(-1)
    torch.testing.assert_close(found["posterior_kl"], expected, **EXACT)
    weight = model.generator.affine.weight.detach()
    implicit = MultivariateNormal(law.mean, weight @ weight.mT)
    torch.testing.assert_close(found["implicit_kl"], kl_divergence(law, implicit), **EXACT)
    for trial in range(TRIALS):
        moments = mean[trial].mean(0), mean[trial].T.cov(correction=0) + variance[trial, 0]
        prior = MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
        expected = kl_divergence(MultivariateNormal(*moments), prior)
        torch.testing.assert_close(found["aggregate_kl"][trial], expected, **EXACT)


def test_the_inverse_misses_the_posteriors_mean_by_what_the_docstring_says(model, law, x):
    weight = model.generator.affine.weight[0].detach()
    inverse = torch.linalg.inv(weight)
    encode_by(model, inverse, law.mean, torch.full((2,), 1e-6).double())
    found = errors(model, law, x)
    precision = weight.mT @ weight + 0.36 * torch.eye(2).double()
    missed = 0.36 * (x - law.mean) @ inverse.mT @ torch.linalg.inv(precision).mT
    torch.testing.assert_close(found["inverse_error"], torch.zeros(TRIALS).double(), **CLOSE)
    expected = missed.square().mean().sqrt().expand(TRIALS)
    torch.testing.assert_close(found["mean_error"], expected, **CLOSE)
    assert (found["posterior_kl"] > 10).all()


def test_a_trial_begins_as_it_does_alone():
    build = linear_arms.ARMS["joint"].discriminator
    stacked, alone = (linear_model(2, 0.5, 0.0, build, *of) for of in ((4, 2), (5, 1)))
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(stacked.state_dict()[name][1], value[0], msg=name)


# The experiment

METRICS = ("posterior_kl", "diagonal_kl", "mean_error", "inverse_error")


@pytest.fixture
def record():
    """Everything as it is claimed."""

    def run(arm, fakes):
        inverse = arm != "data" and fakes == "without noise"
        divergence = 0.02 if arm == "joint" else 0.03
        numbers = (9.0 if inverse else divergence, 0.01, 0.3 if inverse else 0.0, 0.1)
        metrics = dict(zip(METRICS, ([[5.0] * 2, [n] * 2, [n] * 2] for n in numbers), strict=True))
        return {"arm": arm, "fakes": fakes, "updates": [10, 20, 30], "metrics": metrics}

    runs = [run(arm, fakes) for fakes in linear_arms.NOISES for arm in linear_arms.ARMS]
    return {"ends_of_steps": [20, 25, 30], "runs": runs}


def held(record):
    return {claim.about: claim.holds for claim in posterior.claims(record)}


def test_all_statements_hold_where_all_is_as_it_should_be(record):
    assert [*held(record).values()] == [True] * 9


def test_an_encoder_that_falls_behind_is_seen(record):
    record["runs"][0]["metrics"]["posterior_kl"][1] = [0.02, 0.2]
    wrong = [about for about, holds in held(record).items() if not holds]
    assert [about.split(":")[0] for about in wrong] == ["data, fakes without noise"]


def test_what_is_not_finite_is_infinitely_wrong(record):
    record["runs"][0]["metrics"]["posterior_kl"][2] = [0.02, None]
    assert posterior.means(record["runs"][0], "posterior_kl")[-1] == np.inf
    assert not next(iter(held(record).values()))


def test_each_objective_is_trained_with_and_without_noise(untrained):
    record = untrained.record(posterior)
    runs = [(run["arm"], run["fakes"]) for run in record["runs"]]
    assert runs == [(arm, fakes) for fakes in linear_arms.NOISES for arm in linear_arms.ARMS]
    assert (record["quick"], record["seed"], record["trials"]) == (True, 3, 2)
    assert {row["whose"] for row in record["hyperparameters"]} == {"ours"}
    assert len(record["claims"]) == 9
    assert len(posterior.draw(record).axes) == 2 * len(posterior.METRICS)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_at_every_update(monkeypatch):
    monkeypatch.setattr(linear_arms, "POINTS", 5)
    first, second = (linear_arms.train("joint", "with noise", 7, 2, 20).record for _ in range(2))
    assert first["metrics"] == second["metrics"]
    assert first["alpha"][-1] == 1
    assert all(len(rows) == len(first["updates"]) for rows in first["metrics"].values())


@pytest.fixture
def learnt(monkeypatch):
    """What is known at the end of half as many updates, at twice the rates, measured once."""
    rates = Optimization(generator=1e-2, encoder=1e-2, discriminator=4e-3, average=0.98)
    monkeypatch.setattr(linear_arms, "OPTIMIZATION", rates)
    monkeypatch.setattr(linear_arms, "POINTS", 1)

    def end(arm, fakes):
        run = linear_arms.train(arm, fakes, 0, 1, 600).record
        return {metric: posterior.means(run, metric)[-1] for metric in run["metrics"]}

    return end


@pytest.mark.slow
def test_the_lower_bound_finds_the_posterior(learnt):
    end = learnt("data", "without noise")
    assert end["posterior_kl"] - end["diagonal_kl"] < 0.05
    assert end["implicit_kl"] < end["surrogate_kl"]


@pytest.mark.slow
@pytest.mark.parametrize("fakes", linear_arms.NOISES)
def test_the_joint_bridge_finds_the_posterior_of_the_model_that_its_fakes_come_from(fakes, learnt):
    end = learnt("joint", fakes)
    near, far = ("mean", "inverse") if linear_arms.NOISES[fakes] else ("inverse", "mean")
    assert end[f"{near}_error"] < end[f"{far}_error"]
