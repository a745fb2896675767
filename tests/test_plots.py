"""Figures show what the records and arrays say, at sizes that are known."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from PIL import Image

from alpha_bridge import plots

METRICS = ["frechet_distance/classifier/5000", "modes/3std/10000"]
PHASES = [("ml", 0.0)] * 2 + [("transfer", 0.5)] * 3 + [("adversarial", 1.0)] * 5
RECORDS = [
    {
        "step": 100 * (index + 1),
        "phase": phase,
        "alpha": alpha,
        "gamma": alpha**2,
        "seconds": float(index),
        "sigma": 0.4,
        "loss/generator": 10.0 - index,
        "loss/encoder": 5.0,
        "loss/discriminator": 1.0,
        "ess/forward": 0.9,
        "ess/reverse": 0.8,
    }
    | ({METRICS[0]: 50.0 - index, METRICS[1]: index} if index % 2 else {})
    for index, (phase, alpha) in enumerate(PHASES)
]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def written(axes):
    return {text.get_text() for text in axes.texts}


def images(count, side=8, channels=1, value=None):
    if value is not None:
        return np.full((count, side, side, channels), value, np.uint8)
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), np.uint8)


def points(count=50, dimension=2, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def test_regions_are_where_the_phase_changes():
    assert plots.regions(RECORDS) == [
        ("ml", 0, 200),
        ("transfer", 200, 500),
        ("adversarial", 500, 1000),
    ]


def test_records_without_a_phase_have_no_regions():
    assert plots.regions([{"step": 1}]) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("frechet_distance/classifier/5000", "Fréchet distance (classifier, 5000)"),
        ("log_likelihood/kde-0.1/10000", "Log-likelihood (kde-0.1, 10000)"),
        ("ess/forward", "Effective sample size (forward)"),
        ("something_new", "Something new"),
    ],
)
def test_labels_are_read_from_names(name, expected):
    assert plots.label(name) == expected


def test_metric_names_leave_out_losses_and_weights():
    assert plots.metric_names(RECORDS) == METRICS


@pytest.mark.parametrize("most", [1, 2, 5, 9, 20])
def test_spread_keeps_order_and_both_ends(most):
    steps = [*range(0, 90, 10)]
    chosen = plots.spread(steps, most)
    assert len(chosen) == min(most, len(steps))
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    assert most == 1 or chosen[-1] == 80


def test_the_schedule_draws_alpha_and_gamma():
    (axes,) = plots.schedule(RECORDS).axes
    curves = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert set(curves) == {"α", "γ"}
    np.testing.assert_array_equal(curves["α"][:, 0], [record["step"] for record in RECORDS])
    np.testing.assert_array_equal(curves["γ"][:, 1], [record["gamma"] for record in RECORDS])
    assert axes.get_xlabel() == "updates"


def test_the_schedule_names_the_three_steps():
    (axes,) = plots.schedule(RECORDS).axes
    assert {"I · maximum likelihood", "II · transfer", "III · adversarial"} <= written(axes)


def test_a_narrow_step_is_named_by_its_numeral():
    records = [{"step": 10, "phase": "ml"}, {"step": 1000, "phase": "transfer"}]
    (axes,) = plots.schedule(records).axes
    assert written(axes) == {"I", "II · transfer"}


def test_every_loss_has_a_panel():
    figure = plots.losses(RECORDS)
    assert titles(figure) == ["Loss"] * 3
    named = set.union(*map(written, figure.axes))
    assert {"generator", "encoder", "discriminator"} <= named


def test_every_metric_has_a_panel_with_its_protocol_and_the_three_steps():
    figure = plots.metric_curves(RECORDS)
    assert titles(figure) == ["Fréchet distance", "Modes"]
    assert written(figure.axes[0]) == {"classifier · 5000", "I", "II", "III"}


def test_a_metric_is_drawn_where_it_was_measured():
    axes = plots.metric_curves(RECORDS).axes[0]
    measured = [(r["step"], r[METRICS[0]]) for r in RECORDS if METRICS[0] in r]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), measured)


def test_a_value_that_was_not_finite_is_a_gap():
    records = [{"step": step, METRICS[0]: value} for step, value in ((1, 3.0), (2, None), (3, 1.0))]
    (axes,) = plots.metric_curves(records).axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [3.0, np.nan, 1.0])


def test_the_running_mean_passes_over_gaps():
    records = [{"step": step, "loss/encoder": None if step % 2 else 4.0} for step in range(200)]
    (axes,) = plots.losses(records).axes
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), np.full(200, 4.0))


def test_a_curve_without_any_number_is_drawn_empty(tmp_path):
    records = [{"step": step, "loss/encoder": None} for step in (1, 2)]
    plots.losses(records).savefig(tmp_path / "losses.png")
    assert (tmp_path / "losses.png").stat().st_size > 0


def test_diagnostics_show_both_weights_and_sigma():
    figure = plots.diagnostics(RECORDS)
    assert sorted(titles(figure)) == ["Decoder noise σ", *["Effective sample size"] * 2]


@pytest.mark.parametrize("draw", [plots.losses, plots.metric_curves, plots.diagnostics])
def test_no_records_give_an_empty_figure(draw, tmp_path):
    figure = draw([])
    figure.savefig(tmp_path / "empty.png")
    assert figure.axes == []


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_grid_holds_each_image_in_reading_order(channels):
    shown = images(5, channels=channels)
    (axes,) = plots.image_grid(shown, columns=3).axes
    mosaic = axes.images[0].get_array()
    pitch = 8 + plots.GAP
    assert mosaic.shape == (2 * pitch - plots.GAP, 3 * pitch - plots.GAP, 3)
    fifth = mosaic[pitch : pitch + 8, pitch : pitch + 8]
    np.testing.assert_array_equal(fifth, np.broadcast_to(shown[4][..., :3], fifth.shape))


def test_large_images_are_averaged_down():
    checkered = np.indices((256, 256)).sum(0) % 2 * 200
    (axes,) = plots.image_grid(checkered.astype(np.uint8)[None, :, :, None], 1).axes
    np.testing.assert_array_equal(axes.images[0].get_array(), np.full((64, 64, 3), 100))


def test_through_time_has_a_column_for_each_step_and_a_row_for_each_latent():
    samples = {step: images(9, value=step // 10) for step in (600, 100, 400)}
    (axes,) = plots.through_time(samples, RECORDS).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["100", "400", "600"]
    assert written(axes) == {"I · maximum likelihood", "II · transfer", "III · adversarial"}
    mosaic = axes.images[0].get_array()
    pitch = 8 + plots.GAP
    assert mosaic.shape[0] == 6 * pitch - plots.GAP
    np.testing.assert_array_equal(mosaic[::pitch, ::pitch, 0], np.tile([10, 40, 60], (6, 1)))


def test_through_time_keeps_at_most_ten_steps():
    samples = {step: images(1) for step in range(30)}
    (axes,) = plots.through_time(samples).axes
    assert len(axes.get_xticklabels()) == 10


def test_scatter_through_time_puts_the_model_over_the_data():
    figure = plots.scatter_through_time(
        {100: points(), 900: points(seed=1)}, points(seed=2), RECORDS
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
    assert len(axes.lines) == 50
    np.testing.assert_array_equal(axes.lines[7].get_xydata(), pairs[:, 7])
    shown = [artist for artist in axes.collections if isinstance(artist, PathCollection)]
    assert [artist.get_label() for artist in shown] == ["original", "reconstruction"]


def test_save_png_writes_the_pixels(tmp_path):
    shown = images(4, channels=3)
    plots.save_png(shown, tmp_path / "new" / "samples.png")
    with Image.open(tmp_path / "new" / "samples.png") as picture:
        pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[:8, :8], shown[0])
    np.testing.assert_array_equal(pixels[-8:, -8:], shown[3])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["samples.png"]


def test_pyplot_is_never_loaded():
    code = (
        "import sys; from alpha_bridge import plots; plots.schedule([{'step': 1, 'alpha': 0.0}]);"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
