#!/usr/bin/env bash
# datasets reads folders of images with other labels than the folders have, and without a word:
# 1. a metadata.csv beside folders of classes takes the labels away, also with drop_labels=False,
#    by which the caller asks for them;
# 2. train/ and test/ without classes give a column "label" with the classes "test" and "train", whose
#    value is missing in the split that is read first and 0 in the other, because the names of folders
#    are collected from split to split.
# Matters to whoever trains on folders of classes beside which a table lies, or measures by labels.
# Seen in datasets 5.2.0. Exits with 1 if the behaviour has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q datasets==5.2.0 pillow==13.0.0
cd "$place"
HF_HUB_OFFLINE=1 "$place/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import datasets
from PIL import Image

datasets.disable_progress_bars()


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


def read(name, **options):
    return datasets.load_dataset(str(Path(name).resolve()), cache_dir=f"cache-{name}", **options)


names = [f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(3)]
for name in names:
    picture(Path("classes") / name)
    picture(Path("table") / name)
Path("table/metadata.csv").write_text("\n".join(["file_name,age", *(f"{name},1" for name in names)]))
for split in ("train", "test"):
    for number in range(3):
        picture(Path("splits") / split / f"{number}.png")

print("datasets", datasets.__version__)
alone = read("classes")["train"].features
beside = read("table", drop_labels=False)["train"].features
splits = read("splits")
print("folders of classes:                      ", alone)
print("with metadata.csv, drop_labels=False:    ", beside)
print("train/ and test/, labels of the splits:  ", {s: splits[s]["label"][:] for s in splits})
assert "label" in alone and "label" not in beside, "1. has changed"
assert splits["train"].features["label"].names == ["test", "train"], "2. has changed"
assert set(splits["train"]["label"]) == {None} and set(splits["test"]["label"]) == {0}
PYTHON
