#!/usr/bin/env bash
# table-evaluator 1.9.0: nearest neighbours in the other direction, values out of range unseen, a metric not heard.
#
# 1. row_distance is documented to say how close each synthetic row is to its nearest real one. It takes the nearest
#    synthetic row of each real one. Synthetic rows that are all exact copies of three real ones, as
#    get_copies of the same class counts, are reported as farther from the real rows than rows without any relation.
# 2. It standardizes the synthetic columns by their own mean and spread, not by those of the real ones: a
#    table of values a thousand times too large, none of them near a real one, has distance 0.
# 3. The Jensen-Shannon distance puts both columns into bins of the real one, and leaves out what fits in none
#    before it counts shares. Where half of the synthetic values are a million too large, the distance is 0.
# 4. evaluate(metric=...) is documented to overwrite the metric of the constructor. The parts that use a metric have
#    kept the old one: the results are the same without the argument, and other ones if the constructor has it.
#
# Matters to whoever reads this report: copies look private, and columns out of range look perfect.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==1.26.4 pandas==2.2.2 scipy==1.12.0 scikit-learn==1.5.1 \
  matplotlib==3.9.2 seaborn==0.13.2 joblib==1.4.2
# It requires tools for its own development and documentation, too, which it never imports.
"$folder/venv/bin/python" -m pip install -q --no-deps table-evaluator==1.9.0

cat > "$folder/seen.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist, jensenshannon
from table_evaluator import TableEvaluator
from table_evaluator.metrics import js_distance_df

warnings.simplefilter("ignore")
print("table-evaluator", version("table-evaluator"), "pandas", pd.__version__)
ROWS = 300
draws = np.random.default_rng(0)


def normal():
    return pd.DataFrame(draws.normal(size=(ROWS, 3)), columns=list("abc"))


def nearest(real, fake):
    """Mean distance of each synthetic row to the nearest real one, with columns scaled as the real ones are."""
    mean, spread = real.mean(), real.std()
    return float(cdist((fake - mean) / spread, (real - mean) / spread).min(axis=1).mean())


real = normal()
fakes = {
    "unrelated rows": normal(),
    "copies of three rows": pd.concat([real[:3]] * (ROWS // 3), ignore_index=True),
    "a thousand times too large": 1000 * real + 500,
}
distances = {}
for name, fake in fakes.items():
    evaluator = TableEvaluator(real, fake)
    distances[name] = float(evaluator.row_distance()[0]), nearest(real, fake), evaluator.get_copies(return_len=True)
    said, right, copies = distances[name]
    print(f"{name}: row_distance {said:.2f}, from synthetic rows to real ones {right:.2f}, {copies} copies")

half = pd.concat([real[:150], real[:150] + 1e6], ignore_index=True)
shannon = float(js_distance_df(real[:150], half, ["a"])["js_distance"].iloc[0])
counts = np.histogram(real["a"][:150], bins=25)[0] / 150
right = float(jensenshannon([*counts, 0], [*counts / 2, 0.5]))
print(f"half of the values a million too large: Jensen-Shannon distance {shannon:.3f}, with a bin for them {right:.3f}")

real = pd.DataFrame(np.exp(draws.normal(size=(ROWS, 4))), columns=list("abcd"))
real["b"] += real["a"]
real["d"] += real["c"] ** 2
noise = draws.normal(size=(ROWS, 4))
fake = real.sample(ROWS, replace=True, random_state=1).reset_index(drop=True) + noise


def overview(constructed, **arguments):
    evaluator = TableEvaluator(real, fake, **constructed)
    results = evaluator.evaluate("c", "regr", return_outputs=True, **arguments)["Overview Results"]
    return [float(each["result"]) for each in results.values()]


pearson = overview({})
argued = overview({}, metric="spearmanr")
constructed = overview({"metric": "spearmanr"})
for name, each in (("without a metric", pearson), ("evaluate's", argued), ("the constructor's", constructed)):
    print(f"{name}: {np.round(each, 3).tolist()}")

copies, large = distances["copies of three rows"], distances["a thousand times too large"]
sys.exit(
    not (copies[2] == ROWS and copies[1] == 0 and copies[0] > distances["unrelated rows"][0])
    or not (large[0] < 1e-9 and large[1] > 100)
    or not (shannon == 0 and right > 0.4)
    or not (argued == pearson and not np.allclose(constructed, pearson))
)
PYTHON
if LOKY_MAX_CPU_COUNT=1 OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
