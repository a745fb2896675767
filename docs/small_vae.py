"""Make the VAE that docs/vae.md sharpens: a small one, of the kind that latent diffusion has.

``python docs/small_vae.py PHOTOS VAE [UPDATES]`` trains diffusers' ``AutoencoderKL`` on a folder of
photos and saves it in the folder VAE: colours are right by then, and edges blurred.
"""

import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL

from alpha_bridge.data import load_images

SIZE = 32
"""Pixels of a side."""
UPDATES = 1000
BATCH = 16
RATE = 4e-3
"""At its highest; it rises from next to nothing and falls again."""
KL_WEIGHT = 1e-6
"""So little that latents follow their images and no prior, as in latent diffusion."""


def small() -> AutoencoderKL:
    """A VAE whose latents are 8 × 8 small, in four channels, with 178,000 weights."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(16, 16, 32),
        latent_channels=4,
        norm_num_groups=4,
        mid_block_add_attention=False,
        sample_size=SIZE,
        scaling_factor=1.0,
    )


def train(photos: Path, vae: Path, updates: int = UPDATES) -> None:
    """Train one on the photos that can be decoded, and save it in a new folder."""
    torch.manual_seed(0)
    source = load_images(str(photos), size=SIZE, channels=3, skip_broken=True)
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=updates, pct_start=0.1)
    for update in range(updates):
        x = source.units.normalize(source.batch(0, update, BATCH))
        posterior = model.encode(x).latent_dist
        error = (x - model.decode(posterior.sample()).sample).square().mean()
        loss = error + KL_WEIGHT * posterior.kl().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
        if (update + 1) % 100 == 0:
            print(f"update {update + 1} of {updates}  mean squared error {error:.4f}", flush=True)
    model.save_pretrained(vae)


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
