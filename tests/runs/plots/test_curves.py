"""Curves show what the records say, where they say it."""

import numpy as np
import pytest

from alpha_bridge.runs import plots

METRICS = ["frechet_distance/classifier/5000", "modes/3std/10000"]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def written(axes):
    return {text.get_text() for text in axes.texts}


def test_the_schedule_draws_alpha_and_gamma(records):
    (axes,) = plots.schedule(records).axes
    curves = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert set(curves) == {"α", "γ"}
    np.testing.assert_array_equal(curves["α"][:, 0], [record["step"] for record in records])
    np.testing.assert_array_equal(curves["γ"][:, 1], [record["gamma"] for record in records])
    assert axes.get_xlabel() == "updates"


def test_the_schedule_marks_where_alpha_was_held_or_fell_between_records():
    # at the last but one α is held at first and rises before the next record
    rows = [(0.1, 1), (0.2, 0), (0.2, 0), (0.2, -1), (0.1, -1), (0.2, 1)]
    records = [
        {"step": 10 * at, "alpha": alpha, "gamma": 0.5, "control/direction": direction}
        for at, (alpha, direction) in enumerate(rows)
    ]
    (axes,) = plots.schedule(records).axes
    spans = {
        band.get_label(): [
            (path.vertices[:, 0].min(), np.ptp(path.vertices[:, 0])) for path in band.get_paths()
        ]
        for band in axes.collections
        if band.get_label().startswith("α")
    }
    assert spans == {"α held": [(10, 10), (20, 10)], "α taken back": [(30, 10)]}


def test_the_schedule_names_the_three_steps(records):
    (axes,) = plots.schedule(records).axes
    assert {"I · maximum likelihood", "II · transfer", "III · adversarial"} <= written(axes)


def test_a_narrow_step_is_named_by_its_numeral():
    records = [{"step": 10, "phase": "ml"}, {"step": 1000, "phase": "transfer"}]
    (axes,) = plots.schedule(records).axes
    assert written(axes) == {"I", "II · transfer"}


def test_every_loss_has_a_panel(records):
    figure = plots.losses(records)
    assert titles(figure) == ["Loss"] * 3
    named = set.union(*map(written, figure.axes))
    assert {"generator", "encoder", "discriminator"} <= named


def test_every_metric_has_a_panel_with_its_protocol_and_the_three_steps(records):
    figure = plots.metric_curves(records)
    assert titles(figure) == ["Fréchet distance", "Modes"]
    assert written(figure.axes[0]) == {"classifier · 5000", "I", "II", "III"}


def test_a_metric_is_drawn_where_it_was_measured(records):
    axes = plots.metric_curves(records).axes[0]
    measured = [(r["step"], r[METRICS[0]]) for r in records if METRICS[0] in r]
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


def test_diagnostics_show_both_weights_and_sigma(records):
    figure = plots.diagnostics(records)
    assert sorted(titles(figure)) == ["Decoder noise σ", *["Effective sample size"] * 2]


@pytest.mark.parametrize("draw", [plots.losses, plots.metric_curves, plots.diagnostics])
def test_no_records_give_an_empty_figure(draw, tmp_path):
    figure = draw([])
    figure.savefig(tmp_path / "empty.png")
    assert figure.axes == []


def test_each_run_has_a_line_and_several_trials_a_band():
    name = METRICS[0]
    trials = [[{"step": 10, name: value}, {"step": 20, name: value + 1}] for value in (1.0, 3.0)]
    (axes,) = plots.curves_of_runs({"one": trials[:1], "two": trials}).axes
    one, two = axes.lines
    np.testing.assert_array_equal(one.get_xydata(), [[10, 1], [20, 2]])
    np.testing.assert_array_equal(two.get_xydata(), [[10, 2], [20, 3]])
    (band,) = axes.collections
    assert band.get_paths()[0].get_extents().ymax == pytest.approx(3 + 2**0.5)
