"""Rank given samples by how unlike the data of a run they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from .paths import Folder, scores_destination, write_scores

if TYPE_CHECKING:
    from ..runs.sample_files import Array

CONTAMINATION = 0.1


@dataclass(frozen=True)
class Outliers:
    """How unlike the data of a run samples are.

    Attributes:
        outlyingness: The calibrated sum of three scores, one for each sample.
        outlier: Whether it is above that of all but the given share of the training samples.
        table: The file that has these and the scores.
    """

    outlyingness: Array
    outlier: Array
    table: Path


def outliers(
    run: Folder,
    data: Path,
    contamination: float = CONTAMINATION,
    out: Path | None = None,
    held_out: str | None = None,
    step: int | None = None,
    console: Console | None = None,
) -> Outliers:
    """Say of given samples how unlike the data of a run they are.

    Three scores: minus the bound on the log-likelihood, minus the log-likelihood of the
    reconstruction, and minus the discriminator's log ratio, of which both ends are unusual; and the
    sum of their surprisals among held-out data, by which samples are called outliers.

    Args:
        run: Folder of the run.
        data: The samples: an .npy file, an image, a folder of images or a table.
        contamination: Share of the training samples that would be called outliers, in (0, 0.5].
        out: A .csv or .parquet for the scores; by default in the run's folder.
        held_out: Data to calibrate on in place of the run's.
        step: Updates of the checkpoint; by default the latest.
        console: Where to show progress; nowhere by default.

    Raises:
        ValueError: The run's discriminator gives no log ratio, or it, its data or the samples
            cannot be used.
        OSError: There are no such samples, or a file stands already or cannot be written.
    """
    from ..runs.opening import open_run, require_ratio

    if not 0 < contamination <= 0.5:
        raise ValueError(f"contamination must lie in (0, 0.5], got {contamination}")
    run, config, step = at = open_run(run, step)
    require_ratio(config, step)
    path = scores_destination(data, run, config, out, "outliers")

    from ..inference.outlyingness import summed
    from ..runs.loading import given_to
    from ..runs.outlier_bridge import OutlierBridge

    detector = OutlierBridge.from_run(run.folder, contamination, held_out, step, console)
    x, files = given_to(data, at, console)
    scores = detector.outlyingness_.scores(x)
    total = summed(detector.outlyingness_.surprisals(scores))
    outlier = -total < detector.offset_
    named = {"outlyingness": total, "outlier": outlier}
    write_scores(named | scores._asdict(), files, path)
    return Outliers(total, outlier, path)
