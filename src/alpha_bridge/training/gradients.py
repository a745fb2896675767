r"""The two halves of θ's gradient apart: how far they agree, and how noisy each is.

The forward half is taken times 1 − α, as :math:`h = -e^{-\alpha f} \nabla \log \tilde p_\theta`,
so that it is finite for every α.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..control import Moments
from ..model import AlphaBridge
from ..objective import Noise, Objective
from .processes import noticing_loss

if TYPE_CHECKING:
    from accelerate import Accelerator

PARTS = 8
"""Parts of a batch whose gradients are compared. Each costs two backward passes; 8 give the
variance of one parameter to √(2/7) = 53 %, which the sum over all parameters averages."""


Gradients = Sequence[Tensor]
"""Of each parameter, ``(*trials, size)``."""

Pairs = Iterable[tuple[Gradients, Gradients]]
"""Of each part of a batch, the gradients h of the forward half times 1 − α, and :math:`g_R` of the
reverse one."""


def twin_gradients(
    model: AlphaBridge, objective: Objective, x: Tensor, noise: Noise, alpha: float
) -> Iterator[tuple[Gradients, Gradients]]:
    """Gradients of both halves from about equal parts of a batch, one part after the other.

    A part is computed when it is asked for. The model is in evaluation mode until the last one has
    been; its gradients and its mode are then as they were.

    Yields:
        Of the forward half times 1 − α, and of the reverse half, for each parameter of the
        generator, ``(*trials, size)``.
    """
    trials = len(model.trial_shape)
    parameters = list(model.network_parameters("generator"))
    training = model.training

    def gradients(loss: Tensor) -> Gradients:
        found = torch.autograd.grad(
            loss.mean(-1).sum(), parameters, retain_graph=True, materialize_grads=True
        )
        return [gradient.flatten(trials) for gradient in found]

    model.eval()  # no power iteration, no running statistics
    try:
        for part in _parts(x, noise, trials):
            forward, reverse = map(gradients, objective.twins(model, *part, alpha))
            yield forward, reverse
    finally:
        model.train(training)


@dataclass(frozen=True)
class TwinMoments:
    r"""Moments of both halves over parts of a batch, by Welford's updates.

    No part is kept: the sixteen gradients of a generator of 64×64 images would take 450 MB, and
    630 while they are put together.

    Attributes:
        parts: How many there were.
        means: :math:`\|\bar h\|^2`, :math:`\|\bar g\|^2` and :math:`\bar h \cdot \bar g` of the
            means over parts, each ``(*trials,)``.
        central: Sums over parts of :math:`\|h - \bar h\|^2`, :math:`\|g - \bar g\|^2` and
            :math:`(h - \bar h) \cdot (g - \bar g)`, each ``(*trials,)``.

    Example:
        >>> one = torch.ones(3)
        >>> TwinMoments.of([([one], [one]), ([3 * one], [one])]).central.forward
        tensor(6.)

    Source:
        Welford, Note on a Method for Calculating Corrected Sums of Squares and Products,
        Technometrics 1962.
    """

    parts: int
    means: Moments
    central: Moments

    @classmethod
    def of(cls, pairs: Pairs) -> TwinMoments:
        """Those of one part or more."""
        means: list[tuple[Tensor, Tensor]] = []
        central: list[Moments] = []
        parts = 0
        for parts, (forward, reverse) in enumerate(pairs, 1):
            share = 1 - 1 / parts  # of a difference, what is left of it to the new mean
            sums = []
            for place, (h, g) in enumerate(zip(forward, reverse, strict=True)):
                if parts == 1:
                    means.append((h.clone(), g.clone()))
                h_mean, g_mean = means[place]
                apart = h - h_mean, g - g_mean
                h_mean.add_(apart[0], alpha=1 / parts)
                g_mean.add_(apart[1], alpha=1 / parts)
                sums.append(_products(*apart))
            central.append(_sum(sums, share))
        return cls(parts, _sum([_products(*of) for of in means]), _sum(central))


def _products(h: Tensor, g: Tensor) -> Moments:
    """Sums over the parameters of their squares and of their product, ``(*trials,)``."""
    vecdot = torch.linalg.vecdot
    return Moments(vecdot(h, h), vecdot(g, g), vecdot(h, g))


def _sum(moments: Sequence[Moments], share: float = 1.0) -> Moments:
    """A share of the sum of several."""
    forward, reverse, cross = zip(*(vars(of).values() for of in moments), strict=True)
    return Moments(*(share * torch.stack(of).sum(0) for of in (forward, reverse, cross)))


def describe_twins(pairs: Pairs, alpha: float) -> dict[str, Tensor]:
    r"""How the halves stand to each other.

    Args:
        pairs: Gradients h and :math:`g_R` of one part of a batch or more, as
            :func:`twin_gradients` gives them.
        alpha: α in [0, 1].

    Returns:
        By name, each ``(*trials,)``: ``twins/cosine`` of their means; ``twins/norm_ratio``,
        :math:`\|g_R\| / \|g_F\|`, which is zero at α = 1; ``twins/variance_forward`` and
        ``twins/variance_reverse``, the traces of the covariances of h and :math:`g_R` of one
        batch, NaN of one part.

    Example:
        >>> one = torch.ones(3)
        >>> describe_twins([([one], [2 * one])] * 8, 0.5)["twins/norm_ratio"]
        tensor(1.)
    """
    twins = TwinMoments.of(pairs)
    h, g = twins.means.forward.sqrt(), twins.means.reverse.sqrt()
    of_mean = 1 / (twins.parts * (twins.parts - 1)) if twins.parts > 1 else nan
    return {
        "twins/cosine": twins.means.cross / (h * g).clamp_min(torch.finfo(h.dtype).tiny),
        "twins/norm_ratio": (1 - alpha) * g / h,
        "twins/variance_forward": twins.central.forward * of_mean,
        "twins/variance_reverse": twins.central.reverse * of_mean,
    }


def centred_moments(pairs: Pairs, accelerator: Accelerator) -> Moments:
    """Central second moments of the halves, over all parameters and processes.

    Their means are taken away, because with an estimated ratio and a bound in place of the
    likelihood the halves do not have the same one.
    """
    twins = TwinMoments.of(pairs)
    with noticing_loss(accelerator):
        means = [
            accelerator.reduce(total.mean() / twins.parts, "mean")
            for total in vars(twins.central).values()
        ]
    return Moments(*means)


def _parts(x: Tensor, noise: Noise, dim: int) -> Iterator[tuple[Tensor, Noise]]:
    count = min(PARTS, x.shape[dim])
    drawn = x, noise.prior, noise.posterior
    parts = (tensor.tensor_split(count, dim) for tensor in drawn)
    for data, prior, posterior in zip(*parts, strict=True):
        yield data, Noise(prior, posterior)
