"""What the inference arm of a generator is worth: its reconstructions, and edits through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from alpha_bridge.inference.editing import Direction
from alpha_bridge.metrics.evaluation import SampleEvaluation, in_chunks
from alpha_bridge.metrics.image_quality import FeatureNetwork, reconstruction_error
from alpha_bridge.model import AlphaBridge
from alpha_bridge.runs.plots.records import Array

from .edits import MOST, AttributeClassifier, Labelled, directions_of, edited
from .framework import Record

__all__ = ["STRENGTHS", "SUBJECTS", "Assay", "assay", "shown"]

STRENGTHS = (0, 2, 3)
"""How far images are moved, in standard deviations along a direction; 0 is mere reconstruction."""

SUBJECTS = {"held-out": "", "generated": "-generated"}
"""The kinds of images, and how the protocols of their numbers end."""

ROWS, COLUMNS = 4, 6
"""Images of each kind in pictures, and attributes that they are given."""


@dataclass(frozen=True, eq=False)
class Assay:
    """What an inference arm was found to be worth.

    Attributes:
        metrics: Numbers by names that state their protocols.
        edits: What :func:`~experiments.edits.edited` gives, each with its ``subject``.
        pictures: By subject, images with their reconstructions and edits, uint8
            ``(rows, columns, H, W, C)``.
    """

    metrics: dict[str, float]
    edits: list[Record]
    pictures: dict[str, Array]


def assay(
    model: AlphaBridge,
    evaluation: SampleEvaluation,
    classifier: AttributeClassifier,
    half: Labelled,
) -> Assay:
    r"""Measure the inference arm of a trained model on held-out and on generated images.

    Beside the mean squared error, a reconstruction is compared with its image in the features f of
    the evaluation, in units of what two held-out images differ by:

    .. math:: E_x \|f(x) - f(\hat x)\|^2 / E_{x, x'} \|f(x) - f(x')\|^2

    Generated images are encoded as if nobody knew their latents.

    Args:
        model: The model; it is moved to the processor, in evaluation mode.
        evaluation: What has measured it in training.
        classifier: What says whether an edit did what it was to do.
        half: Labelled images that the classifier has not learned from, to find directions with.

    Returns:
        The numbers of both kinds of images, and pictures.
    """
    model = model.cpu().eval()
    directions = directions_of(model, half, classifier)
    held_out = evaluation.held_out
    images = {"held-out": held_out, "generated": evaluation.generated(model)[: len(held_out)]}
    metrics = _reconstructed(model, evaluation, images)
    edits, pictures = [], {}
    for subject, x in images.items():
        rows = edited(model, classifier, directions, x, STRENGTHS)
        metrics |= _mean_edits(rows, SUBJECTS[subject], len(x))
        edits += [{"subject": subject, **row} for row in rows]
        columns = _columns(model, [directions[place] for place in shown(classifier)], x[:ROWS])
        pictures[subject] = np.stack([evaluation.source.units.stored(x) for x in columns], 1)
    if directions:
        name = f"direction_accuracy/cross-validated/{len(half[:MOST].images)}"
        metrics[name] = fmean(direction.evidence.accuracy for direction in directions)
    return Assay(metrics, edits, pictures)


def shown(classifier: AttributeClassifier) -> list[int]:
    """The places of the attributes that are classified best, in the order of its names."""
    accuracy = [of for of, _ in classifier.accuracy]
    return sorted(sorted(range(len(accuracy)), key=lambda place: -accuracy[place])[:COLUMNS])


def _reconstructed(
    model: AlphaBridge, evaluation: SampleEvaluation, images: dict[str, Tensor]
) -> dict[str, float]:
    """Errors of reconstructions, but for that of held-out images, which each evaluation has."""
    network, protocol = evaluation.comparison.network, evaluation.comparison.protocol
    found = {}
    for subject, x in images.items():
        end, count, decoded = SUBJECTS[subject], len(x), in_chunks(model.reconstruct, x)
        if subject != "held-out":
            error = float(reconstruction_error(x, decoded))
            found[f"reconstruction_error/mse{end}/{count}"] = error
        if network is not None:
            apart = _distance(network, x, decoded) / _spread(network, images["held-out"])
            found[f"feature_distance/{protocol}{end}/{count}"] = apart
    return found


def _distance(network: FeatureNetwork, x: Tensor, decoded: Tensor) -> float:
    before, after = in_chunks(network.features, x), in_chunks(network.features, decoded)
    return float((before - after).square().sum(1).mean())


def _spread(network: FeatureNetwork, x: Tensor) -> float:
    """Mean squared distance of two of the images."""
    return float(2 * in_chunks(network.features, x).var(0).sum())


def _mean_edits(rows: list[Record], end: str, count: int) -> dict[str, float]:
    """Means over attributes, by strength."""
    return {
        f"{metric}/strength-{strength}{end}/{count}": fmean(row[key][place] for row in rows)
        for metric, key in (("edits_reached", "reached"), ("others_changed", "others"))
        for place, strength in enumerate(STRENGTHS)
        if rows
    }


def _columns(model: AlphaBridge, directions: Sequence[Direction], x: Tensor) -> list[Tensor]:
    """Images, their reconstructions, and what each edit makes of them."""
    with torch.no_grad():
        z = model.encode(x)
        moved = [z, *(direction.move(z, STRENGTHS[-1]) for direction in directions)]
        return [x, *map(model.decode, moved)]
