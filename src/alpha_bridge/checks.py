"""What every argument is held to: one line that names the value and the remedy."""

import math

SMALLEST, LARGEST = 8, 64
"""Pixels of a side of the images that classifiers take."""


def between_zero_and_one(name: str, value: float) -> float:
    """Return ``value`` if it lies in [0, 1]."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], got {value}")
    return value


def positive(name: str, value: float) -> float:
    """Return ``value`` if it is positive and finite."""
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value


def at_least(least: int, name: str, value: int) -> int:
    """Return ``value`` if it is ``least`` or more."""
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value


def halvings(size: int) -> int:
    """How often images of ``size`` pixels, up to 64, are halved to 4 to 7 pixels; 0 if never."""
    counts = (1, 2, 3, 4) if size <= 64 else ()
    return next((k for k in counts if size % 2**k == 0 and 4 <= size >> k <= 7), 0)


def times_halved(size: int) -> int:
    """How often images are halved; ``ValueError`` for a size that is of no use to networks."""
    if count := halvings(size):
        return count
    raise ValueError(
        f"images of {size} pixels are larger than 64 or cannot be halved to 4-7 pixels: "
        "resize them to 8, 16, 28, 32 or 64 pixels (--images.size 32)"
    )


def halved_twice(size: int) -> int:
    """Return ``size``, in pixels, if a translator can halve images of it twice."""
    if size < 1 or size % 4:
        raise ValueError(
            f"a translator halves images twice, got a size of {size}: resize them to a "
            "multiple of four (--images.size 32)"
        )
    return size


def require_crop(crop: int, event_shape: tuple[int, ...]) -> int:
    """Return ``crop`` if samples are images in which there are such squares."""
    if len(event_shape) != 3:
        raise ValueError(
            f"only images can be cropped, and the data have samples of shape {event_shape}: leave "
            "out the crop (--images.crop)"
        )
    if not 1 <= crop <= min(event_shape[1:]):
        height, width = event_shape[1:]
        raise ValueError(
            f"images of {width}×{height} pixels have no crop of {crop}: give --images.crop of at "
            f"most {min(height, width)}"
        )
    return crop


def classified(size: int) -> int:
    """Return ``size``, in pixels, if classifiers take images of it."""
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(
            f"the classifier takes images of {SMALLEST} to {LARGEST} pixels, got {size}"
        )
    return size


def require_patches(halvings: int, size: int) -> int:
    """Return ``size``, in pixels, if a discriminator of patches can halve it so often."""
    if size < 2**halvings:
        raise ValueError(
            f"a discriminator of patches with {halvings} halvings takes images, and crops of them, "
            f"of at least {2**halvings} pixels, got {size}: give larger ones, or a smaller "
            "--model.halvings"
        )
    return size


def not_stacked(trials: int | None) -> None:
    """Refuse stacked trials where networks are convolutional."""
    if trials is not None:
        raise ValueError(
            f"convolutional networks have no stacked trials, got trials={trials}: "
            "run the trials one after the other, or use vectors"
        )
