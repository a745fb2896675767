#!/usr/bin/env bash
# copulas 0.14.1: a Gaussian copula of n rows, with default arguments, needs n² numbers in memory at once.
#
# GaussianMultivariate chooses the family of each marginal by itself, and takes a kernel density for a column
# with several peaks. The CDF of that one is a matrix of all points by all rows it was fitted to, which fit()
# makes for the rows themselves, and sample() again at each step of its root finding. Twice the rows need four
# times the memory: 6,000 rows of a single column need more than 250 MiB, and a table of 30,000 rows, of usual
# size, several GiB. The n kept numbers themselves are 0.05 MiB.
#
# Matters to whoever takes the copula for the cheap baseline of synthetic tables.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q copulas==0.14.1 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 plotly==7.1.0

cat > "$folder/squares.py" <<'PYTHON'
import sys
import tracemalloc
from importlib.metadata import version

import numpy as np
import pandas as pd
from copulas.multivariate import GaussianMultivariate

print("copulas", version("copulas"), "numpy", np.__version__)


def peak(rows):
    """MiB at most while a column with two peaks is fitted and as many rows are drawn."""
    draws = np.random.default_rng(0)
    column = np.where(draws.random(rows) < 0.5, -4.0, 4.0) + draws.normal(size=rows)
    model = GaussianMultivariate(random_state=0)
    tracemalloc.start()
    model.fit(pd.DataFrame({"column": column}))
    model.sample(rows)
    most = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    chosen = model.to_dict()["univariates"][0]["type"]
    print(f"{rows:,} rows: {chosen}, at most {most:.0f} MiB")
    return most


few, many = peak(2000), peak(4000)
sys.exit(not (3.5 < many / few < 4.5 and many > 200))
PYTHON
if "$folder/venv/bin/python" "$folder/squares.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
