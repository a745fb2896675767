"""Figure 6: the inference arm of likelihood, in a GAN: reconstructions and edits, on faces.

Three methods train the same networks for as many updates: the α-Bridge, the reverse-KL GAN with an
encoder that is trained beside it from the start (``rkl-gp``), and the VAE (``ml``). The arm of each
encodes held-out and generated images, which are decoded again as they are, and moved along
attributes. All settings are ours: the paper's appendix is lost.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alpha_bridge.recipe.builders import build_source
from alpha_bridge.runs.plots import save_figure

from . import figure5
from .arm import STRENGTHS, SUBJECTS, assay, shown
from .arm_picture import draw
from .edits import build_judge, labelled_halves
from .files import keep_samples, resumed_samples
from .runs import Tell, silent
from .scores import Claim, verdicts
from .watched import compared, configurations, due, ends, last, last_means, preset_on

__all__ = [
    "CLAIMED",
    "METRICS",
    "SHARED",
    "SUBJECTS",
    "claims",
    "conducted",
    "draw",
    "of_methods",
    "reproduce",
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

Record = dict[str, Any]


def of_methods(shared: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What each method changes in a preset, given what all of them do."""
    return {
        "alpha-bridge": {**shared, **figure5.HELD},
        "rkl-gp": {**shared},
        "ml": {**shared},
    }


def reproduce(
    folder: str | Path,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    tell: Tell = silent,
    data: str | None = None,
) -> Record:
    """Train every method on CelebA, and write ``figure6.json``, ``.png`` and ``.npz``.

    They are written anew after each evaluation and each run, so that what there is can be looked
    at. The ``.npz`` has the images of the first seed, by method and kind.

    Args:
        folder: Where to write; it is made if it is missing. Runs that an interrupted experiment
            has ended there are not trained again.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials of each method; None for 1.
        quick: Whether to train a miniature on the built-in digits, for a minute or two.
        tell: Told in a line of each evaluation.
        data: A hub id, a folder or a file of images; None for the preset's.

    Returns:
        What ``figure6.json`` holds: ``settings``; ``judge``, how well each attribute is told;
        ``runs``, each with its method, seed, whole configuration, evaluations and edits; ``last``,
        means and deviations at the end; and ``claims``.

    Raises:
        ValueError: A number is out of its range, or the data cannot be used.
    """
    path = Path(folder) / "figure6.json"
    trials = 1 if trials is None else trials
    return conducted(path, "celeba", FACES, seed, trials, quick, tell, data)


def conducted(
    path: Path,
    base: str,
    shared: Mapping[str, Any],
    seed: int,
    trials: int,
    quick: bool,
    tell: Tell,
    data: str | None,
) -> Record:
    """Train every method with every seed, and measure the arm of each when its run has ended.

    Args:
        path: The JSON file; the others stand beside it.
        base: Name of the preset.
        shared: What all methods change in it.
        seed: Seed of the first trial; each further one adds 1.
        trials: Trials of each method, one or more.
        quick: Whether to train the miniature in place of it.
        tell: Told in a line of each evaluation.
        data: A hub id, a folder or a file of images; None for the preset's.

    Returns:
        The record.

    Raises:
        ValueError: A number is out of its range, or the data cannot be used.
    """
    if quick:
        base, shared = "digits", SHARED | QUICK
    preset = preset_on(base, data)
    settings = of_methods(shared)
    configs = [*configurations(preset, settings, seed, trials)]
    bridge = configs[0][1]
    source = build_source(bridge)
    half, other = labelled_halves(source)
    judge = build_judge(other, source)
    tell(f"the judge tells {len(judge.names)} attributes better than chance")
    record: Record = {
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
            "shown": [judge.names[place] for place in shown(judge)],
            "note": "all settings are ours: the paper's are not published",
        },
        "judge": [
            {"attribute": name, "accuracy": accuracy, "interval": interval}
            for name, (accuracy, interval) in zip(judge.names, judge.accuracy, strict=True)
        ],
    }
    samples = resumed_samples(path)
    for name, watched in compared(record, configs, due(bridge), path, tell):
        if watched is not None and watched.model is not None:
            found = assay(watched.model, watched.evaluation, judge, half)
            watched.evaluations[-1] |= found.metrics
            record["runs"][-1]["edits"] = found.edits
            for subject, images in found.pictures.items():
                samples.setdefault(f"{name}/{subject}", {bridge.steps: images})
            keep_samples(samples, path.with_suffix(".npz"))
        record["last"] = last(record)
        if held := claims(record):
            record["claims"] = verdicts(held, record)
        save_figure(draw(record, samples), path.with_suffix(".png"))
    return record


def claims(record: Record) -> list[Claim]:
    """Whether the arm of the bridge is what it is said to be, by the means over trials at the end.

    Args:
        record: As :func:`conducted` gives it; nothing is claimed of it before all methods have
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
