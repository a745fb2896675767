#!/usr/bin/env bash
# sewar 0.4.10, uqi and msssim: unrelated images are 97 % alike, and the order of the colours matters.
#
# 1. uqi, the universal image quality index, is 1 for equal windows, 0 for unrelated ones and -1 for negatives. Its
#    formula has sums over a window, with the number of its pixels in front of the sum of products. The package puts
#    means in the place of the sums, and leaves that number, 64, where it is. So 63 parts of what is compared are the
#    squared brightness, and the covariance is next to nothing. Two images of unrelated noise around a grey of 128 get
#    0.975, an image and its negative 0.95, and one whose contrast is a fifth 0.99; right are 0, -1 and 0.38. The
#    brighter an image, the closer to 1. d_lambda, d_s and qnr are made of it: three unrelated bands in place of three
#    equal ones are a distortion of 0.02, where it should be 1.
# 2. msssim halves the image from one scale to the next by a mean over two pixels in each direction, and also over two
#    colours: red stays red, green is mixed with red, and blue with green. The value for a colour image is not that of
#    its colours, as it is for ssim, and changes if they are given as BGR in place of RGB.
#
# Matters to whoever compares decoders, or methods that enlarge or merge images, by these numbers: all of them are close
# to 1.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q sewar==0.4.10 numpy==2.4.6 scipy==1.17.1 pillow==13.0.0

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
from scipy.ndimage import gaussian_filter
from sewar import d_lambda, msssim, ssim, uqi

print("sewar", version("sewar"), "numpy", np.__version__, "scipy", version("scipy"))
SIDE = 8
draws = np.random.default_rng(0)


def index(x, y):
    """The index as its authors define it: the mean over all windows of SIDE by SIDE."""
    x, y = (np.lib.stride_tricks.sliding_window_view(one, (SIDE, SIDE)).reshape(-1, SIDE**2) for one in (x, y))
    mean_x, mean_y = x.mean(1), y.mean(1)
    covariance = ((x - mean_x[:, None]) * (y - mean_y[:, None])).mean(1)
    return (4 * covariance * mean_x * mean_y / (x.var(1) + y.var(1)) / (mean_x**2 + mean_y**2)).mean()


image, other, third = draws.normal(128, 20, (3, 64, 64))
found = {}
for name, (x, y) in {
    "an image and itself": (image, image),
    "an image and an unrelated one": (image, other),
    "the same, brighter by 100": (image + 100, other + 100),
    "an image and its negative": (image, 256 - image),
    "an image and a fifth of its contrast": (image, 128 + (image - 128) / 5),
}.items():
    found[name] = uqi(x, y), index(x, y)
    print("uqi of {}: {:.3f}, should be {:.3f}".format(name, *found[name]))
values = list(found.values())
assert abs(values[0][0] - 1) < 1e-6 and abs(values[0][1] - 1) < 1e-6
assert all(seen > 0.94 for seen, _ in values), "the sums are sums now"
assert abs(values[1][1]) < 0.02 and values[3][1] < -0.99 and 0.3 < values[4][1] < 0.5
assert values[2][0] > values[1][0] + 0.005

equal, unrelated = np.stack([image, image + 1, image + 2], 2), np.stack([image, other, third], 2)
pairs = ((0, 1), (0, 2), (1, 2))
of_pairs = [[index(bands[..., i], bands[..., j]) for i, j in pairs] for bands in (equal, unrelated)]
right = np.abs(np.subtract(*of_pairs)).mean()
distortion = d_lambda(equal, unrelated)
print(f"d_lambda of three unrelated bands for three equal ones: {distortion:.3f}, should be {right:.3f}")
assert distortion < 0.05 and right > 0.95

colours = gaussian_filter(draws.uniform(0, 255, (256, 256, 3)), (2, 2, 0))
colours = 255 * (colours - colours.min()) / np.ptp(colours)
changed = colours + draws.normal(0, 30, colours.shape) * [0, 0, 1]  # only blue is
for name, measure in {
    "ssim": lambda x, y: ssim(x, y, MAX=255)[0],
    "msssim": lambda x, y: float(msssim(x, y, MAX=255)),
}.items():
    one_by_one = np.mean([measure(colours[..., i], changed[..., i]) for i in range(3)])
    rgb, bgr = measure(colours, changed), measure(colours[..., ::-1], changed[..., ::-1])
    print(f"{name}: RGB {rgb:.4f}, BGR {bgr:.4f}, mean of the three colours {one_by_one:.4f}")
    if name == "ssim":
        assert abs(rgb - bgr) < 1e-9 and abs(rgb - one_by_one) < 1e-9
    else:
        assert abs(rgb - bgr) > 0.01 and abs(rgb - one_by_one) > 0.005, "the colours are not mixed now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
