"""The curve of a run's snapshots: its numbers, its best point, and whom it refuses."""

import json
from importlib import import_module

import pytest
import torch

from alpha_bridge import commands
from alpha_bridge.cli import main
from alpha_bridge.recipe import Config, read_config
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import load_model
from alpha_bridge.runs.opening import RunAt, open_run
from alpha_bridge.settings import EvaluationConfig, ModelConfig, ObjectiveConfig, PathConfig

STEPS = [6, 14, 21, 28, 36, 40]

frontier = import_module("alpha_bridge.commands.frontier")


def config(**changes):
    small = {
        "data": "gaussians25",
        "steps": 40,
        "batch_size": 8,
        "snapshots": 3,
        "path": PathConfig(ml=0.15, transfer=0.75, adversarial=0.1),
        "model": ModelConfig(latent=2, hidden=(8,), width=4, noise=0.3),
        "evaluation": EvaluationConfig(samples=200, shown=6, every=1000),
    }
    return Config(**(small | changes))


def trained(tmp_path_factory, name, **changes):
    folder = tmp_path_factory.mktemp("frontier") / name
    return commands.train(config(**changes), folder).run


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    return trained(tmp_path_factory, "mixture")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return trained(tmp_path_factory, "digits", data="digits")


@pytest.fixture(scope="module")
def found(mixture):
    return frontier.frontier(mixture, draws=3)


def test_there_is_a_point_for_each_kept_checkpoint(mixture, found):
    assert [point.step for point in found.points] == mixture.checkpoint_steps == STEPS


def test_alpha_is_that_of_the_update_before_the_checkpoint(mixture, found):
    recorded = {record["step"]: record["alpha"] for record in mixture.records}
    alphas = {point.step: point.alpha for point in found.points}
    assert {step: alphas[step] for step in (6, 36, 40)} == {
        step: recorded[step] for step in (6, 36, 40)
    }
    assert alphas == dict(sorted(alphas.items(), key=lambda pair: pair[1]))


def test_snapshots_are_even_along_alpha(found):
    alphas = [point.alpha for point in found.points[:-1]]
    gaps = torch.tensor(alphas).diff()
    assert gaps.max() - gaps.min() < 0.05


@pytest.mark.parametrize(
    ("name", "realism"),
    [("mixture", "inception"), pytest.param("digits", "frechet", marks=pytest.mark.slow)],
)
def test_realism_is_measured_as_the_data_allow(name, realism, request):
    found = frontier.frontier(request.getfixturevalue(name), draws=1)
    assert found.realism.startswith(realism)
    assert all(found.realism in point.metrics for point in found.points)


def test_the_bound_is_the_models_own_for_each_dimension(mixture, found):
    point = found.points[2]
    model = load_model(open_run(mixture, point.step))
    x = build_source(config()).held_out(frontier.HELD_OUT)
    bounds = torch.stack([model.log_likelihood_bound(x, draws=3).mean() / 2 for _ in range(20)])
    assert point.sigma == pytest.approx(0.3)
    assert abs(point.bound - bounds.mean()) < 4 * bounds.std() < 0.03 * abs(point.bound)


def test_the_draws_are_the_same_at_every_call(mixture, found):
    again = frontier.frontier(mixture, draws=3)
    assert again.points == found.points


@pytest.mark.parametrize(("prefer", "best"), [(0.0, 0), (1.0, 2), (0.6, 1)])
def test_the_best_is_what_is_preferred(tmp_path, prefer, best):
    values = [(-1.0, 30.0), (-1.2, 12.0), (-2.0, 10.0)]
    name = "frechet_distance/classifier/200"
    points = [
        frontier.Point(step, 0.1 * step, 1.0, bound, 1.0, bound, {name: distance})
        for step, (bound, distance) in enumerate(values)
    ]
    found = frontier.best_of(Run(tmp_path), points, prefer)
    assert found.best.step == best
    assert found.checkpoint == Run(tmp_path).checkpoint_folder(best)


def test_a_quality_that_does_not_vary_does_not_count():
    assert frontier.scores([1.0, 1.0], [0.0, 5.0], prefer=0.5) == [0.0, 0.5]


@pytest.mark.usefixtures("drawn")
def test_the_files_say_what_was_found(mixture):
    found = frontier.frontier(mixture, prefer=0.2, draws=2)
    record = json.loads((mixture.folder / "frontier.json").read_text(encoding="utf-8"))
    assert record["best"]["step"] == found.best.step
    assert record["checkpoint"] == f"step-{found.best.step:08d}"
    assert (record["prefer"], record["settings"]["draws"]) == (0.2, 2)
    assert [point["step"] for point in record["points"]] == STEPS
    assert (mixture.folder / "frontier.png").read_bytes().startswith(b"\x89PNG")


def test_the_figure_has_a_curve_for_each_sigma_and_better_is_up(found):
    figure = frontier.draw(found)
    assert [len(axes.lines[0].get_xdata()) for axes in figure.axes[:2]] == [len(STEPS)] * 2
    assert not figure.axes[0].yaxis_inverted()


def test_a_person_gets_a_table_and_the_best_alpha(mixture, capsys):
    assert main(["frontier", str(mixture.folder), "--draws", "1", "--prefer", "1"]) == 0
    said = capsys.readouterr().out
    assert "best: α = " in said
    assert str(mixture.folder / "frontier.png") in said


def test_a_program_gets_one_object(mixture, capsys):
    assert main(["frontier", str(mixture.folder), "--draws", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["draws"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"snapshots": 0}, "has no snapshots along α: .*--snapshots 10"),
        ({"path": PathConfig(ml=0.2, transfer=0.6, adversarial=0.2, end=0.0)}, "α is constant"),
        (
            {"prior": "ring8", "objective": ObjectiveConfig(kind="marginal")},
            "translates samples of ring8, which have no likelihood",
        ),
        (
            {"objective": ObjectiveConfig(kind="reconstruction")},
            "latents of data alone, which have no likelihood",
        ),
        (
            {"data": "some.csv", "rows": (((0, 3),), ())},
            "rows of a table, of which no metric stands for realism: give a run on images",
        ),
    ],
)
def test_a_run_without_a_curve_says_so(tmp_path, changes, message):
    shapes = {"event_shape": (2,), "prior_shape": (2,) if "prior" in changes else None}
    run = Run.create(tmp_path / "run", config(**shapes, **changes).model_dump(mode="json"))
    with pytest.raises(ValueError, match=message):
        frontier.snapshots_of(RunAt(run, read_config(run.config_path), 20))


def test_a_run_of_a_method_without_step_two_says_so(tmp_path):
    naive = METHODS["naive"].apply(config(snapshots=0, event_shape=(2,)))
    run = Run.create(tmp_path / "run", naive.model_dump(mode="json"))
    with pytest.raises(ValueError, match=r"α is constant .* a run of naive"):
        frontier.snapshots_of(RunAt(run, naive, 20))


def test_a_run_that_has_only_begun_says_so(tmp_path):
    run = Run.create(tmp_path / "run", config(event_shape=(2,)).model_dump(mode="json"))
    with pytest.raises(ValueError, match=r"0 checkpoints .*--resume"):
        frontier.snapshots_of(RunAt(run, read_config(run.config_path), 20))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["frontier", "missing"], "missing is not a run"),
        (["frontier", "missing", "--prefer", "much"], "'much'"),
    ],
)
def test_wrong_words_get_one_line(words, part, capsys):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert part in line


@pytest.mark.parametrize(("name", "value"), [("prefer", -0.1), ("prefer", 1.1), ("draws", 0)])
def test_a_number_out_of_its_range_is_named(mixture, name, value):
    with pytest.raises(ValueError, match=f"{name} must .*got {value}"):
        frontier.frontier(mixture, **{name: value})
