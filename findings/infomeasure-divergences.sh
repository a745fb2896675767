#!/usr/bin/env bash
# infomeasure 0.6.3: divergences of samples below zero and above their bound, mostly as the samples differ in number.
#
# 1. kld(approach="metric"), by nearest neighbours, sums over the samples of p and divides by the number of those of q.
#    Of two samples of one distribution it says 28 where there are five times fewer of q, and -11 of two different ones
#    with four times fewer. The documentation has an example of this cross-entropy with 200 and 500 samples.
#    approach="renyi" with alpha=1, which is by the same neighbours, is right.
# 2. jsd(approach="kernel") takes all samples together for the mixture of both distributions, but the plain mean of
#    the two entropies: with ten times as many samples of one the divergence is -0.3, of the other 0.6, in place of 0.2.
# 3. With kernel="gaussian" it exceeds log 2, which the documentation gives as the bound, with equal numbers too. The
#    bandwidth is a share of the spread of the data, and so another for the mixture than for its parts: the farther two
#    distributions are apart the more of it is spread, 5.2 at a distance of 1000 deviations. With kernel="box" it
#    stays at log 2.
# 4. kld(approach="discrete") leaves out values that q lacks, for which the divergence is infinite, in the cross-entropy
#    but not in the entropy: the less q covers, the less p differs from it, and with nothing in common it is -2.3.
#
# Matters to whoever compares generated samples with data, of which there seldom are as many of each.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scipy==1.17.1
# What it asks for beside these two is for transfer entropy, which is not used here.
"$folder/venv/bin/python" -m pip install -q --no-deps infomeasure==0.6.3

cat > "$folder/seen.py" <<'PYTHON'
import logging
from importlib.metadata import version

import infomeasure as im
import numpy as np

logging.disable(logging.WARNING)
print("infomeasure", version("infomeasure"), "numpy", np.__version__)
rng = np.random.default_rng(0)
BOUND = np.log(2)

true = np.log(1.5) + 1 / 2.25 - 0.5  # of the normal distributions (0, 1) and (1, 1.5)
print(f"divergence of the two normal distributions: {true:.2f}")
metric = {}
for several, others in ((1000, 1000), (4000, 1000), (1000, 4000), (200, 500)):
    p, q = rng.normal(0, 1, several), rng.normal(1, 1.5, others)
    metric[several, others] = float(im.kld(p, q, approach="metric"))
    sibling = float(im.kld(p, q, approach="renyi", alpha=1))
    print(f"{several} samples and {others}: metric {metric[several, others]:.2f}, renyi of order 1 {sibling:.2f}")
    assert abs(sibling - true) < 0.25, "by the other approach it is right"
    # What it divides by the wrong number is the mean of the logarithms of distances, doubled.
    apart = np.sort(np.abs(p[:, None] - q), 1)[:, 3]
    extra = np.log(2 * apart).mean() * (several / others - 1)
    assert abs(metric[several, others] - extra - true) < 0.25, "it divides by the number of samples of p now"
assert abs(metric[1000, 1000] - true) < 0.25 and metric[4000, 1000] < -5 and metric[1000, 4000] > 2
p, q = rng.normal(0, 10, (1000, 3)), rng.normal(0, 10, (200, 3))
same = float(im.kld(p, q, approach="metric"))
print(f"1000 samples and 200 of one distribution in three dimensions: {same:.1f}")
assert same > 10

unequal = {}
for several, others in ((1000, 1000), (1000, 100), (100, 1000)):
    p, q = rng.normal(0, 1, several), rng.normal(0, 3, others)
    unequal[several, others] = float(im.jsd(p, q, approach="kernel", kernel="box", bandwidth=0.5))
    print(f"Jensen-Shannon of {several} samples and {others}: {unequal[several, others]:.2f}")
assert 0.1 < unequal[1000, 1000] < 0.3 and unequal[1000, 100] < -0.1, "it is not negative now"

for distance in (1, 10, 100, 1000):
    p, q = rng.normal(0, 1, 1000), rng.normal(distance, 1, 1000)
    found = [
        float(im.jsd(p, q, approach="kernel", kernel=kernel, bandwidth=bandwidth))
        for kernel, bandwidth in (("gaussian", 0.3), ("box", 0.5))
    ]
    print(f"Jensen-Shannon at a distance of {distance}: gaussian {found[0]:.2f}, box {found[1]:.2f}, "
          f"at most {BOUND:.2f}")
    assert found[1] < BOUND + 1e-6 and (found[0] > BOUND + 0.1) == (distance >= 10), "it has its bound now"

values = np.arange(1000) % 10
for shift in (0, 5, 10):
    found = float(im.kld(values, values + shift, approach="discrete"))
    print(f"10 values and the same plus {shift}: {found:.2f}")
    assert abs(found + np.log(10) * min(shift, 10) / 10) < 1e-6, "values that q lacks count now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
