"""Points lie over those of the data, on axes that stay the same."""

import numpy as np
from matplotlib.collections import LineCollection, PathCollection

from alpha_bridge.runs import plots
from alpha_bridge.runs.mosaic import GAP


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def points(count=50, dimension=2, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def test_scatter_through_time_puts_the_model_over_the_data(records):
    figure = plots.scatter_through_time(
        {100: points(), 900: points(seed=1)}, points(seed=2), records
    )
    assert titles(figure) == ["100", "900"]
    assert [axes.get_title(loc="right") for axes in figure.axes] == [
        "I · maximum likelihood",
        "III · adversarial",
    ]
    kinds = [artist.get_label() for artist in figure.axes[0].collections]
    assert kinds == ["data", "model"]


def test_scatter_through_time_shares_its_limits():
    figure = plots.scatter_through_time({1: points(), 2: 3 * points()})
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1


def test_scatter_through_time_needs_no_finite_model(tmp_path):
    diverged = np.full((5, 2), np.nan, np.float32)
    plots.scatter_through_time({1: diverged}).savefig(tmp_path / "diverged.png")
    assert (tmp_path / "diverged.png").stat().st_size > 0


def test_marked_points_are_ringed_over_data_and_model():
    marked = points(4, seed=2)
    (axes,) = plots.scatter_marked(points(), points(seed=1), marked).axes
    kinds = [artist.get_label() for artist in axes.collections]
    assert kinds == ["data", "model", "missed"]
    np.testing.assert_allclose(axes.collections[-1].get_offsets(), marked, rtol=1e-6)


def images(count, value):
    return np.full((count, 8, 8, 1), value, np.uint8)


def test_reconstructed_images_lie_below_their_originals():
    pairs = np.stack([images(20, value=10), images(20, value=90)])
    (axes,) = plots.reconstructions(pairs).axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["original", "reconstruction"]
    mosaic = axes.images[0].get_array()
    assert (mosaic[0, 0, 0], mosaic[-1, 0, 0]) == (10, 90)
    assert mosaic.shape[1] == 12 * (8 + GAP) - GAP


def test_reconstructed_points_are_joined_to_their_originals():
    pairs = np.stack([points(), points(seed=1)])
    (axes,) = plots.reconstructions(pairs).axes
    (joined,) = (artist for artist in axes.collections if isinstance(artist, LineCollection))
    np.testing.assert_array_equal(joined.get_segments(), pairs.transpose(1, 0, 2))
    shown = [artist for artist in axes.collections if isinstance(artist, PathCollection)]
    assert [artist.get_label() for artist in shown] == ["original", "reconstruction"]
