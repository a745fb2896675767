"""Every setting is declared once: defaults, ranges, the schedule of the rates, the same run."""

import json
import math
import runpy
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from alpha_bridge import AlphaBridge, AlphaPath, fit
from alpha_bridge.adversarial import Bridge, FixedSum
from alpha_bridge.cli import main
from alpha_bridge.control import OnlineGamma
from alpha_bridge.data import DensitySource, grid, ring
from alpha_bridge.gamma import PowerGamma, SigmoidGamma
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.objective import DataBridge
from alpha_bridge.penalty import R1, R1R2, GradientPenalty
from alpha_bridge.recipe import Config
from alpha_bridge.settings import (
    GammaConfig,
    Interval,
    MixtureConfig,
    ModelConfig,
    ObjectiveConfig,
    Optimization,
    RegularizerConfig,
    Settings,
    ranges,
    require,
)
from alpha_bridge.training import Callback

PARTS = {
    SigmoidGamma: (GammaConfig, "c", "d"),
    PowerGamma: (GammaConfig, "exponent"),
    OnlineGamma: (GammaConfig, "every", "decay"),
    Bridge: (ObjectiveConfig, "clip"),
    FixedSum: (ObjectiveConfig, "weight"),
    DataBridge: (ObjectiveConfig, "one_backward"),
    R1: (RegularizerConfig, "weight", "every"),
    R1R2: (RegularizerConfig, "weight", "every"),
    GradientPenalty: (RegularizerConfig, "weight", "every"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_the_defaults_of_its_settings(part):
    settings, *names = PARTS[part]
    for name in names:
        assert getattr(part(), name) == getattr(settings, name)


@pytest.mark.parametrize("part", set(PARTS) - {DataBridge})
def test_a_part_has_the_ranges_of_its_settings(part):
    settings, *names = PARTS[part]
    for name in names:
        with pytest.raises(
            ValueError, match=f"^{name} must {ranges(settings)[name]}".split("[")[0]
        ):
            part(**{name: -1000})


def test_known_densities_have_the_defaults_of_the_settings():
    assert torch.equal(grid().means, grid(MixtureConfig.side, MixtureConfig.spacing).means)
    assert torch.equal(ring().means, ring(MixtureConfig.modes, MixtureConfig.radius).means)


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        (Interval(1), [1, 1e9], [0.999, math.inf, math.nan]),
        (Interval(0, math.inf, "()"), [1e-9], [0, math.inf]),
        (Interval(0, math.inf, "(]"), [math.inf], [0, math.nan]),
        (Interval(0, 1, "[]"), [0, 1], [-1e-9, 1 + 1e-9]),
        (Interval(0, 1, "(]"), [1], [0]),
    ],
)
def test_an_interval_has_its_ends_or_not(interval, inside, outside):
    assert all(value in interval for value in inside)
    assert not any(value in interval for value in outside)


def test_each_number_of_a_tuple_is_held_to_the_range():
    with pytest.raises(ValueError, match=r"^hidden\.1 must be at least 1, got 0"):
        require(ModelConfig, hidden=(8, 0))


@pytest.mark.parametrize("kind", Settings.__subclasses__())
def test_every_number_has_a_range_that_its_default_lies_in(kind):
    free = {"ml", "transfer", "adversarial"}  # their rule is another than an interval
    for field in fields(kind):
        if type(field.default) in (int, float) and field.name not in free:
            assert field.default in ranges(kind)[field.name]


def test_the_page_of_settings_is_that_of_the_declarations():
    docs = Path(__file__).parent.parent / "docs"
    page = runpy.run_path(str(docs / "settings.py"))["page"]()
    assert (docs / "settings.md").read_text("utf-8") == page


# the learning rates' schedule


@pytest.mark.parametrize("warmup", [0, 1, 7])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_rate_is_that_of_the_formula(schedule, warmup):
    rates, steps = Optimization(generator=2e-3, schedule=schedule, warmup=warmup), 40
    for step in range(steps):
        share = (step - warmup) / (steps - warmup)
        course = (1 + math.cos(math.pi * share)) / 2 if schedule == "cosine" else 1.0
        expected = (step + 1) / warmup if step < warmup else course
        assert rates.rate("generator", 0.5, step, steps) == pytest.approx(2e-3 * expected)


def test_a_schedule_multiplies_the_factor_along_alpha():
    rates = Optimization(schedule="cosine", hold=0.01)
    assert rates.rate("encoder", 0.5, 5, 10) == pytest.approx(1e-3 * 0.5 * 0.1)


def test_a_rate_is_never_zero():
    rates = Optimization(schedule="cosine", warmup=3)
    assert all(rates.rate("encoder", 1.0, step, 4) > 0 for step in range(4))


# Python and the command line


class Losses(Callback):
    """Numbers of every update."""

    def __init__(self):
        self.seen = {}

    def after(self, event):
        self.seen[event.step] = {name: float(value) for name, value in event.numbers.items()}


@pytest.mark.usefixtures("pages_without_figures")
def test_python_and_the_command_line_train_the_same_run_when_told_nothing(tmp_path):
    (tmp_path / "nothing.json").write_text('{"steps": 20}')
    words = ["--record-every=1", "--evaluation.samples=20", "--evaluation.shown=4"]
    folder = tmp_path / "run"
    assert main(["train", str(tmp_path / "nothing.json"), *words, "--out", str(folder)]) == 0
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())

    torch.manual_seed(0)
    bridge = AlphaBridge(MLPGenerator(2, 2), MLPEncoder(2, 2), MLPDiscriminator(2))
    losses = Losses()
    path = AlphaPath.three_steps(*Config(steps=20).path.lengths(20))
    fit(bridge, DensitySource(grid()), path, callbacks=[losses])
    recorded = {line["step"]: line for line in lines if "phase" in line}
    assert len(recorded) == 20
    for step, numbers in losses.seen.items():
        assert numbers == {name: recorded[step][name] for name in numbers}
