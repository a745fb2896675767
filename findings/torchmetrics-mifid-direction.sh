#!/usr/bin/env bash
# torchmetrics 1.9.0, MemorizationInformedFrechetInceptionDistance: pure copies of training samples go unpunished.
#
# MIFID is the Fréchet distance divided by a memorisation distance, "to penalize memorization of the training set
# by the generator". By its authors' definition that is, for each generated sample, the smallest cosine distance to
# any training sample, and the mean of it over the generated ones: a generator that only copies has zero, and so an
# enormous score. torchmetrics takes the other mean: for each training sample the distance to the nearest
# generated one. It is small only if all of the training set is covered.
#
# 1. A generator that repeats a tenth of the training set, with nothing of its own, has the plain Fréchet
#    distance for its score, as an honest one has. With the two sets given the other way round the penalty is there.
# 2. One that returns all of the training set once has 0, the best score there is: a Fréchet distance of
#    at most 1e-8 is returned as 0, whatever the penalty.
#
# Matters to whoever takes a low MIFID for evidence that a generator has not memorised its data.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torchmetrics==1.9.0 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
import torch
import torchmetrics
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.mifid import MemorizationInformedFrechetInceptionDistance

print("torch", torch.__version__, "torchmetrics", torchmetrics.__version__)
FEATURES = 16


class Pixels(nn.Module):
    """An image of 16 channels and one pixel is its own features."""

    num_features = FEATURES

    def forward(self, images):
        return images.flatten(1).double()


def score(kind, first, second):
    metric = kind(Pixels(), normalize=True)
    metric.update(first, real=True)
    metric.update(second, real=False)
    return metric.compute().item()


def nearest(images, others):
    """Mean over the images of the smallest cosine distance to any of the others."""
    units = [nn.functional.normalize(each.flatten(1).double()) for each in (images, others)]
    return (1 - (units[0] @ units[1].T).abs()).min(1).values.mean().abs().item()


torch.manual_seed(0)
training, honest = torch.randn(2, 2000, FEATURES, 1, 1).sigmoid()
training, honest = 2 * training - 1, 2 * honest - 1
repeated = training[:200].repeat(10, 1, 1, 1)
seen = {}
for name, generated in {"honest": honest, "a tenth, ten times": repeated, "all, once": training}.items():
    seen[name] = (
        nearest(generated, training),
        score(FrechetInceptionDistance, training, generated),
        score(MemorizationInformedFrechetInceptionDistance, training, generated),
        score(MemorizationInformedFrechetInceptionDistance, generated, training),
    )
    print(
        "{}: distance to the nearest training sample {:.3f}, FID {:.4f}, MIFID {:.4g}, "
        "MIFID the other way round {:.4g}".format(name, *seen[name])
    )

distance, fid, mifid, swapped = seen["a tenth, ten times"]
assert distance < 1e-9, "every generated sample is a copy"
assert abs(mifid / fid - 1) < 1e-6, "copies of a part are punished now"
assert swapped > 1e9 * fid, "the other way round they are"
distance, fid, mifid, _ = seen["honest"]
assert distance > 0.1 and abs(mifid / fid - 1) < 1e-6, "the honest one has no penalty either"
assert seen["all, once"][0] < 1e-9 and seen["all, once"][2] == 0, "copies of all are not the best any more"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
