#!/usr/bin/env bash
# azula 0.11.1, REABSampler: the sampler of the highest order is of the first order, and behind Euler's for some noise.
#
# The documentation gives the step: what is integrated over it is multiplied by the root of alpha² + sigma², both at
# the end of the step. The code takes sigma from its beginning, where it is larger. The error of each step so is in
# proportion to its length whatever order= says. Order 2 and 3 of the four other multi-step samplers have about a
# quarter of their error, or less, with twice as many steps; with REABSampler half of it is left. For data that are
# normal, whose samples are known exactly, order 3 with 256 steps of a variance exploding schedule is worse than
# Euler's method and some ten thousand times farther off than xEABSampler. With the documented factor its errors are
# like those of the others.
#
# The samples look well, only wider or narrower than the data.
#
# Matters to whoever takes it for few steps, as the most recent of the samplers it has: it costs quality, unseen.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 einops==0.8.2 tqdm==4.70.1
# The rest of what it asks for is to download models, which are not used here.
"$folder/venv/bin/python" -m pip install -q --no-deps azula==0.11.1

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import torch
from azula.denoise import Denoiser, DiracPosterior
from azula.noise import RectifiedSchedule, VESchedule
from azula.sample import EulerSampler, REABSampler, vABSampler, xEABSampler, zABSampler, zEABSampler

print("azula", version("azula"), "torch", torch.__version__)
torch.set_default_dtype(torch.float64)
MEAN, VARIANCE = 0.3, 0.25


class Known(Denoiser):
    """What normal data are expected to be, given a noisy value."""

    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def forward(self, x_t, t):
        alpha, sigma = self.schedule(t)
        return DiracPosterior((sigma**2 * MEAN + alpha * VARIANCE * x_t) / (alpha**2 * VARIANCE + sigma**2))


class Documented(REABSampler):
    """The step as its documentation has it."""

    def __call__(self, x):
        time = self.timesteps
        alpha, sigma = self.denoiser.schedule(time)
        log_noise = (sigma / alpha).log()
        whole = (alpha**2 + sigma**2).sqrt()
        last = []
        for step, t in enumerate(time[:-1]):
            clean = self.denoiser(x, t).mean
            last = [*last, (alpha[step] * x / whole[step] ** 2 - clean) * whole[step] / sigma[step]][-self.order :]
            weights = self._exponential_adams_bashforth(log_noise, i=step, n=self.order)
            added = sum(weight * each for weight, each in zip(weights, last, strict=True))
            x = whole[step + 1] * (x / whole[step] + added)
        return x


def off(sampler, schedule, steps, **arguments):
    """The largest error of samples from noise between -2 and 2 deviations."""
    model = Known(schedule)
    noise = torch.linspace(-2, 2, 5)[:, None]
    start, right = (
        alpha * MEAN + noise * (alpha**2 * VARIANCE + sigma**2).sqrt()
        for alpha, sigma in (schedule(torch.tensor(time)) for time in (1.0, 0.0))
    )
    found = sampler(model, steps=steps, silent=True, dtype=torch.float64, **arguments)(start)
    return (found - right).abs().max().item()


COUNTS = 64, 128, 256
for schedule in (RectifiedSchedule(), VESchedule()):
    print(f"{type(schedule).__name__}, error with {COUNTS} steps:")
    errors = {}
    for sampler in (EulerSampler, zABSampler, vABSampler, zEABSampler, xEABSampler, REABSampler, Documented):
        for order in (1,) if sampler is EulerSampler else (2, 3):
            arguments = {} if sampler is EulerSampler else {"order": order}
            found = [off(sampler, schedule, steps, **arguments) for steps in COUNTS]
            errors[sampler, order] = found
            print(f"  {sampler.__name__} order {order}:", *(f"{each:.1e}" for each in found))
    for (sampler, order), (_, before, after) in errors.items():
        of_first_order = sampler in (EulerSampler, REABSampler)
        assert (0.4 < after / before < 0.6) if of_first_order else after / before < 0.36, f"{sampler} {order} is other"
    assert errors[REABSampler, 3][-1] > 50 * errors[Documented, 3][-1], "it is as documented now"
assert errors[REABSampler, 3][-1] > errors[EulerSampler, 1][-1] > 1000 * errors[xEABSampler, 3][-1]
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
