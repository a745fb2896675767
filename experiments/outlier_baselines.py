"""Scores of outliers by the usual detectors, by the Python of an environment that has them.

``PYTHON experiments/outlier_baselines.py FOLDER METHOD...`` is a script of its own and imports
nothing of this project. PyOD is installed in an environment that serves as a baseline only (``pip
install torch pyod``); its detectors have their authors' defaults. In the folder every ``SET.npz``
has rows ``training`` and ``tested``, and each method leaves ``SET-METHOD.json``; what is there
stays.
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

PACKAGES = ("scikit-learn", "pyod", "torch", "numpy")


def isolation_forest(training: Any, tested: Any, seed: int) -> Any:  # noqa: ANN401
    """That of scikit-learn; the larger the less usual, as for all."""
    from sklearn.ensemble import IsolationForest

    return -IsolationForest(random_state=seed).fit(training).score_samples(tested)


def ecod(training: Any, tested: Any, _seed: int) -> Any:  # noqa: ANN401
    """Empirical cumulative distributions of each column."""
    from pyod.models.ecod import ECOD

    return ECOD().fit(training).decision_function(tested)


def vae(training: Any, tested: Any, seed: int) -> Any:  # noqa: ANN401
    """The reconstruction error of a variational autoencoder."""
    from pyod.models.vae import VAE

    return VAE(random_state=seed, verbose=0).fit(training).decision_function(tested)


def alad(training: Any, tested: Any, seed: int) -> Any:  # noqa: ANN401
    """Adversarially learned anomaly detection."""
    import torch
    from pyod.models.alad import ALAD

    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    return ALAD().fit(training).decision_function(tested)


METHODS: dict[str, Callable[[Any, Any, int], Any]] = {
    "IsolationForest": isolation_forest,
    "ECOD": ecod,
    "VAE": vae,
    "ALAD": alad,
}


def score(method: str, file: Path) -> None:
    """Fit one method to a file's rows, and leave its scores beside it."""
    out = file.with_name(f"{file.stem}-{method}.json")
    if out.exists():
        return
    with np.load(file) as rows:
        given, seed, since = (rows["training"], rows["tested"]), int(rows["seed"]), process_time()
    scores = np.asarray(METHODS[method](*given, seed), np.float64)
    account = {
        "cpu_seconds": round(process_time() - since, 2),
        "scores": [round(value, 6) for value in np.nan_to_num(scores).tolist()],
        "versions": {package: _version(package) for package in PACKAGES},
    }
    part = out.with_suffix(".part")
    part.write_text(json.dumps(account) + "\n")
    part.replace(out)
    print(f"{file.stem}  {method}  {account['cpu_seconds']} s", flush=True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def main() -> None:
    """Score what the command line asks for."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("methods", nargs="+", choices=METHODS)
    asked = parser.parse_args()
    for file in sorted(asked.folder.glob("*.npz")):
        for method in asked.methods:
            score(method, file)


if __name__ == "__main__":
    main()
