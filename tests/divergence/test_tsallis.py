"""The Tsallis logarithm, and the two forms of the divergence that it joins."""

import mpmath
import pytest
import torch

from alpha_bridge.divergence import tsallis_log
from alpha_bridge.divergence.logarithmic import (
    from_logarithmic,
    log_sum,
    logarithmic_form,
    to_logarithmic,
)


def real(value, **options):
    return torch.tensor(value, dtype=torch.float64, **options)


@pytest.mark.parametrize("order", [-1.0, -1e-8, 1e-8, 0.3, 1.0, 2.0])
def test_tsallis_logarithm_is_its_definition(order):
    log_r = torch.linspace(-5, 5, 11, dtype=torch.float64)
    with mpmath.workdps(50):
        expected = [float(mpmath.expm1(mpmath.mpf(order) * x) / order) for x in log_r.tolist()]
    torch.testing.assert_close(tsallis_log(log_r, order), real(expected), rtol=1e-14, atol=0)


def test_tsallis_logarithm_of_order_zero_is_the_natural_one():
    log_r = torch.linspace(-5, 5, 11)
    assert torch.equal(tsallis_log(log_r, 0.0), log_r)


@pytest.mark.parametrize("order", [-0.5, 0.0, 1e-8, 0.5, 1.0])
def test_gradient_of_the_tsallis_logarithm_is_a_power_of_the_ratio(order):
    log_r = torch.linspace(-5, 5, 11, dtype=torch.float64, requires_grad=True)
    tsallis_log(log_r, order).sum().backward()
    torch.testing.assert_close(log_r.grad, (order * log_r.detach()).exp(), rtol=1e-14, atol=0)


def test_logarithmic_form_comes_back(alpha):
    divergence = real([0.0, 1e-12, 0.3, 1.0])
    back = from_logarithmic(to_logarithmic(divergence, alpha), alpha)
    torch.testing.assert_close(back, divergence, rtol=1e-14, atol=0)


@pytest.mark.parametrize(("alpha", "largest"), [(0.0, torch.inf), (0.2, 6.25), (2.0, torch.inf)])
def test_infinite_logarithmic_form_is_the_largest_divergence(alpha, largest):
    infinite = real(torch.inf, requires_grad=True)
    divergence = from_logarithmic(infinite, alpha)
    divergence.backward()
    assert divergence.item() == pytest.approx(largest)
    assert infinite.grad == 0
    assert to_logarithmic(divergence, alpha) == torch.inf


def test_overlap_takes_over_where_the_divergence_has_lost_it():
    exact = 400.0
    saturated = from_logarithmic(real(exact), 0.5)
    assert to_logarithmic(saturated, 0.5) == torch.inf
    assert logarithmic_form(saturated, real(-exact / 4), 0.5) == exact


def test_sum_of_nothing_has_no_gradient():
    empty = real([-torch.inf, -torch.inf], requires_grad=True)
    total = log_sum(empty, 0)
    total.backward()
    assert total == -torch.inf
    assert empty.grad.tolist() == [0, 0]
