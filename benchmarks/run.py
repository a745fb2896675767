"""Measure what the library's speed claims rest on, each pair side by side in one run.

``make bench`` runs all of it and writes ``benchmarks/results.json`` and the tables of
``docs/speed.md``. Machines are noisy: the two sides of a pair take turns, and the median of the
ratios counts.
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from measure import (
    HERE,
    PAGE,
    Work,
    compare,
    machine,
    matmul_peak,
    put,
    ratio,
    repeated,
    seconds,
    table,
    take_turns,
    write_json,
)
from updates import CELEBA, GAUSSIANS, MNIST, Updates


def updates(trials: int, count: int) -> Work:
    """``count`` updates of Step II on the 25 Gaussians, for that many stacked trials."""
    from alpha_bridge.path import constant
    from alpha_bridge.recipe.assembly import assemble
    from alpha_bridge.recipe.presets import PRESETS

    parts = assemble(PRESETS["gaussians25"].model_copy(update={"trials": trials}))
    return replace(parts, path=constant(0.5, count)).fit


def stacked_trials() -> dict[str, float]:
    """Ten trials one after the other against ten stacked ones."""
    single, stacked = updates(1, 100), updates(10, 100)

    def ten_singles() -> None:
        for _ in range(10):
            single()

    return compare(ten_singles, stacked, rounds=3)


def floor() -> dict[str, float]:
    """One update of ten stacked trials against the time of its matrix products alone.

    The machine's speed at products is measured at the shape of the hidden layers, batched as
    here, and at one large product, which is what the machine can do at best.
    """
    step = Updates(GAUSSIANS.model_copy(update={"trials": 10}))
    operations = step.operations()
    hidden = GAUSSIANS.model.hidden[0]
    batched, large = matmul_peak(hidden, batch=10), matmul_peak(2048)
    for _ in range(10):
        step()
    update = min(seconds(step, 20) / 20 for _ in range(5))
    return {
        "update_seconds": update,
        "operations": operations,
        "batched_operations_per_second": batched,
        "large_operations_per_second": large,
        "batched_ratio": update * batched / operations,
        "large_ratio": update * large / operations,
    }


def vaegan() -> dict[str, dict[str, dict[str, float]]]:
    """An update at α = .5 against a training step of pythae's VAEGAN with the same networks."""
    from vaegan import Steps

    found = {}
    for name, config, count, rounds in (("28x28", MNIST, 20, 5), ("64x64", CELEBA, 4, 3)):
        ours = {"float32": Updates(config), "bfloat16": Updates(config, precision="bf16")}
        theirs = take_turns(
            {
                "pythae": Steps(config, count),
                **{precision: repeated(step, count) for precision, step in ours.items()},
            },
            rounds,
        )
        images = count * config.batch_size
        found[name] = {
            precision: {
                **ratio(theirs["pythae"], theirs[precision]),
                "other_images_per_second": images / median(theirs["pythae"]),
                "ours_images_per_second": images / median(theirs[precision]),
            }
            for precision in ours
        }
    return found


def kde() -> dict[str, dict[str, float]]:
    """Log-likelihood of 10,000 points under 10,000 samples against scipy and scikit-learn."""
    from scipy.stats import gaussian_kde
    from sklearn.neighbors import KernelDensity

    from alpha_bridge.data import grid, stream
    from alpha_bridge.metrics.modes import kde_log_likelihood

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


def pairs(results: dict) -> str:
    """The table of pairs in ``docs/speed.md``."""
    rows = {
        "ten trials: one after the other / stacked": (results["stacked_trials"], 4),
        "KDE of 10,000 points: scipy / ours": (results["kde"]["scipy"], 10),
        "KDE of 10,000 points: scikit-learn / ours": (results["kde"]["scikit-learn"], 10),
        "the same with rtol=1e-6": (results["kde"]["scikit-learn, rtol 1e-6"], 10),
        "64×64 images: DataLoader over PNG files / memory map": (results["pipeline"], 10),
    }
    cells = [
        [
            name,
            f"{pair['other_seconds']:.3g}",
            f"{pair['ours_seconds']:.3g}",
            f"{pair['ratio']:.1f}",
            f"≥ {goal}",
        ]
        for name, (pair, goal) in rows.items()
    ]
    return table(["pair", "other (s)", "ours (s)", "ratio", "goal"], cells)


def images(results: dict) -> str:
    """The table of images a second in ``docs/speed.md``."""
    goals = {"float32": 2.5, "bfloat16": 3.5}
    cells = [
        [
            size.replace("x", "×"),
            precision,
            f"{pair['other_images_per_second']:,.0f}",
            f"{pair['ours_images_per_second']:,.0f}",
            f"{pair['ratio']:.1f}",
            f"≥ {goals[precision]}",
        ]
        for size, precisions in results["vaegan"].items()
        for precision, pair in precisions.items()
    ]
    head = ["images", "ours in", "pythae (images/s)", "ours (images/s)", "ratio", "goal"]
    return table(head, cells)


def products(results: dict) -> str:
    """The table of the floor in ``docs/speed.md``."""
    found = results["floor"]
    kinds = {"batched": "ten of 128×128 at once", "large": "one of 2048×2048"}
    cells = [
        [
            f"{found['update_seconds'] * 1e3:.1f}",
            f"{found['operations'] / 1e9:.2f}",
            name,
            f"{found[f'{kind}_operations_per_second'] / 1e9:.0f}",
            f"{found[f'{kind}_ratio']:.1f}",
            "≤ 2.5",
        ]
        for kind, name in kinds.items()
    ]
    head = ["update (ms)", "GFLOP", "products", "GFLOP/s", "update / products alone", "goal"]
    return table(head, cells)


def main() -> None:
    """Measure, and write the results and the tables."""
    from alpha_bridge.training import keep_freed_memory

    keep_freed_memory()  # as the command does, for both sides of each pair
    results: dict[str, object] = {"machine": machine()}
    for measure in (floor, stacked_trials, vaegan, kde, pipeline):
        results[measure.__name__] = measure()
        print(measure.__name__, json.dumps(results[measure.__name__]), flush=True)
    write_json(HERE / "results.json", results)
    for name, page_table in (("pairs", pairs), ("images", images), ("products", products)):
        put(PAGE, name, page_table(results))


if __name__ == "__main__":
    sys.exit(main())
