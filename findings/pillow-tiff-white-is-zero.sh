#!/usr/bin/env bash
# Pillow 13.0.0 reads a grey TIFF whose PhotometricInterpretation is 0 (WhiteIsZero: the value 0 is
# white) as a positive if it has 1 or 8 bits a pixel, and as a negative if it has 16: the numbers come
# out as they are stored, in mode I;16, in which 0 is black, and nothing says so. Uncompressed and
# deflated files alike.
#
# Scanners and radiography write such files at 16 bits. Whoever converts a folder of both depths, or
# reduces a set from 16 bits to 8 to compare, trains on positives and negatives of the same pictures.
# The tag is in image.tag_v2[262]; a reader has to subtract from 65535 itself.
# Exits with 1 if the behaviour has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q pillow==13.0.0 numpy==2.4.6 tifffile==2026.3.3 imagecodecs==2026.3.6
"$place/venv/bin/python" - <<'PYTHON'
import io

import numpy as np
import PIL
import tifffile
from PIL import Image

ramp = np.linspace(0, 1, 64).reshape(8, 8)  # stored: 0 first, which the tag calls white
print("Pillow", PIL.__version__)
first = {}
for bits, kind in ((1, bool), (8, np.uint8), (16, np.uint16)):
    stored = ramp > 0.5 if bits == 1 else np.rint(ramp * (2**bits - 1)).astype(kind)
    for compression in (None, "deflate"):
        file = io.BytesIO()
        tifffile.imwrite(file, stored, photometric="miniswhite", compression=compression)
        file.seek(0)
        image = Image.open(file)
        pixels = np.asarray(image)
        assert image.tag_v2[262] == 0
        first[bits, compression] = int(pixels[0, 0])
        print(
            f"{bits:2} bits, {compression or 'plain':7}: mode {image.mode:4}, "
            f"first pixel (white) {pixels[0, 0]}, last pixel (black) {pixels[-1, -1]}"
        )
white = {1: 1, 8: 255, 16: 0}
assert all(pixel == white[bits] for (bits, _), pixel in first.items()), "the behaviour has changed"
PYTHON
