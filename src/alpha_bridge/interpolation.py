"""Curves between two latents: a line, and an arc on the shell on which Gaussian latents lie."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["Curve", "lerp", "slerp"]

Curve = Callable[[Tensor, Tensor, float], Tensor]
"""From two latents, shape ``(..., latent)``, and a share of the way to the point there."""


def lerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Point on the straight line from ``start`` to ``end``.

    Example:
        >>> lerp(torch.tensor([0.0]), torch.tensor([2.0]), 0.5)
        tensor([1.])
    """
    return torch.lerp(start, end, share)


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    r"""Point on the arc from ``start`` to ``end``, along the last dimension.

    .. math:: \frac{\sin((1-t)\omega)}{\sin\omega} a + \frac{\sin(t\omega)}{\sin\omega} b

    It keeps to the shell on which Gaussian latents lie; for parallel latents it is the line,
    as it is for opposite ones, which no arc joins in particular.

    Example:
        >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 0.5)
        tensor([0.7071, 0.7071])

    Source:
        Shoemake, Animating Rotation with Quaternion Curves, SIGGRAPH 1985.
    """
    cosine = nn.functional.cosine_similarity(start, end, dim=-1).unsqueeze(-1)
    angle = torch.acos(cosine.clamp(-1, 1))
    sine = torch.sin(angle)
    arc = (torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end) / sine
    # at an angle of 1e-3 the arc has lost three digits of float32, and lies 1e-7 from the line
    return torch.where(sine > 1e-3, arc, lerp(start, end, share))
