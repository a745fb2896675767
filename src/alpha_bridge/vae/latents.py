r"""How large a VAE's latents are beside the prior's, and what they are scaled by.

The prior is :math:`N(0, I)`. Latents :math:`z' = s (z - m)` fit it if their root mean square is
near 1; the best s, if nothing else is known, is 1 over that of :math:`z - m`.
"""

import torch
from torch import Tensor

__all__ = ["Numbers", "decided_scale", "latent_size", "require_latents"]

Numbers = float | Tensor
"""A number, or one for each channel of a latent, which broadcasts with it."""

LATENT_SIZES = (0.5, 2.0)
"""Root mean squares of a VAE's latents that are near enough to the prior's, which is 1."""

HELD = 0.01
"""Share of the encoder's noise in the latents' mean square from which on the prior had a say."""


def latent_size(mean: Tensor, log_variance: Tensor, scale: Numbers = 1.0) -> float:
    r"""Root mean square of draws from the encoder, which is 1 if they follow the prior.

    .. math:: \sqrt{E[s^2 (\mu^2 + e^v)]}

    Example:
        >>> latent_size(torch.zeros(2, 3), torch.zeros(2, 3))
        1.0
    """
    mean_square = (mean.square() + log_variance.exp()) * torch.as_tensor(scale).square()
    return float(mean_square.mean().sqrt())


def require_latents(size: float, scale: Numbers) -> None:
    """Refuse latents that the prior would never draw."""
    if not _fits(size):
        fitting = f"{float(scale) / size:.3g}" if isinstance(scale, float | int) else "another one"
        raise ValueError(
            f"the VAE's latents have a root mean square of {size:.3g} on these data, and those of "
            f"the prior N(0, I) have 1: give a latent scale of {fitting} (--latent-scale)"
        )


def decided_scale(
    mean: Tensor,
    log_variance: Tensor,
    own: Numbers,
    given: float | None = None,
    sampled: bool = True,
) -> tuple[Numbers, tuple[str, ...]]:
    """The scale of a VAE's latents, and what was measured and decided, in a line each.

    Args:
        mean: Of the latents of training samples, less m, shape ``(n, *latent)``.
        log_variance: Of the same latents.
        own: The scale that the VAE's files have, which is taken if it fits.
        given: The user's, which is taken before all others.
        sampled: Whether latents are drawn from the prior, which they then have to fit.

    Raises:
        ValueError: The scale that is given does not fit, or the latents are not finite.
    """
    size = latent_size(mean, log_variance)
    if not 0 < size < float("inf"):
        raise ValueError(
            f"the VAE's latents have a root mean square of {size} on these data: give the data "
            "that it was trained on, in the same units"
        )
    scale: Numbers
    measured = f"a root mean square of {{:.3g}} on {len(mean)} training samples"
    beside = "and the prior N(0, I) has 1"
    if not sampled:
        scale = own if given is None else given
        of_it = measured.format(latent_size(mean, log_variance, scale))
        whose = "the VAE's own" if given is None else "as given"
        return scale, (f"latent scale {_text(scale)}, {whose}: the latents have {of_it}",)
    by_own = latent_size(mean, log_variance, own)
    if given is not None:
        by_given = latent_size(mean, log_variance, given)
        require_latents(by_given, given)
        scale = given
        note = f"as given: the latents have {measured.format(by_given)}, {beside}"
    elif _fits(by_own):
        scale = own
        note = f"the VAE's own: the latents have {measured.format(by_own)}, {beside}"
    else:
        scale = float(f"{1 / size:.4g}")
        note = (
            f"measured: the VAE's own, {_text(own)}, would give the latents "
            f"{measured.format(by_own)}, {beside}"
        )
    return scale, (f"latent scale {_text(scale)}, {note}", *_notes_on_noise(size, log_variance))


def _fits(size: float) -> bool:
    least, most = LATENT_SIZES
    return least <= size <= most


def _notes_on_noise(size: float, log_variance: Tensor) -> tuple[str, ...]:
    """A line about latents to which the prior meant little."""
    share = float(log_variance.exp().mean()) / size**2
    if share >= HELD:
        return ()
    return (
        f"the encoder's noise is {share:.1g} of the latents' mean square: the VAE was hardly held "
        "to N(0, I), and samples of it will need more updates to become images",
    )


def _text(scale: Numbers) -> str:
    return "one for each channel" if isinstance(scale, Tensor) else f"{scale:g}"
