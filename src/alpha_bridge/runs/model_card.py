"""What a run's folder says of its model, for the page that is shared with it."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]
from matplotlib.figure import Figure

from ..data import Units
from ..metrics.definition import metrics_of
from ..model import AlphaBridge
from ..recipe import Config
from ..recipe.availability import BUNDLED
from ..recipe.methods import METHODS
from ..recipe.slots import build_path
from ..sharing import Card, Picture
from . import plots
from .folder import Run
from .loading import load_model, units_of
from .opening import RunAt
from .sample_files import is_image
from .snapshots import alpha_after

PARTS = ("model", "gamma", "objective", "regularizer", "optimization")
"""Parts of the configuration that the page names."""


def shared(at: RunAt, pictures: bool) -> tuple[AlphaBridge, Units, Card]:
    """The averaged model of a run, its units and its page; arguments as of :func:`card_of`."""
    return load_model(at), units_of(at), card_of(at, pictures)


def card_of(at: RunAt, pictures: bool = True) -> Card:
    """The page of a run's model at a checkpoint: its data, method, path and last metrics.

    Of the data there is no picture, and of a path of this machine only the last name. Of a table
    there is none at all: what is drawn of its rows only tells something beside those of the data.
    """
    run, config, step = at
    evaluated = [record for record in run.records if record["step"] <= step and metrics_of(record)]
    data, dataset = _data(config)
    draws = not config.objective.reconstructs and config.prior is None
    return Card(
        title=f"{config.method} on {data}",
        data=data if dataset else f"{data} (not on the hub)",
        dataset=dataset,
        training=_training(at),
        measured=f"after {evaluated[-1]['step']:,} updates, with the averaged generator and encoder"
        if evaluated
        else "",
        metrics=metrics_of(evaluated[-1]) if evaluated else {},
        # reconstructions and translations are pictures of data
        pictures=tuple(_pictures(run, step)) if pictures and draws and not config.rows else (),
        draws=draws,
        columns=_columns(config),
    )


def _columns(config: Config) -> dict[str, str]:
    """What each column of a table is, by its name."""
    if config.rows is None:
        return {}
    from ..data.tables.columns import read_columns

    columns = read_columns(config.columns).values()
    return {one.resolved.name: str(one.resolved) for one in columns if one.resolved is not None}


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


def _training(at: RunAt) -> dict[str, str]:
    """The method, its path through α, and the settings, each part in a line."""
    run, config, step = at
    start, end, sweeps = config.path.start, config.path.end, config.path.sweeps
    lengths = config.path.lengths(config.steps)
    path, adaptive = build_path(config), config.path.kind == "adaptive"
    way = f"α from {start:g} to {end:g}" + (f" and back, {sweeps} sweeps" if sweeps > 1 else "")
    last = end if adaptive else path(len(path) - 1)
    now = alpha_after(run, path, step)
    along = (f"at α = {start:g}", way, f"at α = {last:g}")
    if adaptive:
        along = (along[0], f"or more, {way} as far as the model follows", f"or fewer {along[2]}")
    steps = {
        f"Step {numeral}": f"{length:,} updates {where}"
        for numeral, length, where in zip(("I", "II", "III"), lengths, along, strict=True)
        if length
    }
    settings = {
        part: ", ".join(
            f"{key.replace('_', ' ')} {_text(value)}"
            for key, value in vars(getattr(config, part)).items()
        )
        for part in PARTS
    }
    return {
        "method": f"{config.method}: {METHODS[config.method].summary}",
        **steps,
        "this model": f"after {step:,} of {config.steps:,} updates, α = {now:.3g}",
        "batch size": str(config.batch_size),
        "seed": str(config.seed),
        **settings,
        **_changed(config, step),
    }


def _changed(config: Config, step: int) -> dict[str, str]:
    """What was changed on the way to update ``step``."""
    made = [
        f"{of.key} {_text(of.before)} until update {of.step:,}, then {_text(of.after)}"
        for of in config.changes
        if of.step < step
    ]
    return {"changed": "; ".join(made)} if made else {}


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return "–".join(map(_text, value))
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
