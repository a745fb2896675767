"""Snapshots of a run are found with their α, and each shows what its model does."""

import json
from dataclasses import asdict

import pytest

from alpha_bridge.commands.frontier import Point, best_of
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.snapshots import snapshots
from alpha_bridge.studio import along_alpha


def test_each_checkpoint_has_the_alpha_that_it_was_trained_at(ring):
    found = snapshots(ring)
    assert [one.step for one in found] == ring.checkpoint_steps
    assert [one.alpha for one in found] == sorted(one.alpha for one in found)
    recorded = {record["step"]: record["alpha"] for record in ring.records}
    assert found[-1].alpha == recorded[20]


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    run = Run.create(tmp_path / "run", {"steps": 9, "event_shape": [2]})
    with pytest.raises(ValueError, match="has no checkpoint yet"):
        snapshots(run)


def test_images_and_ratios_of_a_snapshot_are_shown(digits):
    step = snapshots(digits)[1].step
    titles = [panel.title for panel in along_alpha.shown_at(digits, step)[0]]
    assert titles == ["Samples", "Log ratio on both sides"]


def test_points_have_a_density_and_a_field(ring):
    titles = [panel.title for panel in along_alpha.shown_at(ring, 20)[0]]
    assert titles == ["Log ratio on both sides", "Density and discriminator"]
    assert along_alpha.shown_at(ring, 20)[1] == []


def test_a_frontier_that_was_measured_is_read_again(tmp_path):
    run = Run.create(tmp_path / "run", {"steps": 9})
    assert along_alpha.known_frontier(run) is None
    points = [
        Point(step, step / 9, 0.3, -2.0, 0.3, -1.0, {"inception_score/posterior/40": float(step)})
        for step in (3, 9)
    ]
    found = best_of(run, points, prefer=0.5)
    found.table.write_text(json.dumps({"points": [*map(asdict, points)], "prefer": 0.5}))
    known = along_alpha.known_frontier(run)
    assert (known.best, known.realism) == (found.best, found.realism)
    assert len(along_alpha.frontier_panels(known)) == 1
    found.table.write_text('{"points": [{}], "prefer": 0.5}')
    with pytest.raises(ValueError, match="is damaged: remove it"):
        along_alpha.known_frontier(run)
