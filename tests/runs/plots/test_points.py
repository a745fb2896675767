"""Points lie over those of the data, on axes that stay the same."""

import numpy as np

from alpha_bridge.runs import plots


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
