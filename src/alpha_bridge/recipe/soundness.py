"""Whether a configuration could be trained at all, checked without torch or any data."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks import (
    LARGEST,
    at_least,
    classified,
    halved_twice,
    not_stacked,
    require_crop,
    require_patches,
    times_halved,
)
from ..files.table_files import is_table
from ..settings import REALISM, ControlConfig, ImagesConfig, WatchConfig
from .config import Config
from .methods import METHODS, undialled

FEATURES_REMEDY = (
    f"resize them, give updates smaller squares (--images.crop {LARGEST}), or leave out "
    "--objective.features"
)
"""What can be done where images are too large for a classifier whose features are reconstructed."""


def require_sound(config: Config) -> None:
    """Refuse a configuration that no data could be trained with.

    Raises:
        ValueError: A number or a combination is of no use; one line.

    Example:
        >>> require_sound(Config(data="photos", images={"size": 30}))
        Traceback (most recent call last):
            ...
        ValueError: images of 30 pixels are larger than 64 or cannot be halved to 4-7 pixels: \
resize them to 8, 16, 28, 32 or 64 pixels (--images.size 32)
    """
    METHODS[config.method].require(config)
    _require_effect_of_dial(config)
    if config.init is not None and config.trials > 1:
        raise ValueError(
            f"a VAE is bridged by one trial at a time, got trials={config.trials}: run them one "
            "after the other"
        )
    if config.snapshots and config.trials > 1:
        raise ValueError(
            f"snapshots are kept of one trial at a time, got trials={config.trials}: run them one "
            "after the other"
        )
    if config.gamma.kind == "optimal" and config.trials > 1:
        raise ValueError(
            f"the optimal gamma is measured for one trial at a time, got trials={config.trials}: "
            "run them one after the other, or give another --gamma.kind"
        )
    _require_a_way(config)
    if is_table(config.data) or config.rows is not None:
        _require_for_rows(config)
    if config.model.discriminator == "patches" and not config.objective.one_sided:
        raise ValueError(
            f"there are no patches with the objective {config.objective.kind}: leave out "
            "--model.discriminator"
        )
    sized = "images" not in config.idle
    if sized or config.data == "digits":
        not_stacked(config.trials if config.trials > 1 else None)
    if sized and config.images.size is not None and not config.any_size:
        _require_halved(at_least(1, "--images.size", config.images.size), config)
        if config.prior is not None:
            halved_twice(config.images.size)
    if config.images.crop is not None:
        _require_crops(config.images.crop, config)
    if sized and config.objective.features != "none":
        _require_features(config.images)
    if sized and config.model.discriminator == "patches":
        for pixels in (config.images.size, config.images.crop):
            if pixels is not None:
                require_patches(config.model.halvings, pixels)


def _require_effect_of_dial(config: Config) -> None:
    """Refuse a dial of which nothing follows; that of a run stays as it was recorded."""
    if config.event_shape is not None or config.realism is None:
        return
    if not config.decided and config.gamma.kind != "realism":
        raise ValueError(
            f"realism, got {config.realism:g}, has no effect where nothing is left to be decided: "
            "give --gamma.kind realism, or leave it out"
        )
    # the usual one may be a preset's own
    if config.realism != REALISM and (why := undialled(config)) is not None:
        raise ValueError(
            f"realism, got {config.realism:g}, has no effect where {why}: leave it out"
        )


def note_on_dial(config: Config, methods: Sequence[str]) -> tuple[str, ...]:
    """A line on those of some methods of a comparison that a dial has no effect on.

    Raises:
        ValueError: It has none on any of them.

    Example:
        >>> note_on_dial(Config(realism=0.5), ["alpha-bridge", "ml"])
        ('realism, got 0.5, has no effect on ml, where α stays at 0',)
    """
    if config.realism is None or config.realism == REALISM:
        return ()
    found = {name: undialled(METHODS[name].apply(config)) for name in methods}
    without = [f"{name}, where {why}" for name, why in found.items() if why is not None]
    if not without:
        return ()
    line = f"realism, got {config.realism:g}, has no effect on {', and on '.join(without)}"
    if len(without) == len(found):
        raise ValueError(f"{line}: leave it out, or compare them with a method that follows it")
    return (line,)


def _require_for_rows(config: Config) -> None:
    """Refuse what rows of a table have not."""
    if config.objective.temperature is not None and config.trials > 1:
        raise ValueError(
            "the noise of --objective.temperature is drawn for one trial at a time, got "
            f"trials={config.trials}: run them one after the other, or leave it out"
        )
    if config.objective.kind != "data":
        raise ValueError(
            f"rows of a table need --objective data, got {config.objective.kind}: leave it out"
        )
    if config.path.kind != "ramp":
        raise ValueError(
            f"α of a table follows --path.kind ramp, got {config.path.kind}, which goes by "
            "reconstructions: leave it out"
        )
    if config.model.noise_course != "fixed":
        raise ValueError(
            "every number of a table has a σ of its own, which is learned, got "
            f"--model.noise-course {config.model.noise_course}: leave it out"
        )


def _require_halved(size: int, config: Config) -> None:
    """Refuse a size of images that the networks do not take."""
    try:
        times_halved(size)
    except ValueError as error:
        if config.init is None:
            raise
        raise ValueError(
            f"{error}, or give --model.discriminator patches, which takes any size"
        ) from error


def _require_crops(crop: int, config: Config) -> None:
    """Refuse crops that the networks do not take, or that images do not have."""
    if not config.any_size:
        raise ValueError(
            f"crops, got --images.crop {crop}, need networks that take images of any size: give a "
            "VAE with --from, and --model.discriminator patches"
        )
    if (size := config.images.size) is not None:
        require_crop(crop, (1, size, size))


def pixels_of_features(images: ImagesConfig, size: int | None) -> int | None:
    """Pixels of what a classifier sees of images of this size: of large ones, what updates see."""
    large = size is None or size > LARGEST
    return images.crop if images.crop is not None and large else size


def _require_features(images: ImagesConfig) -> None:
    """Refuse features of images, or of what updates see of large ones, that there cannot be."""
    pixels = pixels_of_features(images, images.size)
    if pixels is None:
        return
    try:
        classified(pixels)
    except ValueError as error:
        raise ValueError(f"{error}: {FEATURES_REMEDY}") from error


def _require_a_way(config: Config) -> None:
    """Refuse an adaptive path, or a σ, of which nothing could come."""
    path, objective = config.path, config.objective.kind
    if config.model.noise_course == "measured" and not config.objective.one_sided:
        raise ValueError(
            f"σ is measured on reconstructions of the data, got the objective {objective}: give "
            "--model.noise-course learned, or fixed"
        )
    if config.model.noise_course == "annealed" and config.model.noise is None:
        raise ValueError(
            "an annealed σ begins where it is given, got none for the VAE of --from: give "
            "--model.noise, or --model.noise-course measured"
        )
    if config.model.noise_rate is not None and "model.noise_rate" not in config.decided:
        _require_rate(config, config.model.noise_rate)
    if path.kind != "adaptive":
        return
    if objective not in ("data", "reconstruction"):
        raise ValueError(
            "an adaptive path needs the objective data or reconstruction, got "
            f"{objective}: give --path.kind ramp"
        )
    if (path.start, path.sweeps) != (0.0, 1):
        raise ValueError(
            f"an adaptive path goes once from 0 to its end, got path.start {path.start:g} and "
            f"path.sweeps {path.sweeps}: give --path.kind ramp"
        )
    if not path.transfer:
        raise ValueError("an adaptive path needs path.transfer above 0, its least share of Step II")
    if config.snapshots:
        raise ValueError(
            f"snapshots lie evenly along a ramp, got snapshots={config.snapshots}: give "
            "--path.kind ramp"
        )
    if config.event_shape is None:  # what a run has recorded goes on as it began
        require_control(config)


def require_control(config: Config) -> None:
    """Refuse limits of an adaptive path that a new run could not be held by.

    Call it again when all is decided: whether a path is adaptive may not be known before.
    """
    if config.path.kind == "adaptive":
        _require_readings(config)
        _require_agreement(config)


def _require_rate(config: Config, rate: float) -> None:
    """Refuse a rate by which nothing is held, or that the encoder could not come back to."""
    course = config.model.noise_course
    given = f"model.noise_rate, got {rate:g}, "
    if course != "measured" and "model.noise_course" not in config.decided:
        raise ValueError(
            f"{given}is of a measured σ, and this one is {course}: give --model.noise-course "
            "measured, or leave it out"
        )
    if config.objective.kind != "data" or config.freeze == "encoder":
        what = "--freeze encoder" if config.objective.kind == "data" else config.objective.kind
        raise ValueError(
            f"{given}holds σ until the encoder's latents lie as the prior does, which is for the "
            f"objective data with an encoder that is trained, got {what}: leave it out"
        )


def _require_agreement(config: Config) -> None:
    """Refuse limits within which α moves on, and the flight recorder ends the run or takes it back.

    The defaults are left as they are, though that of ``control.accuracy`` is above the other one.
    """
    control, watch = config.control, config.watch
    if watch.answer == "say":
        return
    pairs = {
        "accuracy": control.accuracy <= watch.accuracy,
        "ess": control.ess >= watch.ess,
    }
    for name, agree in pairs.items():
        limits = getattr(control, name), getattr(watch, name)
        if agree or limits == (getattr(ControlConfig, name), getattr(WatchConfig, name)):
            continue
        side = "above" if name == "accuracy" else "below"
        raise ValueError(
            f"control.{name} {limits[0]:g} lets α move on {side} watch.{name} {limits[1]:g}, where "
            f"the answer is to {watch.answer}: give one value for both, or --watch.answer say"
        )


def _require_readings(config: Config) -> None:
    """Refuse an adaptive path that no reading decides in time, or one alone."""
    if "control.every" in config.decided:
        return
    every, steps = config.control.every, config.steps
    ml, transfer, _ = config.path.lengths(steps)
    if config.event_shape is None and {"path.ml", "path.transfer"} & {*config.decided}:
        ml, transfer = 0, steps  # they are not known yet
    if (steps - 1) // every * every < max(ml, 1):
        raise ValueError(
            f"no measurement falls between the end of Step I, update {ml}, and the last of {steps} "
            f"updates, got control.every {every}, and α would stay at 0: give a lower "
            "--control.every"
        )
    if every >= max(transfer, 2):
        raise ValueError(
            f"α would move to its end in one jump, as control.every {every} is no less than the "
            f"{transfer} updates of Step II: give a lower --control.every, or a larger "
            "--path.transfer"
        )
