import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gaussian_kde, multivariate_normal
from sklearn.neighbors import KernelDensity

from alpha_bridge.metrics.mixture import (
    high_quality,
    inception_score,
    kde_log_likelihood,
    modes_covered,
)

GRID = torch.cartesian_prod(*[torch.tensor([-4.0, -2.0, 0.0, 2.0, 4.0])] * 2)
STD = 0.1


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


@pytest.mark.parametrize("trials", [(), (10,)])
def test_no_array_of_the_kde_exceeds_64_mebibytes(trials):
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.untyped_storage().nbytes())
            return result

    with Watch():
        kde_log_likelihood(torch.randn(3000, 2), torch.randn(*trials, 3000, 2), 0.1)
    assert 0 < largest <= 2**26


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
    ],
    ids=["inception_score", "kde_shared_points", "kde_own_points", "modes", "high_quality"],
)
def test_trials_are_what_a_loop_over_them_gives(metric):
    samples = draw(2, 3, 40)[0]
    loop = torch.stack([metric(trial) for trial in samples.flatten(0, 1)]).unflatten(0, (2, 3))
    torch.testing.assert_close(metric(samples), loop)
