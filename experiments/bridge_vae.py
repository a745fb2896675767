r"""Ours: a VAE that is trained already, bridged, beside the switch to an adversarial loss at once.

Two libraries' VAEs, a diffusers ``AutoencoderKL`` with a spatial latent and a pythae ``VAE``, are
trained by likelihood alone, each batch under the σ that fits it, so that they are at the best
evidence lower bound that they reach:

.. math:: \tfrac d2 \log \tfrac1{Bd} \sum_x \|x - G(z)\|^2 + \frac1B \sum_x KL[q(z|x) \| p(z)]

They are written and read in their library's own format. From there the α-Bridge and the hard
switch, which is ``naive`` without its Step I, train for as many updates. All settings are ours.

Source:
    Rybkin, Daniilidis and Levine, Simple and Effective VAE Training with Calibrated Decoders,
    ICML 2021.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from alpha_bridge.data import Source, stream
from alpha_bridge.gaussian import kl_to_prior, reparameterize
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import FROM_VAE, from_vae
from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH
from alpha_bridge.vae import LIBRARIES, TrainedVAE, VAEEncoder, VAEGenerator

from .framework import Claim, Record, Samples, Study, compare, due, ends, preset_on
from .framework.drawing import curves, shade_steps, show_grid
from .framework.evaluations import chosen, metric_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["claims", "draw", "measure"]

SHARED: dict[str, Any] = {
    "steps": 2400,
    "batch_size": 32,
    "model.width": 16,
    "model.hidden": [128],
    "images.size": 16,
    "evaluation.every": 400,
    "evaluation.samples": 2000,
}
"""What both ways change in the preset, before the bridge from a VAE changes more."""

SETTINGS: dict[str, dict[str, Any]] = {
    "alpha-bridge": {},
    "naive": {"path.ml": 0.0, "path.transfer": 0.0, "path.adversarial": 1.0},
}
"""The two ways, and what each of them changes: the hard switch has α = 1 from the start."""

QUICK: dict[str, Any] = {
    "steps": 800,
    "images.size": None,
    "evaluation.every": 200,
    "evaluation.samples": 1000,
}
"""What both change in the miniature as well."""

VAE_UPDATES, QUICK_VAE_UPDATES = 2000, 600
VAE_BATCH = 64
SHOWN = 20
METRICS = ("frechet_distance", "reconstruction_error")

SHARPER, WORSE = 0.7, 1.1
"""What is claimed: at most so much of the distance is left, and at most so much of the error."""


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Train both VAEs with every seed, and go on from each in both ways; 3 trials.

    The VAEs are kept in a folder each, and are not trained again. The miniature has one trial on
    the built-in digits.
    """
    trials = trials or (1 if quick else 3)
    base = "digits" if quick else "mnist"
    preset = preset_on(base, data)
    given = SHARED | QUICK if quick else SHARED
    shared = changed(preset, given)
    updates = QUICK_VAE_UPDATES if quick else VAE_UPDATES
    bridge = _way(shared, "alpha-bridge", "", seed)
    configs = [*_from_vaes(study, shared, updates, range(seed, seed + trials))]
    finish = partial(chosen, steps=(0, shared.steps), count=SHOWN)
    return {
        "experiment": "a trained VAE, bridged and switched",
        "settings": {
            "seed": seed,
            "trials": trials,
            "quick": quick,
            "data": preset.data,
            "preset": base,
            "methods": {way: {**given, **FROM_VAE, **own} for way, own in SETTINGS.items()},
            "vae_updates": updates,
            "ends_of_steps": ends(bridge),
            "note": "all settings are ours",
        },
        **compare(study, configs, {0, *due(bridge)}, finish),
    }


def _from_vaes(
    study: Study, shared: Config, updates: int, seeds: range
) -> Iterator[tuple[str, Config]]:
    """Both ways from a VAE of each library and seed, which is trained if it is not there."""
    source = build_source(shared)
    for seed, library in product(seeds, LIBRARIES):
        vae = study.folder.absolute() / "vaes" / f"{library}-seed-{seed}"
        if not vae.exists():
            study.report(f"{library}  seed {seed}  {updates} updates of the VAE")
            train_vae(library, source, seed, updates).save(vae)
        for way in SETTINGS:
            yield f"{library}/{way}", _way(shared, way, str(vae), seed)


def _way(shared: Config, name: str, vae: str, seed: int) -> Config:
    """How ``name`` goes on from a VAE."""
    initial = changed(from_vae(shared, vae), {"seed": seed})
    return changed(METHODS[name].apply(initial), SETTINGS[name])


def train_vae(
    library: str,
    source: Source,
    seed: int,
    updates: int,
    kl_weight: float = 1.0,
    architecture: Record | None = None,
    batch: int | None = None,
) -> TrainedVAE:
    """A small VAE of a library, trained by likelihood alone.

    Args:
        library: Which.
        source: Images.
        seed: Of weights, batches and noise.
        updates: Number of updates.
        kl_weight: Of the divergence from the prior.
        architecture: The library's configuration; that of :data:`ARCHITECTURES` by default.
        batch: Images of an update; :data:`VAE_BATCH` by default.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        of_images = ARCHITECTURES[library](*source.event_shape[:2])
        vae = LIBRARIES[library](architecture or of_images)
    encoder = VAEEncoder(vae.encoder)
    generator = VAEGenerator(vae.decoder, vae.latent_shape(*source.event_shape[1:]))
    optimizer = torch.optim.Adam(vae.model.train().parameters(), lr=2e-3)
    for update in range(updates):
        x = source.units.normalize(source.batch(seed, update, batch or VAE_BATCH))
        mean, log_variance = encoder(x)
        draws = stream(seed, update).standard_normal(tuple(mean.shape), dtype=np.float32)
        decoded = generator(reparameterize(mean, log_variance, torch.from_numpy(draws)))
        error = (x - decoded).square().mean()
        kl = kl_to_prior(mean, log_variance, mean.ndim - 1).mean()
        optimizer.zero_grad()
        (x[0].numel() / 2 * error.log() + kl_weight * kl).backward()
        optimizer.step()
    vae.model.eval()
    return vae


def _autoencoder_kl(channels: int, size: int) -> Record:
    return {
        "_class_name": "AutoencoderKL",
        "in_channels": channels,
        "out_channels": channels,
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
        "block_out_channels": [8, 16],
        "latent_channels": 1,
        "norm_num_groups": 4,
        "mid_block_add_attention": False,
        "sample_size": size,
        "scaling_factor": 1.0,
    }


def _pythae(channels: int, size: int) -> Record:
    return {
        "name": "VAEConfig",
        "input_dim": [channels, size, size],
        "latent_dim": 16,
        "uses_default_encoder": True,
        "uses_default_decoder": True,
    }


ARCHITECTURES: dict[str, Callable[[int, int], Record]] = {
    "diffusers": _autoencoder_kl,
    "pythae": _pythae,
}
"""Configurations by library, from the channels and the size of the images."""


def claims(record: Record) -> list[Claim]:
    """What is claimed of a bridge from a trained VAE, held to the means over trials.

    Args:
        record: As :func:`measure` gives it; a library whose ways have not both ended is left out.
    """
    found = []
    for library in LIBRARIES:
        ways = {way: _runs(record, f"{library}/{way}") for way in SETTINGS}
        if not all(ways.values()):
            continue
        numbers = [_numbers(record, ways, metric) for metric in METRICS]
        distance, error = numbers
        sharper = distance["alpha-bridge"] <= SHARPER * distance["VAE"]
        held = error["alpha-bridge"] <= WORSE * error["VAE"]
        lost = all(of["naive"] > of["alpha-bridge"] for of in numbers)
        found += [
            Claim(
                f"{library}: the bridge takes 30 % off the Fréchet distance", sharper, [distance]
            ),
            Claim(f"{library}: reconstructions are at most 10 % worse", held, [error]),
            Claim(f"{library}: the hard switch is worse in both", lost, numbers),
        ]
    return found


def _runs(record: Record, name: str) -> list[Record]:
    return [run for run in record["runs"] if run["method"] == name and "seconds" in run]


def _numbers(record: Record, ways: Mapping[str, list[Record]], metric: str) -> Record:
    """Means of a metric: of the VAE, and at the end of each way."""
    (name,) = metric_names(record, metric)
    before = fmean(run["evaluations"][0][name] for runs in ways.values() for run in runs)
    after = {way: fmean(run["evaluations"][-1][name] for run in ways[way]) for way in ways}
    return {"metric": name, "VAE": before, **after}


def draw(record: Record, samples: Samples) -> "Figure":
    """What each VAE becomes, and its numbers on the way.

    Args:
        record: As :func:`measure` gives it.
        samples: By library and way and by number of updates, uint8 ``(N, H, W, C)``.

    Returns:
        For each library a row of samples of the same latents, of the VAE and of both ways, and a
        panel for each metric, which begins with the VAE's own.
    """
    from matplotlib.figure import Figure

    names = metric_names(record, *METRICS)
    drawn = [run["method"] for run in record["runs"] if run["method"] in samples]
    libraries = dict.fromkeys(name.split("/")[0] for name in drawn)
    columns = len(SETTINGS) + 1
    rows = 2 * max(len(libraries), 1)
    figure = Figure(figsize=(WIDTH, 2.7 * rows), layout="constrained")
    # one grid that both numbers of columns divide: several are not laid out together
    grid = figure.add_gridspec(rows, columns * len(names))
    for row, library in enumerate(libraries):
        ways = [way for way in SETTINGS if f"{library}/{way}" in drawn]
        shown = {way: samples[f"{library}/{way}"] for way in ways}
        first = next(iter(shown.values()))
        whole = {f"{library}, trained": first[0]}
        whole |= {f"then {way}": of[max(of)] for way, of in shown.items()}
        for column, (title, images) in enumerate(whole.items()):
            place = grid[2 * row, column * len(names) : (column + 1) * len(names)]
            axes = figure.add_subplot(place)
            show_grid(axes, images, SHOWN // 4)
            axes.set_title(title, loc="left", fontsize=TEXT)
        runs = [
            {**run, "method": run["method"].removeprefix(f"{library}/")}
            for run in record["runs"]
            if run["method"].startswith(f"{library}/")
        ]
        for column, name in enumerate(names):
            place = grid[2 * row + 1, column * columns : (column + 1) * columns]
            axes = figure.add_subplot(place)
            curves(axes, runs, name)
            shade_steps(axes, record["settings"]["ends_of_steps"])
            axes.legend(frameon=False, fontsize=SMALL)
    if record["settings"]["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure
