#!/usr/bin/env bash
# mosaicml-streaming 0.13.0, litdata 0.2.76 and webdataset 1.0.2: shards hold other pictures than they were given.
#
# 1. A picture that was opened from a JPEG file is written (MDS "jpeg", litdata by default) by copying that file. What
#    was done to the picture in place since is lost: thumbnail() makes it small, paste() covers a face or a label,
#    and the shard holds the whole original. Both libraries do this, and neither says so.
# 2. "Raw" pictures (MDS "pil", litdata by default for all others) are written with mode and bytes, without the
#    palette. A GIF or a PNG with a palette comes back with the numbers of its colours but none of the colours: as RGB
#    it is black all over.
# 3. MDS "ndarray" and webdataset's ".ten" keep the name of a type and the bytes, not their order: big-endian numbers,
#    as in the files of MNIST, FITS or PFM, come back as others. 1 is 256 then. ".npy" in the same shard is right.
#
# Matters to whoever shrinks or masks pictures before they go into shards, and to whoever trains on palette images.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torchvision==0.28.0 litdata==0.2.76 webdataset==1.0.2 numpy==2.4.6 \
  pillow==13.0.0 typing-extensions==4.16.0
# It requires the clients of five clouds, which its encodings do not use.
"$folder/venv/bin/python" -m pip install -q --no-deps mosaicml-streaming==0.13.0

cat > "$folder/shards.py" <<'PYTHON'
import io
import sys
from importlib.metadata import distribution, version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import torch
import webdataset
from PIL import Image

try:
    import torchvision  # noqa: F401
except RuntimeError:  # built for CUDA: beside the CPU build of torch it lacks its operators, which are not used here
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")

from litdata.streaming.serializers import JPEGSerializer, PILSerializer

path = distribution("mosaicml-streaming").locate_file("streaming/base/format/mds/encodings.py")
spec = spec_from_file_location("encodings", path)
mds = module_from_spec(spec)
spec.loader.exec_module(mds)

print(*(f"{name} {version(name)}" for name in ("mosaicml-streaming", "litdata", "webdataset", "pillow")))
folder = Path(sys.argv[1])
draws = np.random.default_rng(0)


def jpeg(image):
    """What both libraries hold of the picture."""
    return {
        "MDS": mds.mds_decode("jpeg", mds.mds_encode("jpeg", image)),
        "litdata": Image.open(io.BytesIO(JPEGSerializer().serialize(image)[0])),
    }


def raw(image):
    serializer = PILSerializer()
    return {
        "MDS": mds.mds_decode("pil", mds.mds_encode("pil", image)),
        "litdata": serializer.deserialize(serializer.serialize(image)[0]),
    }


colours = draws.integers(0, 256, (64, 64, 3), dtype=np.uint8)
Image.fromarray(colours).save(folder / "image.jpg")
small, covered = (Image.open(folder / "image.jpg") for _ in range(2))
small.thumbnail((16, 16))
covered.paste((0, 0, 0), (0, 0, 64, 64))
for name, held in jpeg(small).items():
    print(f"{name}: thumbnail of {small.size} given, {held.size} in the shard; a copy: {jpeg(small.copy())[name].size}")
    assert held.size == (64, 64) and jpeg(small.copy())[name].size == (16, 16), "what was done in place is kept now"
for name, held in jpeg(covered).items():
    brightest = [int(np.asarray(image).max()) for image in (covered, held)]
    print(f"{name}: brightest value {brightest[0]} given, all covered with black; in the shard {brightest[1]}")
    assert brightest[0] == 0 and brightest[1] > 200, "what was done in place is kept now"

palette = Image.fromarray(colours).quantize(16)
palette.save(folder / "palette.png")
given = Image.open(folder / "palette.png")
given.load()
right = np.asarray(given.convert("RGB"))
for name, held in raw(given).items():
    seen = np.asarray(held.convert("RGB"))
    print(f"{name}: palette image, brightest value {right.max()}, from the shard {seen.max()}")
    assert given.mode == held.mode == "P" and seen.max() == 0 and right.max() > 150, "palettes are kept now"
    assert (np.asarray(held) == np.asarray(given)).all(), "numbers of colours are not kept"
for name, held in raw(given.convert("RGB")).items():
    assert (np.asarray(held) == right).all(), f"{name} does not keep RGB"

numbers = np.arange(4, dtype=">u2")
with webdataset.TarWriter(str(folder / "shard.tar")) as shard:
    shard.write({"__key__": "0", "a.ten": [numbers.astype(">f4")], "b.npy": numbers.astype(">f4")})
sample = next(iter(webdataset.WebDataset(f"file:{folder}/shard.tar", shardshuffle=False).decode()))
held = mds.mds_decode("ndarray", mds.mds_encode("ndarray", numbers))
print(f"big-endian {numbers.tolist()}: MDS {held.tolist()}, .ten {sample['a.ten'][0]}, .npy {sample['b.npy']}")
assert held.tolist() == [0, 256, 512, 768], "the order of bytes is kept now"
assert (abs(sample["a.ten"][0]) < 1e-30).all() and sample["b.npy"].tolist() == [0, 1, 2, 3]
PYTHON
"$folder/venv/bin/python" "$folder/shards.py" "$folder"
