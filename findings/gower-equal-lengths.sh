#!/usr/bin/env bash
# gower 0.1.2, gower_matrix(X, Y): for two tables of the same number of rows half of the distances are wrong.
#
# With one table the matrix is symmetric, and only one half of it has to be computed. Whether there is one table or
# two is decided by the number of rows: where Y is another table but as long as X, the entries below the diagonal
# are a mirror of those above it, the distance of row j of X and row i of Y in place of that of row i and row j.
# The first row of X has the right distances, the last one only a single right one. One row of Y more, and all of
# them are right. Where X holds exact copies of the rows of Y, each one row later, hardly any has distance 0.
#
# Matters to whoever looks for the nearest real row of each synthetic one: it is usual to draw as many rows as there
# are real ones, and copies then look private.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q gower==0.1.2 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$folder/equal.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
import pandas as pd
from gower import gower_matrix

print("gower", version("gower"), "numpy", np.__version__, "pandas", pd.__version__)
ROWS = 200
draws = np.random.default_rng(0)


def table(rows):
    return pd.DataFrame(
        {
            "height": draws.uniform(100, 200, rows),
            "weight": draws.uniform(40, 120, rows),
            "colour": draws.choice(["red", "green", "blue"], rows),
        }
    )


def right(x, y):
    """Gower's distance as he defined it, with the ranges of both tables."""
    parts = [x["colour"].to_numpy()[:, None] != y["colour"].to_numpy()]
    for name in ("height", "weight"):
        span = np.ptp(np.r_[x[name], y[name]])
        parts.append(abs(x[name].to_numpy()[:, None] - y[name].to_numpy()) / span)
    return np.mean(parts, axis=0)


def wrong(x, y):
    return abs(gower_matrix(x, y) - right(x, y)) > 1e-4


real, other = table(ROWS), table(ROWS)
same = wrong(real, real)
longer = wrong(other, pd.concat([real, real[:1]], ignore_index=True))
equal = wrong(other, real)
below = np.tri(ROWS, k=-1, dtype=bool)
print(f"a table with itself: {same.mean():.1%} of the distances are wrong")
print(f"{ROWS} rows with other {ROWS + 1}: {longer.mean():.1%} are wrong")
print(f"{ROWS} rows with other {ROWS}: {equal.mean():.1%} are wrong, below the diagonal {equal[below].mean():.1%}")

copies = real.iloc[[-1, *range(ROWS - 1)]].reset_index(drop=True)
found = {rows: float((gower_matrix(copies[-rows:], real).min(axis=1) < 1e-6).mean()) for rows in (ROWS, ROWS - 1)}
for rows, share in found.items():
    print(f"{rows} copies of {ROWS} rows, each one row later: for {share:.1%} the nearest row has distance 0")

assert not same.any() and not longer.any(), "more is wrong than this"
assert not equal[~below].any() and equal[below].mean() > 0.99, "tables of one length are told from one table now"
assert found[ROWS] < 0.02 and found[ROWS - 1] == 1, "copies are found now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/equal.py"
