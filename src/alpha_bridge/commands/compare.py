"""Test whether two sets of samples come from one distribution, and show what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.console import Console
from tyro.conf import Positional, arg

from ..checks import at_least
from .paths import require_given, require_new, write_json

if TYPE_CHECKING:
    from ..metrics.permutation import TwoSampleTest
    from ..runs.sample_sets import SampleSet


@dataclass(frozen=True)
class Compared:
    """What a classifier makes of two sets.

    Attributes:
        test: Its p-value and accuracy.
        counts: Samples of each set.
        apart: Of each set, the samples that are least like the other, first the least.
        table: The file that has them all; None where none was asked for.
    """

    test: TwoSampleTest
    counts: tuple[int, int]
    apart: tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any]]]
    table: Path | None


def compare(
    first: Positional[Path],
    second: Positional[Path],
    count: int = 1000,
    n: Annotated[int, arg(aliases=["-n"])] = 12,
    permutations: int = 999,
    seed: int = 0,
    out: Path | None = None,
    console: Console | None = None,
) -> Compared:
    """Test whether two sets of samples differ, and show the samples that tell them apart.

    A classifier is fitted to one half of both, and asked about the other half: boosted trees for
    rows of a table, a small network for images and vectors. Samples of a run that are least like
    the data are those that it invents. With --methods it trains methods instead, see
    alpha-bridge compare --methods --help.

    Args:
        first: A run, whose model draws samples; an .npy file; a folder of images; or a table.
        second: Another one of the same kind.
        count: Most samples of each.
        n: Number of samples of each set to show.
        permutations: How often samples change sides; the p-value is at least one in that many.
        seed: Of samples, halves and permutations.
        out: A .json for the chance of every sample; nowhere by default.
        console: Where to tell how samples are read; nowhere by default.

    Raises:
        ValueError: A number is out of its range, or samples cannot be used or compared.
        OSError: There are no such samples, or the file stands already or cannot be written.
    """
    for name, number in {"n": n, "permutations": permutations, "count": count}.items():
        at_least(1, name, number)
    at_least(0, "seed", seed)
    for path in (first, second):
        require_given(path, "a run, an .npy file, a folder of images or a table")
    if out is not None:
        if out.suffix != ".json":
            raise ValueError(f"the file's name must end with .json, got {out}")
        require_new(out)

    from ..metrics.permutation import permutation_test
    from ..runs.sample_sets import pair_of_sets

    console = console or Console(quiet=True)
    sets = pair_of_sets((first, second), count, seed, console)
    one, other, classifier = _features(sets, seed)
    test = permutation_test(one, other, classifier, permutations, seed)
    # of each sample, the chance of the other side
    chances = [test.first, 1 - test.second]
    if out is not None:
        content = {"p_value": test.p_value, "accuracy": test.accuracy, "permutations": permutations}
        found = [_chances(one, of.tolist()) for one, of in zip(sets, chances, strict=True)]
        write_json(content | {"first": found[0], "second": found[1]}, out)
    least, others = (_least(one, of, n) for one, of in zip(sets, chances, strict=True))
    return Compared(test, (len(sets[0].x), len(sets[1].x)), (least, others), out)


def _features(sets: Sequence[SampleSet], seed: int) -> tuple[Any, Any, Any]:
    """What a classifier sees of both sets, and the classifier."""
    from ..metrics.table_quality import for_trees, trees
    from ..metrics.two_sample import network

    rows = sets[0].rows
    if rows is not None:
        return *(for_trees(one.x, rows) for one in sets), trees(rows, seed)
    return *(one.x.flatten(1).double().numpy() for one in sets), network(seed)


def _chances(one: SampleSet, chances: Sequence[float]) -> list[dict[str, Any]]:
    """By sample, where it stands, and its chance to be of the other set."""
    where = [{"file": one.files[at]} if one.files else {"row": at} for at in one.places]
    return [{"chance": round(chance, 5), **at} for at, chance in zip(where, chances, strict=True)]


def _least(one: SampleSet, chances: Any, n: int) -> list[dict[str, Any]]:  # noqa: ANN401
    """The samples with the least chance of the other set, and the cells of those of a table."""
    from ..data.tables import TableUnits

    order = chances.argsort(kind="stable")[:n]
    found = _chances(one, chances.tolist())
    shown = [found[at] for at in order]
    if isinstance(one.units, TableUnits):
        cells = one.units.table(one.x[order]).to_pylist()
        shown = [{**at, **row} for at, row in zip(shown, cells, strict=True)]
    return shown
