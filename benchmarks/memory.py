"""How much memory the training of 64×64 colour images takes, against another build.

    python benchmarks/memory.py --other ENVIRONMENT/bin/python

Each build trains and evaluates the preset ``celeba`` on noise, in a process of its own, in Python
and by the whole command, with its checkpoints, incidents and report; what a process holds at its
peak is in ``benchmarks/memory.json`` and in the table of ``docs/speed.md``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
UPDATES, SAMPLES = 5, 256
"""Updates, the last with a penalty, and images of the evaluation."""


def peak() -> float:
    """The highest use of memory so far, in MB."""
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024 / 1e6


def forget() -> None:
    """Begin the highest use anew."""
    Path("/proc/self/clear_refs").write_text("5")


def train() -> dict[str, float]:
    """Memory at the peak: of the imports, of updates, and of an evaluation after them."""
    import numpy as np

    from alpha_bridge import fit
    from alpha_bridge.data import ImageSource
    from alpha_bridge.path import AlphaPath
    from alpha_bridge.recipe import changed
    from alpha_bridge.recipe.assembly import build_evaluation
    from alpha_bridge.recipe.first_weights import build_model
    from alpha_bridge.recipe.presets import PRESETS
    from alpha_bridge.recipe.slots import REGULARIZERS, build_slots
    from alpha_bridge.training.machine import keep_freed_memory

    keep_freed_memory()
    settings = {
        "event_shape": (3, 64, 64),
        "evaluation.samples": SAMPLES,
        "evaluation.features": "pixels",
    }
    config = changed(PRESETS["celeba"], settings)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * SAMPLES, 64, 64, 3), dtype=np.uint8)
    source = ImageSource(images[:SAMPLES], images[SAMPLES:])
    gamma, objective, _ = build_slots(config)
    found = {"imports": peak()}
    state = fit(
        build_model(config),
        source,
        AlphaPath.three_steps(ml=0, transfer=UPDATES, adversarial=0),
        objective=objective,
        gamma=gamma,
        regularizer=REGULARIZERS[config.regularizer.kind](config.regularizer),
        optimization=config.optimization,
        batch_size=64,
        progress=False,
    )
    found["training"] = peak()
    forget()
    build_evaluation(config, source)(state.averaged(), state.memory)
    return found | {"evaluation": peak()}


def measure(python: str) -> dict[str, float]:
    """The same in processes of their own, of the build to which an interpreter belongs."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env = dict(os.environ) if python == sys.executable else own
    command = [python, __file__, "--train"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    found: dict[str, float] = json.loads(done.stdout)
    return found | {"whole command": whole_command(python, env)}


COMMAND = (
    *("--steps=12", "--path.ml=0.1", "--path.transfer=0.5", "--path.adversarial=0.4"),
    *("--watch.every=3", "--checkpoint-every=6", "--evaluation.every=6"),
    *(f"--evaluation.samples={SAMPLES}", "--evaluation.features=pixels"),
)
"""A short training in which everything happens that a long one has, some of it twice."""


def whole_command(python: str, env: dict[str, str]) -> float:
    """The highest use of memory of ``alpha-bridge train celeba``, in MB."""
    import numpy as np
    from measure import finished

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "noise.npy"
        shape = (2 * SAMPLES, 64, 64, 3)
        np.save(data, np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
        words = ["train", "celeba", "--data", str(data), *COMMAND, "--out", f"{folder}/run"]
        _, used = finished([python, "-m", "alpha_bridge", *words], env)
    return used.ru_maxrss * 1024 / 1e6  # Linux counts in KiB


def table_of(found: dict[str, dict[str, float]]) -> str:
    """A line for each build, in MB."""
    from measure import table

    head = ["build", *next(iter(found.values()))]
    return table(
        head, [[name, *(f"{mb:,.0f}" for mb in row.values())] for name, row in found.items()]
    )


def main() -> None:
    """Measure both builds, and write the numbers and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", help="the interpreter of another build")
    parser.add_argument("--out", type=Path, default=HERE / "memory.json", help="JSON file")
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        print(json.dumps(train()))
        return
    from measure import PAGE, machine, put, write_json

    builds = {"other": options.other, "this": sys.executable}
    found = {name: measure(python) for name, python in builds.items() if python}
    write_json(options.out, {"machine": machine(), "megabytes": found})
    put(PAGE, "memory", table_of(found))


if __name__ == "__main__":
    main()
