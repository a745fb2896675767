"""Probabilities of zero, probabilities that torch clamps, and their gradients."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, OneHotCategorical, Poisson

from alpha_bridge.divergence import alpha_divergence, bhattacharyya_distance, log_divergence
from tests.looping import at_each_alpha


def real(value, **options):
    return torch.tensor(value, dtype=torch.float64, **options)


def by_definition(p, q, alpha):
    """Equation (8) of two lists, 0 log 0 being 0."""
    pairs = list(zip(p, q, strict=True))
    if alpha in (0, 1):
        first, second = (0, 1) if alpha else (1, 0)
        if any(pair[first] > 0 and pair[second] == 0 for pair in pairs):
            return math.inf
        return sum(
            pair[first] * math.log(pair[first] / pair[second]) for pair in pairs if pair[first]
        )
    overlap = sum(a**alpha * b ** (1 - alpha) for a, b in pairs)
    return (1 - overlap) / (alpha * (1 - alpha))


ZEROS = [
    ([0.5, 0.5, 0.0], [0.25, 0.25, 0.5]),
    ([0.25, 0.25, 0.5], [0.5, 0.5, 0.0]),
    ([0.5, 0.5, 0.0], [0.0, 0.5, 0.5]),
    ([0.5, 0.5, 0.0], [0.25, 0.75, 0.0]),
    ([1.0, 0.0, 0.0], [0.0, 0.5, 0.5]),
]


@pytest.mark.parametrize(("p", "q"), ZEROS)
@pytest.mark.parametrize("family", [Categorical, OneHotCategorical])
@at_each_alpha
def test_zeros_count_as_the_mathematics_says(family, p, q, alpha):
    value = alpha_divergence(family(real(p)), family(real(q)), alpha)
    tolerance = 1e-10 if alpha in (0, 1) or 0.01 < alpha < 0.99 else 1e-6  # the reference's own
    assert value.item() == pytest.approx(by_definition(p, q, alpha), rel=tolerance)


@pytest.mark.parametrize(("p", "q"), ZEROS)
@at_each_alpha
def test_zeros_leave_every_gradient_finite(p, q, alpha):
    leaves = real(p, requires_grad=True), real(q, requires_grad=True)
    alpha_divergence(*map(Categorical, leaves), alpha).backward()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)


@pytest.mark.parametrize("probability", [0.0, 1.0])
@at_each_alpha
def test_certain_coin_counts_as_the_mathematics_says(probability, alpha):
    value = alpha_divergence(Bernoulli(real(probability)), Bernoulli(real(0.25)), alpha)
    expected = by_definition([probability, 1 - probability], [0.25, 0.75], alpha)
    tolerance = 1e-10 if alpha in (0, 1) or 0.01 < alpha < 0.99 else 1e-6
    assert value.item() == pytest.approx(expected, rel=tolerance)


@at_each_alpha
def test_opposite_certainties_are_as_far_as_can_be(alpha):
    p, q = Bernoulli(real(0.0)), Bernoulli(real(1.0))
    largest = 1 / (alpha * (1 - alpha)) if 0 < alpha < 1 else math.inf
    assert alpha_divergence(p, q, alpha) == largest
    assert log_divergence(p, q, alpha) == math.inf


@at_each_alpha
def test_poisson_of_rate_zero_never_fires(alpha):
    """∫ p^α q^{1−α} = e^{−(1−α)λ} for p at rate 0."""
    rate = real(0.0, requires_grad=True)
    value = alpha_divergence(Poisson(rate), Poisson(real(2.0)), alpha)
    if alpha == 0:
        assert value == math.inf
        return
    expected = -math.expm1(-2 * (1 - alpha)) / (alpha * (1 - alpha)) if alpha < 1 else 2.0
    assert value.item() == pytest.approx(expected, rel=1e-10)
    value.backward()
    assert rate.grad.isfinite()


@at_each_alpha
def test_probabilities_below_the_clamp_of_torch_are_kept(alpha):
    tiny = 1e-30
    for p, q in (([tiny, 1 - tiny], [0.25, 0.75]), ([0.25, 0.75], [tiny, 1 - tiny])):
        coins = alpha_divergence(Bernoulli(real(p[0])), Bernoulli(real(q[0])), alpha)
        dice = alpha_divergence(Categorical(real(p)), Categorical(real(q)), alpha)
        torch.testing.assert_close(coins, dice, rtol=1e-12, atol=0)
        if alpha in (0, 1):
            assert coins.item() == pytest.approx(by_definition(p, q, alpha), rel=1e-12)


def test_logits_beyond_the_clamp_of_torch_are_kept():
    """KL(q‖p) of fair q from p with logit −500: log 2 + half of it would be lost to a clamp."""
    p = Bernoulli(logits=real(-500.0))
    assert alpha_divergence(p, Bernoulli(real(0.5)), 0.0).item() == pytest.approx(
        250 - math.log(2), rel=1e-12
    )
    dice = Categorical(logits=real([0.0, -500.0]))
    assert alpha_divergence(dice, Categorical(real([0.5, 0.5])), 0.0).item() == pytest.approx(
        250 - math.log(2), rel=1e-12
    )


@at_each_alpha
def test_logits_and_probabilities_agree(alpha):
    logits = real([[0.3, -1.0, 2.0], [1.0, 0.0, -4.0]])
    by_logits = alpha_divergence(*(Categorical(logits=row) for row in logits), alpha)
    by_probs = alpha_divergence(*(Categorical(row.softmax(-1)) for row in logits), alpha)
    torch.testing.assert_close(by_logits, by_probs, rtol=1e-12, atol=0)


@at_each_alpha
def test_gradients_of_logits_are_slopes(alpha):
    def dice(p, q):
        return alpha_divergence(Categorical(logits=p), Categorical(logits=q), alpha)

    def coins(p, q):
        return alpha_divergence(Bernoulli(logits=p), Bernoulli(logits=q), alpha)

    leaves = real([0.3, -1.0, 2.0], requires_grad=True), real([1.0, 0.0, -4.0], requires_grad=True)
    assert torch.autograd.gradcheck(dice, leaves)
    assert torch.autograd.gradcheck(coins, leaves)


def test_overlap_below_rounding_is_measured():
    p, q = Categorical(logits=real([0.0, -400.0])), Categorical(logits=real([-400.0, 0.0]))
    assert bhattacharyya_distance(p, q).item() == pytest.approx(200 - math.log(2))


@at_each_alpha
def test_divergence_is_jointly_convex(alpha):
    """van Erven and Harremoës (2014), Theorem 11, holds for every f-divergence."""
    p, q = torch.rand(2, 2, 200, 4, dtype=torch.float64).pow(3)
    p, q = p / p.sum(-1, keepdim=True), q / q.sum(-1, keepdim=True)
    share = torch.rand(200, 1, dtype=torch.float64)

    def divergence(a, b):
        return alpha_divergence(Categorical(a), Categorical(b), alpha)

    mixed = divergence(share * p[0] + (1 - share) * p[1], share * q[0] + (1 - share) * q[1])
    share = share[:, 0]
    chord = share * divergence(p[0], q[0]) + (1 - share) * divergence(p[1], q[1])
    assert (mixed <= chord + 1e-12).all()


@at_each_alpha
def test_merging_outcomes_never_increases_the_divergence(alpha):
    p, q = torch.rand(2, 200, 4, dtype=torch.float64)
    p, q = p / p.sum(-1, keepdim=True), q / q.sum(-1, keepdim=True)
    merged = [torch.cat([d[:, :2], d[:, 2:].sum(-1, keepdim=True)], -1) for d in (p, q)]
    coarse = alpha_divergence(*map(Categorical, merged), alpha)
    assert (coarse <= alpha_divergence(Categorical(p), Categorical(q), alpha) + 1e-14).all()


def test_unequal_numbers_of_categories_are_refused():
    with pytest.raises(ValueError, match="equally many categories, got 2 and 3"):
        alpha_divergence(Categorical(torch.ones(2)), Categorical(torch.ones(3)), 0.5)
