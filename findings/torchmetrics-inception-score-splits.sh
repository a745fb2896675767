#!/usr/bin/env bash
# torchmetrics 1.9.0, InceptionScore: two surprises on valid input.
#
# splits=10 is documented as "how many splits should be used", and the score is the mean over them.
# 1. The samples are divided by torch.chunk, which gives fewer parts and a short last one: 15 samples
#    are 8 parts (seven of 2, one of 1), 11 are 6 parts. The score of n samples of n classes, each
#    certain, is the mean size of the parts: 1.1 for 11 in ten parts that differ by one at most, as
#    numpy.array_split makes them; torchmetrics returns 11 / 6 = 1.8333.
# 2. A class that no sample of a part has gives 0 * (x - log 0), which is NaN, as soon as the logits
#    of float32 features lie some 104 apart and the softmax underflows. The limit is 0, and the score
#    of certain and balanced samples is their number of classes.
#
# Matters to whoever scores fewer samples than a few hundred, or a number that ten does not divide,
# and to whoever gives the metric a classifier of their own, whose logits may be large.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torchmetrics==1.9.0 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
import math
import sys
import warnings

import numpy as np
import torch
import torchmetrics
from torchmetrics.image.inception import InceptionScore

warnings.simplefilter("ignore")


def score(logits, splits):
    metric = InceptionScore(torch.nn.Identity(), splits=splits)
    metric.update(logits)
    mean, _ = metric.compute()
    return float(mean)


print("torch", torch.__version__, "torchmetrics", torchmetrics.__version__)
seen = []
for count in (11, 15):
    found = score(50.0 * torch.eye(count), splits=10)
    parts = len(torch.zeros(count).chunk(10))
    right = np.mean([len(part) for part in np.array_split(np.arange(count), 10)])
    print(f"{count} certain samples in 10 splits: {found:.4f} ({parts} parts), expected {right:.4f}")
    seen.append(math.isclose(found, count / parts, rel_tol=1e-4))

for apart in (100.0, 104.0):
    logits = apart * torch.eye(3)[:2].repeat(10, 1)  # the third class is never met
    found = score(logits, splits=1)
    print(f"two of three classes, logits {apart:g} apart in float32: {found:.4f}, expected 2.0000")
    seen.append(math.isnan(found) == (apart == 104.0))
sys.exit(not all(seen))
PYTHON
if "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
