#!/usr/bin/env bash
# image-similarity-measures 0.3.6, sam, sre and uiq: an image of bytes is 89 degrees away from itself, and other scales.
#
# 1. sam, the angle between the colours of two images, multiplies them in the type of the pixels. Bytes, which is what
#    the package's own command reads from PNG and JPEG, then overflow, as do 16 bits of bright images. The angle of any
#    two images is between 89 and 90 degrees: of an image with itself, with a slightly noisy copy, and with its
#    negative. As floats they are 0, 2 and 50 degrees.
# 2. sre, the ratio of signal and error in decibels, divides the square of the mean by the length of the error, where
#    the square of that length belongs. So it depends on the unit: the same two images as 0 to 1 in place of 0 to 255
#    have 24 dB less. It depends on the size, too: each image repeated four times has 3 dB more.
# 3. uiq counts every window without contrast as 0, which is where 0 / 0 becomes 0. An image with flat parts does not
#    get 1 when compared with itself, and one of a single colour gets 0. The author's own code of the index takes the
#    ratio of the brightnesses there, and so 1 for equal ones.
#
# Matters to whoever reports these beside PSNR for reconstructed or enlarged images: the first ranks nothing, the
# second cannot be compared with other papers, the third is lower for drawings and masks.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q image-similarity-measures==0.3.6 numpy==1.26.4 scipy==1.17.1 \
    opencv-python==4.11.0.86 scikit-image==0.20.0 phasepack==1.5

cat > "$folder/seen.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy as np

warnings.simplefilter("ignore")  # of a faster Fourier transform that is not there, and of 0 / 0
from image_similarity_measures.quality_metrics import sam, sre, uiq

print("image-similarity-measures", version("image-similarity-measures"), "numpy", np.__version__)
draws = np.random.default_rng(0)
image = draws.integers(0, 256, (64, 64, 3), dtype=np.uint8)
noisy = np.clip(image + draws.normal(0, 5, image.shape), 0, 255).astype(np.uint8)


def angle(x, y):
    x, y = x.astype(float), y.astype(float)
    cosine = (x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1))
    return np.degrees(np.arccos(cosine.clip(-1, 1))).mean()


for name, other in (("itself", image), ("a noisy copy", noisy), ("its negative", 255 - image)):
    of_bytes, of_floats = sam(image, other), sam(image.astype(float), other.astype(float))
    right = angle(image, other)
    print(f"sam with {name}: {of_bytes:.2f} degrees, as floats {of_floats:.2f}, should be {right:.2f}")
    assert 89 < of_bytes < 90, "bytes do not overflow now"
    assert abs(of_floats - right) < 1e-4, "floats are right"
wide = image.astype(np.uint16) * 16
print(f"sam of 12 bits in 16 with itself: {sam(wide, wide):.2f} degrees")
assert sam(wide, wide) > 89


def ratio(x, y):
    """The mean over the channels of squared mean over mean squared error, in decibels."""
    x, y = x.astype(float), y.astype(float)
    return 10 * np.log10((x.mean((0, 1)) ** 2 / ((x - y) ** 2).mean((0, 1))).mean())


found = {}
for name, (x, y) in {
    "0 to 255": (image, noisy),
    "0 to 1": (image / 255, noisy / 255),
    "repeated": (np.tile(image, (2, 2, 1)), np.tile(noisy, (2, 2, 1))),
}.items():
    found[name] = sre(x, y)
    print(f"sre, {name}: {found[name]:.2f} dB; mean squared over mean squared error {ratio(x, y):.2f} dB")
    assert abs(ratio(x, y) - ratio(image, noisy)) < 1e-6
assert abs(found["0 to 255"] - found["0 to 1"] - 10 * np.log10(255)) < 0.01, "the unit does not matter now"
assert abs(found["repeated"] - found["0 to 255"] - 10 * np.log10(2)) < 0.01, "the size does not matter now"

half = np.full((64, 64, 3), 100, np.uint8)
half[:, :32] = image[:, :32]
for name, one in (("noise", image), ("half of it flat", half), ("flat", np.full_like(half, 100))):
    found[name] = uiq(one, one)
    print(f"uiq of an image with itself, {name}: {found[name]:.3f}")
assert abs(found["noise"] - 1) < 1e-4 and found["half of it flat"] < 0.6 and found["flat"] == 0, "flat parts count now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
