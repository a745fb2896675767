"""Whether two sets of samples come from one distribution, by what a classifier makes of them."""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["gaussian_kl_to_prior", "two_sample_accuracy"]


def two_sample_accuracy(first: Tensor, second: Tensor, seed: int = 0) -> float:
    r"""Accuracy of a classifier that tells two sets of samples apart, on samples new to it.

    A half of each set trains a small network; its share of right answers on the other halves has
    the expectation 1/2 if both come from one distribution, and otherwise is at most
    :math:`\tfrac12 + \tfrac12 TV`, for their distance in total variation.

    Args:
        first: Samples, shape ``(N, D)`` with N at least 20.
        second: As many others, the same shape.
        seed: Of the network and of the halves.

    Returns:
        A share in [0, 1].

    Raises:
        ValueError: The shapes differ, or the samples are too few.

    Example:
        >>> two_sample_accuracy(torch.randn(200, 2), 9 + torch.randn(200, 2)) > 0.9
        True

    Source:
        Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split

    if first.shape != second.shape or first.ndim != 2 or len(first) < 20:
        raise ValueError(
            "two sets of samples must have the same shape (N, D) with N at least 20, got "
            f"{tuple(first.shape)} and {tuple(second.shape)}"
        )
    x = torch.cat([first, second]).double().numpy()
    y = np.repeat([0, 1], len(first))
    train_x, test_x, train_y, test_y = train_test_split(
        x, y, test_size=0.5, stratify=y, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = network(seed).fit(train_x, train_y)
    return float(fitted.score(test_x, test_y))


def network(seed: int) -> Any:  # noqa: ANN401
    """A small network for standardised vectors, which stops where it no longer generalises."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    layers = MLPClassifier((64,), early_stopping=True, max_iter=100, random_state=seed)
    return make_pipeline(StandardScaler(), layers)


def gaussian_kl_to_prior(z: Tensor) -> float:
    r"""Divergence from N(0, I) of the Gaussian with the mean and the covariance of samples.

    .. math:: \tfrac12 (\|m\|^2 + \mathrm{tr}\, S - d - \log\det S)

    Args:
        z: Latents, shape ``(N, D)`` with N above D.

    Returns:
        Nats, non-negative; it is zero where the samples have the prior's moments.

    Raises:
        ValueError: There are too few samples for a covariance.

    Example:
        >>> z = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]]) * 0.75**0.5
        >>> round(gaussian_kl_to_prior(z + 2), 4)
        2.0
    """
    if z.ndim != 2 or len(z) <= z.shape[1]:
        raise ValueError(f"a covariance needs more samples than numbers, got {tuple(z.shape)}")
    z = z.double()
    covariance = torch.atleast_2d(torch.cov(z.T))
    quadratic = z.mean(0).square().sum() + covariance.diagonal().sum() - z.shape[1]
    return float((quadratic - torch.logdet(covariance)) / 2)
