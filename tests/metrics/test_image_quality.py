import math

import numpy as np
import pytest
import scipy.linalg
import torch

from alpha_bridge.metrics.classifier import Classifier
from alpha_bridge.metrics.image_quality import (
    features_of,
    frechet_distance,
    inception_score,
    kernel_distance,
    reconstruction_error,
    retention,
    splits_for,
)


def pair(size=16, real=200, fake=150):
    """Features of two sets that differ in mean and covariance."""
    mix = torch.eye(size) + 0.3 * torch.randn(size, size)
    return torch.randn(real, size), 0.5 + torch.randn(fake, size) @ mix


def frechet_by_square_root(real, fake):
    covariances = [np.cov(features.double().numpy().T) for features in (real, fake)]
    gap = (real.double().mean(0) - fake.double().mean(0)).square().sum().item()
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    return gap + np.trace(covariances[0] + covariances[1] - 2 * root)


def kernel_distance_by_sums(real, fake):
    """The unbiased estimate, one pair after the other."""
    x, y = real.double().numpy(), fake.double().numpy()
    kernel = lambda a, b: (a @ b / x.shape[1] + 1) ** 3  # noqa: E731
    within = [
        np.mean([kernel(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j])
        for z in (x, y)
    ]
    return sum(within) - 2 * np.mean([kernel(a, b) for a in x for b in y])


def test_frechet_distance_is_that_of_the_matrix_square_root():
    real, fake = pair()
    assert frechet_distance(real, fake) == pytest.approx(frechet_by_square_root(real, fake))


def test_frechet_distance_of_two_known_gaussians():
    first = torch.tensor([[-1.0], [1.0]]).repeat(500, 1)
    second = 3 * first + 2
    deviation = math.sqrt(1000 / 999)
    expected = 2**2 + (3 * deviation - deviation) ** 2
    assert frechet_distance(first, second) == pytest.approx(expected)


def test_frechet_distance_to_itself_is_zero():
    real, _ = pair()
    assert frechet_distance(real, real.clone()) == pytest.approx(0.0, abs=1e-6)


def test_frechet_distance_is_symmetric():
    real, fake = pair()
    assert frechet_distance(real, fake) == pytest.approx(frechet_distance(fake, real))


def test_frechet_distance_stands_fewer_samples_than_features():
    real, fake = pair(size=64, real=20, fake=20)
    gap = (real.mean(0) - fake.mean(0)).square().sum().item()
    assert math.isfinite(frechet_distance(real, fake))
    assert frechet_distance(real, fake) > gap


def test_frechet_distance_does_not_depend_on_where_the_features_lie():
    real, fake = (features.double() for features in pair(real=400, fake=400))
    moved = frechet_distance(real + 1e7, fake + 1e7)
    assert moved == pytest.approx(frechet_distance(real, fake), rel=1e-6)


def test_frechet_distance_of_a_diverged_model_is_not_a_number():
    real, fake = pair()
    assert math.isnan(frechet_distance(real, fake * math.inf))


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
@pytest.mark.parametrize("shape", [(1, 16), (20, 15)])
def test_features_that_do_not_match_are_refused(distance, shape):
    with pytest.raises(ValueError, match="as many columns"):
        distance(torch.zeros(20, 16), torch.zeros(shape))


def test_kernel_distance_is_the_unbiased_sum_over_pairs():
    real, fake = pair(size=5, real=30, fake=30)
    result = kernel_distance(real, fake, subsets=1, subset_size=30)
    assert result == pytest.approx(kernel_distance_by_sums(real, fake))


@pytest.mark.parametrize("real", [40, 90], ids=["in many subsets", "in few subsets"])
def test_kernel_distance_is_the_mean_over_random_subsets(real):
    x, y = pair(size=5, real=real, fake=30)
    rng = torch.Generator().manual_seed(7)
    draws = [(torch.randperm(len(z), generator=rng)[:10] for z in (x, y)) for _ in range(3)]
    expected = np.mean([kernel_distance_by_sums(x[i], y[j]) for i, j in draws])
    assert kernel_distance(x, y, subsets=3, subset_size=10, seed=7) == pytest.approx(expected)


def test_kernel_distance_of_one_distribution_is_zero_in_expectation():
    values = torch.tensor(
        [
            kernel_distance(torch.randn(100, 4), torch.randn(100, 4), subsets=1, subset_size=100)
            for _ in range(30)
        ]
    )
    assert values.mean().abs() < 4 * values.std() / math.sqrt(30)
    assert values.min() < 0


def test_subsets_do_not_change_the_expectation_of_the_kernel_distance():
    real, fake = pair(size=4, real=400, fake=400)
    whole = kernel_distance(real, fake, subsets=1, subset_size=400)
    assert kernel_distance(real, fake, subsets=400, subset_size=100) == pytest.approx(
        whole, rel=0.1
    )


def test_all_samples_are_one_subset():
    real, fake = pair(size=4, real=30, fake=30)
    once = kernel_distance(real, fake, subsets=1, subset_size=30)
    assert kernel_distance(real, fake, subsets=10**9, subset_size=30) == once


def test_a_subset_larger_than_the_samples_is_refused():
    real, fake = pair(real=50, fake=40)
    with pytest.raises(ValueError, match="got 41 of 40"):
        kernel_distance(real, fake, subset_size=41)


def test_inception_score_is_that_of_numpy():
    logits = 3 * torch.randn(100, 7)
    p = logits.double().softmax(-1).numpy()
    divergence = (p * (np.log(p) - np.log(p.mean(0)))).sum(1)
    assert inception_score(logits, splits=1) == pytest.approx(np.exp(divergence.mean()))


def test_certain_and_balanced_logits_score_the_number_of_classes():
    logits = 50 * torch.eye(5).repeat(20, 1)
    assert inception_score(logits, splits=1) == pytest.approx(5.0)


def test_logits_of_one_class_score_one():
    assert inception_score(50 * torch.eye(5)[:1].repeat(20, 1)) == pytest.approx(1.0)


@pytest.mark.parametrize("count", [10, 11, 15, 19, 25, 99])
def test_the_parts_of_an_inception_score_differ_by_one_sample_at_most(count):
    certain = 200 * torch.eye(count)
    sizes = [len(part) for part in np.array_split(np.arange(count), 10)]
    assert inception_score(certain, splits=10) == pytest.approx(np.mean(sizes))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("apart", [103.0, 104.0, 200.0, 1e4, 1e30])
def test_certain_logits_score_the_classes_that_are_met_however_far_apart(apart, dtype):
    logits = apart * torch.eye(7, dtype=dtype)[:5].repeat(20, 1)  # two classes are never met
    assert inception_score(logits, splits=1) == pytest.approx(5.0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_inception_score_of_logits_that_are_not_finite_is_not_a_number(value):
    logits = torch.zeros(20, 3)
    logits[7, 1] = value
    assert math.isnan(inception_score(logits))


@pytest.mark.parametrize("samples", [1, 9, 10, 35, 100, 5000])
def test_there_is_a_sample_for_each_class_in_each_part_or_one_part(samples):
    splits = splits_for(samples, classes=10)
    assert splits == 1 or samples // splits >= 10
    assert splits == min(10, max(1, samples // 10))


def test_more_splits_than_images_are_refused():
    with pytest.raises(ValueError, match="must be at least 10, got 9"):
        inception_score(torch.zeros(9, 2))


RANDOM = {
    "kernel_distance": lambda seed: kernel_distance(*pair_of_seed(), 3, 20, seed),
    "inception_score": lambda seed: inception_score(pair_of_seed()[0], 5, seed),
}


def pair_of_seed():
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(60, 4, generator=generator) for _ in range(2))


@pytest.mark.parametrize("metric", RANDOM.values(), ids=RANDOM)
def test_the_seed_decides_the_random_parts(metric):
    assert metric(3) == metric(3)
    assert metric(3) != metric(4)


@pytest.mark.parametrize("metric", RANDOM.values(), ids=RANDOM)
def test_the_global_generator_is_left_as_it_was(metric):
    before = torch.get_rng_state()
    metric(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_features_in_batches_are_features_of_all():
    network = Classifier(channels=1, size=8, classes=10)
    images = torch.rand(10, 1, 8, 8) * 2 - 1
    features = features_of(network, images.split(3))
    assert not features.requires_grad
    torch.testing.assert_close(features, network.features(images).detach())


def test_no_batches_are_refused():
    with pytest.raises(ValueError, match="at least one batch"):
        features_of(Classifier(channels=1, size=8, classes=10), [])


def test_reconstruction_error_of_trials_is_a_loop_over_them():
    x, x_hat = torch.rand(2, 3, 5, 1, 8, 8), torch.rand(2, 3, 5, 1, 8, 8)
    loop = [torch.nn.functional.mse_loss(a, b) for a, b in zip(x[1], x_hat[1], strict=True)]
    torch.testing.assert_close(reconstruction_error(x, x_hat)[1], torch.stack(loop))


def test_reconstruction_error_of_vectors():
    assert reconstruction_error(torch.zeros(4, 2), torch.ones(4, 2), event_dim=1).item() == 1.0


def test_reconstructions_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        reconstruction_error(torch.zeros(4, 1, 8, 8), torch.zeros(1, 1, 8, 8))


def test_retention_counts_the_labels_that_stayed():
    labels = torch.tensor([[0, 1, 2, 3], [0, 0, 0, 0]])
    assert retention(torch.tensor([[0, 1, 2, 0], [1, 1, 1, 1]]), labels).tolist() == [0.75, 0.0]
