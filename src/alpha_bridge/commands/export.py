"""A run's model for others: in a folder, as ONNX, on the hub."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]
from matplotlib.figure import Figure

from .. import sharing
from ..data import Units
from ..files import filling, require_free
from ..model import AlphaBridge
from ..recipe import Config, read_config
from ..recipe.availability import BUNDLED
from ..recipe.builders import build_path
from ..recipe.methods import METHODS
from ..runs import plots
from ..runs.folder import Run, is_image
from ..runs.loading import load_model, units_of
from ..sharing import Card, Picture
from ..sharing import onnx as interchange
from .train import metrics_of

__all__ = ["card_of", "export", "push"]

PARTS = ("model", "gamma", "objective", "regularizer", "optimization")
"""Parts of the configuration that the page tells."""


def export(
    run: Run, out: Path, step: int | None = None, onnx: bool = False, pictures: bool = True
) -> dict[str, float]:
    """Write the averaged model of a run to a folder that :func:`alpha_bridge.sharing.load` reads.

    Args:
        run: A run of one trial, with a checkpoint.
        out: A new or empty folder; it appears complete or not at all.
        step: The checkpoint's number of updates; None for the latest.
        onnx: Whether to write ``generator.onnx`` and ``encoder.onnx`` as well.
        pictures: Whether the page shows samples of the run.

    Returns:
        The largest difference between onnxruntime and torch, by network; empty without ONNX.

    Raises:
        ValueError: The run cannot be used, or ONNX does not work.
        OSError: The folder holds something already or cannot be written.
    """
    require_free(out)
    if onnx:
        interchange.require_installed()
    model, units, card = _shared(run, step, pictures)
    with filling(out) as partial:
        sharing.save(model, partial, units, card)
        return interchange.export(model, partial) if onnx else {}


def push(
    run: Run,
    hub_id: str,
    private: bool = False,
    step: int | None = None,
    pictures: bool = True,
) -> str:
    """Upload the averaged model of a run to the hub.

    Args:
        run: A run of one trial, with a checkpoint.
        hub_id: ``owner/name``; made if it is not there.
        private: Whether only its owner may see it, if it is made.
        step: The checkpoint's number of updates; None for the latest.
        pictures: Whether the page shows samples of the run.

    Returns:
        The address of the commit.

    Raises:
        ValueError: The run cannot be used, or the id is malformed.
        OSError: You may not write there, or the hub cannot be reached.
    """
    model, units, card = _shared(run, step, pictures)
    return sharing.push(model, hub_id, units, card, private=private or None)


def _shared(run: Run, step: int | None, pictures: bool) -> tuple[AlphaBridge, Units, Card]:
    config = read_config(run.config_path)
    model, _ = load_model(run, config, step)
    at = run.checkpoint_steps[-1] if step is None else step
    return model, units_of(run, config), card_of(run, config, at, pictures)


def card_of(run: Run, config: Config, step: int, pictures: bool = True) -> Card:
    """What a run's folder says of its model.

    Args:
        run: The run.
        config: Its configuration.
        step: Number of updates of the model.
        pictures: Whether to show samples.

    Returns:
        A page with the data, the method and its path, and the metrics that were measured last, by
        then. Of the data there is no picture, and of a path of this machine only the last name.
    """
    evaluated = [record for record in run.records if record["step"] <= step and metrics_of(record)]
    data, dataset = _data(config)
    return Card(
        title=f"{config.method} on {data}",
        data=data if dataset else f"{data} (not on the hub)",
        dataset=dataset,
        training=_training(config, step),
        measured=f"after {evaluated[-1]['step']:,} updates, with the averaged generator and encoder"
        if evaluated
        else "",
        metrics=metrics_of(evaluated[-1]) if evaluated else {},
        pictures=tuple(_pictures(run, step)) if pictures else (),
    )


def _data(config: Config) -> tuple[str, str | None]:
    """The name of the data, and their id if they are on the hub."""
    path = Path(config.data)
    if config.data in BUNDLED or path.exists():
        return path.name, None
    try:
        validate_repo_id(config.data)
    except HFValidationError:  # a path, of another machine or no more
        return path.name, None
    return config.data, config.data


def _training(config: Config, step: int) -> dict[str, str]:
    """The method, its path through α, and the settings, each part in words."""
    start, end, sweeps = config.path.start, config.path.end, config.path.sweeps
    lengths = config.path.lengths(config.steps)
    path = build_path(config)
    way = f"α from {start:g} to {end:g}" + (f" and back, {sweeps} sweeps" if sweeps > 1 else "")
    along = (f"at α = {start:g}", way, f"at α = {path(len(path) - 1):g}")
    steps = {
        f"Step {numeral}": f"{length:,} updates {where}"
        for numeral, length, where in zip(("I", "II", "III"), lengths, along, strict=True)
        if length
    }
    settings = {
        part: ", ".join(
            f"{key.replace('_', ' ')} {_word(value)}"
            for key, value in vars(getattr(config, part)).items()
        )
        for part in PARTS
    }
    return {
        "method": f"{config.method}: {METHODS[config.method].summary}",
        **steps,
        "this model": f"after {step:,} of {config.steps:,} updates, "
        f"α = {path(max(step - 1, 0)):.3g}",
        "batch size": str(config.batch_size),
        "seed": str(config.seed),
        **settings,
        **_changed(config, step),
    }


def _changed(config: Config, step: int) -> dict[str, str]:
    """What was changed on the way to update ``step``."""
    made = [
        f"{of.key} {_word(of.before)} until update {of.step:,}, then {_word(of.after)}"
        for of in config.changes
        if of.step < step
    ]
    return {"changed": "; ".join(made)} if made else {}


def _word(value: object) -> str:
    if isinstance(value, list | tuple):
        return "–".join(map(_word, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pictures(run: Run, step: int) -> Iterator[Picture]:
    """What the generator draws; never the data, which may be others'."""
    samples = {at: drawn for at, drawn in run.samples.items() if at <= step}
    if not samples:
        return
    last, records = samples[max(samples)], run.records
    if is_image(last):
        drawn = plots.image_grid(last[:48], 12)
        yield Picture("samples.png", f"Samples after {max(samples):,} updates", _png(drawn))
        through = plots.through_time(samples, records)
        caption = "The same latents through training, a row for each"
        yield Picture("through-time.png", caption, _png(through))
    elif last.shape[1] > 1:
        through = plots.scatter_through_time(samples, None, records)
        yield Picture("samples.png", "Samples of the same latents through training", _png(through))


def _png(figure: Figure) -> bytes:
    content = BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()
