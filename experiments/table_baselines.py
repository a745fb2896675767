"""One fit of a usual synthesizer of tables, by the Python of an environment that has it.

``PYTHON experiments/table_baselines.py METHOD TRAINING.parquet OUT.parquet`` is a script of its own
and imports nothing of this project: ``ctgan`` and ``copulas``, whose licence (BSL 1.1) is no open
one, are installed in an environment that serves as a baseline only (``pip install ctgan==0.12.1
copulas==0.14.1 pyarrow``), and only their public ``fit`` and ``sample`` are called, with their
authors' defaults. Beside the rows it writes how they came about, as ``OUT.json``.

What its authors leave to the user is the same for all: a gap in a category is a category of its own
and a gap again in what is drawn, and columns have the types that they had. TVAE decodes the
likeliest category; that it should draw one cannot be asked of it.
"""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd

GAP = "\x00gap"
"""What stands for a gap in a category."""
BUSY = 1.25
"""Load average from which on other work slows a fit down: its seconds are no timing."""
COPULA_ROWS = 5000
"""Rows that a copula's marginals are fitted to, and are drawn at a time: a kernel density compares
each with all, so that the 29,305 of Adult take 12 GB and more than half an hour."""
PACKAGES = ("ctgan", "copulas", "rdt", "torch", "numpy", "pandas")

Fitted = Callable[[int], pd.DataFrame]
"""From a number of rows to as many."""


def shuffled(frame: pd.DataFrame, _: list[str], seed: int, _epochs: int | None) -> Fitted:
    """Each column in an order of its own: right in every column, and wrong in every pair."""
    draws = np.random.default_rng(seed)

    def sample(count: int) -> pd.DataFrame:
        orders = {name: draws.permutation(len(frame)) for name in frame}
        rows = np.arange(count) % len(frame)
        return pd.DataFrame({name: frame[name].to_numpy()[orders[name][rows]] for name in frame})

    return sample


def copula(frame: pd.DataFrame, categories: list[str], seed: int, _epochs: int | None) -> Fitted:
    """A Gaussian copula; a category is a number within its part of [0, 1], as wide as its share."""
    from copulas.multivariate import GaussianMultivariate
    from copulas.univariate import UniformUnivariate

    draws = np.random.default_rng(seed)
    ends = {name: frame[name].value_counts(normalize=True).cumsum() for name in categories}
    numbers = frame.copy()
    for name, upto in ends.items():
        codes = upto.index.get_indexer(frame[name])
        edges = np.concatenate([[0.0], upto.to_numpy()])
        numbers[name] = edges[codes] + draws.random(len(frame)) * np.diff(edges)[codes]
    model = GaussianMultivariate(dict.fromkeys(categories, UniformUnivariate), random_state=seed)
    model.fit(numbers.sample(min(len(numbers), COPULA_ROWS), random_state=seed))

    def sample(count: int) -> pd.DataFrame:
        parts = (min(COPULA_ROWS, count - at) for at in range(0, count, COPULA_ROWS))
        rows = pd.concat([model.sample(part) for part in parts], ignore_index=True)
        for name, upto in ends.items():
            codes = np.searchsorted(upto.to_numpy(), rows[name].to_numpy()).clip(0, len(upto) - 1)
            rows[name] = upto.index.to_numpy()[codes]
        return rows

    return sample


def ctgan(frame: pd.DataFrame, categories: list[str], seed: int, epochs: int | None) -> Fitted:
    """CTGAN, a conditional GAN."""
    from ctgan import CTGAN

    return _trained(CTGAN, frame, categories, seed, epochs)


def tvae(frame: pd.DataFrame, categories: list[str], seed: int, epochs: int | None) -> Fitted:
    """TVAE, a variational autoencoder."""
    from ctgan import TVAE

    return _trained(TVAE, frame, categories, seed, epochs)


def _trained(
    kind: type, frame: pd.DataFrame, categories: list[str], seed: int, epochs: int | None
) -> Fitted:
    model: Any = kind(**({} if epochs is None else {"epochs": epochs}))
    model.set_random_state(seed)
    model.fit(frame, discrete_columns=categories)
    return model.sample  # type: ignore[no-any-return]


METHODS = {"shuffled": shuffled, "tvae": tvae, "copula": copula, "ctgan": ctgan}
"""The cheap ones come first."""


def plain(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Categories as text without gaps, and their names; all else is a number as it is."""
    numeric = [
        name
        for name, cells in frame.items()
        if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)
    ]
    categories = [name for name in frame if name not in numeric]
    own = {
        name: frame[name].astype(object).where(frame[name].notna(), GAP).astype(str)
        for name in categories
    }
    return frame.assign(**own), categories


def typed(rows: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Rows in the types and the order of the table that they were learned from."""
    found = {}
    for name, cells in like.items():
        if pd.api.types.is_bool_dtype(cells):
            found[name] = rows[name] == "True"
        elif pd.api.types.is_integer_dtype(cells):
            found[name] = rows[name].astype(float).round().astype(cells.dtype)
        elif pd.api.types.is_numeric_dtype(cells):
            found[name] = rows[name].astype(cells.dtype)
        else:
            found[name] = rows[name].astype(object).where(rows[name] != GAP, None)
    return pd.DataFrame(found)


def fit(method: str, training: Path, out: Path, seed: int, epochs: int | None) -> dict[str, Any]:
    """Fit one method, draw as many rows as it was fitted to, and say how it went.

    Args:
        method: One of :data:`METHODS`.
        training: A Parquet file.
        out: The rows; the account of them is beside it, with the ending ``.json``.
        seed: Of all draws.
        epochs: None for the author's.

    Returns:
        The account.
    """
    frame = pd.read_parquet(training)
    given, categories = plain(frame)
    load, since, busy = os.getloadavg()[0], perf_counter(), process_time()
    sample = METHODS[method](given, categories, seed, epochs)
    seconds, own = perf_counter() - since, process_time() - busy
    rows = typed(sample(len(frame)), frame)
    load = max(load, os.getloadavg()[0])
    account = {
        "method": method,
        "seed": seed,
        "epochs": epochs,
        "rows": len(frame),
        "categories": categories,
        "fit_seconds": round(seconds, 1),
        "fit_cpu_seconds": round(own, 1),
        "seconds": round(perf_counter() - since, 1),
        "load": round(load, 2),
        "timed": load < BUSY,
        "versions": {"python": sys.version.split()[0], **_versions()},
    }
    # the rows come last: where they are, the fit has ended
    out.with_suffix(".json").write_text(json.dumps(account, indent=1) + "\n")
    part = out.with_suffix(".part")
    rows.to_parquet(part, index=False)
    part.replace(out)
    return account


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Fit what the command line asks for."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("training", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    print(json.dumps(fit(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
