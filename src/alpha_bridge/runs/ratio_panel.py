"""The panel of a run's page that shows how its log ratio was calibrated."""

from collections.abc import Iterator

from ..files import read_json
from ..metrics.definition import formatted
from . import plots
from .folder import Run
from .panel import Panel, svg


def ratio_panel(run: Run) -> Iterator[Panel]:
    """The reliability curve before and after, if ``alpha-bridge ratio`` has left one.

    Raises:
        ValueError: Its record is damaged.
    """
    if not run.calibration_path.is_file():
        return
    content = read_json(run.calibration_path)
    try:
        scores = {"logits": content["before"], "calibrated": content["after"]}
        curves = {
            name: (of["reliability"]["expected"], of["reliability"]["found"])
            for name, of in scores.items()
        }
        figure = plots.reliability_curve(curves)
        errors = [formatted(of["calibration_error"], 2) for of in scores.values()]
        logs = [formatted(of["log_score"]) for of in scores.values()]
        step, kind = content["step"], content["calibration"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{run.calibration_path} is damaged: make it anew with alpha-bridge ratio"
        ) from error
    yield Panel(
        "Calibration of the log ratio",
        f"After {step:,} updates, on half of the held-out data, to which no map was fitted: of "
        f"samples with the log ratio f, a share σ(f) should be of the data. {kind}: expected "
        f"calibration error {errors[0]} before, {errors[1]} after; log score {logs[0]} before, "
        f"{logs[1]} after, where {formatted(0.6931)} is a guess.",
        "Two reliability curves beside the diagonal, of the logits and of the calibrated ratio.",
        svg(figure),
    )
