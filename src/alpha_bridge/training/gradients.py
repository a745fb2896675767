r"""The two halves of θ's gradient apart: how far they agree, and how noisy each is.

The forward half is taken times 1 − α, as :math:`h = -e^{-\alpha f} \nabla \log \tilde p_\theta`,
so that it is finite for every α.
"""

from collections.abc import Iterator

import torch
from accelerate import Accelerator
from torch import Tensor

from ..control import Moments, paired_moments
from ..model import AlphaBridge
from ..objective import Noise, Objective
from .processes import noticing_loss

PARTS = 8
"""Parts of a batch whose gradients are compared. Each costs two backward passes; 8 give the
variance of one parameter to √(2/7) = 53 %, which the sum over all parameters averages."""


def twin_gradients(
    model: AlphaBridge, objective: Objective, x: Tensor, noise: Noise, alpha: float
) -> tuple[Tensor, Tensor]:
    """Gradients of both halves from equal parts of a batch.

    The model's gradients and mode are left as they were.

    Returns:
        The forward half times 1 − α, and the reverse half, each ``(*trials, parts, parameters)``.
    """
    trials = len(model.trial_shape)
    parameters = list(model.network_parameters("generator"))
    training = model.training
    model.eval()  # no power iteration, no running statistics

    def flat(loss: Tensor) -> Tensor:
        gradients = torch.autograd.grad(
            loss.mean(-1).sum(), parameters, retain_graph=True, materialize_grads=True
        )
        return torch.cat([gradient.flatten(trials) for gradient in gradients], -1)

    pairs = [
        tuple(map(flat, objective.twins(model, *part, alpha))) for part in _parts(x, noise, trials)
    ]
    model.train(training)
    forward, reverse = (torch.stack(half, trials) for half in zip(*pairs, strict=True))
    return forward, reverse


def describe_twins(forward: Tensor, reverse: Tensor, alpha: float) -> dict[str, Tensor]:
    r"""How the halves stand to each other.

    Args:
        forward: Gradients h of parts of a batch, shape ``(*trials, parts, parameters)``.
        reverse: Gradients :math:`g_R` of the same parts, the same shape.
        alpha: α in [0, 1].

    Returns:
        By name, each ``(*trials,)``: ``twins/cosine`` of their means; ``twins/norm_ratio``,
        :math:`\|g_R\| / \|g_F\|`, which is zero at α = 1; ``twins/variance_forward`` and
        ``twins/variance_reverse``, the traces of the covariances of h and :math:`g_R` of one
        batch.

    Example:
        >>> one = torch.ones(8, 3)
        >>> describe_twins(one, 2 * one, 0.5)["twins/norm_ratio"]
        tensor(1.)
    """
    parts = forward.shape[-2]
    h, g = forward.mean(-2), reverse.mean(-2)
    return {
        "twins/cosine": torch.nn.functional.cosine_similarity(h, g, dim=-1),
        "twins/norm_ratio": (1 - alpha) * g.norm(dim=-1) / h.norm(dim=-1),
        "twins/variance_forward": forward.var(-2).sum(-1) / parts,
        "twins/variance_reverse": reverse.var(-2).sum(-1) / parts,
    }


def centred_moments(forward: Tensor, reverse: Tensor, accelerator: Accelerator) -> Moments:
    """Central second moments of the halves, over all parameters and processes.

    Their means are taken away, because with an estimated ratio and a bound in place of the
    likelihood the halves do not have the same one.
    """
    apart = (half - half.mean(-2, keepdim=True) for half in (forward, reverse))
    rows = (half.flatten(0, -2) for half in apart)
    total = paired_moments(*rows).total()
    with noticing_loss(accelerator):
        means = [accelerator.reduce(moment, "mean") for moment in vars(total).values()]
    return Moments(*means)


def _parts(x: Tensor, noise: Noise, dim: int) -> Iterator[tuple[Tensor, Noise]]:
    count = min(PARTS, x.shape[dim])
    for data, prior, posterior in zip(
        *(tensor.chunk(count, dim) for tensor in (x, noise.prior, noise.posterior)), strict=True
    ):
        yield data, Noise(prior, posterior)
