"""Reconstructions stand beside their originals."""

import numpy as np
from matplotlib.collections import LineCollection, PathCollection

from alpha_bridge.runs import plots


def images(count, value):
    return np.full((count, 8, 8, 1), value, np.uint8)


def points(count=50, dimension=2, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def test_reconstructed_images_lie_below_their_originals():
    pairs = np.stack([images(20, value=10), images(20, value=90)])
    (axes,) = plots.reconstructions(pairs).axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["original", "reconstruction"]
    mosaic = axes.images[0].get_array()
    assert (mosaic[0, 0, 0], mosaic[-1, 0, 0]) == (10, 90)
    assert mosaic.shape[1] == 12 * (8 + plots.GAP) - plots.GAP


def test_reconstructed_points_are_joined_to_their_originals():
    pairs = np.stack([points(), points(seed=1)])
    (axes,) = plots.reconstructions(pairs).axes
    (joined,) = (artist for artist in axes.collections if isinstance(artist, LineCollection))
    np.testing.assert_array_equal(joined.get_segments(), pairs.transpose(1, 0, 2))
    shown = [artist for artist in axes.collections if isinstance(artist, PathCollection)]
    assert [artist.get_label() for artist in shown] == ["original", "reconstruction"]
