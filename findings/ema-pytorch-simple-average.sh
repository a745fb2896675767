#!/usr/bin/env bash
# ema-pytorch 0.8.3, EMA(power=1): "a simple average" that keeps half of the first weights after 10,000 steps.
#
# The class says that gamma = 1 and power = 1, a gamma of one being the default, make it a simple average. The
# decay grows with the number of calls of update(), but averages only at every update_every-th of them, 10 by
# default: the k-th average gives the new weights about 1/(10 k) where the mean of k + 1 has 1/(k + 1). Old weights
# so fade about as k to the power of -0.1: of the first ones 48% are left after 1,000 averages, in place of 0.1%, and
# of weights that run from 0 to 1 the "average" is 0.09, in place of 0.50. With update_every=1 it is right. beta
# has no part in it: its default bounds the decay only after 10,000 steps.
#
# Matters to whoever averages the last part of a training with it: the result is that part's beginning.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q ema-pytorch==0.8.3 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import torch
from ema_pytorch import EMA
from torch import nn

print("torch", torch.__version__, "ema-pytorch", version("ema-pytorch"))
STEPS = 10_000


def average(every, weights):
    net = nn.Linear(1, 1, bias=False)
    ema = EMA(net, power=1.0, update_after_step=0, update_every=every)
    for weight in weights:
        nn.init.constant_(net.weight, weight)
        ema.update()
    return ema.ema_model.weight.item()


first = [1.0] + [0.0] * STEPS
ramp = [step / STEPS for step in range(STEPS + 1)]
seen = {}
for every in (1, 10):
    taken = STEPS // every + 1
    seen[every] = average(every, first), average(every, ramp)
    print(
        f"update_every={every}: {seen[every][0]:.4f} of the first weights is left, expected {1 / taken:.4f}; "
        f"of 0 to 1 the average is {seen[every][1]:.3f}, expected 0.500"
    )

assert abs(seen[1][0] - 1 / STEPS) < 1e-5 and abs(seen[1][1] - 0.5) < 1e-3, "at every step it is the mean"
assert abs(seen[10][0] - 0.477) < 0.01, "the first weights fade now"
assert abs(seen[10][1] - 0.091) < 0.01, "the average is another now"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
