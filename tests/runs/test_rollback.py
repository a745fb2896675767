"""Where a run goes on after an incident, and with what."""

from types import SimpleNamespace

import pytest
import torch

from alpha_bridge.recipe import Config
from alpha_bridge.recipe.slots import GAMMAS, build_path
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.rollback import back_to, last_good
from alpha_bridge.training.checkpoint import write
from alpha_bridge.training.incidents import Incident

COLLAPSE = Incident("collapse", 70, 45, 0.8, None, "", {})
ALPHA = {"change": "alpha"}


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", {})


def save(run, step, whole):
    named = {"of": torch.ones(1)}
    files = ("model", "average", "memory", *(["optimizers"] if whole else []))
    write(dict.fromkeys(files, named), step, run.checkpoint_folder(step))


@pytest.mark.parametrize(
    ("networks", "whole", "step"),
    [
        ([], [20, 40, 60], 40),
        ([20, 40], [60, 70], 60),
        ([], [60, 70], 0),
        ([], [], 0),
    ],
    ids=["before", "networks alone before", "none before", "none"],
)
def test_a_checkpoint_inside_an_incident_serves_only_if_there_is_one_before(
    run, networks, whole, step
):
    for at in networks:
        save(run, at, whole=False)
    for at in whole:
        save(run, at, whole=True)
    assert last_good(run, began=45) == step


@pytest.mark.parametrize(("alphas", "end"), [((0.1, 0.3, 0.5), 0.3), ((0.0, 0.0, 0.5), 1.0)])
def test_an_adaptive_path_is_to_end_where_the_incident_began(run, alphas, end):
    config = Config(steps=100, path={"kind": "adaptive"}, watch=ALPHA)
    path = build_path(config)
    path.alpha = 0.8  # where it is by now
    for step, alpha in zip((20, 40, 60), alphas, strict=True):
        run.append({"step": step, "phase": "transfer", "alpha": alpha})
    _, changed, _ = back_to(run, SimpleNamespace(config=config, path=path), COLLAPSE, 1)
    assert changed.path.end == end
    halved = changed.optimization.generator < config.optimization.generator
    assert halved is (end == 1.0)


@pytest.mark.parametrize(
    "of", [{"event_shape": (1, 8, 8)}, {"rows": (((0, 3),), ((3, None),))}], ids=["images", "rows"]
)
def test_a_path_that_ends_earlier_leaves_gamma_the_function_that_it_was(run, of):
    config = Config(
        steps=100, realism=0.9, path={"end": 0.9}, gamma={"kind": "realism"}, watch=ALPHA, **of
    )
    before = GAMMAS["realism"](config)
    once = began_at(run, config, 0.45)
    twice = began_at(run, once, 0.2)
    assert (once.path.end, twice.path.end) == (0.45, 0.2)
    for alpha in (0.1, 0.45, 0.9):
        for later in (once, twice):
            assert GAMMAS["realism"](later)(alpha) == before(alpha)


def test_gamma_that_knows_no_end_of_the_path_is_left_alone(run):
    config = Config(steps=100, watch=ALPHA)
    changed = began_at(run, config, 0.5)
    assert (changed.path.end, changed.gamma) == (0.5, config.gamma)


def began_at(run, config, alpha):
    """The configuration after a roll-back from an incident that began at ``alpha``."""
    parts = SimpleNamespace(config=config, path=lambda _: alpha)
    return back_to(run, parts, COLLAPSE, 1)[1]
