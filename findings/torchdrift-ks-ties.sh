#!/usr/bin/env bash
# torchdrift 0.1.0, KSDriftDetector: two equal samples are as different as can be if their values repeat.
#
# The statistic of Kolmogorov and Smirnov is the largest distance of two distribution functions, over all values.
# The detector sorts both samples together and takes the distance after each row. Between rows of one value it has
# seen those of one sample and not yet those of the other. Where both samples are one constant it says 1, the most
# there is, with a p-value of 0. Bits, categories and what comes out of a ReLU repeat their values: of ten pairs of
# samples of one distribution, 300 rows each, eight to ten are told apart at 1%. With values that do not repeat the
# statistic is SciPy's.
#
# The p-value is how likely a larger statistic is, not one as large: with ten rows each and 0.3 it is 0.42 in place
# of 0.79.
#
# Matters to whoever watches features of a network, or columns of a table, by it: drift is reported where there is none.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torchdrift==0.1.0.post1 numpy==2.4.6 scipy==1.17.1 tqdm==4.70.1

cat > "$folder/seen.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import torch
from scipy.stats import ks_2samp
from torchdrift.detectors import KSDriftDetector, ks_p_value

warnings.simplefilter("ignore")  # SciPy says where it takes the asymptotic p-value
print("torchdrift", version("torchdrift"), "torch", torch.__version__)
torch.manual_seed(0)
ROWS, PAIRS = 300, 10
draws = {
    "normal": lambda: torch.randn(ROWS, 1),
    "normal, after a ReLU": lambda: torch.randn(ROWS, 1).relu(),
    "mostly zero after a ReLU": lambda: (torch.randn(ROWS, 1) - 1).relu(),
    "bits": lambda: torch.randint(0, 2, (ROWS, 1)).float(),
    "constant": lambda: torch.zeros(ROWS, 1),
}


def detected(reference, other, **arguments):
    detector = KSDriftDetector(**arguments)
    detector.fit(reference)
    return float(detector(other))


for name, draw in draws.items():
    rejected, right, distances, true = 0, 0, [], []
    for _ in range(PAIRS):
        reference, other = draw(), draw()
        scipy = ks_2samp(reference[:, 0].numpy(), other[:, 0].numpy())
        distances.append(detected(reference, other))
        true.append(float(scipy.statistic))
        rejected += detected(reference, other, return_p_value=True) < 0.01
        right += scipy.pvalue < 0.01
    print(f"{name}: statistic up to {max(distances):.2f}, by SciPy {max(true):.2f}; {rejected} of {PAIRS} pairs of the "
          f"same distribution told apart at 1%, by SciPy {right}")
    if name == "normal":
        assert max(abs(one - other) for one, other in zip(distances, true, strict=True)) < 1e-5 and rejected < 3
    else:
        assert right < 3 and rejected >= 5 and max(distances) > max(true) + 0.2, "ties are taken together now"

for rows, statistic in ((5, 0.6), (10, 0.3), (10, 0.5)):
    reached, exceeded = (ks_p_value(rows, rows, statistic + change) for change in (-1e-6, 1e-6))
    low = torch.arange(float(rows))[:, None]
    shifted = low + round(statistic * rows) - 0.5
    said = detected(low, shifted, return_p_value=True)
    exact = ks_2samp(low[:, 0].numpy(), shifted[:, 0].numpy(), method="exact")
    print(f"{rows} rows each, statistic {exact.statistic:.1f}: p-value {said:.3f}, by SciPy {exact.pvalue:.3f}; "
          f"of reaching it {reached:.3f}, of exceeding it {exceeded:.3f}")
    assert abs(reached - exact.pvalue) < 1e-6 and abs(said - exceeded) < 1e-6, "the p-value is of reaching it now"
    assert said < 0.6 * exact.pvalue
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
