#!/usr/bin/env bash
# entropy-estimators 0.0.2: variables that say nothing about another share 8 nats of information on it.
#
# 1. get_imin adds a term that belongs subtracted, as get_mi has it: information at a point is the digamma of k and of
#    the number of points, less those of the two numbers of neighbours. Of three independent variables 0 is right and
#    8.1 is said, and the more points, the more. get_pid builds on it: what one variable alone says is -8 nats, synergy
#    +8. Of one variable given twice the redundancy is its mutual information by definition; it is 8.4 in place of 0.8.
# 2. get_h(norm="euclidean") takes twice the distance to the neighbour, and the volume of a ball for once it: the
#    entropy is too large by log 2 for each column. In one column both norms are the same number; the results differ.
# 3. get_mi counts the neighbours nearer than the k-th, by its comments and its formula, but the k-th is counted too.
#    Independent variables so have a mutual information below zero, strongly dependent ones 0.26 too little with the
#    default k=1. The readme puts that down to the estimator. Counted as written it is right, as with scikit-learn.
#
# Matters to whoever looks for which columns of synthetic data keep what they say of each other.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q entropy-estimators==0.0.2 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
from entropy_estimators import continuous
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression

print("entropy-estimators", version("entropy-estimators"), "numpy", np.__version__)
rng = np.random.default_rng(0)
ROWS = 1000


def pair(correlation):
    return rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], ROWS).T


first, second, target = rng.normal(size=(3, ROWS))
shared = continuous.get_imin(first, second, target, k=5)
parts = [float(each) for each in continuous.get_pid(first, second, target, k=5)]
print(f"three independent variables: redundancy {shared:.2f}; synergy {parts[0]:.2f}, alone {parts[1]:.2f} and "
      f"{parts[2]:.2f}, all 0 in truth")
assert shared > 7 and parts[0] > 7 and parts[1] < -7 and parts[2] < -7, "its sign is right now"
same, target = pair(0.9)
twice, once = (float(each) for each in (continuous.get_imin(same, same, target, k=5),
                                        continuous.get_mi(same, target, k=5)))
print(f"one variable twice: redundancy {twice:.2f}, mutual information {once:.2f}, in truth {-np.log(0.19) / 2:.2f}")
assert twice > 5 * once

for columns in (1, 2, 5):
    sample = rng.normal(size=(4 * ROWS, columns))
    largest, euclidean = (float(continuous.get_h(sample, k=5, norm=norm)) for norm in ("max", "euclidean"))
    true = columns / 2 * np.log(2 * np.pi * np.e)
    print(f"entropy of {columns} columns: norm max {largest:.3f}, euclidean {euclidean:.3f}, in truth {true:.3f}")
    assert abs(largest - true) < 0.15 and abs(euclidean - true - columns * np.log(2)) < 0.15, "both are right now"
    assert columns > 1 or abs(euclidean - largest - np.log(2)) < 1e-9

for correlation in (0, 0.9, 0.999):
    found = []
    for _ in range(5):
        x, y = pair(correlation)
        apart = [np.abs(each[:, None] - each) for each in (x, y)]
        nearest = np.sort(np.maximum(*apart), 1)[:, 1:2]
        nearer = [(each < nearest).sum(1) for each in apart]  # with the point itself
        counted = digamma(1) + digamma(ROWS) - sum(digamma(each).mean() for each in nearer)
        other = mutual_info_regression(x[:, None], y, n_neighbors=1, random_state=0)[0]
        found.append([continuous.get_mi(x, y), counted, other])
    said, counted, other = np.mean(found, 0)
    true = -np.log(1 - correlation**2) / 2
    print(f"correlation {correlation}: mutual information {said:.3f}; counted as written {counted:.3f}, "
          f"by scikit-learn {other:.3f}, in truth {abs(true):.3f}")
    assert abs(counted - true) < 0.06 and abs(other - true) < 0.06, "as written it is right"
    assert said < counted - 0.05, "it counts as written now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
