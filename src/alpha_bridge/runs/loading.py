"""What a run's folder gives back: its model, its data, its units, its latents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor
from torch.nn import Module

from ..checks import at_least
from ..chunks import in_parts
from ..data import PixelUnits, Source, StandardUnits, Units, read_named_samples
from ..data.rng import latents
from ..errors import NotWritten
from ..inference.calibrated_ratio import FEWEST_HELD_OUT, CalibratedRatio, MapName, calibrated
from ..inference.inversion import refine
from ..metrics.comparison import CHUNK
from ..model import AlphaBridge
from ..recipe import Config
from ..recipe.domains import SOURCES, build_prior, build_source
from ..recipe.first_weights import model_of
from ..training.checkpoint import naming, read_tensors, read_units
from ..training.progress import Bars
from ..vae import VAEEncoder, VAEGenerator
from ..vae import load as load_vae
from .console_lines import decoding, printing
from .opening import RunAt, checkpoint_of, require_plain

CALIBRATED = 5000
"""Held-out samples that a ratio is calibrated on, at most."""


def load_model(at: RunAt) -> AlphaBridge:
    """The model of a run with the averaged arms, in evaluation mode."""
    return load_model_and_memory(at)[0]


def load_model_and_memory(at: RunAt) -> tuple[AlphaBridge, dict[str, Tensor]]:
    """The same model, and what its evaluation remembers of Step I."""
    folder = checkpoint_of(*at)
    tensors, _ = read_tensors(folder)
    with naming(folder):
        return model_of(at.config, tensors), tensors["memory"]


def before_bridge(config: Config, model: AlphaBridge) -> AlphaBridge:
    """The model with the arms of the VAE that its run began with, read from where that lies.

    Its latents have the VAE's own scale, which reconstructions do not depend on. Nothing is
    fetched.

    Raises:
        ValueError: The VAE there is damaged, or it is another one.
        OSError: There is none any more.
    """
    assert config.init is not None and model.latent_shape is not None
    vae = load_vae(config.init, fetch=False)
    arms = VAEGenerator(vae.decoder, model.latent_shape), VAEEncoder(vae.encoder)
    before = model.with_arms(*arms).eval().requires_grad_(False)
    if _shapes(before) != _shapes(model):
        raise ValueError(f"{config.init} has a VAE of another architecture now")
    if config.freeze == "encoder" and not _same(before.encoder, model.encoder):
        raise ValueError(f"{config.init} has a VAE with another encoder now")
    return before


def _shapes(model: AlphaBridge) -> list[dict[str, torch.Size]]:
    """Of the tensors in the networks of both arms."""
    arms = (model.encoder, model.generator)
    return [{name: x.shape for name, x in _weights(arm).items()} for arm in arms]


def _same(arm: Module, other: Module) -> bool:
    """Whether their networks have the same weights."""
    others = _weights(other)
    return all(torch.equal(x, others[name]) for name, x in _weights(arm).items())


def _weights(arm: Module) -> dict[str, Tensor]:
    """Of the network of an arm, whatever latents are scaled by, which a VAE may do by channels."""
    return arm.get_submodule("network").state_dict()


def data_of(
    at: RunAt, console: Console, named: str | None = None, option: str | None = "--data"
) -> Source:
    """The data that a run was trained on, or those that the user names instead, by an ``option``.

    Their units are those of the checkpoint.
    """
    run, config, _ = at
    fetch: tuple[str, ...] = ()  # of what the run names: it may be a stranger's
    if named is not None:
        config, fetch = config.model_copy(update={"data": named}), (named,)
    try:
        with Bars(console) as bars:
            if named is not None and config.rows is not None:
                source = _other_table(named, units_of(at), printing(console))
            else:
                source = build_source(config, decoding(bars), fetch)
    except NotWritten:
        raise
    except (ValueError, OSError) as error:
        raise ValueError(f"the data of {run.folder} cannot be used: {error}") from error
    if source.event_shape != config.event_shape:
        raise ValueError(
            f"the data of {run.folder} have changed: {config.data} has samples of shape "
            f"{source.event_shape}, the run is for {config.event_shape}; restore the data"
        )
    changed = config.fingerprint not in (None, source.fingerprint)
    if changed and named is not None:
        printing(console)(f"{named} has other samples than those that {run.folder} was trained on")
    elif changed:
        raise ValueError(
            f"the data of {run.folder} have changed: {config.data} had {config.fingerprint}, and "
            f"has {source.fingerprint}: restore them"
            f"{f', or name other data with {option}' if option else ''}"
        )
    source.units = units_of(at)  # of other data as well
    return source


def _other_table(named: str, units: Units, say: Callable[[str], None]) -> Source:
    """Another table, whose rows are coded as those of the run."""
    from ..data.tables import TableUnits, load_table

    assert isinstance(units, TableUnits)
    source = load_table(named, units=units)
    for line in source.notes:
        say(line)
    return source


def samples_at(path: Path, config: Config, console: Console | None) -> tuple[Tensor, list[str]]:
    """What lies at ``path``, in storage units, read as the data of the run were.

    Returns:
        Samples, and the names of the files that were read; none of an array.
    """
    shape, say = config.event_shape or (), printing(console)
    return read_named_samples(path, shape, config.white, config.images.skip_broken, say)


def units_of(at: RunAt) -> Units:
    """Units of a run's samples, from its folder alone."""
    run, config, step = at
    if len(config.event_shape or ()) == 3:
        return PixelUnits()
    units = read_units(run.checkpoint_folder(step))
    if units is not None:
        return units
    older = run.units
    if older is not None:
        return StandardUnits(*map(torch.from_numpy, older))
    if config.data not in SOURCES:
        raise ValueError(
            f"{run.folder} has lost units.npy, the units of its samples: restore it from a copy, "
            f"or go on with {run.resuming}, which keeps them in the checkpoints"
        )
    return Units()


def rows_at(path: Path, units: Units, console: Console | None) -> Tensor:
    """All rows of the table at ``path``, in storage units, coded as those of the run."""
    from ..data.tables import TableUnits, read_rows

    assert isinstance(units, TableUnits)
    return read_rows(path, units, printing(console))


def given_to(path: Path, at: RunAt, console: Console | None) -> tuple[Tensor, list[str]]:
    """Samples or rows that a user gives for a run, in model units, and names as of samples_at."""
    units = units_of(at)
    if at.config.rows is not None:
        return units.normalize(rows_at(path, units, console)), []
    x, files = samples_at(path, at.config, console)
    return units.normalize(x), files


def ratio_of(
    at: RunAt,
    model: AlphaBridge,
    console: Console,
    held_out: str | None = None,
    kind: MapName | None = None,
) -> CalibratedRatio:
    """The ratio of a run's model, calibrated on its held-out data, or on others that are named."""
    source, named = data_of(at, console, held_out, "--held-out"), held_out or at.config.data
    x = source.held_out(CALIBRATED)
    if len(x) < FEWEST_HELD_OUT:
        raise ValueError(
            f"{len(x)} samples of {named} are held out, and a calibration needs "
            f"{FEWEST_HELD_OUT}: name data with --held-out of which more is held out, a tenth or "
            "what their files say"
        )
    return calibrated(model, x, source.units, kind)


def prior_of(config: Config, named: str | None = None) -> Source | None:
    """The second domain of a run, if it has one, or the one that the user names instead."""
    if named is None or config.prior is None:
        prior = build_prior(config, fetch=())
        if prior is not None and config.prior_fingerprint not in (None, prior.fingerprint):
            raise ValueError(
                f"the second domain has changed: {config.prior} had {config.prior_fingerprint}, "
                f"and has {prior.fingerprint}: restore it, or name where it lies now with --prior"
            )
        return prior
    prior = build_prior(config.model_copy(update={"prior": named}), fetch=(named,))
    if prior is not None and prior.fingerprint != config.prior_fingerprint:
        prior.units = _units_of_own(config, named)
    return prior


def _units_of_own(config: Config, named: str) -> Units:
    """Units of the run's own second domain, in which the model sees other samples as well."""
    if len(config.prior_shape or ()) == 3:
        return PixelUnits()
    try:
        own = prior_of(config)
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{named} has other samples than {config.prior}, whose units the run needs, and these "
            f"are not there any more ({error}): restore {config.prior}"
        ) from error
    assert own is not None
    return own.units


def prior_units_of(config: Config, named: str | None = None) -> Units:
    """Units of the second domain of a run that translates."""
    if len(config.prior_shape or ()) == 3:
        return PixelUnits()
    prior = prior_of(config, named)
    return Units() if prior is None else prior.units


def latents_of(config: Config, model: AlphaBridge, count: int, seed: int) -> Tensor:
    """Latents from N(0, I), always the same for a seed."""
    require_plain(config)
    assert model.latent_shape is not None
    at_least(0, "seed", seed)
    return latents(seed, at_least(1, "count", count), model.latent_shape)


def inverted(
    config: Config, model: AlphaBridge, x: Tensor, steps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Latents of samples in model units, and the error of each before and after refinement."""
    if steps and (config.prior is not None or config.objective.reconstructs):
        what = f"samples of {config.prior}" if config.prior else "those of data alone"
        raise ValueError(
            f"--refine {steps} descends towards N(0, I), and the latents of this run are {what}: "
            "leave it out"
        )
    refined = [refine(model, part, steps) for part in in_parts(x, CHUNK)]
    return (
        torch.cat([part.after.latents for part in refined]),
        torch.cat([part.before.error for part in refined]),
        torch.cat([part.after.error for part in refined]),
    )
