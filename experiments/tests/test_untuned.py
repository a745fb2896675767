"""The defaults beside searched ramps: the design, and what is read from the runs."""

from itertools import combinations

import pytest

from alpha_bridge.recipe.config import Config
from experiments import untuned
from experiments.framework import Outcome
from experiments.pages import defaults


def run(name, method, distance, *, seed=0, failed=False, **labels):
    row = {
        "alpha": 0.9,
        "frechet_distance/classifier/9": distance,
        "retention/classifier/9": 0.8,
        "reconstruction_error/mse/9": 0.1,
    }
    labels = {"set": name, "method": method, "seed": seed, **labels}
    return {**labels, "evaluations": [row], "failed": failed, "seconds": 1.0}


def record(defaults=10.0, wrong=12.0):
    runs = [run("a", "ramp", 10.0, levels=[0] * 5), run("a", "ramp", 20.0, levels=[1] * 5)]
    runs += [run("a", method, 30.0) for method in untuned.BASELINES]
    runs += [run("a", "defaults", defaults)]
    for method in ("defaults", "ramp"):
        runs.append(run("a", method, 10.0, broken="nothing"))
        runs += [run("a", method, wrong, broken=how) for how in untuned.BREAKING]
    found = {"searched": {"a": [0] * 5}, "runs": runs, "trials": 2, "quick": False}
    return found | {"summary": untuned.summary(found)}


def test_the_design_is_balanced_in_every_factor_and_most_pairs():
    for column in zip(*untuned.DESIGN, strict=True):
        assert sum(column) == len(untuned.DESIGN) / 2
    balanced = [
        {(row[a], row[b]) for row in untuned.DESIGN} == {(0, 0), (0, 1), (1, 0), (1, 1)}
        for a, b in combinations(range(5), 2)
    ]
    assert all(balanced)


def test_defaults_as_good_as_the_search_hold_every_claim():
    assert [claim.holds for claim in untuned.claims(record())] == [True] * 4


@pytest.mark.parametrize(("values", "fails"), [((12.0, 12.0), 0), ((10.0, 16.0), 3)])
def test_each_claim_can_fail(values, fails):
    holds = [claim.holds for claim in untuned.claims(record(*values))]
    assert holds == [index != fails for index in range(4)]


def test_the_page_has_every_method_and_says_what_diverged():
    found = record()
    found["runs"] += [run("a", "ml", 31.0, seed=1), run("a", "naive", 1.0, seed=1, failed=True)]
    text = "\n".join(defaults.scores(found | {"summary": untuned.summary(found)}))
    assert "| ml | 30.5 ± 0.71 | " in text
    assert "| naive | 30, 1 of 2 diverged | " in text
    assert "| a | 100% | 100% |" in text


def test_a_method_without_a_metric_has_an_empty_cell():
    found = record()
    naive = next(run for run in found["runs"] if run["method"] == "naive")
    naive["evaluations"][0]["retention/classifier/9"] = 0.9
    (ml,) = (run for run in found["runs"] if run["method"] == "ml")
    del ml["evaluations"][0]["retention/classifier/9"]
    text = "\n".join(defaults.scores(found | {"summary": untuned.summary(found)}))
    assert "| ml | 30 |  |" in text.splitlines()


def test_the_winner_is_the_better_of_the_best_two_of_the_search():
    runs = [run("a", "ramp", d, levels=[level] * 5) for d, level in ((6.0, 0), (4.0, 1))]
    runs.append(run("a", "search", 1.0, levels=[0] * 5))
    assert untuned._winner(runs, "a") == (1,) * 5


def test_what_diverged_did_not_survive_and_scores_worst():
    assert untuned._score(run("a", "ramp", 1.0, failed=True)) == float("inf")
    assert not untuned._survives(run("a", "x", 1.0, failed=True), run("a", "x", 1.0))


@pytest.mark.parametrize("how", untuned.BREAKING)
def test_each_thing_is_made_wrong_alone(how):
    before = Config()
    after = untuned._wrong(before, how)
    changed = [key for key in Config.model_fields if getattr(after, key) != getattr(before, key)]
    assert len(changed) == (how != "half the discriminator")


def test_the_miniature_plans_every_method_and_draws(monkeypatch):
    plans = []

    class Untrained:
        def train(self, given):
            plans.extend(given)
            return [
                run(
                    p.labels["set"],
                    p.labels["method"],
                    5.0 + n,
                    **{k: v for k, v in p.labels.items() if k not in ("set", "method", "seed")},
                )
                for n, p in enumerate(given)
            ]

    monkeypatch.setattr(untuned, "SETS", {"digits": untuned.SETS["digits"]})
    found = untuned.measure(Untrained(), 0, None, quick=True)
    methods = [plan.labels["method"] for plan in plans]
    assert methods.count("search") == 8
    assert {*methods} == {"search", "defaults", "ramp", *untuned.BASELINES}
    assert untuned.draw(found).axes


@pytest.mark.slow
@pytest.mark.usefixtures("quick_classifiers")
def test_a_run_says_what_was_decided_and_how_it_ended():
    config = untuned._base("digits", None, quick=True)
    config = config.model_copy(update={"steps": 40})
    outcome = untuned.train(config, narrow=True)
    assert isinstance(outcome, Outcome)
    assert outcome.record["decided"]["model.latent"] == 16
    assert [row["step"] for row in outcome.record["evaluations"]] == [14, 40]


def test_a_run_that_diverges_begins_again_with_half_its_rates(monkeypatch):
    config = untuned._base("25 Gaussians", None, True)
    values = {"optimization.generator": 8.0, "steps": 4, "evaluation.every": 4}
    tried = []

    def fit(parts, narrow):  # noqa: ARG001
        tried.append(parts.config.optimization.generator)
        return [{"step": 4, "alpha": 0.9}] if tried[-1] <= 2 else None

    monkeypatch.setattr(untuned, "_fit", fit)
    record = untuned.train(untuned.changed(config, values)).record
    assert tried == [8.0, 4.0, 2.0]
    assert (record["rollbacks"], record["failed"]) == (2, False)


def test_a_run_that_diverges_time_and_again_has_failed():
    config = untuned._base("25 Gaussians", None, True)
    values = {"optimization.generator": 1e30, "steps": 4, "evaluation.every": 4}
    record = untuned.train(untuned.changed(config, values)).record
    assert (record["rollbacks"], record["failed"], record["evaluations"]) == (3, True, [])
