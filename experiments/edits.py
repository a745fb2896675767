"""How well edits do what they are asked, by a classifier that had no part in them.

The training images of which something is known are parted in two halves. One finds the directions
of a model's latent space; the other teaches the classifier, which never sees a latent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alpha_bridge.data import Attributes, PixelUnits, Source
from alpha_bridge.inference.editing import (
    Direction,
    balanced_accuracy,
    find_direction,
    mean_direction,
)
from alpha_bridge.metrics.classifier import cached_classifier
from alpha_bridge.metrics.evaluation import in_chunks
from alpha_bridge.model import AlphaBridge

from .framework import Record

__all__ = [
    "AttributeClassifier",
    "Labelled",
    "directions_of",
    "edited",
    "labelled_halves",
    "train_classifier",
]

Predict = Callable[[Tensor], Tensor]
"""From images ``(N, C, H, W)`` in model units to whether they have attributes, ``(N, K)``."""

FEWEST = 10
"""Labels of either kind that an attribute must have to be classified, and to be looked for."""

MOST = 5000
"""Labelled images that directions are found from, at most."""

LABELLED, HELD_OUT = 60_000, 10_000
"""Training images that are looked at for labels, and held-out ones, at most."""

SIDE = 16
"""Pixels of a side of the input of a linear classifier."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images of which something is known.

    Attributes:
        images: uint8, shape ``(N, C, H, W)``.
        attributes: What is known of them.
    """

    images: Tensor
    attributes: Attributes

    def __getitem__(self, rows: slice) -> "Labelled":
        chosen = np.arange(len(self.images))[rows]
        return Labelled(self.images[rows], self.attributes[chosen])

    def through(self, network: Callable[[Tensor], Tensor]) -> Tensor:
        """What a network gives for the images."""
        return in_chunks(lambda part: network(PixelUnits().normalize(part)), self.images)

    def known(self, name: str) -> tuple[Tensor, Tensor]:
        """Which of the images something is known of: whether they have an attribute, 1 or 0."""
        has = torch.from_numpy(self.attributes.known(name))
        return torch.nonzero(has >= 0)[:, 0], has[has >= 0]


@dataclass(frozen=True, eq=False)
class AttributeClassifier:
    """Says which attributes an image has, from its pixels.

    Attributes:
        names: The attributes that it tells better than chance.
        accuracy: Of each, the balanced accuracy on images that it has not learned from, and 95 %
            of its posterior.
        exclusive: Whether an image has exactly one of them, as with classes.
        predict: Which of the attributes images have, in the order of the names.
    """

    names: Sequence[str]
    accuracy: Sequence[tuple[float, tuple[float, float]]]
    exclusive: bool
    predict: Predict


def labelled_halves(source: Source) -> tuple[Labelled, Labelled]:
    """The training images of which something is known: every other one, and the rest."""
    attributes = source.training_attributes(LABELLED)
    everything = _labelled(source.training(LABELLED), attributes)
    return everything[::2], everything[1::2]


def train_classifier(half: Labelled, source: Source) -> AttributeClassifier:
    """A classifier of all attributes that it learns to recognise better than by chance.

    Where images have one class each, it is a classifier of the classes, as that of the metrics,
    and its accuracy is that on held-out images. Otherwise attributes are classified one by one,
    each by a regularised plane through averaged pixels, for which a few hundred labels are enough,
    and the accuracy is cross-validated.

    Args:
        half: What it learns from.
        source: Where held-out images come from.

    Returns:
        The classifier; of data of which nothing is known, one without attributes.
    """
    attributes = half.attributes
    exclusive = len(attributes.values) == 1 and len(attributes.names) > 1
    classifier = _of_classes(half, _held_out(source)) if exclusive else _of_planes(half)
    better = [place for place, (_, (low, _)) in enumerate(classifier.accuracy) if low > 0.5]
    return AttributeClassifier(
        [classifier.names[place] for place in better],
        [classifier.accuracy[place] for place in better],
        exclusive,
        lambda x: classifier.predict(x)[:, better],
    )


def _of_classes(half: Labelled, held_out: Labelled) -> AttributeClassifier:
    names = half.attributes.names
    given, asked = (
        (part.images, torch.from_numpy(part.attributes.codes[:, 0].astype(np.int64)))
        for part in (half, held_out)
    )
    network, _ = cached_classifier(*given, *asked, len(names))

    def predict(x: Tensor) -> Tensor:
        return F.one_hot(in_chunks(network, x).argmax(-1), len(names)).bool()

    found = F.one_hot(held_out.through(network).argmax(-1), len(names))
    true = F.one_hot(asked[1], len(names))
    accuracy = [_accuracy(found[:, place], true[:, place]) for place in range(len(names))]
    return AttributeClassifier(names, accuracy, True, predict)


def _of_planes(half: Labelled) -> AttributeClassifier:
    pixels = half.through(_averaged)
    names, planes, middles, accuracy = [], [], [], []
    for name in half.attributes.names:
        rows, y = half.known(name)
        if min((y == 1).sum(), (y == 0).sum()) < FEWEST:
            continue
        plane = find_direction(name, pixels[rows], y)
        along = pixels[rows] @ plane.vector
        names.append(name)
        planes.append(plane.vector)
        middles.append((along[y == 1].mean() + along[y == 0].mean()) / 2)
        accuracy.append((plane.evidence.accuracy, plane.evidence.interval))

    def predict(x: Tensor) -> Tensor:
        if not planes:
            return torch.zeros(len(x), 0, dtype=torch.bool)
        return in_chunks(_averaged, x) @ torch.stack(planes, 1) > torch.stack(middles)

    return AttributeClassifier(names, accuracy, False, predict)


def directions_of(
    model: AlphaBridge, half: Labelled, classifier: AttributeClassifier
) -> list[Direction]:
    """The direction of each attribute of a classifier in the latent space of a model.

    It goes from mean to mean. The normal of a plane divides by each latent's spread, so that
    latents which a large σ has left unused would lead it away from all that the generator shows.

    Args:
        model: In evaluation mode.
        half: The labelled images that the classifier has not learned from.
        classifier: Whose attributes are looked for, in their order.
    """
    half = half[:MOST]
    z = half.through(model.encode)
    found = []
    for name in classifier.names:
        rows, y = half.known(name)
        found.append(find_direction(name, z[rows], y, mean_direction))
    return found


def edited(
    model: AlphaBridge,
    classifier: AttributeClassifier,
    directions: Sequence[Direction],
    x: Tensor,
    strengths: Sequence[float],
) -> list[Record]:
    """Give each attribute to the images that lack it, and classify what comes of it.

    An image is encoded, moved and decoded. An edit is compared with what the classifier finds in
    the image itself, so that a strength of 0 shows what mere reconstruction changes.

    Args:
        model: In evaluation mode.
        classifier: What says whether an image has an attribute.
        directions: Of each attribute of the classifier, in the order of its names.
        x: Images in model units, shape ``(N, C, H, W)``.
        strengths: How far they are moved, in standard deviations along the direction.

    Returns:
        For each attribute that an image lacks: ``attribute``; ``lacking``, how many do; and by
        strength ``reached``, the share of these that have it then, and ``others``, the share of
        the other attributes that are classified differently then. Where an image has one class, the
        one that it had does not count as another, for it has to go.
    """
    before = classifier.predict(x)
    z = in_chunks(model.encode, x)
    found = []
    for place, direction in enumerate(directions):
        lacking = ~before[:, place]
        if not lacking.any():
            continue
        had = before[lacking]
        counted = ~had if classifier.exclusive else torch.ones_like(had)
        counted[:, place] = False
        reached, others = [], []
        for strength in strengths:
            moved = in_chunks(model.decode, direction.move(z[lacking], strength))
            has = classifier.predict(moved)
            reached.append(_share(has[:, place]))
            others.append(_share((has != had)[counted]))
        found.append(
            {
                "attribute": direction.name,
                "lacking": int(lacking.sum()),
                "reached": reached,
                "others": others,
            }
        )
    return found


def _labelled(images: Tensor, attributes: Attributes) -> Labelled:
    """Those of the images of which something is known."""
    rows = np.flatnonzero((attributes.codes >= 0).any(1))
    return Labelled(images[torch.from_numpy(rows)], attributes[rows])


def _held_out(source: Source) -> Labelled:
    return _labelled(source.held_out(HELD_OUT), source.held_out_attributes(HELD_OUT))


def _accuracy(found: Tensor, true: Tensor) -> tuple[float, tuple[float, float]]:
    """Balanced accuracy; where a class is missing, nothing is known of it."""
    if true.unique().numel() < 2:
        return 0.5, (0.0, 1.0)
    return balanced_accuracy(found == true, true)


def _averaged(x: Tensor) -> Tensor:
    """Images averaged down, ``(N, F)``."""
    return F.adaptive_avg_pool2d(x, min(SIDE, x.shape[-1])).flatten(1)


def _share(of: Tensor) -> float:
    return round(float(of.float().mean()), 5) if of.numel() else 0.0
