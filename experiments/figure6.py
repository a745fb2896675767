"""Figure 6: the inference arm of likelihood, in a GAN: reconstructions and edits, on faces.

Three methods train the same networks for as many updates: the α-Bridge, the reverse-KL GAN with an
encoder that is trained beside it from the start (``rkl-gp``), and the VAE (``ml``). The arm of each
encodes held-out and generated images, which are decoded again as they are, and moved along
attributes. All settings are ours: the paper's appendix is lost.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from alpha_bridge.metrics.evaluation import SampleEvaluation
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.domains import build_source

from . import figure5
from .arm import STRENGTHS, SUBJECTS, assay, shown
from .arm_picture import draw
from .edits import AttributeClassifier, Labelled, labelled_halves, train_classifier
from .framework import (
    Claim,
    Outcome,
    Record,
    Study,
    compare,
    configurations,
    due,
    ends,
    last_means,
    preset_on,
)
from .framework.evaluations import Evaluations

__all__ = [
    "CLAIMED",
    "METRICS",
    "SHARED",
    "SUBJECTS",
    "claims",
    "draw",
    "measure",
    "measure_on",
    "of_methods",
]

SHARED: dict[str, Any] = {**figure5.SHARED, "steps": 3000, "evaluation.every": 1000}
"""What all methods change in the preset: the settings of Figure 5, for fewer updates."""

FACES: dict[str, Any] = {
    **SHARED,
    "batch_size": 32,
    "model.width": 16,
    "model.hidden": [256],
    "evaluation.samples": 2000,
    "evaluation.features": "rotations",
}
"""What all methods change in the preset on faces: smaller networks, for one core."""

QUICK: dict[str, Any] = {
    "steps": 900,
    "model.noise": 0.5,
    "evaluation.every": 450,
    "evaluation.samples": 500,
}
"""What all methods change as well in the miniature, whose images have a twelfth of the numbers."""

CLAIMED = 2
"""The strength at which edits are compared: the default of ``alpha-bridge edit``."""

CLAIMS = (
    (
        "the bridge reconstructs held-out images with a smaller error than rkl-gp",
        ("reconstruction_error/mse", "<", "rkl-gp"),
    ),
    ("so it does in features", ("feature_distance/{features}", "<", "rkl-gp")),
    (
        "it reconstructs the images that it generates with a smaller error than rkl-gp its own",
        ("reconstruction_error/mse-generated", "<", "rkl-gp"),
    ),
    ("so it does in features", ("feature_distance/{features}-generated", "<", "rkl-gp")),
    ("its Fréchet distance is below that of ml", ("frechet_distance/{features}", "<", "ml")),
    (
        "more of its edits of held-out images reach the attribute than of rkl-gp's",
        (f"edits_reached/strength-{CLAIMED}", ">", "rkl-gp"),
    ),
    (
        "more of its edits of generated images do",
        (f"edits_reached/strength-{CLAIMED}-generated", ">", "rkl-gp"),
    ),
    (
        "its edits of held-out images change fewer of the other attributes than rkl-gp's",
        (f"others_changed/strength-{CLAIMED}", "<", "rkl-gp"),
    ),
)
"""What is claimed of the bridge, and of which numbers."""

METRICS = (
    "frechet_distance",
    "reconstruction_error",
    "feature_distance",
    "direction_accuracy",
    "edits_reached",
    "others_changed",
)


def of_methods(shared: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What each method changes in a preset, given what all of them do."""
    return {
        "alpha-bridge": {**shared, **figure5.HELD},
        "rkl-gp": {**shared},
        "ml": {**shared},
    }


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Train every method on CelebA, and measure the arm of each; one trial."""
    return measure_on(study, "celeba", FACES, seed, trials or 1, quick, data)


def measure_on(
    study: Study,
    base: str,
    shared: Mapping[str, Any],
    seed: int,
    trials: int,
    quick: bool,
    data: str | None,
) -> Record:
    """Train every method with every seed, and measure the arm of each when its run has ended.

    Args:
        study: Trains them.
        base: Name of the preset.
        shared: What all methods change in it.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials of each method, one or more.
        quick: Whether to train the miniature on the built-in digits in place of it.
        data: A hub id, a folder or a file of images; None for the preset's.

    Returns:
        A record with ``settings``; ``judge``, how well each attribute is classified; ``runs``, each
        with its method, seed, whole configuration, evaluations and edits; and ``last``, means and
        deviations at the end.
    """
    if quick:
        base, shared = "digits", SHARED | QUICK
    preset = preset_on(base, data)
    settings = of_methods(shared)
    configs = [*configurations(preset, settings, seed, trials)]
    bridge = configs[0][1]
    classifier, _ = _labelled(bridge.model_dump_json())
    study.report(f"{len(classifier.names)} attributes are classified better than by chance")
    return {
        "figure": "Figure 6",
        "settings": {
            "seed": seed,
            "trials": trials,
            "quick": quick,
            "data": preset.data,
            "preset": base,
            "methods": settings,
            "ends_of_steps": ends(bridge),
            "strengths": STRENGTHS,
            "shown": [classifier.names[place] for place in shown(classifier)],
            "note": "all settings are ours: the paper's are not published",
        },
        "judge": [
            {"attribute": name, "accuracy": accuracy, "interval": interval}
            for name, (accuracy, interval) in zip(
                classifier.names, classifier.accuracy, strict=True
            )
        ],
        **compare(study, configs, due(bridge), partial(_finish, config=bridge)),
    }


@cache
def _labelled(text: str) -> tuple[AttributeClassifier, Labelled]:
    """The classifier of attributes on the data of a configuration, and images to find directions.

    It takes longer than an assay, so that each process has it once.
    """
    source = build_source(Config.model_validate_json(text))
    half, other = labelled_halves(source)
    return train_classifier(other, source), half


def _finish(evaluations: Evaluations, config: Config) -> Outcome:
    """What the inference arm of a run is worth, and pictures of it."""
    evaluation, model = evaluations.evaluation, evaluations.model
    assert model is not None and isinstance(evaluation, SampleEvaluation)
    classifier, half = _labelled(config.model_dump_json())
    found = assay(model, evaluation, classifier, half)
    pictures = {f"/{subject}": {config.steps: of} for subject, of in found.pictures.items()}
    return Outcome({"metrics": found.metrics, "edits": found.edits}, pictures)


def claims(record: Record) -> list[Claim]:
    """Whether the bridge's arm is worth more than the others', by the means over trials at the end.

    Args:
        record: As :func:`measure_on` gives it; nothing is claimed of it before all methods have
            been measured, and nothing of edits where the data have no attributes.
    """
    ended = record.get("last", {})
    if len(ended) < len(record["settings"]["methods"]):
        return []
    features = next(
        name.split("/")[1] for name in ended["ml"] if name.startswith("frechet_distance/")
    )
    found = []
    for about, (metric, sign, other) in CLAIMS:
        numbers = last_means(record, metric.format(features=features))
        if len(numbers) == len(ended):
            bridge, theirs = numbers["alpha-bridge"], numbers[other]
            holds = bridge < theirs if sign == "<" else bridge > theirs
            found.append(Claim(about, holds, [numbers]))
    return found
