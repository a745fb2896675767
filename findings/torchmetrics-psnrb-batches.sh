#!/usr/bin/env bash
# torchmetrics 1.9.0, PeakSignalNoiseRatioWithBlockedEffect: the more images it is given, the worse the score.
#
# PSNR-B is the peak signal-to-noise ratio with the steps at the borders of blocks added to the squared error. The
# error is a mean over all pixels of all images. The measure of the blocks is not: differences at the borders are
# summed over the images, and divided by the number of pixels of one image. Sixteen copies of a pair have sixteen
# times its block effect, and so a lower score than the pair, by almost 11 dB where blocks are most of the
# error. A data set's score depends on its size, and one of a validation set cannot be compared with one of a test
# set. The function does so with a batch, the class with as many updates as there are. Nor is the formula in the
# documentation the one that is computed: there the block effect is subtracted from the error, which would reward it.
#
# Matters to whoever scores more than one image at a time, as with any metric that is fed by a loader.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torchmetrics==1.9.0 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
import numpy as np
import torch
import torchmetrics
from torchmetrics.functional.image import peak_signal_noise_ratio_with_blocked_effect as psnrb
from torchmetrics.image import PeakSignalNoiseRatioWithBlockedEffect

print("torch", torch.__version__, "torchmetrics", torchmetrics.__version__)
SIDE, BLOCK = 64, 8


def independent(seen, true):
    """The score of one image, by the paper: mean squared error, and how much steeper the borders of blocks are."""
    steps = [np.diff(seen, axis=axis) ** 2 for axis in (1, 0)]
    border = (np.arange(SIDE - 1) + 1) % BLOCK == 0
    at = sum(step.take(np.flatnonzero(border), axis=axis).sum() for step, axis in zip(steps, (1, 0)))
    elsewhere = sum(step.sum() for step in steps) - at
    borders = 2 * (SIDE * SIDE / BLOCK - 1)
    at, elsewhere = at / borders, elsewhere / (2 * SIDE * (SIDE - 1) - borders)
    effect = max(at - elsewhere, 0) * np.log2(BLOCK) / np.log2(SIDE)
    error = ((seen - true) ** 2).mean()
    return 10 * np.log10(1 / (error + effect)), error, effect


line = torch.linspace(0.1, 0.9, SIDE)
true = (line[:, None] + line[None]) / 2  # a ramp, and as a coder might give it back: one grey for each block
seen = true.reshape(8, 8, 8, 8).mean((1, 3)).repeat_interleave(8, 0).repeat_interleave(8, 1)
expected, error, effect = independent(seen.double().numpy(), true.double().numpy())
print(f"squared error {error:.5f}, block effect {effect:.5f}: PSNR-B {expected:.2f} dB")

scores = {}
for count in (1, 4, 16, 64):
    metric = PeakSignalNoiseRatioWithBlockedEffect(data_range=1.0)
    for _ in range(count):
        metric.update(seen[None, None], true[None, None])
    stack = [image[None, None].repeat(count, 1, 1, 1) for image in (seen, true)]
    scores[count] = metric.compute().item(), psnrb(*stack, data_range=1.0).item()
    print(f"{count} times the same pair: {scores[count][0]:.2f} dB in updates, {scores[count][1]:.2f} dB in a batch")

assert all(abs(score - expected) < 1e-3 for score in scores[1]), "one image has the score of the paper"
subtracted = 10 * np.log10(1 / abs(error - effect))
assert abs(scores[1][0] - subtracted) > 1, "the block effect is subtracted now"
for count, found in scores.items():
    wrong = 10 * np.log10(1 / (error + count * effect))
    assert all(abs(score - wrong) < 1e-2 for score in found), "the number of images does not matter any more"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
