"""The library ``datasets``: without a network, without its bars, and with its errors in a line."""

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import full_disk, one_line
from .own_files import Elsewhere

if TYPE_CHECKING:
    from datasets import DatasetBuilder, DatasetDict


def prepared(builder: "DatasetBuilder") -> "DatasetDict":
    """All splits of a data set, once its files are where the library reads them."""
    builder.download_and_prepare()
    return builder.as_dataset()


@contextlib.contextmanager
def explained(name: str, remedy: str, *passed: type[Exception]) -> Iterator[None]:
    """Say in a line why data could not be loaded; errors that are ``passed`` go through."""
    ours: tuple[type[Exception], ...] = (Elsewhere, *passed)
    try:
        yield
    except ours:
        raise
    except Exception as error:  # anything that a broken file makes a reader raise
        if full := full_disk(error):
            raise OSError(full.errno, full.strerror) from error
        reason = one_line(error)
        raise ValueError(
            f"{name} could not be loaded ({reason}): {remedy} with --data PATH"
        ) from error


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Have the hub's libraries look only at what was downloaded before."""
    import datasets
    import huggingface_hub

    places: tuple[Any, ...] = (datasets.config, huggingface_hub.constants)
    before = [place.HF_HUB_OFFLINE for place in places]
    try:
        for place in places:
            place.HF_HUB_OFFLINE = True
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = value


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the progress bars and warnings of ``datasets`` from the terminal."""
    import datasets

    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    bars = datasets.are_progress_bars_disabled()
    try:
        datasets.disable_progress_bars()
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if not bars:
            datasets.enable_progress_bars()
