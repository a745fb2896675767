#!/usr/bin/env bash
# torch-fidelity 0.4.0, noise of type "unit": latents come from one orthant of the sphere, not from all of it.
#
# A generator that was trained with latents on the unit sphere is scored with z_type="unit". Its latents are uniform
# numbers from 0 to 1, scaled to length 1: none is negative. Of a sphere in 128 dimensions that is one part in 2 to
# the power of 128, and any two latents have a cosine of about 0.75, where uniform ones have one of about 0. All
# metrics of such a model (inception score, FID, KID, precision and recall, path length) are of samples that it was not
# trained to give, with far less variety than it has. The two other types are what they are called.
#
# Path length with ppl_z_interp_mode="slerp_unit" and the default type "normal" is off as well: the second latent is
# put on the sphere, the first is left where it is. The two are far apart, however small ppl_epsilon, and the path
# length is the distance between them over epsilon squared: a tenth of epsilon makes it a hundred times larger.
#
# Matters to whoever scores a model with spherical latents by this package: the numbers are those of another model.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torchvision==0.28.0 torch-fidelity==0.4.0 numpy==2.4.6

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

import torch_fidelity
from torch_fidelity.sample_similarity_base import SampleSimilarityBase

warnings.simplefilter("ignore", DeprecationWarning)
print("torch-fidelity", version("torch-fidelity"), "torch", torch.__version__, "torchvision", torchvision.__version__)
SIZE, COUNT = 48, 1000


class Generator(torch.nn.Module):
    """An image whose numbers are those of the latent; keeps the latents it is asked for."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, z):
        self.asked.append(z)
        return z.view(-1, 3, 4, 4)


class Squares(SampleSimilarityBase):
    """The squared distance of two images."""

    def __init__(self, name, **_):
        super().__init__(name)

    def forward(self, one, other):
        return (one - other).flatten(1).square().sum(1)


torch_fidelity.register_sample_similarity("squares", Squares)


def path_length(z_type, mode, epsilon=1e-3):
    """Of COUNT pairs of latents; and the latents."""
    generator = Generator()
    wrapped = torch_fidelity.GenerativeModelModuleWrapper(generator, SIZE, z_type, 0)
    found = torch_fidelity.calculate_metrics(
        input1=wrapped, input1_model_num_samples=COUNT, ppl=True, ppl_sample_similarity="squares", ppl_epsilon=epsilon,
        ppl_z_interp_mode=mode, ppl_discard_percentile_lower=None, ppl_discard_percentile_higher=None, verbose=False,
        cuda=False, batch_size=COUNT, cache=False,
    )  # fmt: skip
    return found["perceptual_path_length_mean"], generator.asked[0][:COUNT].double()


uniform = torch.nn.functional.normalize(torch.randn(COUNT, SIZE, generator=torch.Generator().manual_seed(0)), dim=1)
seen = {"a uniform sample of the sphere": uniform.double()}
seen |= {f"type {z_type!r}": path_length(z_type, "lerp")[1] for z_type in ("unit", "normal", "uniform_0_1")}
for name, z in seen.items():
    cosines = torch.nn.functional.normalize(z, dim=1) @ torch.nn.functional.normalize(z, dim=1).T
    cosine = (cosines.sum() - COUNT).item() / COUNT / (COUNT - 1)
    negative = (z < 0).double().mean().item()
    print(f"{name}: length {z.norm(dim=1).mean():.3f}, {100 * negative:.0f} % of numbers negative, "
          f"mean cosine of two {cosine:.3f}")
    if name == "type 'unit'":
        assert (z.norm(dim=1) - 1).abs().max() < 1e-5 and negative == 0 and cosine > 0.7, "all of the sphere now"
    elif "0_1" not in name:
        assert 0.45 < negative < 0.55 and abs(cosine) < 0.02

for z_type, mode in (("normal", "lerp"), ("normal", "slerp_any"), ("normal", "slerp_unit"), ("unit", "slerp_unit")):
    depends = z_type == "normal" and mode == "slerp_unit"
    lengths = [path_length(z_type, mode, epsilon)[0] for epsilon in (1e-2, 1e-3)]
    print(f"path length, type {z_type!r}, {mode}: {lengths[0]:.4g} with epsilon 0.01, {lengths[1]:.4g} with 0.001")
    assert (lengths[1] > 90 * lengths[0]) == depends and (depends or abs(lengths[1] / lengths[0] - 1) < 0.2)
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
