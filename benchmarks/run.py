"""Measure what the library's speed claims rest on, each pair side by side in one run.

``make bench`` runs all of it and writes ``benchmarks/results.json`` and the table of
``docs/speed.md``. Machines are noisy: the two sides of a pair take turns, and the median of the
ratios counts.
"""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch

HERE = Path(__file__).parent
Work = Callable[[], object]


def seconds(work: Work) -> float:
    """Time of one call."""
    begin = perf_counter()
    work()
    return perf_counter() - begin


def compare(slow: Work, fast: Work, rounds: int = 5) -> dict[str, float]:
    """Median times of two sides that take turns, and the median of their ratios."""
    slow(), fast()
    pairs = [(seconds(slow), seconds(fast)) for _ in range(rounds)]
    return {
        "other_seconds": median(one for one, _ in pairs),
        "ours_seconds": median(two for _, two in pairs),
        "ratio": median(one / two for one, two in pairs),
        "lowest_ratio": min(one / two for one, two in pairs),
    }


def updates(trials: int, count: int) -> Work:
    """``count`` updates of Step II on the 25 Gaussians, for that many stacked trials."""
    from alpha_bridge.assembly import assemble
    from alpha_bridge.path import constant
    from alpha_bridge.presets import PRESETS

    parts = assemble(PRESETS["gaussians25"].model_copy(update={"trials": trials}))
    return replace(parts, path=constant(0.5, count)).fit


def stacked_trials() -> dict[str, float]:
    """Ten trials one after the other against ten stacked ones."""
    single, stacked = updates(1, 100), updates(10, 100)

    def ten_singles() -> None:
        for _ in range(10):
            single()

    return compare(ten_singles, stacked, rounds=3)


def kde() -> dict[str, dict[str, float]]:
    """Log-likelihood of 10,000 points under 10,000 samples against scipy and scikit-learn."""
    from scipy.stats import gaussian_kde
    from sklearn.neighbors import KernelDensity

    from alpha_bridge.data import grid, stream
    from alpha_bridge.metrics.mixture import kde_log_likelihood

    points, samples = (grid().sample(10_000, stream(0, step)).double() for step in (0, 1))
    bandwidth = 0.1
    deviation = np.sqrt(np.cov(samples.numpy().T).diagonal())

    def ours() -> float:
        return float(kde_log_likelihood(points, samples, bandwidth))

    def scipys() -> float:
        whitened = (samples.numpy() / deviation, points.numpy() / deviation)
        kernel = gaussian_kde(whitened[0].T, bw_method=bandwidth)
        return float(kernel.logpdf(whitened[1].T).mean())

    def sklearns(rtol: float) -> float:
        tree = KernelDensity(bandwidth=bandwidth, rtol=rtol).fit(samples.numpy())
        return float(tree.score(points.numpy()) / len(points))

    return {
        "scipy": compare(scipys, ours, rounds=3),
        "scikit-learn": compare(lambda: sklearns(0.0), ours, rounds=3),
        "scikit-learn, rtol 1e-6": compare(lambda: sklearns(1e-6), ours, rounds=3),
        "error": {"scikit-learn": abs(ours() - sklearns(0.0))},
    }


def pipeline() -> dict[str, float]:
    """Images a second: the memory map against a DataLoader over PIL files with two workers."""
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    from alpha_bridge.data import load_images

    count, size, batch = 4000, 64, 64
    folder = Path(tempfile.mkdtemp()) / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        noise = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((size, size)).save(folder / f"{index:05}.png")

    class Files(Dataset[torch.Tensor]):
        paths = sorted(folder.iterdir())

        def __len__(self) -> int:
            return count

        def __getitem__(self, index: int) -> torch.Tensor:
            pixels = np.asarray(Image.open(self.paths[index]).convert("RGB"))
            return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 127.5 - 1

    source = load_images(str(folder), cache=folder.parent / "cache")
    loader = DataLoader(Files(), batch, shuffle=True, num_workers=2)
    steps = count // batch * 9 // 10

    def ours() -> None:
        for step in range(steps):
            source.units.normalize(source.batch(0, step, batch))

    def loaders() -> None:
        for step, _ in enumerate(loader):
            if step == steps:
                break

    found = compare(loaders, ours, rounds=3)
    return {**found, "images_per_second": steps * batch / found["ours_seconds"]}


def machine() -> dict[str, object]:
    """Where it was measured."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def table(results: dict) -> str:
    """The rows of ``docs/speed.md``."""
    rows = {
        "ten trials: one after the other / stacked": (results["stacked_trials"], 4),
        "KDE of 10,000 points: scipy / ours": (results["kde"]["scipy"], 10),
        "KDE of 10,000 points: scikit-learn / ours": (results["kde"]["scikit-learn"], 10),
        "the same with rtol=1e-6": (results["kde"]["scikit-learn, rtol 1e-6"], 10),
        "64×64 images: DataLoader over PNG files / memory map": (results["pipeline"], 10),
    }
    lines = ["| pair | other (s) | ours (s) | ratio | goal |", "|---|---|---|---|---|"]
    for name, (pair, goal) in rows.items():
        times = f"{pair['other_seconds']:.3g} | {pair['ours_seconds']:.3g}"
        lines.append(f"| {name} | {times} | {pair['ratio']:.1f} | {goal} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the results and the table."""
    results: dict[str, object] = {"machine": machine()}
    for measure in (stacked_trials, kde, pipeline):
        results[measure.__name__] = measure()
        print(measure.__name__, json.dumps(results[measure.__name__]), flush=True)
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    page = HERE.parent / "docs" / "speed.md"
    before, rest = page.read_text(encoding="utf-8").split("<!-- table -->")
    after = rest.split("<!-- /table -->")[1]
    page.write_text(
        f"{before}<!-- table -->\n{table(results)}\n<!-- /table -->{after}", encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
