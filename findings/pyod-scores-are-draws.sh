#!/usr/bin/env bash
# PyOD 3.6.7, VAE and ALAD: a fitted detector gives the same sample another score at every call.
#
# A detector's score is a function of the sample. But VAE draws its latent when it scores as it does in
# training, and reports the distance to that one draw's reconstruction; ALAD never leaves training mode, so
# that its dropout goes on. So decision_function and predict change from call to call, training samples get
# other labels than labels_ has, and batches of other sizes and orders give other scores. random_state seeds
# the generators of numpy, torch and Python once, when a VAE is constructed, for the whole process; no
# argument makes scoring repeatable. An isolation forest of the same package gives the same scores twice.
#
# Matters to whoever ranks, compares or alarms by these scores: near the threshold a label is a coin.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q pyod==3.6.7 numpy==2.4.6 scikit-learn==1.9.1 tqdm==4.70.1 \
  pandas==3.1.1 matplotlib==3.11.2

cat > "$folder/seen.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import torch
from pyod.models.alad import ALAD
from pyod.models.iforest import IForest
from pyod.models.vae import VAE

print("pyod", version("pyod"), "torch", torch.__version__)
x = np.random.default_rng(0).normal(size=(400, 6))
seen = {}
for detector in (IForest(random_state=0), VAE(random_state=0, verbose=0), ALAD()):
    torch.manual_seed(0)
    detector.fit(x)
    first, second = detector.decision_function(x), detector.decision_function(x)
    differ = float(np.mean(first != second))
    other = float(np.mean(detector.predict(x) != detector.labels_))
    name = type(detector).__name__
    seen[name] = differ, other
    print(f"{name}: {differ:.0%} of scores differ at the second call; {other:.1%} of training labels")
steady = seen["IForest"] == (0, 0)
drawn = all(seen[name][0] > 0.9 and seen[name][1] > 0 for name in ("VAE", "ALAD"))
sys.exit(not (steady and drawn))
PYTHON
if OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
