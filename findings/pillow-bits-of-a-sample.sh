#!/usr/bin/env bash
# Pillow 13.0.0: the same picture of 12 bits a sample has other numbers in other formats, all lossless
# and all in 16 bits or more. From PNG and TIFF it comes with its own numbers, 0 to 4095; from JPEG 2000
# multiplied by 16, 0 to 65520; from PGM stretched, 0 to 65535. The image does not say which it is.
#
# Matters to whoever divides by the range that a first file suggests: a set of microscope pictures that
# is partly TIFF and partly JPEG 2000 has sixteen times the brightness in one part, and a PGM that was
# written again as PNG differs from itself (4095 is not 65535, and 65520 is neither).
# Exits with 1 if the behaviour has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q pillow==13.0.0 numpy==2.4.6 tifffile==2026.3.3 imagecodecs==2026.3.6
"$place/venv/bin/python" - <<'PYTHON'
import io

import imagecodecs
import numpy as np
import PIL
import tifffile
from PIL import Image

picture = np.arange(4096, dtype=np.uint16).reshape(64, 64)
tiff, png = io.BytesIO(), io.BytesIO()
tifffile.imwrite(tiff, picture, photometric="minisblack")
Image.fromarray(picture).save(png, "PNG")
jpeg2000 = imagecodecs.jpeg2k_encode(picture, bitspersample=12, level=0, reversible=True)
assert np.array_equal(imagecodecs.jpeg2k_decode(jpeg2000), picture), "the file is lossless"
files = {
    "PNG": png.getvalue(),
    "TIFF": tiff.getvalue(),
    "JPEG 2000": jpeg2000,
    "PGM": b"P5 64 64 4095\n" + picture.astype(">u2").tobytes(),
}
print("Pillow", PIL.__version__)
largest = {}
for name, content in files.items():
    image = Image.open(io.BytesIO(content))
    largest[name] = int(np.asarray(image).max())
    print(f"{name:9}: mode {image.mode:4}, largest number {largest[name]}, stored 4095")
expected = {"PNG": 4095, "TIFF": 4095, "JPEG 2000": 65520, "PGM": 65535}
assert largest == expected, "the behaviour has changed"
PYTHON
