r"""Ours: rows of tables by the α-Bridge, and by the synthesizers that people use.

5,000 training rows of Adult and as many of NLTCS; the α-Bridge, maximum likelihood and the
reverse-KL GAN with their defaults, and the bridge with the best of six settings, which were tried
at a fifth of the updates and compared on training rows alone; beside them CTGAN, TVAE and a
Gaussian copula with their authors' defaults, in an environment of their own, columns that are
shuffled, and real rows that nobody was trained on.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
import pyarrow.parquet

from alpha_bridge.data.rows import split
from alpha_bridge.data.tables.tabular import tabular
from alpha_bridge.files import read_json
from alpha_bridge.metrics.definition import METRICS
from alpha_bridge.metrics.deviation import spread
from alpha_bridge.metrics.evaluation import SampleEvaluation
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import TABLE_STEPS, of_data
from alpha_bridge.runs.plots import BLUE, MUTED, SMALL, TEXT, WIDTH, ruled

from .framework import Claim, Outcome, Plan, Record, Study
from .table_scores import scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["METRICS_SHOWN", "claims", "draw", "ends", "means", "measure"]

SETS = ("nltcs", "adult")
"""Folders of a folder of data."""
USUAL = ("shuffled", "tvae", "copula", "ctgan")
RIVALS = ("tvae", "ctgan")
OURS = ("alpha-bridge", "ml", "rkl-gp")
MINE, SEARCHED = OURS[0], "alpha-bridge, best of six"
COMPARED = ("c2st", "rare_categories", "associations", "tstr")
ROWS = 5000
"""Training rows of each table: from all 29,305 of Adult one fit of CTGAN takes half an hour on two
cores (``benchmarks/tables.py`` has its seconds), and three of each table are asked for."""
QUICK_STEPS, FIFTH = 30, 5
GRID = tuple(product((2e-3, 4e-3, 8e-3), (0.8, 0.95)))
"""Rates, and realism."""

METRICS_SHOWN = (
    "c2st",
    "rare_categories",
    "associations",
    "marginals",
    "tstr",
    "trtr",
    "closest_records",
    "imputation_error",
    "kl",
    "total_variation/cells-drawn",
    "missed_mass/cells-drawn",
)
"""Beginnings of names."""


def measure(
    study: Study,
    seed: int,
    trials: int | None,
    quick: bool,
    data: str | None = None,
    python: str | None = None,
) -> Record:
    """Score all methods on both tables, 3 trials; ``data`` is a folder with a folder for each.

    ``python`` is that of an environment with ctgan and copulas. The miniature has tables that are
    made up, one trial, and shuffled columns for a baseline.
    """
    trials = trials or (1 if quick else 3)
    seeds = range(seed, seed + trials)
    steps = QUICK_STEPS if quick else TABLE_STEPS
    places = _made_up(study.folder) if quick else _smaller(data, study.folder)
    fits = [*_usual(places, seeds, ("shuffled",) if quick else USUAL, python or sys.executable)]
    missing = sum(plan.key not in study.ledger.records for plan in fits)
    if missing and python is None and not quick:
        raise ValueError(
            f"{missing} of {len(fits)} fits of usual synthesizers have not ended: give --python, "
            "that of an environment with ctgan and copulas"
        )
    plans = [_labelled(of, "real", seed, real, data=place) for of, place in places.items()] + fits
    for number, (of, place), method in product(seeds, places.items(), OURS):
        config = METHODS[method].apply(changed(of_data(place), {"steps": steps, "seed": number}))
        plans.append(_plan(of, method, number, config))
    runs = study.train(plans)
    grid, best = _searched(study, places, seed, steps, quick)
    for number, (of, place) in product(seeds, places.items()):
        given = {"steps": steps, "seed": number, **best[of]}
        runs += study.train([_plan(of, SEARCHED, number, _bridge(place, given))])
    return {
        "experiment": "tables",
        "settings": {
            "seed": seed,
            "trials": trials,
            "quick": quick,
            "steps": steps,
            "grid": [*map(_setting, GRID)],
            "best": best,
        },
        "runs": runs,
        "grid": grid,
    }


def _smaller(data: str | None, folder: Path) -> dict[str, str]:
    """The tables with :data:`ROWS` of their training rows, and all held-out ones."""
    if data is None:
        raise ValueError(f"tables needs a folder with folders {', '.join(SETS)}: give it as --data")
    for of in SETS:
        training, held_out = parts_of(f"{data}/{of}")
        chosen = np.random.default_rng(0).permutation(len(training))[:ROWS]
        (folder / of).mkdir(exist_ok=True)
        for name, part in (("train", training.take(np.sort(chosen))), ("test", held_out)):
            pyarrow.parquet.write_table(part, folder / of / f"{name}.parquet")
    return {of: str(folder / of) for of in SETS}


def _made_up(folder: Path) -> dict[str, str]:
    """A table of mixed columns, and one of categories alone."""
    draws = np.random.default_rng(0)
    count = 800
    group = draws.integers(3, size=count)
    price = np.where(draws.random(count) < 0.6, 0.0, np.exp(group + draws.normal(size=count)))
    tables = {
        "mixed": {
            "city": pyarrow.array(["Rome", "Oslo", None]).take(pyarrow.array(group)),
            "price": price.round(2),
            "age": (30 + 10 * group + 5 * draws.normal(size=count)).round().astype(int),
            "sold": draws.random(count) < 0.2 + 0.3 * group,
        },
        "answers": {f"q{at}": draws.random(count) < 0.1 + 0.2 * group for at in range(5)},
    }
    found = {name: folder / "made-up" / f"{name}.parquet" for name in tables}
    for name, file in found.items():
        file.parent.mkdir(exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.table(tables[name]), file)
    return {name: str(file) for name, file in found.items()}


def _usual(
    places: Mapping[str, str], seeds: range, methods: tuple[str, ...], python: str
) -> Iterator[Plan]:
    """The fits of all usual synthesizers, the cheap ones first."""
    for method, number, (of, place) in product(methods, seeds, places.items()):
        labels = {"set": of, "method": method, "seed": number}
        given = {"data": place, "synthesizer": method, "seed": number}
        yield Plan(labels, usual, given, None, _words, {"python": python})


def parts_of(data: str) -> tuple[pyarrow.Table, pyarrow.Table]:
    """The rows of a table that are trained on, as they stand there, and the others."""
    found = tabular(data)
    rows = pyarrow.Table.from_batches(found.read(), found.schema)
    if found.training is not None:
        return rows.slice(0, found.training), rows.slice(found.training)
    own, held_out = split(len(rows))
    return rows.take(pyarrow.array(own)), rows.take(pyarrow.array(held_out))


def _bridge(place: str, given: Mapping[str, Any]) -> Config:
    return METHODS["alpha-bridge"].apply(changed(of_data(place), given))


def _setting(of: tuple[float, float]) -> dict[str, float]:
    rate, realism = of
    networks = ("generator", "encoder", "discriminator")
    return {"realism": realism} | {f"optimization.{network}": rate for network in networks}


def _searched(
    study: Study, places: Mapping[str, str], seed: int, steps: int, quick: bool
) -> tuple[list[Record], dict[str, dict[str, float]]]:
    """Six settings of the bridge at a fifth of the updates, and that with the least C2ST."""
    grid, best = [], {}
    settings = [*map(_setting, GRID)][: 2 if quick else None]
    for of, place in places.items():
        own = {"steps": steps // FIFTH, "seed": seed}
        runs = study.train(
            [
                _plan(of, f"setting {at}", seed, _bridge(place, own | given), within=True)
                for at, given in enumerate(settings)
            ]
        )
        best[of] = settings[max(range(len(runs)), key=lambda at: _c2st(runs[at]["metrics"]))]
        grid += runs
    return grid, best


def _plan(of: str, method: str, seed: int, config: Config, within: bool = False) -> Plan:
    return _labelled(of, method, seed, trained, config=config, within=within)


def _labelled(of: str, method: str, seed: int, work: Callable[..., Outcome], **given: Any) -> Plan:  # noqa: ANN401
    return Plan({"set": of, "method": method, "seed": seed}, work, given, None, _words)


def real(data: str) -> Outcome:
    """Real rows that were trained on by nobody, in the place of generated ones.

    Half of the training rows stand for them, and the other half for those that are trained on.
    """
    since, table = perf_counter(), scored(data)
    half = len(table.training) // 2
    own = type(table)(table.units, table.training[:half], table.held_out)
    metrics = own.of_rows(table.training[half:]) | table.rival()
    return Outcome({"metrics": metrics, "seconds": round(perf_counter() - since, 1)})


def usual(data: str, synthesizer: str, seed: int, python: str) -> Outcome:
    """Rows of a synthesizer that is fitted by another Python, and the account of its fit."""
    since = perf_counter()
    script = str(Path(__file__).with_name("table_baselines.py"))
    with TemporaryDirectory() as folder:
        training, rows = Path(folder, "training.parquet"), Path(folder, "rows.parquet")
        pyarrow.parquet.write_table(parts_of(data)[0], training)
        command = [python, script, synthesizer, str(training), str(rows), "--seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or "no word").splitlines()[-1]
            raise ValueError(f"{synthesizer} could not be fitted to {data} ({last}): mend {python}")
        table = scored(data)
        metrics = table.of_rows(table.read(str(rows)))
        fit = read_json(rows.with_suffix(".json"))
    seconds = round(perf_counter() - since, 1)
    return Outcome({"metrics": metrics, "fit": fit, "seconds": seconds})


def trained(config: Config, within: bool) -> Outcome:
    """Rows of a model of ours; compared ``within`` the training rows they have fewer metrics."""
    table, since = scored(config.data), perf_counter()
    parts = assemble(config)
    state = parts.fit()
    seconds, model = round(perf_counter() - since, 1), state.averaged().eval()
    comparison = table.within if within else table.comparison
    count = len(table.held_out) if within else len(table.training)
    x = SampleEvaluation(parts.source, comparison, count, 1).generated(model)
    record: Record = {"config": parts.config.model_dump(mode="json"), "seconds": seconds}
    if within:
        return Outcome({**record, "metrics": comparison(x)[0]})
    own, bias = table.of_model(model)
    return Outcome({**record, "metrics": table.of_rows(x) | own, "kl_bias": bias})


def _words(run: Record) -> str:
    shown = (f"{key.split('/')[0]} {value:.3f}" for key, value in run["metrics"].items())
    return f"{'  '.join(shown)}  ({run['seconds']:.0f} s)"


def _c2st(metrics: Mapping[str, float]) -> float:
    """How good the two-sample test is."""
    score = METRICS["c2st"].score
    return next(score(value) for key, value in metrics.items() if key.startswith("c2st/"))


def _values(record: Record, of: str, method: str, metric: str) -> list[float]:
    runs = (run for run in record["runs"] if (run["set"], run["method"]) == (of, method))
    return [
        value
        for run in runs
        for key, value in run["metrics"].items()
        if key.startswith(f"{metric}/")
    ]


def means(record: Record, of: str, metric: str) -> dict[str, float]:
    """Of a table, by method: the mean of a metric over seeds."""
    methods = dict.fromkeys(run["method"] for run in record["runs"])
    found = {method: _values(record, of, method, metric) for method in methods}
    return {method: round(fmean(values), 4) for method, values in found.items() if values}


def ends(record: Record, of: str, method: str, metric: str) -> dict[str, float] | None:
    """Of a method on a table: mean and spread of a metric over seeds, if it has it."""
    values = _values(record, of, method, metric)
    # equal values have a spread of 1e-16
    return {"mean": fmean(values), "std": round(float(spread(values)), 12)} if values else None


def claims(record: Record) -> list[Claim]:
    """Whether the bridge's rows are at least as good as those of CTGAN and TVAE.

    Args:
        record: Of :func:`measure`.
    """
    sets = dict.fromkeys(run["set"] for run in record["runs"])
    return [claim for of in sets for claim in _claims(record, of)]


def _claims(record: Record, of: str) -> Iterator[Claim]:
    found = {metric: means(record, of, metric) for metric in METRICS_SHOWN}
    rivals = [method for method in RIVALS if method in found["c2st"]] or ["shuffled"]
    gains = {metric: _gain(metric, found[metric], rivals) for metric in COMPARED}
    about = f"{of}: {', '.join(COMPARED)} at least as good as the better of TVAE and CTGAN"
    yield Claim(about, min(gains.values()) >= 0, [found[metric] for metric in COMPARED])
    spreads = {metric: _most_spread(record, of, metric, rivals) for metric in COMPARED[:2]}
    about = f"{of}: {' and '.join(spreads)} better than theirs by more than the spread over seeds"
    holds = all(gains[metric] > room for metric, room in spreads.items())
    yield Claim(about, holds, [gains, spreads])
    rare, closest = found["rare_categories"], found["closest_records"]
    yield Claim(f"{of}: rare categories at least .95", rare[MINE] >= 0.95, [rare])
    about = f"{of}: as near to held-out rows as to those that were trained on, within .05"
    yield Claim(about, abs(closest[MINE] - 0.5) <= 0.05, [closest])


def _gain(metric: str, found: Mapping[str, float], rivals: list[str]) -> float:
    """By how much the bridge is better than the best of its rivals."""
    worth = {method: METRICS[metric].score(found[method]) for method in (MINE, *rivals)}
    return round(worth[MINE] - max(worth[rival] for rival in rivals), 4)


def _most_spread(record: Record, of: str, metric: str, rivals: list[str]) -> float:
    values = (_values(record, of, method, metric) for method in (MINE, *rivals))
    return round(max(float(spread(one)) for one in values), 4)


def draw(record: Record) -> "Figure":
    """A row for each table and a panel for each compared metric: a point for each seed."""
    from matplotlib.figure import Figure

    sets = [*dict.fromkeys(run["set"] for run in record["runs"])]
    figure = Figure(figsize=(WIDTH, 0.4 + 2.2 * len(sets)), layout="constrained")
    panels = figure.subplots(len(sets), len(COMPARED), squeeze=False, sharey="row")
    for row, of in zip(panels, sets, strict=True):
        methods = [*means(record, of, "c2st")][::-1]
        for axes, metric in zip(row, COMPARED, strict=True):
            for at, method in enumerate(methods):
                color = BLUE if method.startswith(MINE) else MUTED
                values = _values(record, of, method, metric)
                axes.plot(values, [at] * len(values), "o", ms=4, color=color, alpha=0.7)
            axes.set_yticks(range(len(methods)), methods, fontsize=SMALL)
            axes.set_title(f"{of}: {METRICS[metric].label}", fontsize=SMALL)
            ruled(axes)
    if record["settings"]["quick"]:
        figure.suptitle("quick miniature", fontsize=TEXT)
    return figure
