"""What a VAE's latents are scaled by, and what is said of it."""

import re

import pytest
import torch

from alpha_bridge.vae import decided_scale, latent_size


def moments(size, noise=0.5):
    """Moments of latents of a root mean square, of which the encoder's noise is a share."""
    torch.manual_seed(0)
    mean = torch.randn(400, 2, 4, 4)
    mean *= size * (1 - noise) ** 0.5 / mean.square().mean().sqrt()
    return mean, torch.full_like(mean, noise * size**2).log()


def test_latents_of_the_prior_have_size_one():
    torch.manual_seed(0)
    spread = 0.5 * torch.randn(4000, 3)
    log_variance = torch.full((4000, 3), 0.75).log()
    assert latent_size(spread, log_variance) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("size", "own", "given", "scale", "said"),
    [
        (
            5.0,
            0.18215,
            None,
            0.18215,
            "0.18215, the VAE's own: .* root mean square of 0.911 on 400",
        ),
        (1.0, 0.18215, None, 1.0, "1, measured: the VAE's own, 0.18215, would give .* of 0.182"),
        (8.0, 1.0, None, 0.125, "0.125, measured: the VAE's own, 1, would .* square of 8 on 400"),
        (4.0, 1.0, 0.3, 0.3, "0.3, as given: the latents have a root mean square of 1.2 on 400"),
    ],
)
def test_the_scale_of_the_files_is_taken_if_it_fits_or_one_is_measured(
    size, own, given, scale, said
):
    found, (line,) = decided_scale(*moments(size), own, given)
    assert found == pytest.approx(scale)
    assert re.search(f"latent scale {said}", line)


@pytest.mark.parametrize(("given", "whose"), [(None, "the VAE's own"), (9.0, "as given")])
def test_where_nothing_is_drawn_from_the_prior_no_scale_is_measured(given, whose):
    found, notes = decided_scale(*moments(1.0, noise=1e-4), 0.25, given, sampled=False)
    assert found == (given or 0.25)
    assert notes == (
        f"latent scale {found:g}, {whose}: the latents have a root mean square of {found:g} on 400 "
        "training samples",
    )


def test_a_scale_for_each_channel_is_kept_if_it_fits():
    own = torch.tensor([0.5, 0.25]).reshape(2, 1, 1)
    kept, (line,) = decided_scale(*moments(3.0), own)
    assert kept is own
    assert "latent scale one for each channel, the VAE's own" in line
    measured, _ = decided_scale(*moments(30.0), own)
    assert measured == pytest.approx(1 / 30, rel=1e-3)


def test_latents_to_which_the_prior_meant_nothing_get_a_line():
    _, notes = decided_scale(*moments(1.0, noise=1e-4), 1.0)
    assert notes[1].startswith("the encoder's noise is 0.0001 of the latents' mean square")


def test_a_scale_that_is_given_and_does_not_fit_is_refused_with_one_that_does():
    with pytest.raises(ValueError, match=r"square of 9 .*give a latent scale of 1 \(--latent-scal"):
        decided_scale(*moments(1.0), 1.0, 9.0)


@pytest.mark.parametrize("size", [float("nan"), float("inf"), 0.0])
def test_latents_that_cannot_be_scaled_are_refused(size):
    mean = torch.full((9, 2), size)
    with pytest.raises(ValueError, match="on these data: give the data that it was trained on"):
        decided_scale(mean, torch.full_like(mean, -torch.inf), 1.0)
