"""A run along α: its checkpoints, and what the model of each makes, thinks and reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from ..files import read_json
from ..recipe import Config
from ..runs.folder import Run
from ..runs.opening import RunAt, open_run, require_ratio

if TYPE_CHECKING:
    from torch import Tensor

    from ..commands import Frontier
    from ..data import Units
    from ..model import AlphaBridge
    from ..runs.panel import Panel

SHOWN, PLANE, RATIOS = 24, 2000, 1000
"""Samples in a picture, points in the plane, and samples on each side of the ratio's histogram."""
FIELD = 60
"""Points along each side of the discriminator's field."""


def shown_at(run: Run, step: int) -> tuple[list[Panel], list[dict[str, object]]]:
    """What the model after ``step`` updates makes of the same latents, and its log ratio.

    Returns:
        Figures, and rows of a table; of other samples no rows.
    """
    from ..metrics.evaluation import decoded
    from ..runs.loading import latents_of, load_model, units_of

    at = open_run(run, step)
    model, units = load_model(at), units_of(at)
    x = decoded(model, latents_of(at.config, model, PLANE, seed=0))
    panels, rows = _samples(at.config, units, x), _rows(at.config, model, units)
    try:
        require_ratio(at.config, at.step)
    except ValueError:
        return panels, rows
    return [*panels, *_ratio(at, model, units, x)], rows


def frontier_panels(found: Frontier) -> list[Panel]:
    """Likelihood against realism."""
    from ..commands.frontier import draw
    from ..runs.panel import Panel, svg

    return [
        Panel(
            "Likelihood against realism",
            "A point for each snapshot, in the colour of its α; better is up and to the right, and "
            "the ring is the best.",
            f"A curve of {len(found.points)} snapshots along α.",
            svg(draw(found)),
        )
    ]


def known_frontier(run: Run) -> Frontier | None:
    """What ``alpha-bridge frontier`` has measured of a run, if it has."""
    from ..commands.frontier import Point, best_of

    path = run.inside("frontier.json")
    if not path.is_file():
        return None
    content = read_json(path)
    try:
        points = [Point(**point) for point in content["points"]]
        return best_of(run, points, content["prefer"])
    except (LookupError, TypeError) as error:
        raise ValueError(f"{path} is damaged: remove it, and measure again") from error


def _rows(config: Config, model: AlphaBridge, units: Units) -> list[dict[str, object]]:
    from ..data.tables import TableUnits
    from ..metrics.evaluation import decoded
    from ..runs.loading import latents_of

    if not isinstance(units, TableUnits):
        return []
    found: list[dict[str, object]] = units.table(
        decoded(model, latents_of(config, model, SHOWN // 2, seed=0))
    ).to_pylist()
    return found


def _samples(config: Config, units: Units, x: Tensor) -> list[Panel]:
    from ..runs import plots
    from ..runs.panel import Panel, svg

    if config.rows is not None or x.ndim != 4:
        return []
    images = units.stored(x[:SHOWN])
    caption, alt = "The same latents at every α.", f"A grid of {SHOWN} generated images."
    return [Panel("Samples", caption, alt, svg(plots.image_grid(images, 8)))]


def _ratio(at: RunAt, model: AlphaBridge, units: Units, x: Tensor) -> list[Panel]:
    """The log ratio on both sides, and for points in the plane its field."""
    from ..metrics.evaluation import in_chunks
    from ..runs import plots
    from ..runs.loading import data_of
    from ..runs.panel import Panel, svg

    real = data_of(at, Console(quiet=True)).held_out(RATIOS)
    if not len(real):
        return []
    real = units.normalize(real)
    sides = [in_chunks(model.log_ratio, side).numpy() for side in (real, x[:RATIOS])]
    histogram = Panel(
        "Log ratio on both sides",
        "f = log q − log p by the discriminator: on the right are samples that the data have more "
        "often than the model. Where both agree, f is 0.",
        "Histograms of the log ratio at held-out data and at generated samples.",
        svg(plots.ratio_histogram(*sides)),
    )
    return [histogram, _field(model, units, real, x)] if x.shape[1:] == (2,) else [histogram]


def _field(model: AlphaBridge, units: Units, real: Tensor, x: Tensor) -> Panel:
    import torch

    from ..metrics.evaluation import in_chunks
    from ..runs import plots
    from ..runs.panel import Panel, svg

    center = (real.amin(0) + real.amax(0)) / 2
    half = float((real.amax(0) - real.amin(0)).max()) * 0.6
    side = torch.linspace(-half, half, FIELD)
    across, up = torch.meshgrid(side, side, indexing="xy")
    grid = torch.stack([across, up], -1).flatten(0, 1) + center
    field = in_chunks(model.log_ratio, grid.to(x)).reshape(FIELD, FIELD).numpy()
    corners = units.stored(torch.stack([center - half, center + half]))
    return Panel(
        "Density and discriminator",
        "On the left the density of the model; on the right what the discriminator makes of "
        "every place.",
        "Generated points over the data, and the field of the log ratio in the plane.",
        svg(plots.density_and_field(units.stored(x), units.stored(real), field, *corners)),
    )
