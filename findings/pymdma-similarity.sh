#!/usr/bin/env bash
# pymdma 0.3.0, similarity of tables: columns that have nothing in common are called alike, and weights are not heard.
#
# 1. StatisticalSimScore says of a continuous column 1 less the statistic of Kolmogorov and Smirnov, which is the
#    largest distance of two distribution functions. The package takes no absolute value: synthetic values that are all
#    too small, by however much, score 1, the best there is, while with the same shift upwards they score 0.
# 2. Of a discrete column it says 1 less the total variation, which is half of the sum of the differences of all
#    shares. The package divides the sum by the number of real categories in place of two, and leaves out
#    categories that the real column lacks. A column of 100 categories, none of which is in the synthetic one, scores
#    0.99.
# 3. CoherenceScore takes weights for the columns, "allowing for weighted contributions". It divides each column of
#    the matrix of weights by its own sum, in which its own weight is all there is: no weights change the score.
#
# Matters to whoever chooses between synthetic tables by these: a generator that is wrong in one direction, or that
# invents categories, has the best score.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1 \
  loguru==0.7.3 pydantic==2.14.4 matplotlib==3.11.2
# The rest of what it asks for is for images and models, which are not used here.
"$folder/venv/bin/python" -m pip install -q --no-deps pymdma==0.3.0

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
from pymdma.tabular.measures.synthesis_val import CoherenceScore, StatisticalSimScore
from scipy.stats import ks_2samp

print("pymdma", version("pymdma"), "numpy", np.__version__)
rng = np.random.default_rng(0)
ROWS = 2000


def similar(kind, real, made):
    score = StatisticalSimScore(col_map={"column": {"type": {"tag": kind}}})
    return float(score.compute(real[:, None], made[:, None]).value[0]["column"])


real = rng.normal(size=ROWS)
shifted = {}
for shift in (-20, -1, 0, 1, 20):
    made = real + shift
    right = 1 - float(ks_2samp(real, made).statistic)
    shifted[shift] = similar("continuous", real, made), right
    print("all values shifted by {}: {:.3f}, by SciPy {:.3f}".format(shift, *shifted[shift]))
assert all(abs(shifted[shift][0] - shifted[shift][1]) < 0.05 for shift in (0, 1, 20)), "upwards it is right"
assert shifted[-20][0] > 0.999 and shifted[-1][0] > 0.999, "downwards it is right now"

apart = {}
for categories in (2, 10, 100):
    real = np.arange(ROWS) % categories
    apart[categories] = similar("discrete", real, real + categories)
    print(f"{categories} categories, {categories} others in the synthetic column: {apart[categories]:.3f}, right 0")
    assert abs(apart[categories] - (1 - 1 / categories)) < 1e-6, "it is the total variation now"
halves = np.arange(ROWS) % 2
half = similar("discrete", halves, np.where(np.arange(ROWS) % 4 < 2, halves, halves + 2))
print(f"2 categories, half of the rows in 2 others: {half:.3f}, right 0.5")
assert abs(half - 0.75) < 1e-6, "invented categories count now"

real, made = rng.normal(size=(2, ROWS, 3))
real[:, 1] = real[:, 0]
correlations = [np.corrcoef(each.T) for each in (real, made)]
wrong = np.abs(correlations[0] - correlations[1])
print(f"correlation of the first two columns off by {wrong[0, 1]:.2f}, all else by {wrong[2, :2].max():.2f} or less")
scores = {}
for weights in (None, (1, 1, 1), (1, 1, 10000), (1000, 1000, 1)):
    score = CoherenceScore(weights=None if weights is None else np.array(weights, float))
    scores[weights] = float(score.compute(real, made).value[0])
    print(f"weights {weights}: coherence {scores[weights]:.3f}")
assert len(set(scores.values())) == 1, "weights count now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
