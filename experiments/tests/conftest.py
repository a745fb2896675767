"""Experiments on the 25 Gaussians that take a second: their own code, at a few updates."""

from functools import partial

import pytest

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS
from experiments import (
    figure3,
    figure4,
    linear_arms,
    mixtures,
    posterior,
    reverse25,
    robustness25,
    search25,
    settings,
)
from experiments.runs import carry_out

TINY = {"steps": 400, "evaluation.samples": 500, "evaluation.shown": 50, "model.hidden": [16, 16]}


@pytest.fixture
def tiny(monkeypatch):
    """Presets whose miniature has forty updates."""
    presets = {name: changed(PRESETS[name], TINY) for name in ("gaussians25", *mixtures.DATA)}
    for module in (settings, mixtures):
        monkeypatch.setattr(module, "PRESETS", presets)
    monkeypatch.setattr(figure4, "UPDATES", (20, 200, 400))
    monkeypatch.setattr(figure4, "JUDGED", (200, 400))
    monkeypatch.setattr(figure4, "STEADY", 200)
    monkeypatch.setattr(figure3, "UPDATES", (20, 400))
    monkeypatch.setattr(search25, "UPDATES", (100, 200, 250))
    monkeypatch.setattr(robustness25, "STEPS", 200)
    monkeypatch.setattr(posterior, "STEPS", 50)
    monkeypatch.setattr(linear_arms, "POINTS", 5)
    monkeypatch.setattr(reverse25, "STEPS", 200)
    monkeypatch.setattr(reverse25, "UPDATES", (100, 200))


@pytest.fixture
def by():
    """From a ledger to what trains an experiment's plans."""
    return lambda ledger: partial(carry_out, ledger=ledger)
