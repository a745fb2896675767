#!/usr/bin/env bash
# numpy.save returns normally although the end of the array is not in the file: where the last
# bytes, fewer than a block of 4,096, wait in a buffer and do not fit on a full disk, they are lost when numpy closes its
# own copy of the file, and the error of that is not looked at. The file has a whole header and reads later as "cannot reshape".
# An array by the same call into anything but a true file, such as io.BytesIO, is written by Python,
# which raises. Matters to whoever keeps samples or caches as .npy and trusts that a full disk is told.
# The limit on a file's size stands for the full disk here, because it needs no rights; a tmpfs of
# 64 KiB that fills up does the same to arrays that overflow it by a few bytes.
# Seen in numpy 2.4.6. Exits with 1 if the behaviour has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q numpy==2.4.6
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
import resource
import signal
from pathlib import Path

import numpy as np

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails with EFBIG instead
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

HEADER = 128
print("numpy", np.__version__)
answers = {}
for missing in (0, 100, 10_000):
    path = Path("array.npy")
    size = 65536 - HEADER + missing
    try:
        np.save(path, np.ones(size, np.uint8))
    except OSError as error:
        answers[missing] = f"raised {error}"
    else:
        answers[missing] = f"returned; {size + HEADER - path.stat().st_size} bytes are missing"
    print(f"{missing:6} bytes too many: {answers[missing]}")

assert answers[0] == "returned; 0 bytes are missing"
assert answers[100] == "returned; 100 bytes are missing", "it is told now"
assert answers[10_000].startswith("raised"), "a longer end is not told either"
PYTHON
