#!/usr/bin/env bash
# diffusers 0.42.1, AutoencoderTiny.enable_tiling(): only one shape of autoencoder can be tiled.
#
# Tiles save memory with large images, and change neither shapes nor channels. But AutoencoderTiny takes
# its factor between pixels and latents to be two to the power of the number of image channels, whatever
# its blocks are, and writes its tiles into latents of 4 channels and images of 3, whatever its own
# numbers are. That fits four blocks, three channels of an image and four of a latent, and no other model:
# with 16 channels of a latent (as TAESD3 and TAEF1 have), with grey images, or with three blocks, encode()
# raises an error about sizes of tensors as soon as tiles are on, even for an image of one tile.
# spatial_scale_factor, which others may read, is wrong without tiles too.
#
# Matters to whoever encodes large images with one of these, and to whoever reads the factor.
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
MODELS = {  # image channels, latent channels, blocks
    "as TAESD has them": (3, 4, 4),
    "16 latent channels": (3, 16, 4),
    "grey images": (1, 4, 4),
    "three blocks": (3, 4, 3),
}


def encoded(vae, images):
    with torch.no_grad():
        return tuple(vae.encode(images).latents.shape)


seen = {}
for name, (channels, latents, blocks) in MODELS.items():
    vae = diffusers.AutoencoderTiny(
        in_channels=channels,
        out_channels=channels,
        latent_channels=latents,
        encoder_block_out_channels=(8,) * blocks,
        decoder_block_out_channels=(8,) * blocks,
        num_encoder_blocks=(1,) * blocks,
        num_decoder_blocks=(1,) * blocks,
    )
    images = torch.rand(1, channels, 64, 64)
    whole = encoded(vae, images)
    vae.enable_tiling()
    try:
        tiled = "the same shape" if encoded(vae, images) == whole else "another shape"
    except RuntimeError as error:
        tiled = f"RuntimeError: {error}"
    seen[name] = (images.shape[-1] // whole[-1], vae.spatial_scale_factor, tiled)
    print(f"{name}: {whole}, factor {seen[name][0]}, said {seen[name][1]}; with tiles: {tiled}")

fits, *others = seen.values()
right = fits == (8, 8, "the same shape")
wrong = all(tiled.startswith("RuntimeError") for *_, tiled in others)
factors = [other[:2] for other in others] == [(8, 8), (8, 2), (4, 8)]
sys.exit(not (right and wrong and factors))
PYTHON
if "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
