"""Section 3.3: the plain bridge beside both generalisations and adversarially learned inference.

All have the same networks, as many updates and the same path (but for ``ali``, which has only its
last step). Beside samples and reconstructions of held-out images it is measured how well images
that the model made itself are reconstructed, how near the encodings of held-out images are to the
prior, and how well a classifier tells pairs of the encoder from pairs of the generator, in the
features of the images beside the latents. All settings are ours: the paper has no such experiment.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from alpha_bridge.chunks import in_parts
from alpha_bridge.data.rng import latents
from alpha_bridge.metrics.comparison import CHUNK
from alpha_bridge.metrics.evaluation import SampleEvaluation
from alpha_bridge.metrics.image_quality import features_of, reconstruction_error
from alpha_bridge.metrics.two_sample import gaussian_kl_to_prior, two_sample_accuracy
from alpha_bridge.model import AlphaBridge
from alpha_bridge.runs.plots import SMALL, TEXT, WIDTH
from alpha_bridge.runs.plots.records import Array

from .framework import (
    Claim,
    Outcome,
    Record,
    Samples,
    Study,
    compare,
    configurations,
    due,
    ends,
    last_means,
    preset_on,
)
from .framework.drawing import curves, shade_steps, show_grid
from .framework.evaluations import Evaluations, metric_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SETTINGS", "arm", "claims", "draw", "measure"]

SHARED: dict[str, Any] = {
    "steps": 2500,
    "model.noise": 1.0,
    "path.ml": 0.3,
    "path.transfer": 0.3,
    "path.adversarial": 0.4,
    "path.end": 0.9,
    "gamma.c": 10.0,
    "gamma.d": -5.0,
    "optimization.generator": 1e-3,
    "optimization.encoder": 1e-3,
    "optimization.discriminator": 1e-3,
    "evaluation.every": 500,
}
"""What all change in the preset. The path ends below 1: there, nothing would hold the two arms of
the bridge between marginals together. ``ali`` is at 1 by definition."""

SETTINGS: dict[str, dict[str, Any]] = {
    "alpha-bridge": SHARED,
    "marginal": {**SHARED, "method": "alpha-bridge", "objective.kind": "marginal"},
    "joint": {**SHARED, "method": "alpha-bridge", "objective.kind": "joint"},
    "ali": SHARED,
}
"""By name, what each changes in the preset before its method is applied."""

QUICK: dict[str, Any] = {"steps": 500, "evaluation.every": 100, "evaluation.samples": 500}
"""What all change in the miniature as well."""

ARM = {
    "reconstruction_of_samples": "mse",
    "aggregate_kl": "moments",
    "pair_accuracy": "mlp",
}
"""What is measured of the inference arm at the end, and its protocol."""

METRICS = ("frechet_distance", "reconstruction_error", *ARM)
LATENTS, SHOWN = 7, 20


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Train all four on MNIST, one trial; the miniature on the built-in digits."""
    base = "digits" if quick else "mnist"
    preset = preset_on(base, data)
    settings = {name: {**own, **QUICK} if quick else own for name, own in SETTINGS.items()}
    configs = [*configurations(preset, settings, seed, trials or 1)]
    return {
        "experiment": "generalisations",
        "settings": {
            "seed": seed,
            "trials": trials or 1,
            "quick": quick,
            "data": preset.data,
            "preset": base,
            "methods": settings,
            "ends_of_steps": ends(configs[0][1]),
            "note": "all settings are ours: the paper has no such experiment",
        },
        **compare(study, configs, due(configs[0][1]), _finish),
    }


def _finish(evaluations: Evaluations) -> Outcome:
    """The inference arm's metrics; samples, and held-out samples before their reconstructions."""
    evaluation, model = evaluations.evaluation, evaluations.model
    assert model is not None and isinstance(evaluation, SampleEvaluation)
    x = evaluation.held_out[:LATENTS]
    pairs = torch.stack([x, model.reconstruct(x.to(model.sigma)).cpu()], 1).flatten(0, 1)
    end = max(evaluations.samples)
    shown = {0: evaluation.source.units.stored(pairs), end: evaluations.samples[end][:SHOWN]}
    return Outcome({"metrics": arm(model, evaluation)}, {"": shown})


@torch.no_grad()
def arm(model: AlphaBridge, evaluation: SampleEvaluation) -> dict[str, float]:
    r"""What the encoder is worth to a model, by names that state their protocols.

    Args:
        model: In evaluation mode or not; it is left as it was.
        evaluation: Has held-out samples, and the features to see them by.

    Returns:
        ``reconstruction_of_samples``, the mean squared error of G(E(G(z))) against G(z);
        ``aggregate_kl``, of the Gaussian with the moments of encodings of held-out samples to the
        prior, in nats; and ``pair_accuracy``, of a classifier that tells (x, z) with
        :math:`z \sim q_\phi(z|x)` from :math:`(G_\theta(z'), z')`: 0.5 where they match.
    """
    training = model.training
    model.eval()
    x = evaluation.held_out.to(model.sigma)
    prior = latents(0, len(x), model.latent_shape).to(x)
    made = model.decode(prior)
    z = model.encode(x, draw=True, rng=torch.Generator(x.device).manual_seed(0))
    pairs = (_features(evaluation, x, z), _features(evaluation, made, prior))
    values = {
        "reconstruction_of_samples": float(
            reconstruction_error(made, model.reconstruct(made), x.ndim - 1)
        ),
        "aggregate_kl": gaussian_kl_to_prior(z.flatten(1)),
        "pair_accuracy": two_sample_accuracy(*pairs),
    }
    model.train(training)
    return {f"{name}/{ARM[name]}/{len(x)}": value for name, value in values.items()}


def _features(evaluation: SampleEvaluation, x: Tensor, z: Tensor) -> Tensor:
    """Samples beside their latents, as a classifier sees them: images by their features."""
    network = evaluation.comparison.network
    if network is not None:
        x = features_of(network, in_parts(x, CHUNK))
    return torch.cat([x.flatten(1), z.flatten(1)], -1)


def claims(record: Record) -> list[Claim]:
    """Whether the numbers show what the theory has each objective do, by means at the end.

    Args:
        record: With ``last``.

    Returns:
        Nothing before all methods have been measured.
    """
    if len(record.get("last", {})) < len(SETTINGS):
        return []
    aggregate, own, real, matched = (
        last_means(record, metric)
        for metric in (
            "aggregate_kl",
            "reconstruction_of_samples",
            "reconstruction_error",
            "pair_accuracy",
        )
    )
    return [
        Claim(
            "between marginals the encodings are nearer to the prior than in the plain bridge",
            aggregate["marginal"] < aggregate["alpha-bridge"],
            [aggregate],
        ),
        Claim(
            "between marginals the model's own images are reconstructed better",
            own["marginal"] < own["alpha-bridge"],
            [own],
        ),
        Claim(
            "between joints held-out images are reconstructed better than by ali",
            real["joint"] < real["ali"],
            [real],
        ),
        Claim(
            "between joints the pairs match better than in the plain bridge",
            matched["joint"] < matched["alpha-bridge"],
            [matched],
        ),
    ]


def draw(record: Record, samples: Samples) -> "Figure":
    """Samples and reconstructions of each at the end, and their numbers along training.

    Args:
        record: As :func:`measure` gives it.
        samples: By name: under 0 held-out images, each before its reconstruction, and under the
            last update samples; uint8 ``(N, H, W, C)``.
    """
    from matplotlib.figure import Figure

    names = metric_names(record, *METRICS[:2])
    figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=[1.8, 0.7, 2.2])
    columns = grid[0].subgridspec(1, len(SETTINGS)), grid[1].subgridspec(1, len(SETTINGS))
    for column, (name, of) in enumerate(samples.items()):
        above, below = (figure.add_subplot(row[0, column]) for row in columns)
        show_grid(above, of[max(of)], 5)
        show_grid(below, _over(of[0]), LATENTS)
        above.set_title(name, loc="left", fontsize=TEXT)
    panels = grid[2].subgridspec(1, len(names))
    for column, name in enumerate(names):
        axes = figure.add_subplot(panels[0, column])
        curves(axes, record["runs"], name)
        shade_steps(axes, record["settings"]["ends_of_steps"])
        axes.legend(frameon=False, fontsize=SMALL)
    if record["settings"]["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure


def _over(pairs: Array) -> Array:
    """Originals in one row, and their reconstructions in the next."""
    return np.concatenate([pairs[0::2], pairs[1::2]])
