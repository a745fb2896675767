"""What a console shows while data are read: lines as they are, and how many are decoded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ..training.progress import Bars


def printing(console: Console | None) -> Callable[[str], None]:
    """Print a line as it is, neither wrapped nor taken for markup; nowhere without a console."""

    def line(text: str) -> None:
        if console is not None:
            console.print(text, soft_wrap=True, markup=False)

    return line


def decoding(bars: Bars) -> Callable[[int, int], None]:
    """Shows how many images of a data set are decoded, or summed up where they are streamed."""
    return partial(bars.show, "reading images")
