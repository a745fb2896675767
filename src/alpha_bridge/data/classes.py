"""Classes: the distinct values of labels of any kind, numbered in order and known by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import one_line
from .listing import some

if TYPE_CHECKING:
    from pyarrow import Array, ChunkedArray

Codes = NDArray[np.signedinteger[Any]]

MOST = 1000
"""Classes at most: an inception score, say, needs a sample of each."""
PIECE = 2**16
"""Cells that are looked at together where the distinct ones are counted."""


@dataclass(frozen=True, eq=False)
class Classes:
    """The class of each of N samples.

    Attributes:
        names: Of the classes, in order; none if the labels do not tell two of them apart.
        codes: Which class a sample has, −1 where that is unknown, int64 of shape ``(N,)``.
        notes: What a user should know of how the labels were read, a line each.

    Example:
        >>> found = classes_of(np.array(["dog", "", "cat", "dog"]))
        >>> found.names, found.codes.tolist()
        (('cat', 'dog'), [1, -1, 0, 1])
    """

    names: tuple[str, ...]
    codes: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        unknown = int((self.codes < 0).sum())
        rest = f", unknown of {unknown} of {len(self.codes)} samples" if unknown else ""
        return f"{len(self.names)} classes ({some(self.names)}){rest}"


def classes_of(
    labels: NDArray[Any] | ChunkedArray,
    called: str = "the labels",
    names: Sequence[str] = (),
) -> Classes:
    """Number the distinct values of whole numbers, booleans or texts.

    None, NaN and an empty text are unknown. So is −1 where the others count from 0 on, as class
    numbers do; beside 1 alone, say, it is a class. Labels of one value, or of more than two and
    half as many as the samples, tell no classes apart: there are none then, as a note says.

    Args:
        labels: One for each sample, shape ``(N,)``.
        called: What a message calls them.
        names: What the numbers from 0 on stand for, if anything; −1 is then unknown.

    Raises:
        ValueError: They are of another kind, such as numbers that are not whole.
    """
    from pyarrow import compute

    cells, notes = values_of(labels, called), []
    values, known = distinct(cells), len(cells) - cells.null_count
    lowest = values[:2].to_pylist()
    if lowest[:1] == [-1] and (names or lowest[1:] in ([], [0])):
        values = values[1:]
        known = compute.sum(compute.is_in(cells, value_set=values)).as_py() or 0
        if len(values) and not names:
            notes.append(f"-1 in {called} is unknown, as the others count from 0 on")
    useless = _useless(values, known, called, names)
    if useless:
        return Classes((), np.full(len(cells), -1), (*notes, useless))
    texts = tuple(names[value] if names else text(value) for value in values.to_pylist())
    return Classes(texts, codes_of(cells, values), tuple(notes))


def classes_of_parts(
    labels: tuple[NDArray[Any] | None, NDArray[Any] | None],
    counts: tuple[int, int],
    names: Sequence[str] | None,
) -> tuple[Classes, tuple[Codes | None, Codes | None]]:
    """The classes of training samples and held-out ones, and the codes of each."""
    for given, count in zip(labels, counts, strict=True):
        if given is not None and given.shape != (count,):
            raise ValueError(
                f"there must be a label for each of {count} samples, got the shape {given.shape}"
            )
    train, held_out = labels
    if train is None or (names is not None and not names):
        return Classes((), np.empty(0, np.int64)), (None, None)
    if names is not None and held_out is not None:  # as they are: they may be mapped
        return Classes(tuple(names), np.empty(0, np.int64)), (train, held_out)
    both = train if held_out is None else np.concatenate([train, held_out])
    found = classes_of(both) if names is None else Classes(tuple(names), both.astype(np.int64))
    unlabelled = np.full(sum(counts) - len(both), -1)
    codes = np.concatenate([found.codes, unlabelled])
    parts = (codes[: counts[0]], codes[counts[0] :]) if found.names else (None, None)
    return replace(found, codes=codes), parts


def _useless(values: Array, count: int, called: str, names: Sequence[str]) -> str | None:
    """A line on values of ``count`` samples that tell no classes apart."""
    if not len(values):
        return f"{called} are all unknown: left out"
    if len(values) == 1:
        (value,) = values.to_pylist()
        only = names[value] if names else text(value)
        return f"{called} are all {only}: one class alone tells nothing, so it is left out"
    if len(values) > min(MOST, max(2, count // 2)):
        return f"{called} have {len(values)} values for {count} samples: no classes, left out"
    return None


def values_of(labels: NDArray[Any] | ChunkedArray, called: str) -> ChunkedArray:
    """Labels as whole numbers, booleans or texts, null where they are unknown."""
    import pyarrow
    from pyarrow import compute, types

    kinds = "give whole numbers, booleans or texts"
    try:
        if isinstance(labels, np.ndarray):
            labels = pyarrow.chunked_array([pyarrow.array(labels, from_pandas=True)])
        if types.is_dictionary(labels.type):
            labels = labels.cast(labels.type.value_type)
        if types.is_floating(labels.type):  # whole numbers become such where one is missing
            exact = labels.cast("float64")
            return compute.if_else(compute.is_nan(exact), None, exact).cast("int64")
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
        raise ValueError(f"{called} are no classes ({one_line(error)}): {kinds}") from error
    if types.is_string(labels.type) or types.is_large_string(labels.type):
        texts = compute.utf8_trim_whitespace(labels)
        return compute.if_else(compute.equal(texts, ""), None, texts)
    if not any(
        is_kind(labels.type) for is_kind in (types.is_integer, types.is_boolean, types.is_null)
    ):
        raise ValueError(f"{called} are of type {labels.type}, no classes: {kinds}")
    return labels


def distinct(cells: ChunkedArray) -> Array:
    """The distinct values of cells, in order, without null."""
    from pyarrow import compute

    return compute.unique(cells).drop_null().sort()


def has_at_most(most: int, cells: ChunkedArray) -> bool:
    """Whether cells have so few distinct values; none are read after those that are too many."""
    import pyarrow
    from pyarrow import compute

    found = cells.slice(0, 0)
    for begin in range(0, len(cells), PIECE):
        chunks = (*found.chunks, *cells.slice(begin, PIECE).chunks)
        unique = compute.unique(pyarrow.chunked_array(chunks, cells.type)).drop_null()
        if len(unique) > most:
            return False
        found = pyarrow.chunked_array([unique])
    return True


def codes_of(cells: ChunkedArray, values: Array) -> NDArray[np.int64]:
    """Which of ``values`` each cell is, −1 for none."""
    from pyarrow import compute

    codes: NDArray[np.int64] = (
        compute.index_in(cells, value_set=values).cast("int64").fill_null(-1).to_numpy()
    )
    return codes


def text(value: object) -> str:
    """A value as people write it in a table.

    Example:
        >>> text(True), text(3)
        ('true', '3')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)
