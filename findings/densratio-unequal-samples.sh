#!/usr/bin/env bash
# densratio 0.4.0, RuLSIF: with more samples of q than of p the divergence between them is negative.
#
# Beside the ratio p / (alpha p + (1 - alpha) q) the package returns the Pearson divergence of the two, alpha_PE,
# as half the mean of (ratio - 1) squared, which cannot be below zero. Its estimate has two means over the samples
# of p and one over those of q. All three sums are divided by the number of samples of p. With as many of each the
# result is right; with ten times as many of q it is about -5 in place of 0.1, with a quarter as many it is five
# times too large. Nothing is said, and the two samples may differ in size everywhere else.
#
# Nor is what chooses sigma and lambda the leave-one-out score of the paper that it cites: one of two terms lacks its
# division, and the score printed for a pair is not the one of fits without each sample in turn. The pair chosen
# is mostly the same one, but not always.
#
# Matters to whoever compares generated samples with data, of which there seldom are as many of each: the divergence
# measures the sizes then. The ratio itself is right.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q densratio==0.4.0 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
import contextlib
import io
import re
from importlib.metadata import version

import numpy as np
from densratio import densratio

print("densratio", version("densratio"), "numpy", np.__version__)
ALPHA, WIDER = 0.1, 1.5


def normal(at, deviation):
    return np.exp(-((at / deviation) ** 2) / 2) / deviation / np.sqrt(2 * np.pi)


grid = np.linspace(-12, 12, 20001)
mixture = ALPHA * normal(grid, 1) + (1 - ALPHA) * normal(grid, WIDER)
true = (mixture * (normal(grid, 1) / mixture - 1) ** 2).sum() * (grid[1] - grid[0]) / 2
print(f"divergence of the two normal distributions: {true:.3f}")

rng = np.random.default_rng(0)
wrong = {}
for several, others in ((1000, 1000), (1000, 2000), (1000, 10000), (2000, 500)):
    np.random.seed(0)
    x, y = rng.normal(0, 1, (several, 1)), rng.normal(0, WIDER, (others, 1))
    found = densratio(x, y, method="RuLSIF", alpha=ALPHA, sigma=[0.7], lambda_=[0.01], verbose=False)
    of_x, of_y = (found.compute_density_ratio(each) for each in (x, y))
    means = of_x.mean() - ALPHA * (of_x**2).mean() / 2 - (1 - ALPHA) * (of_y**2).mean() / 2 - 0.5
    wrong[several, others] = found.alpha_PE
    print(f"{several} samples and {others}: alpha_PE {found.alpha_PE:.3f}; from the ratios it returns {means:.3f}")
    assert abs(means - true) < 0.05, "its ratios are good ones"
    as_many = means - (1 - ALPHA) * (of_y**2).mean() / 2 * (others / several - 1)
    assert abs(found.alpha_PE - as_many) < 1e-6, "the sum over y is divided by its own number now"
assert abs(wrong[1000, 1000] - true) < 0.05 and wrong[1000, 10000] < -3 and wrong[2000, 500] > 3 * true

x, y = rng.normal(0, 1, (60, 1)), rng.normal(0.5, 1.5, (60, 1))
for sigma, penalty in ((0.3, 0.1), (1.0, 0.1), (1.0, 0.001)):
    of_x, of_y = (np.exp(-((each - x.T) ** 2) / 2 / sigma**2) for each in (x, y))  # every x is a centre
    left_out = 0.0
    for one in range(60):
        rest_x, rest_y = np.delete(of_x, one, 0), np.delete(of_y, one, 0)
        weights = np.linalg.solve(rest_y.T @ rest_y / 59 + penalty * np.eye(60), rest_x.mean(0)).clip(0)
        left_out += ((of_y[one] @ weights) ** 2 / 2 - of_x[one] @ weights) / 60
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        densratio(x, y, sigma=[sigma, sigma], lambda_=[penalty], kernel_num=60)
    score = float(re.search(r"score = (\S+)", said.getvalue())[1])
    print(f"sigma {sigma}, lambda {penalty}: score {score:.4f}; left out one by one {left_out:.4f}")
    assert abs(score / left_out - 1) > 0.02, "the score is the one of leaving out now"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
