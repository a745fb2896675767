#!/usr/bin/env bash
# pythae 0.1.2, get_nll of its VAEs: the draws are not those that were asked for, and the sign is the other one.
#
# get_nll(data, n_samples=1, batch_size=100) is documented to estimate the negative log-likelihood by importance
# sampling with n_samples draws. Draws come in whole batches, however few are asked for: 1 draw is 100, and so are
# 150. The bound rises with the number of draws, so that "one draw", the evidence bound, is looser than what is
# returned, by as much as the posterior misses. And what is returned is the log-likelihood itself: of a decoder
# that gives a constant, where it is known exactly, it has its sign and not that of its negative. Tried with five
# kinds of VAE.
#
# Matters to whoever tabulates the package's bounds beside others', or takes the smaller "nll" for the better one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q pythae==0.1.2 numpy==2.4.6 pydantic==2.14.3

cat > "$folder/draws.py" <<'PYTHON'
import math
from importlib.metadata import version

import torch
from pythae import models
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import nn

print("pythae", version("pythae"), "torch", torch.__version__)
SIZE, LATENT = 3, 2


class Encoder(BaseEncoder):
    """N(slope x, 1) for the first numbers of x; with slope 0 the prior, the exact posterior of a constant."""

    def __init__(self, slope=0.0):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, x):
        mean = self.slope * x[:, :LATENT]
        return ModelOutput(embedding=mean, log_covariance=torch.zeros_like(mean))


class Decoder(BaseDecoder):
    """Zeros, whatever the latent; counts its latents, each a draw."""

    draws = 0

    def forward(self, z):
        self.draws += len(z)
        return ModelOutput(reconstruction=torch.zeros(len(z), SIZE))


def model(kind="VAE", slope=0.0):
    config = "INFOVAE_MMD_Config" if kind == "INFOVAE_MMD" else f"{kind}Config"
    settings = getattr(models, config)(input_dim=(SIZE,), latent_dim=LATENT)
    return getattr(models, kind)(settings, encoder=Encoder(slope), decoder=Decoder())


def found(vae, x, **asked):
    torch.manual_seed(0)
    vae.decoder.draws = 0
    with torch.no_grad():
        return float(vae.get_nll(x, **asked)), vae.decoder.draws // len(x)


x = torch.tensor([[1.0, 2.0, 2.0]])
exact = -float(x.square().sum()) / 2 - SIZE / 2 * math.log(2 * math.pi)
for asked in ({}, {"n_samples": 10}, {"n_samples": 150}, {"n_samples": 200}, {"n_samples": 1, "batch_size": 1}):
    value, draws = found(model(), x, **asked)
    print(f"get_nll({', '.join(f'{name}={of}' for name, of in asked.items())}): {draws} draws, {value:.4f}")
    assert draws == {150: 100, 200: 200}.get(asked.get("n_samples"), asked.get("batch_size", 100))
    assert abs(value - exact) < 1e-4
print(f"the log-likelihood is {exact:.4f}, its negative {-exact:.4f}")

bound, _ = found(model(slope=1.0), x.repeat(500, 1), n_samples=1, batch_size=1)
value, _ = found(model(slope=1.0), x.repeat(500, 1), n_samples=1)
print(f"an encoder that is off: one draw gives {bound:.1f}, get_nll with n_samples=1 gives {value:.1f}")
assert value > bound + 1

counts = {}
for kind in ("BetaVAE", "BetaTCVAE", "INFOVAE_MMD", "DisentangledBetaVAE"):
    counts[kind] = found(model(kind), x, n_samples=10)[1]
print("10 draws asked for:", counts)
assert set(counts.values()) == {100}
PYTHON
"$folder/venv/bin/python" "$folder/draws.py"
