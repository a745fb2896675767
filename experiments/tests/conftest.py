"""Experiments without their training: runs are given numbers of the right shape."""

import json
from zlib import crc32

import numpy as np
import pytest

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS
from experiments import few_images, figure3, figure4, linear_arms, mixtures, translation2d
from experiments.framework import Outcome, settings, verdicts
from experiments.framework.evaluations import evaluate
from experiments.framework.trials import follow

TINY = {"steps": 400, "evaluation.samples": 500, "evaluation.shown": 50, "model.hidden": [16, 16]}


@pytest.fixture
def tiny(monkeypatch):
    """Presets whose miniature has forty updates."""
    presets = {name: changed(PRESETS[name], TINY) for name in ("gaussians25", *mixtures.DATA)}
    for module in (settings, mixtures):
        monkeypatch.setattr(module, "PRESETS", presets)
    monkeypatch.setattr(figure4, "UPDATES", (20, 200, 400))
    monkeypatch.setattr(figure4, "COMPARED_AT", (200, 400))
    monkeypatch.setattr(figure4, "STEADY", 200)
    monkeypatch.setattr(figure3, "UPDATES", (20, 400))


class Untrained:
    """A study that trains nothing: numbers of a run are drawn from a seed that its plan gives."""

    def __init__(self):
        self.plans, self.samples, self.lines = [], {}, []
        self.report = self.lines.append

    def train(self, plans):
        self.plans += plans
        runs = []
        for plan in plans:
            outcome = OUTCOMES[plan.train](
                np.random.default_rng(crc32(plan.key.encode())), **plan.arguments
            )
            if plan.picture is not None:
                self.samples |= {plan.picture + end: of for end, of in outcome.samples.items()}
            runs.append({**plan.labels, **outcome.record})
        return runs

    def record(self, experiment, **options):
        """What an experiment records of its untrained runs, through JSON."""
        record = experiment.measure(self, **{"seed": 3, "trials": None, "quick": True, **options})
        if hasattr(experiment, "claims"):
            record["claims"] = verdicts(experiment.claims(record), record)
        return json.loads(json.dumps(record))


def stacked(rng, config, updates, shown):
    def rows(low, high):
        return rng.uniform(low, high, (len(updates), config.trials)).round(5).tolist()

    metrics = {
        "inception_score/posterior/500": rows(20, 25),
        "log_likelihood/kde-0.1/500-held-out": rows(-5, -2),
        "modes/3std/500": np.full((len(updates), config.trials), 25.0).tolist(),
        "missed_mass/tenth/500": rows(0, 0.1),
        "invented_mass/3std/500": rows(0, 0.1),
    }
    samples = {str(step): rng.normal(size=(50, 2)).round(3).tolist() for step in shown}
    return Outcome(
        {
            "boundaries": [*config.path.lengths(config.steps)[:2]],
            "updates": [*updates],
            "metrics": metrics,
            "failed": [None] * config.trials,
            **({"samples": samples} if shown else {}),
            "seconds": 1.0,
        }
    )


def evaluated(rng, config, steps, finish):
    two = config.data == "gaussians25"
    first, transferred, _ = np.cumsum(config.path.lengths(config.steps))
    names = ["frechet_distance/classifier/60", "reconstruction_error/mse/60"]
    names = ["inception_score/posterior/60", "log_likelihood/kde/60"] if two else names
    rows = []
    for step in steps:
        since = names if step <= first or not first else [*names, "retention/x/60", "drift/mse/60"]
        phase = "ml" if step <= first else "transfer" if step <= transferred else "adversarial"
        where = {"step": step, "phase": phase, "alpha": config.path.end if step > first else 0.0}
        rows.append({**where, "gamma": 0.5, **{name: round(rng.uniform(), 5) for name in since}})
    shape = (50, 2) if two else (20, 8, 8, 1)
    images = {
        step: rng.uniform(-5, 5, shape) if two else rng.integers(0, 256, shape).astype(np.uint8)
        for step in steps
    }
    content = config.model_dump(mode="json") | {"event_shape": [2] if two else [1, 8, 8]}
    keywords = getattr(finish, "keywords", {})
    chosen = keywords.get("steps") or [*images]
    kept = {step: x[: keywords.get("count")] for step, x in images.items() if step in chosen}
    return Outcome({"config": content, "evaluations": rows, "seconds": 1.0}, {"": kept})


def errors(rng, trials, steps, **_):
    updates = sorted({*linear_arms.ends_of_steps(steps), steps // 2})
    metrics = (
        "posterior_kl diagonal_kl mean_error inverse_error surrogate_kl implicit_kl aggregate_kl"
    )
    drawn = {m: rng.uniform(0.01, 1, (len(updates), trials)).tolist() for m in metrics.split()}
    return Outcome(
        {"updates": updates, "alpha": [1.0] * len(updates), "metrics": drawn, "seconds": 1.0}
    )


def translated(rng, trials, **_):
    drawn = {metric: rng.uniform(size=trials).tolist() for metric in translation2d.METRICS}
    shown = {"there": rng.normal(size=(20, 2)).tolist(), "components": [0, 1, 2, 3, 4] * 4}
    return Outcome({**drawn, "shown": shown, "seconds": 1.0})


def trained(rng, config):
    metrics = ("frechet_distance/classifier/60", "reconstruction_error/mse/60")
    row = {"step": config.steps, **{name: rng.uniform(1, 2) for name in metrics}}
    return Outcome({"decided": {}, "evaluations": [row], "seconds": 1.0})


OUTCOMES = {
    follow: stacked,
    few_images.train: trained,
    evaluate: evaluated,
    linear_arms.train: errors,
    translation2d.train: translated,
}


@pytest.fixture
def untrained():
    return Untrained()
