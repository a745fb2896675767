"""Figures from plain arrays and records: no run folder, no model, no global state.

A record is a dictionary with ``step`` (updates done), ``phase`` (``ml``, ``transfer`` or
``adversarial``), ``alpha``, ``gamma`` and any numbers under names such as ``loss/generator`` or
``frechet_distance/classifier/5000``: what is measured, then the protocol. The three steps of
Algorithm 1 are read off the phases, those of the path's own pieces, and shown in every figure that
has updates on its axis.
"""

from .curves import curves_of_runs, diagnostics, losses, metric_curves, schedule
from .log_ratios import density_and_field, ratio_histogram
from .pictures import captioned, image_grid, save_figure, strips, through_time
from .points import reconstructions, scatter_marked, scatter_through_time
from .records import evenly, metric_names, names_in, regions, step_one
from .reliability_curve import reliability_curve
from .style import (
    BLUE,
    INK,
    LIGHT_RED,
    LINE,
    MUTED,
    ORANGE,
    PHASES,
    SMALL,
    TEXT,
    WIDTH,
    plain,
    ruled,
)
from .table_columns import associations, categories, marginals, rare_categories

__all__ = [
    "BLUE",
    "INK",
    "LIGHT_RED",
    "LINE",
    "MUTED",
    "ORANGE",
    "PHASES",
    "SMALL",
    "TEXT",
    "WIDTH",
    "associations",
    "captioned",
    "categories",
    "curves_of_runs",
    "density_and_field",
    "diagnostics",
    "evenly",
    "image_grid",
    "losses",
    "marginals",
    "metric_curves",
    "metric_names",
    "names_in",
    "plain",
    "rare_categories",
    "ratio_histogram",
    "reconstructions",
    "regions",
    "reliability_curve",
    "ruled",
    "save_figure",
    "scatter_marked",
    "scatter_through_time",
    "schedule",
    "step_one",
    "strips",
    "through_time",
]
