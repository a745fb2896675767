#!/usr/bin/env bash
# vector-quantize-pytorch 1.32.0, LatentQuantize: its two losses cancel each other, and the values it learns stay put.
#
# Each latent is rounded to the nearest of a few values, which are parameters of the module (optimize_values, on by
# default). Two losses go with it, as in the paper: one pulls the values to the latents that chose them, the other pulls
# the latents to their values. But the first is taken of the rounded latent as handed on, whose gradient already goes
# straight to the latent. So it moves the latents, not the values, and away from the value in place of towards it.
# With the default weights, 0.1 each, the sum of the two has a gradient of exactly 0. With the commitment loss alone the
# latents move away from their values, to the borders between two or out of the range. The values have no gradient from
# anything, with any weights and any loss on the output. Only the loss named quantization does what the paper's
# commitment does.
#
# With linear layers around it (where dim is not the number of latents) both are taken outside of the layers, between
# the module's input and its output; the values have no gradient there either.
#
# Matters to whoever trains an autoencoder with it: the loss is logged, and can fall as the decoder pulls, but turning
# up both weights changes nothing.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q vector-quantize-pytorch==1.32.0 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import torch
from vector_quantize_pytorch import LatentQuantize

print("vector-quantize-pytorch", version("vector-quantize-pytorch"), "torch", torch.__version__)
LEVELS, WEIGHT = [5, 5, 8], 0.1
start = torch.rand(16, len(LEVELS), 100, generator=torch.Generator().manual_seed(0)) - 0.5


def nearest(latent, values):
    """Each latent's value, with a gradient for the value."""
    chosen = [own[(latent[:, i, :, None] - own).abs().argmin(-1)] for i, own in enumerate(values)]
    return torch.stack(chosen, 1)


latent = start.clone().requires_grad_()
module = LatentQuantize(levels=LEVELS, dim=len(LEVELS)).train()
values = list(module.values_per_latent)
out, _, loss = module(latent)
rounded = nearest(latent, values)
assert torch.allclose(out, rounded, atol=1e-6) and all(each.requires_grad for each in values)
of_paper = WEIGHT * ((latent.detach() - rounded).square().mean() + (latent - rounded.detach()).square().mean())
assert torch.allclose(loss, of_paper), "the loss itself is right"
print(f"loss {loss.item():.6f}, as in the paper {of_paper.item():.6f}")
for name, one in {
    "the module's": loss,
    "the paper's": of_paper,
    "the module's and one of the output": loss + out.square().sum(),
}.items():
    gradients = torch.autograd.grad(one, [latent, *values], retain_graph=True, allow_unused=True)
    sizes = ["none" if each is None else f"{each.norm().item():.6f}" for each in gradients]
    print(f"gradient of {name}: latents {sizes[0]}, values {', '.join(sizes[1:])}")
    if name != "the paper's":
        assert gradients[1:] == (None,) * len(values), "the values have a gradient now"
    if name == "the module's":
        assert not gradients[0].any(), "the two losses do not cancel each other now"
    if name == "the paper's":
        assert all(each is not None and each.any() for each in gradients)

found = {}
for commitment, quantization in ((0.1, 0.1), (10, 10), (0.1, 0), (0, 0.1)):
    module = LatentQuantize(
        levels=LEVELS,
        dim=len(LEVELS),
        commitment_loss_weight=commitment,
        quantization_loss_weight=quantization,
    ).train()
    before = [each.detach().clone() for each in module.values_per_latent]
    latent = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([latent, *module.parameters()], lr=1000)
    distances = []
    for _ in range(100):
        out, _, loss = module(latent)
        distances.append((out - latent).abs().mean().item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found[commitment, quantization] = distances[-1] / distances[0]
    same = all(torch.equal(one, other) for one, other in zip(before, module.values_per_latent))
    print(
        f"commitment {commitment}, quantization {quantization}: 100 steps down the loss take the mean distance of "
        f"latents and values from {distances[0]:.4f} to {distances[-1]:.4f}; the values are the same: {same}"
    )
    assert same, "the values are learned now"
assert found[0.1, 0.1] == found[10, 10] == 1, "the latents move now"
assert found[0.1, 0] > 1.5, "the commitment loss pulls latents and values together now"
assert found[0, 0.1] < 0.05, "only this one does what it should"

module = LatentQuantize(levels=LEVELS, dim=8).train()
out, _, loss = module(torch.randn(4, 8, 100))
(loss + out.square().mean()).backward()
assert module.project_in.weight.grad is not None and all(each.grad is None for each in module.values_per_latent)
print("with linear layers around it the values have no gradient either")
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
