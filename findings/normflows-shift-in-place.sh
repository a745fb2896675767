#!/usr/bin/env bash
# normflows 1.7.3, transforms.Shift: asking for a likelihood moves the data.
#
# Shift adds a constant to the data, by default to take images from [0, 1] to [-0.5, 0.5]. It adds it in place. As
# the transform next to the data it is given the caller's own tensor, so that log_prob and forward_kld change the
# batch: the second call on the same batch has another answer, and where a batch is a slice of the data, as in a
# loop without a loader that copies, every epoch trains on data half a unit further off. Nothing is said. Logit of
# the same module, and all other flows that were tried, leave their input alone.
#
# Matters to whoever keeps data in memory and scales it by this transform, or compares likelihoods of one batch.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q normflows==1.7.3 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import normflows
import torch

print("torch", torch.__version__, "normflows", version("normflows"))
torch.manual_seed(0)
source = torch.rand(64, 4) * 0.8 + 0.1
centre = normflows.distributions.DiagGaussian(4, trainable=False)


def twice(transform):
    """Two log-likelihoods of the same batch, a slice of the data, and how far the data moved meanwhile."""
    data = source.clone()
    model = normflows.NormalizingFlow(centre, [transform])
    with torch.no_grad():
        first, second = (model.log_prob(data[:32]).mean().item() for _ in range(2))
    return first, second, (data - source).abs().max().item()


seen = {}
for name, transform in {
    "Shift": normflows.transforms.Shift(),
    "Logit": normflows.transforms.Logit(),
    "AffineConstFlow": normflows.flows.AffineConstFlow((4,)),
}.items():
    seen[name] = twice(transform)
    print("{}: log-likelihood {:.4f}, then {:.4f}; the data moved by {:.1f} in all".format(name, *seen[name]))

data = source.clone()
model = normflows.NormalizingFlow(centre, [normflows.transforms.Shift()])
for _ in range(10):
    for batch in data.split(32):
        model.forward_kld(batch)
print(f"mean of the data after ten epochs: {data.mean():.2f}; before {source.mean():.2f}")

first, second, moved = seen.pop("Shift")
assert second < first - 0.1 and abs(moved - 1) < 1e-5, "the batch stays as it is now"
assert all(one == other and moved == 0 for one, other, moved in seen.values())
assert abs(data.mean() - source.mean() + 5) < 1e-3, "the data stay as they are now"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
