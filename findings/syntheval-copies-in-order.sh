#!/usr/bin/env bash
# SynthEval 1.7.3, dcr, eps_risk and nndr: a synthetic table that is the real one, row by row, is called private.
#
# Nearest neighbours within one table leave out the row itself. Whether there is one table or two is decided by
# looking whether both have the same content. Where a generator gave back the real table, or the wrong file was
# read, each row's own copy is left out, too: dcr is 1 (as far from the real rows as those are from each other) in
# place of 0, eps_risk is 0 in place of 1, and nndr is that of unrelated rows. The same rows in another order, or with
# one row less, are found to be copies. So a benchmark ranks this table before one with a single row less.
# (An example in the documentation of dcr has two equal tables and the result 1, without a word about it.)
# hit_rate, in the same report, finds all of the copies.
#
# Matters to whoever tries a privacy report with the real table itself first, as one would to see its worst case.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q syntheval==1.7.3 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 \
  scikit-learn==1.9.1 lightgbm==4.7.0 matplotlib==3.11.2 seaborn==0.13.2 pcametric==1.2.0

cat > "$folder/copies.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from syntheval import SynthEval

warnings.simplefilter("ignore")
print("syntheval", version("syntheval"), "numpy", np.__version__, "pandas", pd.__version__)
ROWS = 300
draws = np.random.default_rng(0)


def table():
    return pd.DataFrame(draws.normal(size=(ROWS, 3)), columns=list("abc")).assign(kind=draws.choice(["x", "y"], ROWS))


def report(fake, distance):
    quiet = {"verbose": False, "console": "off", "enable_plots": False}
    evaluator = SynthEval(real, cat_cols=["kind"], nn_distance=distance, **quiet)
    rows = evaluator.evaluate(fake, dcr={}, eps_risk={}, nndr={}, hit_rate={}).set_index("metric")["val"]
    return tuple(float(rows[name]) for name in ("median_DCR", "eps_identif_risk", "avg_nndr", "hit_rate"))


def nearest(fake):
    """Median distance of the synthetic rows to real ones, by numbers and kind alone."""
    as_numbers = [each.assign(kind=each["kind"] == "x").to_numpy(dtype=float) for each in (fake, real)]
    return float(np.median(cdist(*as_numbers).min(axis=1)))


real = table()
fakes = {
    "unrelated rows": table(),
    "the real table": real.copy(),
    "its rows, shuffled": real.sample(frac=1, random_state=1).reset_index(drop=True),
    "all but its last row": real[:-1].copy(),
}
scores = {}
for distance in ("gower", "euclid"):
    for name, fake in fakes.items():
        scores[distance, name] = report(fake, distance)
        dcr, risk, ratio, hits = scores[distance, name]
        print(
            f"{distance}, {name}: dcr {dcr:.2f}, eps_risk {risk:.2f}, nndr {ratio:.2f}, hit_rate {hits:.2f}; "
            f"median distance to a real row {nearest(fake):.2f}"
        )

for distance in ("gower", "euclid"):
    unrelated, same, shuffled, less = (scores[distance, name] for name in fakes)
    assert same[:2] == (1, 0) and abs(same[2] - unrelated[2]) < 0.1, "copies in order are found now"
    assert same[3] == shuffled[3] == 1, "hit_rate does not find copies"
    assert shuffled[:3] == (0, 1, 0), "shuffled copies are not found"
    assert less[0] == 0 and less[1] > 0.99 and less[2] < 0.01, "copies of all but one row are not found"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/copies.py"
