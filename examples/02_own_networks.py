"""Train networks of your own: any three modules of torch.

python examples/02_own_networks.py [UPDATES]
"""

import sys

import numpy as np
import torch
from torch import nn

from alpha_bridge import AlphaBridge, AlphaPath, fit
from alpha_bridge.data import ring

updates = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
LATENT, HIDDEN = 2, 128

generator = nn.Sequential(
    nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)
)
encoder = nn.Sequential(  # mean and log-variance of each latent
    nn.Linear(2, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT)
)
discriminator = nn.Sequential(
    nn.Linear(2, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1)
)

torch.manual_seed(0)
mixture = ring(8)
data = mixture.sample(10_000, np.random.default_rng(0))

bridge = AlphaBridge(generator, encoder, discriminator, noise=0.3)
path = AlphaPath.three_steps(
    ml=updates // 10, transfer=3 * updates // 10, adversarial=6 * updates // 10
)
state = fit(bridge, data, path)

model = state.averaged()
samples = model.sample(1000)
print(f"log-density of samples under the data: {mixture.log_prob(samples).mean():.2f} nats")
print(f"of the data themselves:                {mixture.log_prob(data).mean():.2f} nats")
print(
    f"error of reconstructions:              {(model.reconstruct(data) - data).square().mean():.4f}"
)
