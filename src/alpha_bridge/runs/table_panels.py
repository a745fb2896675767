"""What the page of a run shows of a table: columns, pairs and categories, real beside generated."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from numpy.typing import NDArray

from ..errors import one_line
from ..files import read_json
from ..metrics.table_profile import TableProfile, read_profile
from . import plots
from .folder import Run
from .panel import Panel, svg

PANELS, ACROSS = 24, 12
"""Columns of a table at most: in pictures, and of the rows that are shown."""


def profile_of(run: Run) -> tuple[int, TableProfile] | None:
    """What was last seen of a table, and after how many updates."""
    found = run.profile
    if found is None:
        return None
    step, path = found
    try:
        return step, read_profile(read_json(path))
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged ({one_line(error)}): remove it, or restore it from a copy"
        ) from error


def examples_of(
    found: tuple[int, TableProfile] | None,
) -> tuple[list[str], list[dict[str, str | None]], int]:
    """Generated rows: the columns that are shown, the rows, and how many columns are left out."""
    rows = [] if found is None else [*found[1].examples]
    names = [*rows[0]] if rows else []
    return names[:ACROSS], rows, max(0, len(names) - ACROSS)


def panels_of(step: int, profile: TableProfile) -> Iterator[Panel]:
    """A panel of its columns, one of their pairs, one of the categories, as far as there are."""
    yield _columns(step, profile)
    if len(profile.real) > 1:
        yield _pairs(profile)
    names, shares = plots.categories(profile)
    if names:
        yield _categories(profile, names, shares)


def _columns(step: int, profile: TableProfile) -> Panel:
    columns, (real, made) = profile.columns, profile.rows
    shown = sorted(range(len(columns)), key=lambda at: columns[at].agreement)[:PANELS]
    chosen = [columns[at] for at in sorted(shown)]
    left_out = (
        f" The {PANELS} columns that agree least are shown, and {len(columns) - PANELS} left out."
    )
    agreements = ", ".join(f"{column.name} {column.agreement:.2f}" for column in chosen)
    return Panel(
        "Columns",
        f"Shares among {real:,} held-out rows in light red, and among {made:,} generated rows "
        f"after {step:,} updates in blue. The number is 1 − total variation, 1 is best. Bins of "
        "numbers have a scale of their own beside values that are set apart."
        + left_out
        * (len(chosen) < len(columns)),
        f"Bars and bins of {len(chosen)} columns, real beside generated, which agree by: "
        f"{agreements}.",
        svg(plots.marginals(chosen)),
    )


def _pairs(profile: TableProfile) -> Panel:
    paired, of = len(profile.real), len(profile.columns)
    off = {
        (i, j): profile.generated[i][j] - profile.real[i][j]
        for i, j in combinations(range(paired), 2)
    }
    i, j = max(off, key=lambda pair: abs(off[pair]))
    return Panel(
        "Pairs of columns",
        "How far one column tells another: Cramér's V, 0 for nothing and 1 for all, numbers in "
        "tenths. On the right, blue is more than the real rows have, red is less."
        + f" The first {paired} columns are shown, and {of - paired} left out."
        * (paired < of),
        f"Three matrices of {paired} columns: real, generated, and their difference, which is "
        f"largest for {profile.columns[i].name} and {profile.columns[j].name}, {off[i, j]:+.2f}.",
        svg(plots.associations(profile)),
    )


def _categories(profile: TableProfile, names: Sequence[str], shares: NDArray[Any]) -> Panel:
    real, made = shares[:, shares[0] > 0]
    kept = int(((made >= real / 2) & (made <= 2 * real)).sum())
    never = [name for name, (one, other) in zip(names, shares.T, strict=True) if one and not other]
    such = f", such as {', '.join(never[:3])}" if never else ""
    return Panel(
        "Shares of categories",
        "A dot is a category of a column; between the dashed lines its share is within a factor of "
        "two, and on an edge it is 0. Named are those that are off by more, and by more than "
        "chance explains.",
        f"{kept} of the {len(made)} categories of real rows have a share within a factor of two; "
        f"{len(never)} were never generated{such}.",
        svg(plots.rare_categories(profile)),
    )
