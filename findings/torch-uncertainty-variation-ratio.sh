#!/usr/bin/env bash
# torch-uncertainty 0.13.0, VariationRatio: it measures how much the examples differ, not the members of an ensemble.
#
# The ratio is the share of an ensemble's votes that are not for the most frequent class: none where all members
# agree. Probabilities are documented as (examples, members, classes), the order of all metrics of the package. This
# one swaps the first two before it keeps them, although its next lines take examples first, so that each member
# gets the share of examples that differ from that member's most frequent class. Five members that agree on each of
# four classes have 0.75, the share of the other classes, instead of 0; reduction="none" gives one number for
# each member instead of each example. The example in its documentation prints 0.45 where its formula has 0.35.
# With the two axes swapped by hand it is right. Disagreement, of the same package, takes the order as documented.
#
# Matters to whoever takes it for the doubt of an ensemble, or of several draws: it is the spread of the classes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q \
  torchvision==0.28.0 'torch-uncertainty[cpu]==0.13.0' torchmetrics==1.9.0 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import torch

try:
    import torchvision
except RuntimeError:  # built for CUDA: beside the CPU build of torch it lacks its operators, which are not used here
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    import torchvision

warnings.simplefilter("ignore")
from torch_uncertainty.metrics.classification import Disagreement, VariationRatio  # noqa: E402

print("torch-uncertainty", version("torch-uncertainty"), "torch", torch.__version__, "torchvision",
      torchvision.__version__)  # fmt: skip


def scored(metric, probabilities):
    metric.update(probabilities)
    return metric.compute()


def ratio(probabilities, votes):
    """The mean over examples of what is not given to the class that has most on average."""
    best = probabilities.mean(1).argmax(-1)
    if votes:
        return (probabilities.argmax(-1) != best[:, None]).double().mean().item()
    return (1 - probabilities[torch.arange(len(best)), :, best]).double().mean().item()


def ensemble(examples, members, agree):
    """Votes for one of four classes, as probabilities of 0 and 1."""
    votes = torch.arange(examples)[:, None] % 4 if agree else torch.arange(members)[None] % 4
    return torch.nn.functional.one_hot(votes.expand(examples, members), 4).float()


documented = torch.tensor([[[0.7, 0.3], [0.6, 0.4], [0.8, 0.2]], [[0.4, 0.6], [0.5, 0.5], [0.3, 0.7]]])
for name, probabilities in {
    "the documented example": documented,
    "5 members agree on 100 examples of 4 classes": ensemble(100, 5, True),
    "4 members disagree on all of 100 examples": ensemble(100, 4, False),
}.items():
    for votes in (False, True):
        if votes and probabilities is documented:
            continue  # two of its votes are for both classes
        found = scored(VariationRatio(probabilistic=not votes), probabilities).item()
        swapped = scored(VariationRatio(probabilistic=not votes), probabilities.transpose(0, 1)).item()
        right = ratio(probabilities, votes)
        print(f"{name}{', votes' if votes else ''}: {found:.2f}, by its formula {right:.2f}, axes swapped by hand "
              f"{swapped:.2f}")  # fmt: skip
        assert abs(swapped - right) < 1e-5 and abs(found - right) > 0.05, "the order is the documented one now"
        other = ratio(probabilities.transpose(0, 1), votes)
        assert abs(found - other) < 1e-5, "it is neither"
agreed = scored(Disagreement(), ensemble(100, 5, True)).item()
each = scored(VariationRatio(reduction="none"), ensemble(100, 5, True))
print(f"Disagreement of the five: {agreed:.2f}; shape of the ratio without reduction: {tuple(each.shape)}")
assert agreed == 0 and each.shape == (5,)
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
