"""Data that are larger than memory: in processes of their own, what is resident stays flat."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc"),
]

LARGE, LIMIT, FLAT = 1152, 1024, 64  # MiB: the data, what a process may allocate, what is flat
UPDATES = 30  # what each of them has at its peak differs more than what is flat

MEASURE = """
import json, resource, sys

def mebibytes(name):
    fields = dict(line.split(":") for line in open("/proc/self/status"))
    return int(fields[name].split()[0]) / 1024

def resident():
    return {name: mebibytes(name) for name in ("VmRSS", "RssAnon")}

def limit(more):
    "From now on this process can allocate no more than that many MiB."
    most = int((mebibytes("VmData") + more) * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
"""

TRAIN = """
import torch
from alpha_bridge import AlphaBridge, AlphaPath, fit
from alpha_bridge.data import load_images
from alpha_bridge.networks import ConvDiscriminator, ConvEncoder, ConvGenerator
from alpha_bridge.training import Callback

path, allowed = sys.argv[1], float(sys.argv[2])
limit(allowed)
seen = []

class Watch(Callback):
    def after(self, event):
        seen.append(resident())

source = load_images(path)
sizes = dict(size=64, channels=3, width=1, hidden=4)
model = AlphaBridge(
    ConvGenerator(2, **sizes), ConvEncoder(2, **sizes), ConvDiscriminator(**sizes), noise=0.5
)
fit(model, source, AlphaPath.three_steps(ml=10, transfer=10, adversarial=10), batch_size=64,
    callbacks=[Watch()])
for step in range(len(seen), 600):  # more than what is flat, many times
    source.batch(0, step, 64)
    seen.append(resident())
print(json.dumps(seen))
"""

LOAD = """
from alpha_bridge.data import load_images

limit(float(sys.argv[2]))
before = resident()
source = load_images(sys.argv[1])
print(json.dumps([before, resident()]))
"""

DECODE = """
import datasets.packaged_modules
from alpha_bridge.data import load_images

seen = [resident()]
source = load_images(sys.argv[1], progress=lambda done, total: seen.append(resident()))
print(json.dumps(seen))
"""


def alone(code, *arguments, **environment):
    """Whether ``code`` succeeds by itself, and what it says."""
    words = [sys.executable, "-c", MEASURE + code, *map(str, arguments)]
    settings = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    return subprocess.run(words, capture_output=True, text=True, env=settings)


def measured(*arguments, **environment):
    done = alone(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def growth(seen, name, begin):
    """MiB from the first measurements to the largest of the rest."""
    values = [resident[name] for resident in seen]
    return max(values[begin:]) - max(values[:begin])


def holes(path, dtype, *event):
    """An array of zeros, larger than the limit, that takes no space on the disk."""
    dtype = np.dtype(dtype)
    count = LARGE * 2**20 // (math.prod(event) * dtype.itemsize)
    with path.open("wb") as file:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (count, *event)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + count * math.prod(event) * dtype.itemsize)
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return holes(tmp_path_factory.mktemp("data") / "images.npy", np.uint8, 64, 64, 3)


@pytest.fixture(scope="module")
def epoch(images):
    """Thirty updates, and further batches of 450 MiB in all, under the limit."""
    return measured(TRAIN, images, LIMIT)


def test_training_on_more_than_memory_allocates_no_more_as_it_goes(epoch):
    assert growth(epoch, "RssAnon", UPDATES) < FLAT


def test_training_on_more_than_memory_keeps_none_of_the_file_resident(epoch):
    assert growth(epoch, "VmRSS", UPDATES) < FLAT


def test_the_limit_is_one_that_the_data_would_not_fit_into(images):
    done = alone(
        "import numpy as np\nlimit(float(sys.argv[2]))\nnp.load(sys.argv[1])", images, LIMIT
    )
    assert "MemoryError" in done.stderr


def test_vectors_larger_than_memory_are_checked_and_standardised_a_piece_at_a_time(tmp_path):
    path = holes(tmp_path / "vectors.npy", np.float32, 1024)
    seen = measured(LOAD, path, LIMIT)
    assert growth(seen, "VmRSS", begin=1) < 2 * FLAT


def test_decoding_does_not_hold_what_it_has_decoded(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    count = 600
    Image.new("RGB", (512, 512), "red").save(tmp_path / "red.png")
    for index in range(count):
        shutil.copyfile(tmp_path / "red.png", folder / f"{index:03}.png")
    seen = measured(DECODE, folder, ALPHA_BRIDGE_CACHE=str(tmp_path / "cache"))
    decoded = count * 512 * 512 * 3 / 2**20
    assert len(seen) == count + 1
    assert growth(seen, "RssAnon", begin=1) < 3 * FLAT < decoded / 2
    assert growth(seen, "RssAnon", begin=100) < FLAT
