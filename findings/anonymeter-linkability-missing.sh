#!/usr/bin/env bash
# anonymeter 1.1.0, LinkabilityEvaluator: originals with missing values are linked by synthetic rows that say nothing.
#
# The two halves of an original are linked if both have the same nearest synthetic row. The distance of a missing
# number from a number is not a number, and with it the distance of the whole row: if the synthetic table is
# complete, an original with a gap has no distance from any synthetic row, and the "nearest" are the same rows for
# all such originals. Where each half has a gap, the two agree, whatever the synthetic rows are: pure noise is
# given the risk that the share of such originals is, far above that of guessing, so that no warning comes.
# What a half does have, a number that only one synthetic row comes near, is not looked at. As documented, no column
# adds more than 1 to a distance.
#
# Matters to whoever measures the privacy of synthetic tables without gaps, as most generators give them, against
# originals with gaps: the risk that is reported is the share of incomplete rows.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q anonymeter==1.1.0 numpy==1.26.4 pandas==3.0.6 scipy==1.17.1 \
  scikit-learn==1.9.1 numba==0.68.1 llvmlite==0.50.0 polars==2.1.0 pyarrow==21.0.0 joblib==1.6.0

cat > "$folder/seen.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from anonymeter.evaluators.linkability_evaluator import LinkabilityEvaluator
from anonymeter.neighbors.mixed_types_kneighbors import MixedTypeKNeighbors

print("anonymeter", version("anonymeter"), "pandas", pd.__version__)
ROWS = 150
HALVES = ["a", "b"], ["c", "d"]
draws = np.random.default_rng(0)


def noise():
    return pd.DataFrame(draws.normal(size=(ROWS, 4)), columns=list("abcd"))


seen = {}
synthetic = noise()
for share in (0, 0.4, 0.8):
    original = noise()
    original.loc[: share * ROWS - 1, ["a", "c"]] = np.nan
    evaluator = LinkabilityEvaluator(original, synthetic, aux_cols=HALVES, n_attacks=ROWS).evaluate(n_jobs=1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        seen[share] = evaluator.risk().value, evaluator.risk(baseline=True).value, len(said)
    print(
        f"{original.isna().any(axis=1).mean():.0%} of the originals have gaps: noise links them with risk "
        f"{seen[share][0]:.2f}, guesses with {seen[share][1]:.2f}"
    )

# Two queries lack one column; by the other, row 77 is the only one near the first of them, and row 78 the second.
query = pd.DataFrame({"a": [np.nan, np.nan, 0], "b": [50.0, -50, 0]})
candidates = synthetic[["a", "b"]].copy()
candidates.loc[[77, 78], "b"] = [50, -50]
neighbours = MixedTypeKNeighbors(n_neighbors=3, n_jobs=1).fit(candidates)
distances, nearest = neighbours.kneighbors(query, return_distance=True)
for row, each, far in zip((77, 78), nearest, distances):
    print(f"nearest of a row with a gap that only row {row} agrees with: {each.tolist()}, at {far.tolist()}")
sys.exit(
    not (seen[0][0] < 0.1 and all(abs(seen[share][0] - share) < 0.1 and seen[share][1] < 0.1 for share in seen))
    or seen[0.8][2] > 0
    or not (np.isnan(distances[:2]).all() and (nearest[0] == nearest[1]).all())
    or bool({77, 78} & {*nearest[0].tolist()})
)
PYTHON
if OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
