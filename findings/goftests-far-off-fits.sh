#!/usr/bin/env bash
# goftests 0.3.0 and pyro-ppl 1.9.1, goodness of fit: the worse the fit, the better the p-value, from 1e-10 up to 1.
#
# Both have a function that is given samples and the densities that a model claims for them, and returns a p-value:
# near 0 where the samples are of another distribution, and evenly spread where they are of this one. Inside, all of
# them end in a chi-square test, whose tail is summed up as a series of a fixed 100 terms. From a statistic of about
# 100 on these are too few, and the sum that is missing is called the p-value: at 150 it is 0.002, at 200 a half, from
# 400 to 2,000 it is 1.0, and beyond 2,000 it is 0 again. Samples of a normal distribution, tested against one three
# times as wide, get 1.0; against one half as wide again, about 0. A test that asks for p > 0.01 passes the first.
#
# The statistic is not the one of Pearson either, to which the documentation links: each square is divided by
# n p (1 - p) in place of n p. For two categories this doubles it, so that a right model fails at the level of 5 % in
# 17 % of all cases. With many categories the difference is small. The source of numpyro 0.22.0 has both, too.
#
# Matters to whoever checks that a sampler and its density belong together, such as those of a normalising flow: the
# worst mistakes pass.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q goftests==0.3.0 pyro-ppl==1.9.1 numpy==2.4.6 scipy==1.17.1

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import goftests
import numpy as np
import torch
from pyro.distributions.testing import gof
from scipy import stats

print("goftests", version("goftests"), "pyro-ppl", version("pyro-ppl"), "scipy", version("scipy"))
LEVEL = 0.01

print("counts of a coin of 1,000 throws, tested for a fair one")
for heads in (500, 530, 600, 700, 800):
    counts = heads, 1000 - heads
    of_goftests = float(goftests.multinomial_goodness_of_fit([0.5, 0.5], counts, 1000))
    of_pyro = float(gof.multinomial_goodness_of_fit(torch.tensor([0.5, 0.5]), torch.tensor(counts)))
    right = stats.chisquare(counts).pvalue
    print(f"  {heads} heads: p {of_goftests:.2g} and {of_pyro:.2g}, should be {right:.2g}")
    assert abs(of_goftests - of_pyro) < 1e-6, "the two differ now"
    if heads >= 700:
        assert right < 1e-30 and min(of_goftests, of_pyro) > LEVEL, "a coin far from fair is noticed now"

heads = np.arange(300, 701)
p = [goftests.multinomial_goodness_of_fit([0.5, 0.5], (one, 1000 - one), 1000) for one in heads]
right = [stats.chisquare((one, 1000 - one)).pvalue for one in heads]
chance = stats.binom.pmf(heads, 1000, 0.5)
alarms = [float(chance[np.array(each) < 0.05].sum()) for each in (p, right)]
print("a fair coin is called unfair, at the level of 5 %, with a chance of {:.3f}; by scipy {:.3f}".format(*alarms))
assert alarms[0] > 0.15 and 0.04 < alarms[1] < 0.06, "the statistic is Pearson's now"

COUNT = 2000
samples = np.random.default_rng(0).normal(size=COUNT)
found = {}
print(f"{COUNT:,} samples of the standard normal distribution, tested for one of another width")
for width in (1, 1.5, 2, 3):
    density = stats.norm.pdf(samples, 0, width)
    order = samples.argsort()
    sorted_density = density[order]
    gaps = np.diff(samples[order]) * COUNT * np.sqrt(sorted_density[1:] * sorted_density[:-1])
    binned = np.histogram(np.exp(-gaps), bins=round(COUNT**0.333), range=(0, 1))[0]
    found[width] = (
        float(goftests.density_goodness_of_fit(samples, density)),
        float(gof.auto_goodness_of_fit(torch.tensor(samples), torch.tensor(density))),
        float(stats.chisquare(binned).pvalue),
    )
    print("  width {}: p {:.2g} and {:.2g}; the same bins with scipy {:.2g}".format(width, *found[width]))
assert min(found[1]) > LEVEL, "the right model passes"
assert max(found[1.5]) < LEVEL, "a somewhat wrong one fails"
assert min(found[3][:2]) > 0.99 and found[3][2] < 1e-30, "a far off one fails now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
