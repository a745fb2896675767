"""Log ratios are drawn where they were measured."""

import numpy as np

from alpha_bridge.runs import plots


def test_each_side_has_a_histogram():
    figure = plots.ratio_histogram(
        np.linspace(0, 2, 50), np.array([*np.linspace(-2, 0, 50), np.inf])
    )
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["data", "model"]
    low, high = axes.patches[0].get_data().edges[[0, -1]]
    assert -2 <= low < -1.9
    assert 1.9 < high <= 2


def test_the_field_is_centred_at_zero():
    points = np.random.default_rng(0).normal(size=(100, 2))
    field = np.array([[-1.0, 0.5], [0.0, 0.25]])
    figure = plots.density_and_field(points, points, field, np.array([-3, -3]), np.array([3, 3]))
    left, right = figure.axes[:2]
    assert left.images[0].get_array().sum() == 100
    assert right.images[0].get_clim() == (-1.0, 1.0)
    assert right.images[0].get_extent() == [-3, 3, -3, 3]
