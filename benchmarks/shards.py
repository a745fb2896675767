"""How much memory the index of streamed shards takes, for millions of images.

    python benchmarks/shards.py

It makes shards in a temporary folder, one of each kind and many links to it, reads them in a
process of its own as training does, and writes ``benchmarks/shards.json`` and the table of
``docs/data.md``.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow
import pyarrow.parquet
from measure import HERE, machine, put, table, write_json
from PIL import Image

PAGE = HERE.parent / "docs" / "data.md"
IMAGES = {".parquet": 10_000_000, ".arrow": 10_000_000, ".tar": 1_000_000}
"""Images of each kind of shards; the headers of tar files are read one by one."""
A_SHARD, FEW = 100_000, 1000
"""Images of a shard, and of the small data set whose memory is taken off."""
GROUP = 1000


def image() -> bytes:
    """A small one."""
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def make(path: Path, count: int) -> None:
    """Write a shard of so many images of ten classes."""
    content = image()
    if path.suffix == ".tar":
        with tarfile.open(path, "w") as file:
            for row in range(count):
                for ending, part in (("png", content), ("cls", b"%d" % (row % 10))):
                    member = tarfile.TarInfo(f"{row:08}.{ending}")
                    member.size = len(part)
                    file.addfile(member, io.BytesIO(part))
        return
    cells = {"image": [content] * count, "label": np.arange(count) % 10}
    rows = pyarrow.table(cells)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(rows, path, row_group_size=GROUP, use_dictionary=["label"])
        return
    with pyarrow.ipc.new_stream(path, rows.schema) as file:
        file.write_table(rows, GROUP)


def read(folder: Path, cache: Path) -> dict[str, float]:
    """Load shards and draw what training and an evaluation draw; seconds, and bytes at the peak."""
    from alpha_bridge.data import load_images

    begin = perf_counter()
    source = load_images(str(folder), cache=cache, stream=True)
    loaded = perf_counter() - begin
    for step in range(2):
        source.batch(0, step, 64)
    source.training(64)
    source.training_labels(64)
    source.held_out_attributes(64)
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {"seconds": loaded, "bytes": int(fields["VmHWM"].split()[0]) * 1024}


def in_a_process(folder: Path, cache: Path) -> dict[str, float]:
    """The same in a process that has done nothing else."""
    command = [sys.executable, __file__, "--read", folder, cache]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(ending: str, count: int, root: Path) -> dict[str, float | str]:
    """One kind of shards: bytes an image, on disk and in memory, beyond those of a small set."""
    found = {}
    for name, images, shards in (("few", FEW, 1), ("many", A_SHARD, count // A_SHARD)):
        folder, cache = root / f"{name}{ending}", root / f"cache-{name}{ending}"
        folder.mkdir()
        make(folder / f"part-0{ending}", images)
        for number in range(1, shards):
            os.link(folder / f"part-0{ending}", folder / f"part-{number}{ending}")
        found[name] = [in_a_process(folder, cache) for _ in range(2)]
    (index,) = (root / f"cache-many{ending}" / "indexes").glob("*/shards/index.npy")
    first, again = (
        (many["bytes"] - few["bytes"]) / count
        for few, many in zip(found["few"], found["many"], strict=True)
    )
    return {
        "kind": ending,
        "images": count,
        "index_bytes": index.stat().st_size / count,
        "memory_bytes": again,
        "memory_bytes_while_indexed": first,
        "seconds_to_index": found["many"][0]["seconds"],
        "seconds_to_open": found["many"][1]["seconds"],
    }


def table_of(rows: list[dict[str, float | str]]) -> str:
    """A line for each kind of shards."""
    head = [
        "shards",
        "images",
        "index (bytes an image)",
        "memory at the peak (bytes an image)",
        "while the index is made",
        "made in (s)",
        "opened in (s)",
    ]
    lines = [
        [
            f"`{row['kind']}`",
            f"{row['images']:,}",
            f"{row['index_bytes']:.1f}",
            f"{row['memory_bytes']:.1f}",
            f"{row['memory_bytes_while_indexed']:.1f}",
            f"{row['seconds_to_index']:.0f}",
            f"{row['seconds_to_open']:.1f}",
        ]
        for row in rows
    ]
    return table(head, lines)


def main() -> None:
    """Measure each kind, and write the numbers and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=IMAGES, default=[*IMAGES])
    parser.add_argument("--out", type=Path, default=HERE / "shards.json", help="JSON file")
    parser.add_argument("--read", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(read(*options.read)))
        return
    rows = []
    for kind in options.kinds:
        with tempfile.TemporaryDirectory() as root:
            rows.append(measure(kind, IMAGES[kind], Path(root)))
        print(rows[-1], flush=True)
    write_json(options.out, {"machine": machine(), "rows": rows})
    put(PAGE, "shards", table_of(rows))


if __name__ == "__main__":
    main()
