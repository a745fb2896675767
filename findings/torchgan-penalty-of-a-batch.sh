#!/usr/bin/env bash
# torchgan 0.1.0, WassersteinGradientPenalty: a critic of slope 1 is punished, more so in a larger batch.
#
# The penalty is documented as lambda (|gradient of D(x)| - 1)^2, by the paper a mean over samples, and zero for a
# critic whose slope is 1. The package takes one norm of the gradients of the whole batch, so that it is zero if
# their squares add up to 1 over the batch: at a slope of 1 / sqrt(batch), 0.125 with 64 samples. The critic that
# the paper asks for has (sqrt(64) - 1)^2 = 49, times lambda 490. DraganGradientPenalty does the same with its k. Their
# reduction does nothing, as there is only one number.
#
# The pulling-away term of energy-based GANs has the batch for a sample as well: codes are scaled to length 1 along
# the batch and not each for itself, and every code is compared with itself too. Codes at right angles, which are to
# have 0, have more; codes that are all the same, which are to have 1, have less or more by their size.
#
# Matters to whoever takes lambda or a batch size from a paper: the critic is flatter than it is to be, and by how
# much depends on the batch.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torchvision==0.28.0 torchgan==0.1.0 numpy==2.4.6

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

from torchgan.losses import DraganGradientPenalty, WassersteinGradientPenalty
from torchgan.losses.functional import energy_based_pulling_away_term

print("torchgan", version("torchgan"), "torch", torch.__version__, "torchvision", torchvision.__version__)
torch.manual_seed(0)
direction = torch.nn.functional.normalize(torch.randn(12), dim=0)


def penalties(loss, batch, slope=1.0):
    """The loss of a critic of this slope everywhere; and by the documented formula, the mean over samples."""
    x = torch.randn(batch, 12, requires_grad=True)
    critic = slope * (x @ direction)
    (gradients,) = torch.autograd.grad(critic.sum(), x, retain_graph=True)
    return loss(x, critic).item(), (gradients.norm(dim=1) - 1).square().mean().item()


for loss in (WassersteinGradientPenalty(), DraganGradientPenalty()):
    for batch in (1, 16, 64, 256):
        found, paper = penalties(loss, batch)
        flat, of_flat = penalties(loss, batch, batch**-0.5)
        print(f"{type(loss).__name__}, batch of {batch}: {found:.3f} for a slope of 1, by the formula {paper:.3f}; "
              f"{flat:.3f} for a slope of {batch ** -0.5:.4f}, by the formula {of_flat:.3f}")
        assert paper < 1e-8 and abs(found - (batch**0.5 - 1) ** 2) < 1e-2, "the slope of a sample counts now"
        assert flat < 1e-8 and abs(of_flat - (batch**-0.5 - 1) ** 2) < 1e-4
for reduction in ("mean", "sum", "none"):
    assert abs(penalties(WassersteinGradientPenalty(reduction=reduction), 64)[0] - 49) < 1e-2


def pulling_away(codes):
    """The mean over pairs of two codes of the square of their cosine, as in the paper."""
    cosines = torch.nn.functional.normalize(codes, dim=1) @ torch.nn.functional.normalize(codes, dim=1).T
    return ((cosines**2).sum() - len(codes)).item() / len(codes) / (len(codes) - 1)


for name, codes, right in (
    ("8 codes at right angles", torch.eye(8, 32), 0.0),
    ("8 times the same of 4 numbers", torch.tensor([[1.0, 2.0, -1.0, 0.5]]).repeat(8, 1), 1.0),
    ("8 times the same of 32 numbers", torch.linspace(0.5, 2, 32).repeat(8, 1), 1.0),
):
    found, paper = energy_based_pulling_away_term(codes).item(), pulling_away(codes)
    print(f"pulling away, {name}: {found:.3f}, by the paper {paper:.3f}")
    assert abs(paper - right) < 1e-5 and abs(found - right) > 0.1, "the term is the paper's now"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
