#!/usr/bin/env bash
# piq 0.8.0, PR: recall also counts what lies on a sphere around the real sample, and so is ten times too high.
#
# Recall is the share of real samples that lie within the distance of some generated sample to its k-th generated
# neighbour. So that points just at that distance count in spite of rounding, piq also asks whether the two numbers
# are close to each other. But for recall, as for precision, it takes the distance of the real sample to its k-th
# real neighbour there. A real sample thus is recalled if any generated one lies just as far off as that neighbour
# does. With continuous features this hits only copies: where samples repeat part of the training set, the k-th
# neighbour of others is among those. With features that take few values (counts, categories as 0 and 1, black and
# white pixels) equal distances are all over, and a generator that leaves half of 16 columns at 0 has a recall
# of 0.36 in place of 0.03. Recall of one set by another should be the precision with the two swapped; it is not.
#
# Matters to whoever looks for dropped modes or memorised samples: both look better than they are.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torchvision==0.28.0 piq==0.8.0 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import torch

try:
    import torchvision
except RuntimeError:  # built for CUDA: beside the CPU build of torch it lacks its operators, which are not used here
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    import torchvision

import piq

print("piq", version("piq"), "torch", torch.__version__, "torchvision", torchvision.__version__)
K, COUNT = 5, 1000


def share(points, around):
    """The share of the points within the distance of some other point to its K-th neighbour, in exact numbers."""
    apart = [((one[:, None] - around[None]).double() ** 2).sum(-1) for one in (points, around)]
    radii = apart[1].kthvalue(K + 1, 1).values
    return (apart[0] <= radii * (1 + 1e-9)).any(1).double().mean().item()


torch.manual_seed(0)
bits = torch.randint(0, 2, (2 * COUNT, 16)).float()
half = bits[COUNT:] * (torch.arange(16) < 8)
many = torch.randn(2 * COUNT, 16)
seen = {}
for name, (real, made) in {
    "continuous, honest": (many[:COUNT], many[COUNT:]),
    "continuous, 300 copied": (many[:COUNT], many[:300].repeat(4, 1)[:COUNT]),
    "bits, half of the columns 0": (bits[:COUNT], half),
    "bits, mostly 1": (bits[:COUNT], (torch.rand(COUNT, 16) < 0.9).float()),
}.items():
    precision, recall = (each.item() for each in piq.PR(nearest_k=K)(real, made))
    swapped = piq.PR(nearest_k=K)(made, real)[0].item()
    seen[name] = precision, share(made, real), recall, share(real, made), swapped
    print("{}: precision {:.3f}, should be {:.3f}; recall {:.3f}, should be {:.3f}, precision of the two swapped "
          "{:.3f}".format(name, *seen[name]))

for name, (precision, right, recall, share_of_real, swapped) in seen.items():
    assert abs(precision - right) < 0.005 and abs(swapped - share_of_real) < 0.005, "precision is right"
    if "honest" in name:
        assert abs(recall - share_of_real) < 0.005, "there no distances are equal"
    else:
        assert recall > share_of_real + 0.05, "recall is right now"
assert seen["bits, half of the columns 0"][2] > 5 * seen["bits, half of the columns 0"][3]
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
