"""Both ways in which model and data disagree: real samples it misses, and samples it invents."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..commands import Missed, missed
from ..files import plain
from ..runs.folder import Run
from ..runs.opening import open_run, require_ratio
from . import markup

if TYPE_CHECKING:
    from ..runs.sample_files import Array

DRAWN = 2000
"""Samples of the model among which invented ones are sought."""


@dataclass(frozen=True)
class Extremes:
    """Samples at one end of a ranking, the first first.

    Attributes:
        title: What they are.
        numbers: What is known of each.
        images: Them, uint8 ``(N, H, W, C)``; None where they are no images.
    """

    title: str
    numbers: Sequence[dict[str, Any]]
    images: Array | None = None

    @property
    def html(self) -> str:
        """A gallery of images, or a table."""
        if self.images is None:
            return markup.table(self.numbers, self.title)
        captions = [
            ", ".join(f"{key} {_figure(value)}" for key, value in of.items() if value is not None)
            for of in self.numbers
        ]
        return markup.gallery(self.images, captions, self.title)


def missed_samples(run: Run, count: int, n: int, out: Path) -> Extremes:
    """The real samples that the generator covers worst.

    Args:
        run: Of any data.
        count: Largest number of held-out samples to rank.
        n: Samples to show.
        out: A folder for what is written on the way.
    """
    rows = run.config.get("rows")
    found = missed(run, count=count, n=n, out=out / ("missed.csv" if rows else "missed.png"))
    title = "Missed: data that the generator does not cover"
    if not isinstance(found, Missed):
        return Extremes(title, [*found.shown])
    numbers = [
        {"class": of.name, "bound": of.bound, "distance": of.distance, "row": of.row}
        for of in found.shown
    ]

    from ..runs.loading import data_of

    source = data_of(open_run(run), Console(quiet=True))
    x = source.held_out(count)[[of.index for of in found.shown]]
    return _extremes(title, source.units.stored(source.units.normalize(x)), numbers)


def invented_samples(run: Run, n: int) -> Extremes:
    """The samples of the model that are the least probably data, by the discriminator's log ratio.

    Args:
        run: Whose discriminator gives a log ratio; ``ValueError`` otherwise.
        n: Samples to show.
    """
    at = open_run(run)
    require_ratio(at.config, at.step)

    from ..data.tables import TableUnits
    from ..metrics.evaluation import decoded, in_chunks
    from ..runs.loading import latents_of, load_model, units_of

    model, units = load_model(at), units_of(at)
    x = decoded(model, latents_of(at.config, model, DRAWN, seed=0))
    ratios = in_chunks(model.log_ratio, x)
    least = ratios.argsort(stable=True)[:n]
    numbers = [{"log ratio": ratio} for ratio in ratios[least].tolist()]
    title = "Invented: samples that the data never had"
    if isinstance(units, TableUnits):
        rows = units.table(x[least]).to_pylist()
        return Extremes(title, [of | row for of, row in zip(numbers, rows, strict=True)])
    return _extremes(title, units.stored(x[least]), numbers)


def export(both: Sequence[tuple[str, Extremes]], path: Path) -> Path:
    """Write pictures and numbers, or tables, as one archive.

    Args:
        both: Each under the name that its files begin with.
        path: A ``.zip``.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, extremes in both:
            if extremes.images is None and extremes.numbers:
                archive.writestr(f"{name}.csv", _csv(extremes.numbers))
                continue
            archive.writestr(f"{name}.json", json.dumps(plain([*extremes.numbers]), default=str))
            for number, image in enumerate(() if extremes.images is None else extremes.images):
                with archive.open(f"{name}-{number + 1:03}.png", "w") as file:
                    markup.as_image(image).save(file, format="PNG")
    return path


def _extremes(title: str, stored: Array, numbers: list[dict[str, Any]]) -> Extremes:
    if stored.ndim == 4:
        return Extremes(title, numbers, stored)
    return Extremes(
        title,
        [
            of | {f"x{at}": float(value) for at, value in enumerate(point[:8])}
            for of, point in zip(numbers, stored, strict=True)
        ],
    )


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, [*rows[0]])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _figure(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
