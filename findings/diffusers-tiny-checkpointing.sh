#!/usr/bin/env bash
# diffusers 0.42.1, AutoencoderTiny.enable_gradient_checkpointing(): the encoder gives other latents.
#
# Checkpointing computes activations again, and changes no number. But EncoderTiny.forward maps images
# from [-1, 1] to [0, 1] only on its way without checkpointing: with it, wherever gradients are enabled,
# the same image has other latents, as if the range of images were another. Under no_grad they are right
# again, so that a model that is trained in this way is validated on latents that it was never trained
# with. Nothing is said. The decoder, whose change of range lies behind both ways, is right.
#
# Matters to whoever trains an AutoencoderTiny, or a model on its latents with gradients enabled, and
# saves memory. Without it for the encoder (encoder.gradient_checkpointing = False) all is right.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q diffusers==0.42.1 numpy==2.4.6

cat > "$folder/seen.py" <<'PYTHON'
import sys

import diffusers
import torch

print("torch", torch.__version__, "diffusers", diffusers.__version__)
torch.manual_seed(0)
widths, blocks = (8, 8), (1, 1)
vae = diffusers.AutoencoderTiny(
    encoder_block_out_channels=widths,
    decoder_block_out_channels=widths,
    num_encoder_blocks=blocks,
    num_decoder_blocks=blocks,
).train()
x = torch.rand(1, 3, 16, 16) * 2 - 1
latents = vae.encode(x).latents.detach()
decoded = vae.decode(latents).sample.detach()

vae.enable_gradient_checkpointing()
again = vae.encode(x).latents.detach()
with torch.no_grad():
    without = vae.encode(x).latents
unmapped = vae.encode((x + 1) / 2).latents.detach()
off = (again - latents).abs().max().item() / latents.abs().max().item()
print(f"latents with checkpointing are off by {off:.0%} of the largest; expected 0%")
print("with it, under no_grad, as before:", torch.equal(without, latents))
print("with it, of (x + 1) / 2, those of x:", torch.allclose(unmapped, latents, atol=1e-6))
print("decoded with it as before:", torch.equal(vae.decode(latents).sample, decoded))
right = torch.equal(without, latents) and torch.allclose(unmapped, latents, atol=1e-6)
sys.exit(not (off > 0.01 and right and torch.equal(vae.decode(latents).sample, decoded)))
PYTHON
if "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
