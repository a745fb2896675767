#!/usr/bin/env bash
# hyppo 0.5.2, ksample.MMD(bias=True): two samples of one distribution are told apart, always.
#
# 1. From 21 rows on, MMD takes its p-value from a chi-square distribution that holds for the unbiased statistic
#    alone. Energy of the same package knows: with bias=True it permutes instead. MMD does not, and the biased
#    statistic, which is a square root, is far from zero for samples without any difference: each pair of them is
#    rejected at 5%. With auto=False, which permutes, few are, as with Energy.
# 2. random_state, which MMD.test takes as Energy.test does, goes nowhere: the permutations, and so p-values, differ
#    from call to call. With Energy they repeat.
# 3. The statistics are not those whose formulas the documentation of the two gives, nor a multiple of them. That
#    of MMD is a correlation, divided by something where Energy multiplies by it: of two samples as different as can
#    be, with a squared discrepancy of 2, it says 1/8, and samples with a third of that discrepancy have two
#    thirds of that value. Energy(bias=True) has a square root where the formula has none.
#
# Matters to whoever compares generated samples with real ones by these tests: a perfect generator fails.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q hyppo==0.5.2 numpy==2.3.5 scipy==1.17.1 scikit-learn==1.9.1 \
  numba==0.68.1 llvmlite==0.50.0 pandas==2.3.3 statsmodels==0.15.0 formulaic==1.2.2 autograd==1.9.1 \
  patsy==1.0.3 future==1.0.0 joblib==1.6.0

cat > "$folder/seen.py" <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
from hyppo.ksample import MMD, Energy
from scipy.spatial.distance import cdist

warnings.simplefilter("ignore")
print("hyppo", version("hyppo"), "numpy", np.__version__)
ROWS, PAIRS, GAMMA = 40, 20, 0.5
draws = np.random.default_rng(0)
pairs = [draws.normal(size=(2, ROWS, 2)) for _ in range(PAIRS)]


def rejected(test, **arguments):
    """Share of pairs of samples of the same distribution that the test tells apart at 5%."""
    share = np.mean([test().test(x, y, **arguments).pvalue < 0.05 for x, y in pairs])
    return float(share)


shares = {
    "MMD(bias=True)": rejected(lambda: MMD(bias=True)),
    "MMD(bias=True), permutations": rejected(lambda: MMD(bias=True), auto=False, reps=39),
    "MMD(bias=False)": rejected(MMD),
    "Energy(bias=True)": rejected(lambda: Energy(bias=True), reps=39),
}
for name, share in shares.items():
    print(f"{name}: {share:.0%} of pairs of the same distribution are rejected at 5%")

x, y = pairs[0]
repeats = {
    test: len({test(bias=True).test(x, y, auto=False, reps=39, random_state=0).pvalue for _ in range(6)})
    for test in (MMD, Energy)
}
for test, count in repeats.items():
    print(f"{test.__name__}: {count} p-values of 6 calls with random_state=0")


def kernel(a, b):
    return np.exp(-GAMMA * cdist(a, b, "sqeuclidean"))


def discrepancy(a, b):
    """The unbiased square, as documented for MMD."""
    within = sum((kernel(each, each).sum() - len(each)) / (len(each) * (len(each) - 1)) for each in (a, b))
    return float(within - 2 * kernel(a, b).mean())


def energy(a, b):
    return float(2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean())


ratios, roots = [], []
for name, a, b in (
    ("shifted by 1", x, y + 1),
    ("shifted by 5", x, y + 5),
    ("two points far apart", 0.001 * x, 0.001 * y + 50),
):
    right, said = discrepancy(a, b), float(MMD(gamma=GAMMA).statistic(a, b))
    ratios.append(said / right)
    far, root = energy(a, b), float(Energy(bias=True).statistic(a, b))
    roots.append(root / far**0.5)
    print(f"{name}: squared MMD {right:.3f}, statistic {said:.3f}; energy {far:.2f}, statistic {root:.2f}")
print(f"statistic of MMD by its formula: {ratios}")
print(f"statistic of Energy by the root of its formula: {roots}, four by the root of two is {4 / 2**0.5}")

good = max(share for name, share in shares.items() if name != "MMD(bias=True)")
sys.exit(
    not (shares["MMD(bias=True)"] > 0.9 and good < 0.4)
    or not (repeats[MMD] > 1 and repeats[Energy] == 1)
    or not (max(ratios) > 1.5 * min(ratios) and abs(ratios[-1] - 1 / 16) < 1e-3)
    or not np.allclose(roots, 4 / 2**0.5)
)
PYTHON
# What is compiled are sums over matrices: the same code without the wait for its compilation.
if NUMBA_DISABLE_JIT=1 OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
