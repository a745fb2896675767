"""Curves between latents: their ends, the line, and the arc that keeps the norm."""

import pytest
import torch
from torch import nn

from alpha_bridge.interpolation import lerp, slerp


def samples():
    return torch.randn(5, 3, dtype=torch.float64)


@pytest.mark.parametrize("curve", [lerp, slerp])
def test_both_ends_of_a_curve_are_its_arguments(curve):
    start, end = samples(), samples()
    torch.testing.assert_close(curve(start, end, 0.0), start)
    torch.testing.assert_close(curve(start, end, 1.0), end)


@pytest.mark.parametrize("curve", [lerp, slerp])
def test_a_curve_is_the_same_backwards(curve):
    start, end = samples(), samples()
    torch.testing.assert_close(curve(start, end, 0.3), curve(end, start, 0.7))


every_share = pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])


@every_share
def test_the_line_is_straight(share):
    start, end = samples(), samples()
    torch.testing.assert_close(lerp(start, end, share), (1 - share) * start + share * end)


@every_share
def test_the_arc_keeps_the_norm(share):
    start, end = (nn.functional.normalize(samples(), dim=-1) for _ in range(2))
    torch.testing.assert_close(slerp(start, end, share).norm(dim=-1), start.norm(dim=-1))


@every_share
def test_the_arc_moves_at_an_even_angle(share):
    start, end = (nn.functional.normalize(samples(), dim=-1) for _ in range(2))
    whole = torch.acos((start * end).sum(-1))
    turned = torch.acos((start * slerp(start, end, share)).sum(-1).clamp(-1, 1))
    torch.testing.assert_close(turned, share * whole, atol=1e-7, rtol=0)


@every_share
@pytest.mark.parametrize("factor", [1.0, 2.0], ids=["equal", "longer"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_arc_between_parallel_latents_is_the_line(share, factor, dtype):
    start = samples().to(dtype)
    end = factor * start
    torch.testing.assert_close(slerp(start, end, share), lerp(start, end, share))


@every_share
def test_the_arc_between_opposite_latents_is_the_line(share):
    start = samples()
    torch.testing.assert_close(slerp(start, -start, share), lerp(start, -start, share))


def test_the_arc_from_the_origin_is_finite():
    assert slerp(torch.zeros(1, 3), torch.ones(1, 3), 0.5).isfinite().all()
