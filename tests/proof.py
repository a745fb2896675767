"""The proof that a refactoring owes: short runs have the same losses, to the last digit.

    python tests/proof.py --write before.json     # in the tree as it was
    python tests/proof.py --compare before.json   # in the tree as it is

Another tree is measured with ``PYTHONPATH=that/tree/src``: what is used of it is its command line
alone. Numbers of two machines differ, so write and compare on one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

LOSSES = ("loss/generator", "loss/encoder", "loss/discriminator", "alpha", "gamma", "sigma")
DATA = Path(__file__).parents[2] / "shared" / "data" / "mnist"

Losses = Mapping[str, Sequence[Mapping[str, float]]]
"""For each preset, the losses of every update."""


def train(preset: str, steps: int, data: str | None) -> list[dict[str, float]]:
    """Train a preset in a process of its own, on one thread, and read its losses back."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [
            *(sys.executable, "-m", "alpha_bridge", "train", preset, "--out", str(run)),
            *(f"--steps={steps}", "--record-every=1", f"--checkpoint-every={steps}", "--seed=0"),
            # evaluation draws from generators of its own: as little of it as there can be
            *(f"--evaluation.every={steps}", "--evaluation.samples=100"),
            *([] if preset == "gaussians25" else ["--evaluation.features=pixels"]),
            *([] if data is None else [f"--data={data}"]),
        ]
        one_thread = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        subprocess.run(command, check=True, env=os.environ | one_thread, stdout=sys.stderr)
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [{name: record[name] for name in LOSSES} for record in records]


def measure(steps: int, data: str | None) -> dict[str, list[dict[str, float]]]:
    """The losses of every preset."""
    losses = {preset: train(preset, steps, None) for preset in ("gaussians25", "digits")}
    if data is not None:
        losses["mnist"] = train("mnist", steps, data)
    return losses


def differences(before: Losses, after: Losses) -> list[str]:
    """A line for each preset whose losses differ: the first update that does."""
    lines = []
    for preset in before:
        if preset not in after:
            lines.append(f"{preset}: not measured; give its data with --data")
            continue
        if len(before[preset]) != len(after[preset]):
            lines.append(f"{preset}: {len(before[preset])} updates, now {len(after[preset])}")
        pairs = enumerate(zip(before[preset], after[preset], strict=False), 1)
        for step, (old, new) in pairs:
            if changed := [name for name in old if old[name] != new.get(name)]:
                values = ", ".join(f"{name} {old[name]!r} → {new.get(name)!r}" for name in changed)
                lines.append(f"{preset}: differs from update {step} on: {values}")
                break
    return lines


def main() -> int:
    """Write the losses, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", type=Path, metavar="FILE", help="write the losses")
    action.add_argument("--compare", type=Path, metavar="FILE", help="compare with those of FILE")
    parser.add_argument("--steps", type=int, default=500, help="updates of each run")
    parser.add_argument(
        "--data",
        default=str(DATA) if DATA.is_dir() else None,
        help="MNIST: a folder, or its id on the hub; without it, mnist is left out",
    )
    given = parser.parse_args()
    if given.write:
        losses = measure(given.steps, given.data)
        given.write.write_text(json.dumps(losses) + "\n", encoding="utf-8")
        return 0
    before = json.loads(given.compare.read_text(encoding="utf-8"))
    lines = differences(before, measure(len(before["gaussians25"]), given.data))
    print("\n".join(lines) or f"the same losses at every update: {', '.join(before)}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
