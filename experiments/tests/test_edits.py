"""Edits and their classifier, on images whose attributes are a brighter half."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from alpha_bridge.data import Attributes, ImageSource
from experiments.edits import (
    AttributeClassifier,
    directions_of,
    edited,
    labelled_halves,
    train_classifier,
)

ARM = SimpleNamespace(encode=lambda x: x.flatten(1), decode=lambda z: z.reshape(len(z), 1, 8, 8))
"""An arm that loses nothing: latents are pixels."""


def drawn(count, seed):
    """Images of which every third is unknown, with two attributes and one that is a coin's."""
    rng = np.random.default_rng(seed)
    has = rng.random((count, 3)) < 0.5
    images = rng.normal(128, 20, (count, 8, 8, 1))
    images[:, :, :4] += 40 * (2 * has[:, 0, None, None, None] - 1)
    images[:, :4] += 40 * (2 * has[:, 1, None, None, None] - 1)
    cells = [["" if row % 3 == 0 else str(int(y)) for row, y in enumerate(of)] for of in has.T]
    known = Attributes.of(dict(zip(("left", "top", "coin"), cells, strict=True)))
    return images.clip(0, 255).astype(np.uint8), known


@pytest.fixture(scope="module")
def source():
    (train, known), (held_out, held_known) = drawn(600, 0), drawn(60, 1)
    return ImageSource(train, held_out, train_attributes=known, held_out_attributes=held_known)


@pytest.fixture(scope="module")
def halves(source):
    return labelled_halves(source)


@pytest.fixture(scope="module")
def classifier(source, halves):
    return train_classifier(halves[1], source)


@pytest.fixture(scope="module")
def directions(halves, classifier):
    return directions_of(ARM, halves[0], classifier)


@pytest.fixture(scope="module")
def held_out(source):
    return source.units.normalize(source.held_out(60))


def test_no_image_finds_a_direction_and_teaches_the_classifier(halves):
    one, other = ({image.numpy().tobytes() for image in half.images} for half in halves)
    assert len(one) == len(other) == 200
    assert not one & other


def test_a_classifier_names_what_it_tells_better_than_chance(classifier):
    assert classifier.names == ["left", "top"]
    assert all(accuracy > 0.95 and low > 0.9 for accuracy, (low, _) in classifier.accuracy)


def test_a_classifier_is_right_about_held_out_images(source, classifier, held_out):
    attributes = source.held_out_attributes(60)
    predict = classifier.predict(held_out).numpy()
    for place, name in enumerate(classifier.names):
        has = attributes.known(name)
        assert (predict[has >= 0, place] == has[has >= 0]).mean() > 0.9


def test_directions_come_in_the_order_of_the_names(classifier, directions):
    assert [direction.name for direction in directions] == classifier.names
    left = directions[0].vector.reshape(8, 8)
    assert left[:, :4].mean() > 0.05 > left[:, 4:].abs().mean()


def test_a_strength_of_zero_changes_nothing_where_nothing_is_lost(classifier, directions, held_out):
    for row in edited(ARM, classifier, directions, held_out, [0]):
        assert (row["reached"], row["others"]) == ([0], [0])


def test_an_edit_reaches_its_attribute_and_leaves_the_other(classifier, directions, held_out):
    left, top = edited(ARM, classifier, directions, held_out, [0, 3])
    assert left["attribute"] == "left"
    assert left["lacking"] == int((~classifier.predict(held_out)[:, 0]).sum())
    assert min(left["reached"][1], top["reached"][1]) > 0.95
    assert max(left["others"][1], top["others"][1]) < 0.1


def test_an_attribute_that_no_image_lacks_is_left_out(classifier, directions, held_out):
    having = held_out[classifier.predict(held_out)[:, 0]]
    found = edited(ARM, classifier, directions, having, [2])
    assert [row["attribute"] for row in found] == ["top"]


@pytest.mark.parametrize(("exclusive", "others"), [(False, 1 / 2), (True, 0)])
def test_the_class_that_an_edit_takes_away_is_no_other_attribute(exclusive, others):
    """Three classes by the sign of a number; the edit turns every image to the third."""

    def predict(x):
        return torch.stack([x[:, 0] < 0, (x[:, 0] >= 0) & (x[:, 0] < 9), x[:, 0] >= 9], 1)

    far = SimpleNamespace(name="third", move=lambda z, strength: z + 99 * strength)
    same = SimpleNamespace(encode=lambda x: x, decode=lambda z: z)
    classifier = AttributeClassifier(["first", "second", "third"], [], exclusive, predict)
    still = SimpleNamespace(name="unmoved", move=lambda z, _: z)
    x = torch.tensor([[-1.0], [1.0], [10.0]])
    found = edited(same, classifier, [still, still, far], x, [1])[-1]
    assert (found["lacking"], found["reached"], found["others"]) == (2, [1], [others])


def test_of_data_of_which_nothing_is_known_nothing_is_told():
    images = np.zeros((30, 8, 8, 1), np.uint8)
    source = ImageSource(images[:20], images[20:])
    half, other = labelled_halves(source)
    classifier = train_classifier(other, source)
    assert len(classifier.names) == 0 and directions_of(ARM, half, classifier) == []
    assert edited(ARM, classifier, [], torch.zeros(3, 1, 8, 8), [0, 2]) == []
