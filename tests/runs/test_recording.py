"""What surrounds the training of a run."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from alpha_bridge.cli import main
from alpha_bridge.recipe import Config, changed
from alpha_bridge.runs import recording, run_callbacks
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.going import Going
from alpha_bridge.runs.run_recorder import recorder_of
from alpha_bridge.runs.trials import TrialRuns

pytestmark = pytest.mark.usefixtures("pages_without_figures")


def test_the_main_process_prepares_first_also_after_a_roll_back(tmp_path, monkeypatch):
    inside, prepared = [], []
    first, build = recording.main_process_first, run_callbacks.build_evaluation

    @contextmanager
    def noted(accelerator):
        with first(accelerator):
            inside.append(True)
            yield
            inside.pop()

    monkeypatch.setattr(recording, "main_process_first", noted)
    monkeypatch.setattr(
        run_callbacks, "build_evaluation", lambda *of: prepared.append(any(inside)) or build(*of)
    )
    collapsing = ["--watch.every=2", "--watch.patience=4", "--watch.spread=1e9"]
    again = ["--watch.answer=roll-back", "--watch.rollbacks=1"]
    small = ["--steps=20", "--batch-size=8", "--model.hidden=8", "--evaluation.samples=40"]
    command = ["train", "gaussians25", *small, *collapsing, *again]
    assert main([*command, "--out", str(tmp_path / "run")]) == 1
    assert prepared == [True, True]


@pytest.mark.parametrize("features", ["none", "rotations"])
def test_a_loss_of_features_leaves_no_bundles(tmp_path, features):
    config = changed(Config(data="digits"), {"objective.features": features})
    trials = TrialRuns(Run.create(tmp_path / "run", {}), config)
    parts = SimpleNamespace(config=config, noise=list)
    going = Going(parts, trials, step=0, anew=False, rollbacks=0)
    recorder = recorder_of(going, SimpleNamespace(say=print))
    assert (recorder.place is None) is (features != "none")
