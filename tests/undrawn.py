"""Reports and pictures without their figures, which take longer than a tiny training."""

import base64
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from alpha_bridge.runs import method_page, page, plots, table_panels

FIGURES = (
    *("schedule", "metric_curves", "losses", "diagnostics", "curves_of_runs"),
    *("through_time", "image_grid", "scatter_through_time", "reconstructions"),
    *("marginals", "associations", "rare_categories"),
)


def leave_figures_out(setattr=setattr):
    """What the page reads and says stays; nothing is drawn."""
    undrawn = dict.fromkeys(FIGURES, lambda *_: None)
    for module in (method_page, page, table_panels):
        setattr(module, "plots", SimpleNamespace(**vars(plots) | undrawn))
        setattr(module, "svg", lambda _: "data:image/svg+xml,")


DRAW = Figure.savefig
BLANK = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTjGoQAAAABJRU5ErkJggg=="
)
"""A pixel as PNG."""


def leave_pictures_blank(setattr=setattr):
    """Every figure is made, but its file has one pixel, and the bytes of a small picture."""

    def write(_, file, **options):  # noqa: ARG001
        file.write(BLANK.ljust(4000, b"\0"))

    setattr(Figure, "savefig", write)


@contextmanager
def drawing():
    """Figures are drawn in here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", DRAW)
        yield
