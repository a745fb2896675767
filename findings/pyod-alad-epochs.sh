#!/usr/bin/env bash
# PyOD 3.6.7, ALAD: an epoch is one batch, so that most rows of a larger table are never trained on.
#
# The argument epochs is documented as the number of epochs to train the model. But each of them shuffles the
# rows and trains on the first batch_size of them alone: the default, 200 epochs of 32 rows, are 200 updates
# on 6,400 rows, whether 100 rows are given or 20,000. Of 20,000 rows three quarters have no part in the fit,
# and which do is up to numpy's global generator. VAE of the same package goes through all rows in each epoch.
#
# Matters to whoever compares ALAD with others at "the same epochs": on large data it has hardly been trained.
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
from pyod.models.vae import VAE

print("pyod", version("pyod"), "torch", torch.__version__)


class SeenALAD(ALAD):
    """Keeps the rows of every update, without their noise: the first number of each is its own."""

    rows = ()

    def train_step(self, data):
        self.rows = [*self.rows, *np.rint(data[0][:, 0]).astype(int)]
        return super().train_step(data)


class CountedVAE(VAE):
    updates = 0

    def training_forward(self, batch):
        self.updates += 1
        return super().training_forward(batch)


seen = {}
for count in (100, 20_000):
    x = np.random.default_rng(0).normal(size=(count, 3))
    x[:, 0] = np.arange(count)
    np.random.seed(0)
    torch.manual_seed(0)
    alad = SeenALAD().fit(x, noise_std=0.01)
    vae = CountedVAE(epoch_num=1, verbose=0).fit(x)
    updates, rows = len(alad.hist_loss_gen), len({*alad.rows})
    seen[count] = updates, rows, vae.updates
    print(f"{count:,} rows: {alad.epochs} epochs of ALAD are {updates} updates on {rows:,} of the rows;")
    print(f"  one epoch of VAE has {vae.updates} updates")
sys.exit(
    not (seen[100] == (200, 100, 3) and seen[20_000][0] == 200)
    or not (4_000 < seen[20_000][1] <= 6_400 and seen[20_000][2] == 625)
)
PYTHON
if OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
