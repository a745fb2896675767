#!/usr/bin/env bash
# ImageHash 4.3.2, colorhash: half black is three quarters black, and one shade of red, green and blue is the same.
#
# The hash is documented to hold how much of an image is black, gray and of each of 6 hues, in binbits bits each.
# 1. The bits are not those of the number: all but the last one are also set where one before them is. With the
#    default 3 bits, 4/8 and 6/8 are the same, and so are 5/8 and 7/8: an image with black bars on half of it and
#    one with bars on three quarters have distance 0. Of the 16 numbers of 4 bits 10 can be told apart, of the 64 of
#    6 bits 22: more bits add less than they say.
# 2. Bright colours have a saturation above 170 of 255, mild ones below, and 170 itself is neither. Images of one
#    colour of that saturation, as red (255, 85, 85), green (85, 255, 85) and blue (85, 85, 255), have the same hash,
#    of zeros only; with one step more or less, they have distance 6.
# 3. The gray share is documented to be that of what is not black. It is that of the whole image.
#
# Matters to whoever looks for near copies, or for generated copies of training images, by colour.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q ImageHash==4.3.2 numpy==2.4.6 pillow==13.0.0 scipy==1.17.1 PyWavelets==1.9.0

cat > "$folder/bits.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
from imagehash import colorhash
from PIL import Image

print("ImageHash", version("ImageHash"), "Pillow", version("pillow"))
BLACK, GRAY, RED = (0, 0, 0), (200, 200, 200), (255, 0, 0)


def image(**shares):
    """Bars of the colours, each so many of 64 rows."""
    colours = {"black": BLACK, "gray": GRAY, "red": RED}
    bars = [np.full((rows, 64, 3), colours[name], np.uint8) for name, rows in shares.items()]
    return Image.fromarray(np.concatenate(bars))


def plain(*colour):
    return Image.new("RGB", (64, 64), colour)


def bits(number, binbits):
    """What stands in the hash for the share of black."""
    rows = 64 * number // 2**binbits
    return tuple(colorhash(image(black=rows, red=64 - rows), binbits).hash[0].astype(int).tolist())


for number in range(8):
    print(f"{number}/8 black: {bits(number, 3)}, in binary {number:03b}")
distance = colorhash(image(black=32, red=32)) - colorhash(image(black=48, red=16))
print("half black and three quarters black, the rest red: distance", distance)
assert bits(4, 3) == bits(6, 3) != bits(5, 3) == bits(7, 3) and distance == 0, "the bits are those of the number now"

for binbits, expected in ((3, 6), (4, 10), (6, 22)):
    told = len({bits(number, binbits) for number in range(2**binbits)})
    print(f"{binbits} bits: {told} of {2**binbits} shares can be told apart")
    assert told == expected, "other shares can be told apart"

for step in (-1, 0, 1):
    side = 85 - step
    colours = [(255, side, side), (side, 255, side), (side, side, 255)]
    hashes = [colorhash(plain(*colour)) for colour in colours]
    saturation = plain(*colours[0]).convert("HSV").getpixel((0, 0))[1]
    print(f"saturation {saturation}:", *(f"{colour} {found}" for colour, found in zip(colours, hashes)))
    assert saturation == 170 + step
    apart = {hashes[0] - hashes[1], hashes[1] - hashes[2], hashes[0] - hashes[2]}
    assert apart == ({6} if step else {0}), "a saturation of 170 is of some kind now"
    assert bool(step) == any(found.hash.any() for found in hashes)

mixed, half = colorhash(image(black=32, gray=32)), colorhash(image(gray=32, red=32))
print(f"half black and all the rest gray: gray is {mixed.hash[1].astype(int)}; half gray, none black: "
      f"{half.hash[1].astype(int)}; all gray: {colorhash(plain(*GRAY)).hash[1].astype(int)}")
assert (mixed.hash[1] == half.hash[1]).all() and not mixed.hash[1].all(), "gray is a share of the rest now"
PYTHON
"$folder/venv/bin/python" "$folder/bits.py"
