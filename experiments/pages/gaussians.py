"""The pages of experiments of stacked trials in docs/results: densities that are known."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from alpha_bridge.recipe import Config, known_keys

from .. import posterior as posteriors
from ..framework import Record
from ..framework.scores import SCORES, Array, covering, failures, finite, mean, spread, values
from ..framework.settings import BETAS, COMPARED
from .markdown import cell, table


def figure4(record: Record) -> list[str]:
    """A table for each score, and what became of the trials."""
    updates = record["judged"]
    parts = []
    for metric, name in SCORES.items():
        own = next(v for key, v in record["data"].items() if key.startswith(f"{metric}/"))
        rows = [
            [
                f"{run['beta1']:g}",
                run["method"],
                *(
                    _plus_minus(values(run, metric)[run["updates"].index(update)])
                    for update in updates
                ),
            ]
            for run in record["runs"]
        ]
        head = ["β₁", name, *(f"{update:,}" for update in updates)]
        rows.append(["", "the data", *[""] * (len(updates) - 1), f"{own:.2f}"])
        parts.append(table(head, rows))
    rows = [
        [
            f"{run['beta1']:g}",
            run["method"],
            f"{covering(run)} of {record['trials']}",
            str(failures(run)),
            f"{run['seconds']:.0f}",
        ]
        for run in record["runs"]
    ]
    head = ["β₁", "method", "trials that end with all 25 modes", "failed trials", "seconds"]
    return [*parts, table(head, rows)]


def figure3(_: Record) -> list[str]:
    """Nothing but the picture."""
    return []


def search25(record: Record) -> list[str]:
    """Every setting with its mean rank; the chosen ones are bold."""
    columns = [(method, beta1) for method in COMPARED for beta1 in BETAS]
    ranks = {(r["method"], r["beta1"], r["setting"]): r["rank"] for r in record["ranks"]}
    numbers = range(len(record["settings"]))
    lowest = {column: min(ranks[*column, number] for number in numbers) for column in columns}
    rows = []
    for number, setting in enumerate(record["settings"]):
        cells = [(ranks[*column, number], lowest[column]) for column in columns]
        rows.append(
            [*map(cell, setting.values())]
            + [f"**{rank:.2f}**" if rank == best else f"{rank:.2f}" for rank, best in cells]
        )
    names = [f"{method}, {beta1:g}" for method, beta1 in columns]
    seconds = [
        [method, f"{sum(r['seconds'] for r in record['runs'] if r['method'] == method):.0f}"]
        for method in COMPARED
    ]
    return [table([*record["settings"][0], *names], rows), table(["method", "seconds"], seconds)]


def robustness25(record: Record) -> list[str]:
    """What became of each method's settings."""
    rows = []
    for method, found in record["summary"].items():
        shares = [
            f"{found[of]:.0%}"
            for of in (
                "settings_with_all_modes",
                "trials_with_all_modes",
                "settings_with_no_mass_missed",
            )
        ]
        scores = [
            cell(number)
            for metric in SCORES
            for number in (*found[metric]["quantiles"][1:4], found[metric]["interquartile_range"])
        ]
        rows.append([method, *shares, str(found["failed"]), *scores])
    quartiles = [
        f"{short} {of}"
        for short in ("IS", "LL")
        for of in ("lower quartile", "median", "upper quartile", "range of quartiles")
    ]
    head = ["method", "settings with all modes", "trials", "settings that miss no mass", "failed"]
    return [table([*head, *quartiles], rows)]


def mixtures(record: Record) -> list[str]:
    """Missed and invented mass, and the scores of the data themselves."""
    metrics = ("modes", "missed_mass", "invented_mass", "log_likelihood")
    rows = [
        [
            end["data"],
            end["method"],
            *(_pair(end[metric]["mean"], end[metric]["deviation"]) for metric in metrics),
            str(end["failed"]),
        ]
        for end in record["summary"]
    ]
    for own in record["data"]:
        scores = {name.split("/")[0]: value for name, value in own["scores"].items()}
        rows.append([own["data"], "the data", *(f"{scores[m]:.3g}" for m in metrics), ""])
    spoken = [metric.replace("_", " ") for metric in metrics]
    return [table(["density", "method", *spoken, "failed trials"], rows)]


def posterior(record: Record) -> list[str]:
    """Every metric of each objective at the ends of the bridge's steps."""
    metrics = {
        "posterior_kl": "KL from the posterior",
        "diagonal_kl": "least of a diagonal Gaussian",
        "mean_error": "error of the mean",
        "inverse_error": "error as the inverse",
        "surrogate_kl": "KL of the data from the surrogate",
        "implicit_kl": "from the model without noise",
        "aggregate_kl": "KL of the aggregate from the prior",
    }
    rows = [
        [
            run["fakes"],
            run["arm"],
            f"{update:,}",
            f"{run['alpha'][at]:.3g}",
            *(_around(posteriors.values(run, metric)[at]) for metric in metrics),
        ]
        for run in record["runs"]
        for update in record["ends_of_steps"]
        for at in [run["updates"].index(update)]
    ]
    head = ["fakes", "objective", "updates", "α", *metrics.values()]
    return [table(head, rows)]


def hyperparameters(record: Record) -> list[str]:
    """What all methods share, where it is no default, and a row for each key they differ in."""
    rows = record["hyperparameters"]
    differ = [row for row in rows if isinstance(row["values"], dict)]
    alike = [row for row in rows if row not in differ]
    papers = [_named(row) for row in alike if row["whose"] == "paper"]
    ours = [
        _named(row)
        for row in alike
        if row["whose"] == "ours" and row["values"] != [_default(row["key"])]
    ]
    shared = [f"the paper's {', '.join(papers)}"] if papers else []
    shared += [f"ours {', '.join(ours)}"] if ours else []
    sentence = (
        f"Alike for all: {'; '.join(shared)}. What is not named has its [default](../settings.md)."
    )
    if not differ:
        return [sentence]
    methods = dict.fromkeys(method for row in differ for method in row["values"])
    cells = [
        [f"`{row['key']}`", *(_cells(row["values"].get(m, [])) for m in methods), row["whose"]]
        for row in differ
    ]
    return [sentence, table(["key", *methods, "whose"], cells)]


def _named(row: Record) -> str:
    return f"`{row['key']}` {_cells(row['values'])}"


def _default(key: str) -> object:
    """What a run has that says nothing of a key; None for a key of an experiment's own."""
    if key not in known_keys():
        return None
    return reduce(dict.__getitem__, key.split("."), Config().model_dump(mode="json"))


def _plus_minus(trials: Array) -> str:
    center, around = float(mean(trials)), float(spread(trials))
    return f"{center:.2f} ± {around:.2f}" if center > float("-inf") else "failed"


def _around(trials: Array) -> str:
    return _pair(finite(trials.mean()), finite(float(spread(trials))))


def _pair(center: float | None, around: float | None) -> str:
    """A mean and a deviation of any size; a failed trial has neither."""
    return "failed" if center is None else f"{center:.3g} ± {around:.2g}"


def _cells(found: list[Any]) -> str:
    return ", ".join("none" if value is None else cell(value) for value in found)


PARTS: dict[str, Callable[[Record], list[str]]] = {
    "figure4": figure4,
    "figure3": figure3,
    "search25": search25,
    "robustness25": robustness25,
    "mixtures": mixtures,
    "posterior": posterior,
}
