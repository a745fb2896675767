"""The experiments of stacked trials in docs/results.md: densities that are known."""

from collections.abc import Callable
from typing import Any

from .. import posterior as posteriors
from ..framework import Record
from ..framework.scores import SCORES, Array, covering, failures, finite, mean, spread, values
from ..framework.settings import BETAS, COMPARED
from .markdown import cell, claims, table


def figure4(record: Record) -> list[str]:
    """The claims, and a table for each score."""
    updates = record["judged"]
    parts = [claims(record)]
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
    """The claims, and what became of each method's settings."""
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
    return [claims(record), table([*head, *quartiles], rows)]


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
    """The claims, and every metric of each objective at the ends of the bridge's steps."""
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
    return [claims(record), table(head, rows)]


def hyperparameters(record: Record) -> str:
    """Every key, its values, and whether they are the paper's."""
    rows = [
        [f"`{row['key']}`", _found(row["values"]), row["whose"]]
        for row in record["hyperparameters"]
    ]
    return table(["key", "values", "whose"], rows)


def _found(found: list[Any] | Record) -> str:
    """Values where all columns agree; else each with the columns that have it."""
    if not isinstance(found, dict):
        return _cells(found)
    columns: dict[str, list[str]] = {}
    for name, own in found.items():
        columns.setdefault(_cells(own), []).append(name)
    return "<br>".join(f"{cell} ({'; '.join(names)})" for cell, names in columns.items())


def _plus_minus(trials: Array) -> str:
    center, around = float(mean(trials)), float(spread(trials))
    return f"{center:.2f} ± {around:.2f}" if center > float("-inf") else "failed"


def _around(trials: Array) -> str:
    return _pair(finite(trials.mean()), finite(float(spread(trials))))


def _pair(center: float | None, around: float | None) -> str:
    """A mean and a deviation of any size; a failed trial has neither."""
    return "failed" if center is None else f"{center:.3g} ± {around:.2g}"


def _cells(found: list[Any]) -> str:
    return ", ".join(map(cell, found))


def _runs(record: Record) -> str:
    minutes = sum(run["seconds"] for run in record["runs"]) / 60
    runs = f"{len(record['runs'])} runs of {record['trials']} stacked trials"
    together = ""
    if elapsed := record.get("elapsed"):
        together = f" ({elapsed / 60:.0f} with `--jobs {record['jobs']}`, from first to last)"
    return f"{runs}, {minutes:.0f} minutes{together}; the first seed is {record['seed']}."


PARTS: dict[str, Callable[[Record], list[str]]] = {
    "figure4": figure4,
    "figure3": figure3,
    "search25": search25,
    "robustness25": robustness25,
    "mixtures": mixtures,
    "posterior": posterior,
}


def blocks(name: str, record: Record) -> list[str]:
    """What stands in the page of an experiment, one of :data:`PARTS`."""
    return [
        *(["**A quick miniature, not the experiment.**"] if record["quick"] else []),
        f"![{name}](results/{name}.png)",
        _runs(record),
        *PARTS[name](record),
        hyperparameters(record),
    ]
