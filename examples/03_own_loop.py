"""Use the twin gradients in a training loop of your own.

python examples/03_own_loop.py [UPDATES]
"""

import sys

import numpy as np
import torch
from torch import nn

from alpha_bridge import AlphaPath, SigmoidGamma, gaussian, twin
from alpha_bridge.data import ring
from alpha_bridge.ratio import discriminator_loss

updates = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
torch.manual_seed(0)
data = ring(8).sample(10_000, np.random.default_rng(0))
sigma, gamma = torch.tensor(0.3), SigmoidGamma()

generator = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 2))
encoder = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 4))
discriminator = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 1))
arms = torch.optim.Adam([*generator.parameters(), *encoder.parameters()], 1e-3, (0.5, 0.99))
critic = torch.optim.Adam(discriminator.parameters(), 1e-3, (0.5, 0.99))

path = AlphaPath.three_steps(
    ml=updates // 5, transfer=2 * updates // 5, adversarial=2 * updates // 5
)
for step in range(len(path)):
    alpha = path(step)
    x = data[torch.randint(len(data), (256,))]

    # the evidence lower bound stands for log p(x), and the logit for f = log q(x) - log p(x)
    mean, log_variance = gaussian.moments(encoder(x))
    z = gaussian.reparameterize(mean, log_variance, torch.randn_like(mean))
    log_p = gaussian.log_likelihood(x, generator(z), sigma)
    fake = generator(torch.randn(256, 2))
    f_data, f_model = discriminator(x).squeeze(-1), discriminator(fake).squeeze(-1)

    loss = twin.bridge(log_p, f_data, f_model, alpha, gamma, clip=5.0)
    bound = gaussian.elbo(log_p, gaussian.kl_to_prior(mean, log_variance))
    arms.zero_grad()
    # θ descends the divergence, φ maximises the bound
    loss.mean().backward(inputs=[*generator.parameters()], retain_graph=True)
    (-bound.mean()).backward(inputs=[*encoder.parameters()])
    arms.step()

    x.requires_grad_()
    logits = discriminator(x).squeeze(-1)
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    penalty = slope.square().sum(-1)  # R1
    ratio_loss = discriminator_loss(logits, discriminator(fake.detach()).squeeze(-1))
    critic.zero_grad()
    (ratio_loss.mean() + 0.3 / 2 * penalty.mean()).backward()
    critic.step()

samples = generator(torch.randn(1000, 2))
print(f"log-density of samples under the data: {ring(8).log_prob(samples).mean():.2f} nats")
