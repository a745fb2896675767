"""What is printed: on a terminal that takes nothing as markup, in one line, or as JSON."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from ..errors import printable
from ..files import plain


class Terminal(Console):
    """Where commands print.

    Names of files and classes are printed letter by letter: nothing in them is markup, and control
    characters, which would speak to the terminal, are written out.
    """

    def __init__(self, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, highlight=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401
        return super().render_str(printable(text), **options)


def one_line_message(message: object) -> str:
    r"""An error or a warning as one line.

    Example:
        >>> print(one_line_message("no file\n  'a\x1bc'"))
        alpha-bridge: no file 'a\x1bc'
    """
    return f"alpha-bridge: {printable(' '.join(str(message).split()))}"


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Let Python show warnings as errors are shown, without the place in the code."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"{one_line_message(message)}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


def as_json(value: object) -> str:
    """``value`` as JSON, which has no word for NaN or infinity but null.

    Example:
        >>> as_json({"a": float("inf")})
        '{"a": null}'
    """
    return json.dumps(plain(value), allow_nan=False)


def as_text(cell: object) -> object:
    """A cell of a table where JSON has no word of its own for it, such as a date."""
    return cell if isinstance(cell, bool | int | float | None) else str(cell)
