"""Weigh samples of a model by its density ratio, so that their mean is nearer to the data's.

python examples/05_density_ratio.py [UPDATES]
"""

import sys

import torch

from alpha_bridge import AlphaBridge, AlphaPath, fit
from alpha_bridge.inference.calibrated_ratio import calibrated, evidence
from alpha_bridge.inference.importance import smoothed_weights
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator

updates = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000

torch.manual_seed(0)
data = torch.randn(12_000, 2) * torch.tensor([1.0, 0.5]) + torch.tensor([2.0, 0.0])
train, held_out = data[:10_000], data[10_000:]

bridge = AlphaBridge(MLPGenerator(2, 2), MLPEncoder(2, 2), MLPDiscriminator(2), noise=0.3)
# half-way: at α = 1 the model leaves out the data's tails, which no weight brings back
steps = {"ml": updates // 2, "transfer": updates // 4, "adversarial": updates // 4}
path = AlphaPath.three_steps(**steps, end=0.5)
model = fit(bridge, train, path).averaged().eval()

# the logit of a trained discriminator is no log ratio yet: it is calibrated on data not trained on
ratio = calibrated(model, held_out)
samples = model.sample(2000)
found = ratio(evidence(model, samples, ratio.kind))

weighted = smoothed_weights(found.value)
weights = torch.as_tensor(weighted.weights, dtype=samples.dtype)
print(f"variance of the data:     {held_out.var(0).tolist()}")
print(f"of samples:               {samples.var(0).tolist()}")
mean = (weights[:, None] * samples).sum(0)
print(f"of weighted samples:      {(weights[:, None] * (samples - mean) ** 2).sum(0).tolist()}")
print(f"effective share of them:  {weighted.effective:.0%}, k = {weighted.shape:.2f} (up to 0.7)")
