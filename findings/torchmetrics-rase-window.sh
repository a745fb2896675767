#!/usr/bin/env bash
# torchmetrics 1.9.0, RelativeAverageSpectralError: a tenth off everywhere is called 640 %.
#
# RASE is a percentage: the root of the mean squared error over the mean brightness. An image of 100 given back as
# 110 everywhere has 10. In sliding windows both parts are means over a window. The error is; the brightness is a
# mean over the window that is then divided by the window's number of pixels once more. With the default window of 8
# the result is 64 times too large, and another window gives another number even of flat images: 40 with 2, 2560
# with 16. So neither its size nor a comparison between windows says anything; only order at one window is kept.
#
# Matters to whoever reads the percentage, or sets it beside that of a paper or of another program.
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
from torchmetrics.image import RelativeAverageSpectralError

print("torch", torch.__version__, "torchmetrics", torchmetrics.__version__)


def scored(seen, true, window):
    metric = RelativeAverageSpectralError(window_size=window)
    metric.update(seen, true)
    return metric.compute().item()


def independent(seen, true, window):
    """The same over all windows inside of one image, from the mean error and the mean brightness of each window."""
    squares, brightness = (
        np.lib.stride_tricks.sliding_window_view(each, (window, window), axis=(1, 2)).mean((-1, -2))
        for each in ((seen - true) ** 2, true)
    )
    return (100 / brightness.mean(0) * np.sqrt(squares.mean(0))).mean()


flat = torch.full((1, 3, 64, 64), 100.0)
noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 100 + 50
for window in (2, 4, 8, 16):
    tenth = scored(flat * 1.1, flat, window)
    noisy = scored(noise * 1.1, noise, window)
    expected = independent((noise * 1.1)[0].double().numpy(), noise[0].double().numpy(), window)
    print(f"window {window}: flat images a tenth off {tenth:.1f} %, noise {noisy:.1f} %; it should be 10.0 % and "
          f"{expected:.1f} %")
    assert abs(tenth / (10 * window**2) - 1) < 1e-3, "the size of the window does not matter any more"
    assert abs(noisy / (expected * window**2) - 1) < 0.02, "the size of the window does not matter any more"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
