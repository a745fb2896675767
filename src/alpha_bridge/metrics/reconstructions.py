"""How close reconstructions come to their images, and how sharp they are."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from ..chunks import in_parts

__all__ = ["psnr", "sharpness", "ssim"]

WINDOW = 11
"""Pixels of the window of :func:`ssim`."""

TOGETHER = 50
"""Images that are compared at once, at most: a comparison takes several times their memory."""


def psnr(x: Tensor, decoded: Tensor) -> Tensor:
    r"""Peak signal-to-noise ratio in dB, :math:`10 \log_{10} (4 / MSE)` for pixels in [−1, 1].

    Args:
        x: Images ``(N, C, H, W)``.
        decoded: Their reconstructions; the error is the mean over all of them.

    Example:
        >>> psnr(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.5)).round(decimals=2)
        tensor(12.0400)
    """
    from torchmetrics.functional.image import peak_signal_noise_ratio

    found: Tensor = peak_signal_noise_ratio(decoded, x, data_range=2.0)
    return found


def ssim(x: Tensor, decoded: Tensor) -> Tensor:
    """Structural similarity, at most 1, of images of at least 11 pixels; see :func:`psnr`.

    Source:
        Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, IEEE
        Transactions on Image Processing, 2004.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    total = torch.zeros(())
    for true, made in zip(in_parts(x, TOGETHER), in_parts(decoded, TOGETHER), strict=True):
        found = structural_similarity_index_measure(made, true, data_range=2.0)
        assert isinstance(found, Tensor)
        total = total + len(true) * found
    return total / len(x)


def sharpness(x: Tensor, decoded: Tensor) -> Tensor:
    """How much of the images' finest detail reconstructions have: 1 for as much.

    It is the root of the mean square of the Laplacian over that of the images.

    Example:
        >>> x = torch.tensor([[[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]])
        >>> sharpness(x, x / 2)
        tensor(0.5000)
    """
    return (_energy(decoded) / _energy(x)).sqrt()


def _energy(x: Tensor) -> Tensor:
    """The sum of the Laplacian's squares."""
    of_parts = [_laplacian(part).square().sum() for part in in_parts(x, TOGETHER)]
    return torch.stack(of_parts).sum()


def _laplacian(x: Tensor) -> Tensor:
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).to(x)
    return conv2d(x.reshape(-1, 1, *x.shape[-2:]), kernel[None, None])
