import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi, gaussian_kde, multivariate_normal
from sklearn.neighbors import KernelDensity
from torch.utils._python_dispatch import TorchDispatchMode

from alpha_bridge.data import grid
from alpha_bridge.metrics import modes
from alpha_bridge.metrics.modes import (
    high_quality,
    inception_score,
    invented_mass,
    kde_log_likelihood,
    missed_mass,
    modes_covered,
)

GRID = torch.cartesian_prod(*[torch.tensor([-4.0, -2.0, 0.0, 2.0, 4.0])] * 2)
STD = 0.1
WEIGHTS = torch.tensor([0.02, 0.08, 0.2, 0.7])
LINE = 2.0 * torch.arange(4.0)[:, None]


def draw(*shape):
    """Samples of the 25 Gaussians, and the mode of each."""
    mode = torch.randint(len(GRID), shape)
    return GRID[mode] + STD * torch.randn(*shape, 2), mode


def isotropic(samples, bandwidth):
    """scipy's estimate with an isotropic kernel in place of the scaled covariance."""
    estimate = gaussian_kde(samples.T)
    estimate.covariance = bandwidth**2 * np.eye(samples.shape[1])
    estimate.cho_cov = bandwidth * np.eye(samples.shape[1])
    return estimate


@pytest.mark.parametrize("classes", [1, 2, 25])
def test_certain_and_balanced_samples_score_the_number_of_classes(classes):
    probabilities = torch.eye(classes).repeat(3, 1)
    assert inception_score(probabilities).item() == pytest.approx(classes, rel=1e-5)


def test_samples_of_one_mode_score_one():
    probabilities = torch.eye(25)[torch.zeros(10, dtype=torch.long)]
    assert inception_score(probabilities).item() == pytest.approx(1.0)


def test_samples_that_no_class_explains_better_score_one():
    assert inception_score(torch.full((10, 4), 0.25)).item() == pytest.approx(1.0)


def test_inception_score_by_hand():
    probabilities = torch.tensor([[0.75, 0.25], [0.25, 0.75]], dtype=torch.float64)
    divergence = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert inception_score(probabilities).item() == pytest.approx(math.exp(divergence))


def test_uneven_modes_score_the_exponential_of_their_entropy():
    probabilities = torch.eye(3, dtype=torch.float64)[[0, 0, 1, 2]]
    entropy = 0.5 * math.log(2) + 2 * 0.25 * math.log(4)
    assert inception_score(probabilities).item() == pytest.approx(math.exp(entropy))


@given(seed=st.integers(0, 2**32 - 1), sharpness=st.floats(0.0, 50.0))
def test_inception_score_lies_between_one_and_the_number_of_classes(seed, sharpness):
    logits = torch.randn(20, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    score = inception_score((sharpness * logits).softmax(-1)).item()
    assert 1 - 1e-9 <= score <= 6 + 1e-9


def test_data_of_unequal_weights_score_the_number_of_classes():
    probabilities = torch.eye(4).repeat_interleave((100 * WEIGHTS).round().int(), 0)
    assert inception_score(probabilities, WEIGHTS).item() == pytest.approx(4)


def test_balance_that_the_data_do_not_have_lowers_the_score():
    assert inception_score(torch.eye(4), WEIGHTS).item() < 3


def test_equal_weights_are_no_weights():
    probabilities = torch.randn(30, 6).softmax(-1)
    equal = torch.full((6,), 1 / 6)
    torch.testing.assert_close(
        inception_score(probabilities, equal), inception_score(probabilities)
    )


def test_weights_are_undone_exactly_where_modes_overlap():
    means, equal = torch.tensor([[0.0], [1.5]]), torch.tensor([0.5, 0.5])
    uneven = torch.tensor([0.2, 0.8])
    x = torch.linspace(-6, 8, 5000)[:, None]
    log_normal = -(x - means.T).square() / 2

    def score(weights, assumed):
        """Samples spread evenly over x, each repeated as its density wants by its weight."""
        density = (weights.log() + log_normal).logsumexp(-1).exp()
        drawn = torch.multinomial(density, 200_000, replacement=True)
        return inception_score((weights.log() + log_normal)[drawn].softmax(-1), assumed).item()

    assert score(uneven, uneven) == pytest.approx(score(equal, None), abs=0.01)


@pytest.mark.parametrize("rows", [[[1.0, 1.0]], [[1.5, -0.5]], [[0.0, 0.0]]])
def test_what_is_no_distribution_is_refused(rows):
    with pytest.raises(ValueError, match="sum to one"):
        inception_score(torch.tensor(rows))


def test_a_diverged_posterior_scores_not_a_number():
    assert inception_score(torch.full((3, 2), math.nan)).isnan()


def test_kde_is_that_of_scipy():
    points, samples = draw(300)[0].double(), draw(200)[0].double()
    expected = isotropic(samples.numpy(), 0.1).logpdf(points.numpy().T).mean()
    assert kde_log_likelihood(points, samples, 0.1).item() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_kde_is_that_of_scikit_learn_in_any_dimension(size):
    points, samples = torch.randn(50, size), 3 * torch.randn(70, size)
    expected = KernelDensity(bandwidth=0.5).fit(samples.numpy()).score(points.numpy()) / 50
    assert kde_log_likelihood(points, samples, 0.5).item() == pytest.approx(expected, rel=1e-6)


def test_kde_of_one_sample_is_its_kernel():
    kernel = multivariate_normal([1.0, 2.0], 0.3**2 * np.eye(2))
    result = kde_log_likelihood(torch.tensor([[1.5, 1.0]]), torch.tensor([[1.0, 2.0]]), 0.3)
    assert result.item() == pytest.approx(kernel.logpdf([1.5, 1.0]), rel=1e-6)


def test_kde_is_accurate_far_from_the_origin():
    points, samples = draw(100)[0].double(), draw(100)[0].double()
    near = kde_log_likelihood(points, samples, 0.1)
    far = kde_log_likelihood(points + 1e5, samples + 1e5, 0.1)
    assert far.item() == pytest.approx(near.item(), abs=1e-5)


def test_kde_is_finite_where_every_kernel_underflows():
    result = kde_log_likelihood(torch.full((1, 2), 100.0), torch.zeros(4, 2), 0.1)
    assert result.item() == pytest.approx(-(100**2) / 0.1**2 - math.log(2 * math.pi * 0.01))


def test_kde_integrates_to_one():
    line = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    samples = torch.randn(5, 1, dtype=torch.float64)
    log_density = kde_log_likelihood(line[:, None, None], samples, 0.3)
    assert torch.trapezoid(log_density.exp(), line).item() == pytest.approx(1.0)


@pytest.mark.parametrize("block_bytes", [1, 800, 5000, 2**26])
def test_kde_does_not_depend_on_its_blocks(block_bytes):
    points, samples = draw(3, 57)[0], draw(3, 83)[0]
    expected = kde_log_likelihood(points, samples, 0.1)
    torch.testing.assert_close(kde_log_likelihood(points, samples, 0.1, block_bytes), expected)


class Largest(TorchDispatchMode):
    """Bytes of the largest tensor that any operation makes."""

    nbytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for made in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(made, torch.Tensor):
                self.nbytes = max(self.nbytes, made.untyped_storage().nbytes())
        return result


@pytest.mark.parametrize("trials", [(), pytest.param((10,), marks=pytest.mark.slow)])
def test_no_array_of_the_kde_exceeds_64_mebibytes(trials):
    with Largest() as largest:
        kde_log_likelihood(torch.randn(3000, 2), torch.randn(*trials, 3000, 2), 0.1)
    assert 0 < largest.nbytes <= 2**26


def test_no_array_of_a_large_kde_exceeds_256_mebibytes():
    x, y = torch.randn(2, 10_000, 2)
    with Largest() as largest:
        kde_log_likelihood(x, y, 0.1)
    assert 8 * 10_000 * 2 <= largest.nbytes <= 2**28 < 8 * 10_000**2


def test_kde_of_diverged_samples_is_not_a_number():
    samples = torch.tensor([[0.0, 0.0], [math.inf, 0.0]])
    assert kde_log_likelihood(torch.zeros(3, 2), samples, 0.1).isnan()


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, math.nan])
def test_a_bandwidth_that_is_not_positive_is_refused(bandwidth):
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        kde_log_likelihood(torch.zeros(1, 2), torch.zeros(1, 2), bandwidth)


def test_other_dimensions_are_refused():
    with pytest.raises(ValueError, match="one dimension, got 2 and 3"):
        kde_log_likelihood(torch.zeros(4, 2), torch.zeros(4, 3), 0.1)
    with pytest.raises(ValueError, match="one dimension, got 3 and 2"):
        modes_covered(torch.zeros(4, 3), torch.zeros(4, 2), STD)


def test_samples_of_the_mixture_cover_every_mode():
    assert modes_covered(draw(2000)[0], GRID, STD).item() == 25


def test_modes_that_the_samples_leave_out_are_not_covered():
    samples, mode = draw(2000)
    assert modes_covered(samples[mode < 7], GRID, STD).item() == 7


def test_samples_of_low_quality_cover_nothing():
    assert modes_covered(GRID + 3.1 * STD * torch.tensor([1.0, 0.0]), GRID, STD).item() == 0


def test_a_mode_is_covered_from_its_least_number_of_samples():
    samples = torch.tensor([[0.0], [0.0], [1.0]])
    means = torch.tensor([[0.0], [1.0]])
    covered = [modes_covered(samples, means, STD, least=least).item() for least in (1, 2, 3)]
    assert covered == [2, 1, 0]


def test_least_below_one_is_refused():
    with pytest.raises(ValueError, match="least must be at least 1, got 0"):
        modes_covered(GRID, GRID, STD, least=0)


def test_a_sample_in_reach_of_two_modes_covers_the_nearest():
    means = torch.tensor([[0.0], [1.0]])
    assert modes_covered(torch.tensor([[0.4]]), means, std=1.0).item() == 1


def test_each_mode_may_have_its_own_std():
    means, std = torch.tensor([[0.0], [10.0]]), torch.tensor([0.1, 2.0])
    assert high_quality(torch.tensor([[1.0], [5.0]]), means, std).item() == 0.5


@pytest.mark.parametrize("within", [1.0, 2.0, 3.0])
def test_the_mixture_itself_has_the_quality_of_the_rayleigh_law(within):
    share = high_quality(draw(20000)[0], GRID, STD, within).item()
    expected = 1 - math.exp(-(within**2) / 2)
    assert share == pytest.approx(expected, abs=5 * math.sqrt(0.25 / 20000))


def test_quality_does_not_ask_for_balance():
    assert high_quality(GRID[:1].repeat(10, 1), GRID, STD).item() == 1.0


def test_samples_of_the_mixture_miss_nothing():
    assert missed_mass(draw(10_000)[0], GRID, STD, torch.full((25,), 0.04)).item() == 0


def line(*counts):
    """That many samples on the mean of each of four modes."""
    return LINE.repeat_interleave(torch.tensor(counts), 0)


@pytest.mark.parametrize(
    ("counts", "missed"),
    [
        ((2, 8, 20, 70), 0.0),
        ((0, 8, 20, 70), 0.02),
        ((10, 10, 10, 0), 0.7),
        ((0, 0, 1, 0), 0.8),
    ],
)
def test_missed_mass_is_the_weight_of_the_modes_left_out(counts, missed):
    assert missed_mass(line(*counts), LINE, STD, WEIGHTS).item() == pytest.approx(missed)


def test_a_mode_is_left_out_below_a_tenth_of_its_weight():
    below, above = line(20, 80, 831, 69), line(20, 80, 829, 71)
    assert missed_mass(below, LINE, STD, WEIGHTS).item() == pytest.approx(0.7)
    assert missed_mass(above, LINE, STD, WEIGHTS).item() == 0


def test_what_is_left_out_may_be_asked_for_more_strictly():
    samples = line(1, 8, 20, 71)
    assert missed_mass(samples, LINE, STD, WEIGHTS).item() == 0
    assert missed_mass(samples, LINE, STD, WEIGHTS, least=0.6).item() == pytest.approx(0.02)


def test_where_ten_samples_are_expected_a_mode_is_hardly_ever_missed_by_chance():
    weights = torch.tensor([0.01, 0.99])
    mode = (torch.rand(4000, 1000, 1) < 0.99).float()
    missed = missed_mass(mode, torch.tensor([[0.0], [1.0]]), STD, weights)
    assert (missed > 0).float().mean() < 1e-3


def test_invented_samples_do_not_cover_a_mode():
    assert missed_mass(LINE + 0.5, LINE, STD, WEIGHTS).item() == pytest.approx(1)


@pytest.mark.parametrize("size", [1, 2, 10, 100])
@pytest.mark.parametrize("tail", [0.01, 0.2])
def test_the_mixture_invents_the_tail_in_any_dimension(size, tail):
    means = 100 * torch.eye(size)
    samples = means[torch.randint(size, (20_000,))] + STD * torch.randn(20_000, size)
    share = invented_mass(samples, means, STD, tail).item()
    assert share == pytest.approx(tail, abs=5 * math.sqrt(tail * (1 - tail) / 20_000))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_samples_are_invented_beyond_the_quantile_of_chi(size):
    radius = chi(size).isf(1e-3)
    x = torch.zeros(2, size, dtype=torch.float64)
    x[:, 0] = torch.tensor([radius - 1e-6, radius + 1e-6])
    assert invented_mass(x, torch.zeros(1, size), std=1.0).item() == 0.5


def test_missed_and_invented_mass_are_told_apart():
    collapsed, scattered = line(0, 0, 0, 10), line(2, 8, 20, 70)
    scattered[::2] += 0.9
    assert invented_mass(collapsed, LINE, STD).item() == 0
    assert missed_mass(scattered, LINE, STD, WEIGHTS).item() == 0
    assert missed_mass(collapsed, LINE, STD, WEIGHTS).item() == pytest.approx(0.3)
    assert invented_mass(scattered, LINE, STD).item() == 0.5


@pytest.mark.parametrize("tail", [0.0, 1.0, -1.0, math.nan])
def test_a_tail_that_is_no_probability_is_refused(tail):
    with pytest.raises(ValueError, match="tail must lie between 0 and 1"):
        invented_mass(GRID, GRID, STD, tail)


def test_a_least_share_above_one_is_refused():
    with pytest.raises(ValueError, match=r"least must lie in \[0, 1\], got 2"):
        missed_mass(LINE, LINE, STD, WEIGHTS, least=2.0)


def test_diverged_samples_are_invented_and_miss_everything():
    samples = torch.full((5, 1), math.nan)
    assert invented_mass(samples, LINE, STD).item() == 1
    assert missed_mass(samples, LINE, STD, WEIGHTS).item() == pytest.approx(1)


def test_diverged_samples_have_no_quality_and_cover_no_mode():
    samples = torch.full((5, 2), math.nan)
    assert high_quality(samples, GRID, STD).item() == 0.0
    assert modes_covered(samples, GRID, STD).item() == 0


@pytest.mark.parametrize(
    "metric",
    [
        lambda x: inception_score(torch.cdist(x, GRID).neg().softmax(-1)),
        lambda x: kde_log_likelihood(GRID, x, 0.1),
        lambda x: kde_log_likelihood(x, x.flip(-2), 0.1),
        lambda x: modes_covered(x, GRID, STD),
        lambda x: high_quality(x, GRID, STD),
        lambda x: missed_mass(x, GRID, STD, torch.arange(1.0, 26) / 325),
        lambda x: invented_mass(x, GRID, STD, tail=0.1),
        lambda x: inception_score(
            torch.cdist(x, GRID).neg().softmax(-1), torch.arange(1.0, 26) / 325
        ),
    ],
    ids=[
        "inception_score",
        "kde_shared_points",
        "kde_own_points",
        "modes",
        "high_quality",
        "missed_mass",
        "invented_mass",
        "weighted_inception_score",
    ],
)
def test_trials_are_what_a_loop_over_them_gives(metric):
    samples = draw(2, 3, 40)[0]
    loop = torch.stack([metric(trial) for trial in samples.flatten(0, 1)]).unflatten(0, (2, 3))
    torch.testing.assert_close(metric(samples), loop)


def test_far_blocks_of_a_kde_are_left_out_and_nothing_is_lost(monkeypatch):
    """Columns of modes that lie 20 bandwidths apart: a block sees its own, and hardly another."""
    rng = np.random.default_rng(0)
    points, samples = grid().sample(1500, rng), grid().sample(1500, rng)
    whole = kde_log_likelihood(points, samples, 0.1, block_bytes=2**30)  # a single block
    seen, log_sum_exp = [], modes._log_sum_exp

    def spy(exponents):
        seen.append(exponents.numel())
        return log_sum_exp(exponents)

    monkeypatch.setattr(modes, "_log_sum_exp", spy)
    parts = kde_log_likelihood(points, samples, 0.1, block_bytes=2**15)
    torch.testing.assert_close(parts, whole, rtol=1e-13, atol=0)
    assert sum(seen) < 0.4 * 1500**2
