"""Records for TensorBoard, read by its own reader, and for trackio and wandb by name."""

import sys
from importlib.machinery import ModuleSpec
from types import SimpleNamespace

import numpy as np
import pytest

from alpha_bridge.recipe import Config
from alpha_bridge.recipe.availability import require_trackers
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.tracking import Tracking
from alpha_bridge.runs.trials import TrialRuns

RECORDS = [
    {"step": step, "phase": "ml", "alpha": 0.0, "loss/encoder": 2.0 / step, "modes/3std/9": None}
    for step in (1, 2, 3)
]
IMAGES = np.full((5, 8, 8, 1), 200, np.uint8)


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", {})


def track(run, records, step=0, pictures=True, config=Config()):  # noqa: B008
    """Train from update ``step`` on, which leaves ``records`` and samples of the last of them."""
    lines = []
    tracking = Tracking(TrialRuns(run, config), lines.append)
    with tracking.during(SimpleNamespace(step=step)):
        for record in records:
            if pictures and record is records[-1]:
                run.write_samples(record["step"], IMAGES)
                tracking.samples(run, record["step"], IMAGES)
            tracking.record(record)
            run.append(record)
    return lines


def read(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.folder))
    events.Reload()
    tags = events.Tags()
    scalars = {
        name: [(point.step, point.value) for point in events.Scalars(name)]
        for name in tags["scalars"]
    }
    return scalars, {name: [of.step for of in events.Images(name)] for name in tags["images"]}


@pytest.mark.filterwarnings("ignore")  # of TensorBoard's own
class TestTensorBoard:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("tensorboard")

    def test_has_the_numbers_under_their_names_and_the_pictures(self, run):
        assert track(run, RECORDS) == []
        scalars, images = read(run)
        assert scalars == {
            "alpha": [(1, 0.0), (2, 0.0), (3, 0.0)],
            "loss/encoder": [(1, 2.0), (2, 1.0), (3, pytest.approx(2 / 3))],
        }
        assert images == {"samples": [3]}

    def test_has_no_point_twice_when_a_run_goes_on(self, run):
        track(run, RECORDS)
        track(run, RECORDS[1:], step=1)
        scalars, images = read(run)
        assert [step for step, _ in scalars["alpha"]] == [1, 2, 3]
        assert images == {"samples": [3]}

    def test_gets_what_an_older_run_has_recorded(self, run):
        for record in RECORDS:
            run.append(record)
        run.write_samples(2, IMAGES)
        track(run, [], step=3)
        scalars, images = read(run)
        assert len(scalars["loss/encoder"]) == 3 and images == {"samples": [2]}

    def test_each_stacked_trial_has_its_own(self, run):
        config = Config(trials=2)
        trials = TrialRuns(run, config)
        for own in trials.runs:
            Run.create(own.folder, {})
        track(run, [{"step": 1, "loss/encoder": [1.0, 3.0]}], pictures=False, config=config)
        found = [read(of)[0]["loss/encoder"] for of in (run, *trials.runs)]
        assert found == [[(1, 2.0)], [(1, 1.0)], [(1, 3.0)]]


class Stand:
    """In place of a module that tracks: it keeps what it is given."""

    def __init__(self, name, fails=False):
        self.__name__, self.__spec__ = name, ModuleSpec(name, None)
        self.given, self.begun, self.fails = [], [], fails

    def init(self, **options):
        self.begun.append(options)
        return self

    def log(self, values, step):
        if self.fails:
            raise OSError("no room")
        self.given.append((step, values))

    def Image(self, image):  # noqa: N802
        return image.shape

    def finish(self):
        self.given.append("finished")


@pytest.fixture(params=["trackio", "wandb"])
def stand(request, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    found = Stand(request.param)
    monkeypatch.setitem(sys.modules, request.param, found)
    return found


def test_others_get_the_same_numbers_and_nothing_twice(run, stand):
    config = Config(track=(stand.__name__,))
    track(run, RECORDS, pictures=False, config=config)
    track(run, RECORDS[1:], step=1, pictures=False, config=config)
    numbers = [(of["step"], {k: of[k] for k in ("alpha", "loss/encoder")}) for of in RECORDS]
    assert stand.given == [*numbers, "finished", "finished"]


def test_nothing_is_sent_unasked_and_where_it_stays_is_printed(run, stand):
    (line,) = track(run, [], config=Config(track=(stand.__name__,)))
    assert stand.__name__ in line
    assert stand.begun[0].get("mode") == ("offline" if stand.__name__ == "wandb" else None)
    assert "space_id" not in stand.begun[0]


def test_what_cannot_be_tracked_stops_no_training(run, stand):
    stand.fails = True
    lines = track(run, RECORDS, config=Config(track=(stand.__name__,)))
    assert any("stopped (no room)" in line for line in lines) and len(run.records) == 3


def test_what_cannot_be_read_again_stops_no_training(run):
    pytest.importorskip("tensorboard")
    track(run, RECORDS)
    next(run.folder.glob("samples/*.npy")).write_bytes(b"damaged")
    (line,) = track(run, [], step=3)
    assert "tensorboard" in line and "stopped (" in line


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("alpha_bridge.recipe.availability.find_spec", lambda _: None)
    require_trackers(Config())
    with pytest.raises(ValueError, match=r"--track wandb needs .* pip install 'alpha-bridge\[wa"):
        require_trackers(Config(track=("tensorboard", "wandb")))
