#!/usr/bin/env bash
# frouros 0.9.0: the test of Kuiper is the one of Kolmogorov and Smirnov, read off the wrong table.
#
# 1. Kuiper's statistic is the sum of two distances of distribution functions, the largest upwards and the largest
#    downwards; with it a wider or a narrower copy is seen as well as a shifted one. KuiperTest takes the statistic
#    of Kolmogorov and Smirnov, the larger of the two, and looks up how likely a sum of two of that size is. The
#    p-values are far too large: of 200 pairs of equal distributions none is below 0.05, and a copy 1.5 times as wide,
#    which Kuiper's statistic tells apart in two pairs of three, is told apart in one of twenty.
# 2. JS and KL take num_bins as PSI and HellingerDistance do, and cut one bin fewer: they take as many edges. With
#    num_bins=2 both are 0 whatever is compared.
# 3. BhattacharyyaDistance is not the negative logarithm of the coefficient but one less it, which is the square of
#    HellingerDistance: the two classes do not measure two things.
#
# Matters to whoever compares generated or later columns with data by it: a change of spread goes unseen.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q frouros==0.9.0 numpy==2.1.3 scipy==1.14.1

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
from frouros.detectors.data_drift import JS, KL, PSI, BhattacharyyaDistance, HellingerDistance, KuiperTest
from scipy.stats import kstwobign

print("frouros", version("frouros"), "numpy", np.__version__)
rng = np.random.default_rng(0)
ROWS, PAIRS = 100, 200


def measured(detector, reference, other):
    detector.fit(X=reference)
    return detector.compare(X=other)[0]


def gaps(reference, other):
    """How far the one distribution function is above the other, and the other above the one, at most."""
    at = np.concatenate([reference, other])
    both = (np.searchsorted(np.sort(each), at, side="right") / len(each) for each in (reference, other))
    above = np.subtract(*both)
    return max(above.max(), 0), max(-above.min(), 0)


# What is to be exceeded at 5%, from pairs of the same distribution: the statistic does not depend on which.
limit = np.quantile([sum(gaps(*rng.normal(size=(2, ROWS)))) for _ in range(2000)], 0.95)
found = {}
for wider in (1, 1.5, 2):
    says, should = [], []
    for _ in range(PAIRS):
        reference, other = rng.normal(size=ROWS), rng.normal(0, wider, ROWS)
        result = measured(KuiperTest(), reference, other)
        assert abs(result.statistic - max(gaps(reference, other))) < 1e-9, "it is a sum of both now"
        says.append(result.p_value < 0.05)
        should.append(sum(gaps(reference, other)) > limit)
    found[wider] = np.mean(says), np.mean(should)
    print(f"deviation {wider} in place of 1: {found[wider][0]:.1%} of pairs told apart at 5%, by Kuiper's statistic "
          f"{found[wider][1]:.1%}")
assert found[1][0] < 0.01 and found[1.5][0] < 0.1, "its p-values are smaller now"
assert 0.02 < found[1][1] < 0.08 and found[1.5][1] > 0.6
twice = measured(KuiperTest(), np.arange(100.0), np.arange(25.0, 125.0))
known = kstwobign.sf(twice.statistic * 50**0.5)
print(f"a shift by a quarter of a uniform sample: statistic {twice.statistic:.2f}, p-value {twice.p_value:.4f}; "
      f"of the statistic of Kolmogorov and Smirnov {known:.4f}")
assert twice.p_value > 5 * known

near, far = rng.normal(size=(2, 500))
far = far + 5
for bins in (2, 3, 10):
    print(f"num_bins={bins}:", {each.__name__: round(float(measured(each(num_bins=bins), near, far).distance), 3)
                                for each in (JS, KL, PSI, HellingerDistance)})
for each in (JS, KL):
    assert abs(measured(each(num_bins=2), near, far).distance) < 1e-9, "it cuts as many bins now"
for each in (PSI, HellingerDistance):
    assert measured(each(num_bins=2), near, far).distance > 0.5

for shift in (0.5, 1, 2):
    pair = near, near + shift
    said, root = (float(measured(each(), *pair).distance) for each in (BhattacharyyaDistance, HellingerDistance))
    print(f"shifted by {shift}: {said:.4f}, square of Hellinger's {root**2:.4f}, the logarithm {-np.log1p(-said):.4f}")
    assert abs(said - root**2) < 1e-9, "it is the logarithm now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
