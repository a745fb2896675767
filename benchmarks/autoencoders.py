"""What an update of the bridge of reconstructions takes beside those of the usual recipes.

    python benchmarks/autoencoders.py

All train the same networks, a small autoencoder of 32×32 images, whole and with its encoder frozen.
The recipes have no penalty, as they are usually run; the bridge has its R1 at every eighth update.
Seconds, and what an update keeps for its backward passes, are in ``benchmarks/autoencoders.json``
and in the table of ``docs/speed.md``.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from measure import HERE, PAGE, machine, put, ratio, repeated, table, take_turns, write_json
from updates import Updates, autoencoder

BRIDGE, RECIPES = "alpha-bridge", ("vqgan-adaptive", "vqgan-fixed")
TRAINED = {"both": "none", "the decoder": "encoder"}
"""Which arms are trained, and what is kept of the autoencoder."""

Found = Mapping[str, Mapping[str, Mapping[str, float]]]
"""By what is trained, and by recipe, times and bytes of both sides."""


def measure(rounds: int = 5, **settings: object) -> Found:
    """Both recipes and the bridge in turns, a whole cycle of the bridge's penalty at a time."""
    return {name: _compared(rounds, {"freeze": of, **settings}) for name, of in TRAINED.items()}


def _compared(rounds: int, settings: Mapping[str, object]) -> dict[str, dict[str, float]]:
    without = {"regularizer.kind": "none", **settings}
    sides = {of: Updates(autoencoder(of, 32, **without), alpha=1.0) for of in RECIPES}
    sides[BRIDGE] = Updates(autoencoder(BRIDGE, 32, **settings))
    cycle = sides[BRIDGE].cycle
    times = take_turns({name: repeated(side, cycle) for name, side in sides.items()}, rounds)
    seconds = {name: [each / cycle for each in of] for name, of in times.items()}
    kept = {name: max(side.kept_bytes() for _ in range(cycle)) for name, side in sides.items()}
    return {
        recipe: {
            **ratio(seconds[recipe], seconds[BRIDGE]),
            "other_kept_bytes": kept[recipe],
            "ours_kept_bytes": kept[BRIDGE],
        }
        for recipe in RECIPES
    }


def table_of(found: Found) -> str:
    """A line for each recipe, with both arms trained and with the decoder alone."""
    head = ["trained", "recipe", "its update (ms)", "ours (ms)", "ours / its", "goal"]
    head += ["it keeps (MB)", "ours keeps (MB)", "ours / its"]
    rows = [
        [
            name,
            f"`{recipe}`",
            f"{of['other_seconds'] * 1e3:.1f}",
            f"{of['ours_seconds'] * 1e3:.1f}",
            f"{1 / of['ratio']:.2f}",
            "≤ 1.0",
            f"{of['other_kept_bytes'] / 1e6:.1f}",
            f"{of['ours_kept_bytes'] / 1e6:.1f}",
            f"{of['ours_kept_bytes'] / of['other_kept_bytes']:.2f}",
        ]
        for name, recipes in found.items()
        for recipe, of in recipes.items()
    ]
    return table(head, rows)


def main(words: list[str] | None = None) -> None:
    """Measure, and write the numbers and the table."""
    from alpha_bridge.training.machine import keep_freed_memory

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts")
    parser.add_argument("--out", type=Path, default=HERE / "autoencoders.json", help="JSON file")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page that has the table")
    options = parser.parse_args(words)
    keep_freed_memory()  # as the command does, for all sides
    found = measure(options.rounds)
    print(json.dumps(found))
    write_json(options.out, {"machine": machine(), "updates": found})
    put(options.page, "autoencoders", table_of(found))


if __name__ == "__main__":
    main()
