#!/usr/bin/env bash
# torch-kde 0.1.5, KernelDensity: its samples are not of the density it scores, and Scott's rule is too wide.
#
# 1. The class keeps the square of the bandwidth. score_samples knows, sample does not: it multiplies standard normal
#    noise by the square. With a bandwidth of 0.1 the samples lie ten times too close to the data, and so are nearly
#    copies of them; with one of 4 they are spread four times as far. Only with 1, the default, both agree.
# 2. With bandwidth="scott" or "silverman" the covariance of the data is multiplied by the factor of the rule, where
#    its square belongs: the factor is one for deviations. In SciPy, whose formulas and references are repeated in the
#    documentation, the kernel of 1000 numbers is half as wide. The factor does not depend on the data, so the density
#    is oversmoothed always: of two bumps that SciPy shows, one is left. (sample, in one dimension, makes up for it.)
#
# Matters to whoever draws new rows from it, as from scikit-learn's class that it offers to replace: with a small
# bandwidth the samples are the training set.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0
"$folder/venv/bin/python" -m pip install -q torch-kde==0.1.5 numpy==2.4.6 scipy==1.17.1

cat > "$folder/seen.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
import torch
from scipy.stats import gaussian_kde, norm
from torchkde import KernelDensity

print("torch-kde", version("torch-kde"), "torch", torch.__version__)
torch.manual_seed(0)
rng = np.random.default_rng(0)
grid = torch.linspace(-40, 40, 80001, dtype=torch.double)[:, None]
step = (grid[1] - grid[0]).item()

one = torch.zeros(1, 1, dtype=torch.double)
for bandwidth in (0.1, 0.5, 1.0, 2.0, 4.0):
    fitted = KernelDensity(bandwidth=bandwidth).fit(one)
    density = fitted.score_samples(grid).exp()
    of_density = ((density * grid[:, 0] ** 2).sum() * step).sqrt().item()
    of_samples = fitted.sample(20000).std().item()
    print(f"bandwidth {bandwidth}: deviation of the density {of_density:.3f}, of its samples {of_samples:.3f}")
    assert abs(of_density / bandwidth - 1) < 1e-3, "the density is right"
    assert abs(of_samples / bandwidth**2 - 1) < 0.03, "the samples are of that density now"


def bumps(density):
    return int(((density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])).sum())


for rule in ("scott", "silverman"):
    for columns, rows in ((1, 100), (1, 1000), (3, 1000)):
        data = rng.normal(size=(rows, columns))
        fitted = KernelDensity(bandwidth=rule).fit(torch.tensor(data))
        of_scipy = gaussian_kde(data.T, bw_method=rule)
        wider = (fitted.bandwidth.reshape(-1)[0].item() / of_scipy.covariance[0, 0]) ** 0.5
        middle = np.zeros((1, columns))
        heights = fitted.score_samples(torch.tensor(middle)).exp().item(), of_scipy(middle.T).item()
        print(f"{rule}, {rows} rows of {columns}: deviation of the kernel {wider:.2f} times that of SciPy, density in "
              "the middle {:.4f}, by SciPy {:.4f}".format(*heights))
        assert abs(wider - of_scipy.factor**-0.5) < 1e-6, "the factor is squared now"
        assert heights[0] < heights[1], "the density is as high as SciPy's now"

half = norm.ppf((np.arange(50) + 0.5) / 50)[:, None]
data = np.concatenate([half - 1.4, half + 1.4])
at = np.linspace(-6, 6, 241)
found = (
    bumps(KernelDensity(bandwidth="scott").fit(torch.tensor(data)).score_samples(torch.tensor(at)[:, None])),
    bumps(torch.tensor(gaussian_kde(data.T, bw_method="scott")(at))),
)
print("two halves around -1.4 and 1.4: {} bumps, {} by SciPy".format(*found))
assert found == (1, 2)
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
