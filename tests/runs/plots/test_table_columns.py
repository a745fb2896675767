"""Columns of a table in pictures: each value beside the share that it has."""

from urllib.parse import quote

import numpy as np
import pytest

from alpha_bridge.metrics.table_profile import CellShares, TableProfile
from alpha_bridge.runs import plots
from alpha_bridge.runs.panel import svg

HOSTILE = "<b>$x_{\x1b</b>"
SEX = CellShares("sex", ("f", "m"), (0.5, 0.5), (0.4, 0.6))
GAIN = CellShares("gain", ("0", HOSTILE), (0.6, 0.2, 0.1, 0.1), (0.6, 0, 0.3, 0.1), ("1", "9"))
TOWN = CellShares(HOSTILE, tuple("abcdefghijkl"), (*(0.08,) * 11, 0.12), (0, *(0.08,) * 11))


def labels(axes):
    return [label.get_text() for label in (*axes.get_xticklabels(), *axes.get_yticklabels())]


@pytest.fixture
def profile():
    matrix = tuple(map(tuple, np.eye(3).tolist()))
    return TableProfile((1000, 2000), (SEX, GAIN, TOWN), matrix, matrix, ())


def test_bars_have_the_shares_of_real_and_generated_rows():
    (axes,) = plots.marginals([SEX]).axes
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.5, 0.4, 0.6]
    assert {"f", "m"} <= {*labels(axes)}
    assert axes.get_title(loc="right") == "0.90"


def test_values_set_apart_stand_beside_the_bins_of_the_numbers():
    (axes,) = plots.marginals([GAIN]).axes
    assert labels(axes)[:4] == ["0", "\n<b>$x_{\\x1…", "1", "9"]  # on two lines
    bars, real, generated = axes.patches[:4], *axes.patches[4:]
    assert [bar.get_height() for bar in bars] == [0.6, 0.2, 0.6, 0]
    np.testing.assert_allclose(generated.get_data().values / real.get_data().values, [3, 1])


def test_many_categories_share_a_bar():
    (axes,) = plots.marginals([TOWN]).axes
    assert "5 others" in labels(axes) and len(axes.patches) == 16
    assert sum(bar.get_width() for bar in axes.patches[:8]) == pytest.approx(1)


def test_letters_that_matplotlib_has_not_are_left_to_the_readers_fonts():
    town = CellShares("town", ("東京", "Ulm"), (0.5, 0.5), (0.4, 0.6))
    assert quote("東京") in svg(plots.marginals([town]))


def test_associations_are_real_generated_and_their_difference(profile):
    pictures = [axes for axes in plots.associations(profile).axes if axes.images]
    assert [axes.get_title(loc="left") for axes in pictures] == [
        "real",
        "generated",
        "generated − real",
    ]
    np.testing.assert_array_equal(pictures[2].images[0].get_array(), np.zeros((3, 3)))
    assert "<b>$x_{\\x1b</…" in labels(pictures[0])


def test_a_category_that_is_off_by_more_than_chance_is_named(profile):
    (axes,) = plots.rare_categories(profile).axes
    named = {text.get_text() for text in axes.texts}
    assert named == {"<b>$x_{\\x1b</b> = a", "gain = <b>$x_{\\x1b</b>"}
    assert len(axes.collections[0].get_offsets()) == 2 + 2 + 12


def test_names_of_dots_in_one_place_stand_below_one_another():
    twins = [CellShares(name, ("rare", "not"), (0.02, 0.98), (0.1, 0.9)) for name in "ab"]
    (axes,) = plots.rare_categories(TableProfile((1000, 2000), tuple(twins), (), (), ())).axes
    first, second = (text.xyann[1] for text in axes.texts)
    assert first - second > axes.texts[0].get_fontsize()
