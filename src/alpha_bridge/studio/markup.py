"""What views show as HTML: figures, tables and galleries, every text from elsewhere escaped."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import printable
from ..metrics.definition import formatted

if TYPE_CHECKING:
    from ..runs.panel import Panel
    from ..runs.sample_files import Array

LETTERS = 60
"""Of a cell, at most."""


def text(value: object) -> str:
    """A value as text of a page.

    Example:
        >>> text("a<b")
        'a&lt;b'
    """
    value = formatted(value) if isinstance(value, float) else "" if value is None else str(value)
    return escape(printable(value))


def alert(error: BaseException) -> str:
    """An error in one line, in which an uploaded file has its own name, without its folder here."""
    message = " ".join(str(error).split()) or type(error).__name__
    if uploads := os.environ.get("GRADIO_TEMP_DIR"):
        message = re.sub(rf"{re.escape(uploads)}/\w+/", "", message)
    return f"<p role='alert'>{text(message)}</p>"


def lines(found: Iterable[str]) -> str:
    """A list with a line for each text."""
    return "<ul>" + "".join(f"<li>{text(line)}</li>" for line in found) + "</ul>"


def figures(panels: Iterable[Panel]) -> str:
    """Figures one below the other, each with its title and how to read it."""
    return "".join(
        f"<section class='panel'><h2>{text(panel.title)}</h2><p>{text(panel.caption)}</p>"
        + _scrolled(
            f'<img alt="{text(panel.alt)}" src="{text(panel.source)}">', f"Figure: {panel.title}"
        )
        + "</section>"
        for panel in panels
    )


def table(rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    """Rows with the names of their columns above them."""
    if not rows:
        return f"<p>{text(caption)}: none.</p>"
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th scope='col'>{text(name)}</th>" for name in names)
    cells = ("".join(f"<td>{_short(text(row.get(name)))}</td>" for name in names) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return _scrolled(
        f"<table><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>",
        caption,
    )


def gallery(images: Array, captions: Sequence[str], title: str) -> str:
    """Images, uint8 ``(N, H, W, C)``, each above its caption."""
    cells = "".join(
        f"<figure><img alt='{text(title)}: {text(caption)}' src='{png(image)}'>"
        f"<figcaption>{text(caption)}</figcaption></figure>"
        for image, caption in zip(images, captions, strict=True)
    )
    return (
        f"<section class='panel'><h2>{text(title)}</h2><div class='gallery'>{cells}</div></section>"
    )


def png(image: Array) -> str:
    """One image, uint8 ``(H, W, C)``, as a data URI."""
    buffer = BytesIO()
    as_image(image).save(buffer, format="PNG")
    return _data_uri(buffer.getvalue())


def picture(path: Path, alt: str) -> str:
    """A PNG file."""
    shown = f"<img alt='{text(alt)}' src='{_data_uri(path.read_bytes())}'>"
    return _scrolled(shown, alt)


def as_image(image: Array) -> Any:
    """An image of Pillow of uint8 ``(H, W, C)``."""
    from PIL import Image

    return Image.fromarray(image[..., 0] if image.shape[-1] < 3 else image[..., :3])


def _data_uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _scrolled(inside: str, label: str) -> str:
    """What may be wider than a narrow page, and then scrolls by itself, by keys too."""
    return (
        f"<div class='scroll' tabindex='0' role='group' aria-label=\"{text(label)}\">{inside}</div>"
    )


def _short(cell: str) -> str:
    return cell if len(cell) <= LETTERS else f"{cell[: LETTERS - 1]}…"
