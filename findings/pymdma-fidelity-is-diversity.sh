#!/usr/bin/env bash
# pymdma 0.3.0, PrecisionRecallDistribution: its measure of fidelity is its measure of diversity, to nine digits.
#
# Of the curve of precision and recall the metric gives two numbers, after the paper that it cites: max_f_beta, the
# largest F score for a beta of 8, which follows recall, and max_f_beta_inv, the largest for a beta of 1/8, which
# follows precision. For the second it does not only turn beta over, it also hands precision and recall over the
# other way round. An F score with both turned is the one it was, whatever the data: both numbers say how diverse
# the samples are. Half a set of noise beside good samples has 0.96 twice, where 0.50 is the second; half of the modes
# dropped has 0.47 twice, where it is 0.95.
#
# The curve itself is right, and so is max_f_beta of the two sets exchanged, which is the number that is missing.
#
# Matters to whoever tells poor samples from few kinds of samples by it: poor ones are not seen at all.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 scikit-learn==1.9.1 pydantic==2.14.4 matplotlib==3.11.2
# The rest of what it asks for is for images and models, which are not used here.
"$folder/venv/bin/python" -m pip install -q --no-deps pymdma==0.3.0

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
from pymdma.general.measures.prd import PrecisionRecallDistribution

print("pymdma", version("pymdma"), "numpy", np.__version__)
BETA, COUNT = 8, 600
MODES = np.array([[0, 0], [6, 0], [0, 6], [6, 6]])
rng = np.random.default_rng(0)


def draw(modes, count=COUNT):
    return MODES[rng.choice(modes, count)] + rng.normal(0, 0.5, (count, 2))


def largest(precision, recall, beta):
    """The F score of van Rijsbergen: precision and recall by the harmonic mean, recall beta² times as heavy."""
    return float(((1 + beta**2) / (1 / precision + beta**2 / recall)).max())


metric = PrecisionRecallDistribution(num_clusters=20, num_runs=1, beta=BETA)
noise = rng.normal([20, 20], 0.5, (COUNT // 2, 2))
real = draw(4)
seen = {}
for name, made in {
    "as good as real": draw(4),
    "half of the modes": draw(2),
    "half of it noise": np.concatenate([draw(4, COUNT // 2), noise]),
}.items():
    result = metric.compute(real, made)
    both = result.stats[0]
    curve = result.value[0]
    kept = [np.array(curve[each]) for each in ("precision_values", "recall_values")]
    precision, recall = (each[(kept[0] > 0) & (kept[1] > 0)] for each in kept)
    right = [largest(precision, recall, beta) for beta in (BETA, 1 / BETA)]
    swapped = metric.compute(made, real).stats[0]["max_f_beta"]
    seen[name] = both["max_f_beta"], both["max_f_beta_inv"], *right, swapped
    print("{}: max_f_beta {:.4f}, max_f_beta_inv {:.4f}; of its curve {:.4f} and {:.4f}; max_f_beta of the two sets "
          "exchanged {:.4f}".format(name, *seen[name]))

for diversity, fidelity, first, second, exchanged in seen.values():
    assert abs(diversity - first) < 1e-6 and abs(exchanged - second) < 0.03, "the first number is right"
    assert abs(diversity - fidelity) < 1e-8, "the second number is another now"
assert seen["half of it noise"][1] > 0.9 > 0.6 > seen["half of it noise"][3]
assert seen["half of the modes"][1] < 0.6 < 0.9 < seen["half of the modes"][3]
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
