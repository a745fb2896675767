"""A figure on the page of a run, drawn into it, with its captions."""

import warnings
from io import BytesIO
from typing import NamedTuple
from urllib.parse import quote

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


class Panel(NamedTuple):
    """A figure on the page: how to read it, and what it shows to readers who cannot see it."""

    title: str
    caption: str
    alt: str
    source: str


def svg(figure: Figure) -> str:
    """A figure as a data URI, its text in the reader's own font."""
    buffer = BytesIO()
    with (
        rc_context({"svg.fonttype": "none", "svg.hashsalt": "alpha-bridge"}),
        warnings.catch_warnings(),
    ):
        # the reader's fonts have what matplotlib's has not
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        if layout := figure.get_layout_engine():  # savefig would draw everything once for it alone
            FigureCanvasSVG(figure)
            layout.execute(figure)
            figure.set_layout_engine(None)
        figure.savefig(buffer, format="svg", dpi=160, metadata={"Date": None})
    drawing = buffer.getvalue().decode().replace("'DejaVu Sans'", FONTS)
    return "data:image/svg+xml," + quote(drawing, safe="/:;,=+()'")
