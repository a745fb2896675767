"""Runs are compared where they can be, and it is said where they cannot."""

import pytest

from alpha_bridge.runs.folder import Run
from alpha_bridge.studio import side_by_side
from alpha_bridge.studio.side_by_side import ends, trials_of, unlike

FRECHET = "frechet_distance/pixels/64"


def run(folder, data="ring8", metric=FRECHET, trials=(2.0,)):
    run = Run.create(folder, {"data": data, "steps": 10})
    run.append({"step": 10, metric: trials[0]})
    for trial, value in enumerate(trials if len(trials) > 1 else ()):
        own = Run.create(folder / f"trial-{trial}", {"data": data, "steps": 10})
        own.append({"step": 10, metric: value})
    return run


def records(runs):
    return {name: trials_of(run) for name, run in runs.items()}


@pytest.mark.slow
def test_all_of_two_runs_is_shown(place):
    runs = {name: place.run(name) for name in place.run_names()}
    shown = side_by_side.compared(runs)
    assert "the runs have other data, digits (runs/digits); ring8 (runs/ring)" in shown
    assert "<h2>Samples of runs/digits</h2>" in shown


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_or_too_many_runs_are_refused(ring, count):
    with pytest.raises(ValueError, match=f"{count} runs are chosen: choose from two to 6"):
        side_by_side.compared({str(number): ring for number in range(count)})


def test_runs_of_the_same_data_and_protocols_are_compared(tmp_path):
    runs = {"a": run(tmp_path / "a"), "b": run(tmp_path / "b", trials=(3.0, 5.0))}
    assert unlike(runs, records(runs)) == []
    assert ends(records(runs)) == [
        {"metric": "Fréchet distance (pixels, 64)", "a": "2", "b": "4 ± 1.4"}
    ]


def test_unlike_protocols_are_not_compared(tmp_path):
    other = "frechet_distance/inception/64"
    runs = {"a": run(tmp_path / "a"), "b": run(tmp_path / "b", metric=other)}
    (line,) = unlike(runs, records(runs))
    assert line.startswith("Fréchet distance has unlike protocols, which are not compared: ")
    assert [row["b"] for row in ends(records(runs))] == ["—", "2"]
