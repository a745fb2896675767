"""Calibrate a run's density ratio, and say what it is at given samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from .paths import Folder, scores_destination, write_json, write_scores

if TYPE_CHECKING:
    from ..inference.calibrated_ratio import LogRatio, Scores


@dataclass(frozen=True)
class Ratio:
    """The density ratio of a run.

    Attributes:
        calibration: The map, and its scores on samples that it was not fitted to.
        record: The file of the run that has it.
        at: Log ratios of the samples that were given, if any.
        table: The file that has those.
    """

    calibration: Mapping[str, Any]
    record: Path
    at: LogRatio | None = None
    table: Path | None = None


def ratio(
    run: Folder,
    data: Path | None = None,
    out: Path | None = None,
    calibration: Literal["temperature", "isotonic", "last-layer"] | None = None,
    held_out: str | None = None,
    step: int | None = None,
    console: Console | None = None,
) -> Ratio:
    """Calibrate the log ratio of data and model of a run, and give it at samples.

    Half of the held-out data, and as many samples of the model, fit a map of the discriminator's
    logits; the other half tests it. alpha-bridge report then shows it.

    Args:
        run: Folder of the run.
        data: Samples to give it at: an .npy file, an image, a folder of images or a table.
        out: A .csv or .parquet for their log ratios, with 90 % intervals; by default in the run's
            folder.
        calibration: A temperature and an offset; a monotone map, from 1,000 samples in each half
            on; or a last layer that is fitted anew, which is the default from so many on.
        held_out: Data to calibrate on in place of the run's, of which again a tenth is taken.
        step: Updates of the checkpoint; by default the latest.
        console: Where to show progress; nowhere by default.

    Raises:
        ValueError: The run's discriminator gives no log ratio, or it, its data or the samples
            cannot be used.
        OSError: There are no such samples, or a file stands already or cannot be written.
    """
    from ..runs.opening import open_run, require_ratio

    run, config, step = at = open_run(run, step)
    require_ratio(config, step)
    path = None
    if data is not None:
        path = scores_destination(data, run, config, out, "ratio")
    elif out is not None:
        raise ValueError(f"without --data there is nothing to write to {out}: give samples")

    from ..inference.calibrated_ratio import evidence
    from ..runs.loading import given_to, load_model, ratio_of

    console = console or Console(quiet=True)
    model = load_model(at)
    given = None if data is None else given_to(data, at, console)
    found = ratio_of(at, model, console, held_out, calibration)
    content = {
        "step": step,
        "held_out": held_out or config.data,
        "calibration": found.kind,
        "map": vars(found.map),
        "fitted": found.fitted,
        "before": _scores(found.before),
        "after": _scores(found.after),
    }
    write_json(content, run.calibration_path)
    if given is None or path is None:
        return Ratio(content, run.calibration_path)
    x, files = given
    ratios = found(evidence(model, x, found.kind))
    named = {"log_ratio": ratios.value, "low": ratios.low, "high": ratios.high}
    own = {"logit": ratios.raw, "beyond": ratios.beyond}
    write_scores(named | own, files, path)
    return Ratio(content, run.calibration_path, ratios, path)


def _scores(scores: Scores) -> dict[str, Any]:
    return scores._asdict() | {"reliability": scores.reliability._asdict()}
