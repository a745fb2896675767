"""What a column of a table is: its kind, its values, and what is set apart from its numbers."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute, types

from ...files import read_json
from ..listing import some
from .cells import is_text, is_time, numbers, plain, shown, value_type

Kind = Literal["number", "integer", "category", "boolean", "time", "identifier", "constant"]
KINDS: tuple[str, ...] = get_args(Kind)
NUMERIC = ("number", "integer", "time")

FEW = 32
"""Distinct values of a column of numbers that is taken for a category, at most ..."""
EACH = 10
"""... if so many rows have each of them in the mean; and rows of a value that is set apart."""
SPIKE = 0.1
"""Share of the numbers of a column from which a single value is set apart from the others."""
SLOTS, BUCKETS = 256, 64
"""Categories that a column is given at most; and how many of those share the values beyond."""
DECIMALS = 6
"""Digits after the point that are recognised as a rounding, at most."""
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Column:
    """A column as the model has it.

    Values are texts, numbers or booleans as JSON has them; those of dates and times are whole
    numbers in the units of their type.

    Attributes:
        name: As in the table.
        kind: One of :data:`KINDS`; ``time`` stands for dates, times and durations.
        type: The type of its cells as Arrow names it, with the zone.
        values: Of a category, in order; of a constant; or those set apart from other numbers.
        gaps: Whether cells are missing: a category of its own.
        buckets: Categories that each stand for many rare values.
        low: The least number, but for ``values``.
        high: The largest number, or the last key.
        decimals: Digits after the point; None where there is no rounding.
        step: Of whole numbers, counted from ``low``.
        form: Of a text that identifies: what stands before a number of so many digits, or ``uuid``.
    """

    name: str
    kind: Kind
    type: str
    values: tuple[Any, ...] = ()
    gaps: bool = False
    buckets: int = 0
    low: float | int | None = None
    high: float | int | None = None
    decimals: int | None = None
    step: int = 1
    form: tuple[str, int] | None = None

    @property
    def numeric(self) -> bool:
        """Whether it has numbers, or dates and times."""
        return self.kind in NUMERIC

    @property
    def identifies(self) -> bool:
        """Whether it tells rows apart and nothing else: it is made anew, and never learned."""
        return self.kind == "identifier"

    @property
    def is_constant(self) -> bool:
        """Whether all rows have the same value, and none has a gap."""
        return self.kind == "constant"

    @property
    def rounding(self) -> float:
        """How far apart its numbers lie that are rounded; 0 without a rounding."""
        if self.kind != "number":
            return float(self.step)
        return 0.0 if self.decimals is None else 10.0**-self.decimals

    @property
    def slots(self) -> int:
        """Places of its category: each value and bucket, a gap, and the numbers; 0 without."""
        if self.identifies or self.is_constant:
            return 0
        apart = len(self.values) + self.buckets + self.gaps
        return (apart + 1 if apart else 0) if self.numeric else apart

    @property
    def gap(self) -> int | None:
        """The place of a gap."""
        return len(self.values) + self.buckets if self.gaps and self.slots else None

    def __str__(self) -> str:
        """What it is in short, without any of its values."""
        count = len(self.values)
        if self.kind == "category":
            others = f" and {self.buckets} buckets of rare ones" if self.buckets else ""
            text = f"category of {count} values{others}"
        elif self.numeric and count:
            text = f"{self.kind}, {count} of whose values are set apart"
        else:
            text = self.kind
        return f"{text}, with gaps" if self.gaps else text

    def widened(self, *values: Any) -> "Column":  # noqa: ANN401
        """The same, whose numbers or keys reach to some values, unless these are set apart."""
        ends = [value for value in values if value not in self.values]
        if self.identifies and ends:
            return replace(self, high=max([self.high, *ends]))
        if not (self.numeric and ends):
            return self
        low, high = min([self.low, *ends]), max([self.high, *ends])
        step = math.gcd(self.step, *(end - self.low for end in (low, high))) if self.step > 1 else 1
        return replace(self, low=low, high=high, step=step)

    def counted(self, key: Any) -> tuple[int, ...]:  # noqa: ANN401
        """The number of a key, if it has the form of this column's."""
        if self.form is None:
            return () if key is None else (key,)
        before, width = self.form
        digits = str(key)[len(before) :]
        own = bool(width) and str(key).startswith(before) and digits.isascii() and digits.isdigit()
        return (int(digits),) if own else ()

    def record(self) -> dict[str, Any]:
        """As JSON has it, without its name and what is as usual."""
        usual = {field.name: field.default for field in fields(self)}
        given = {key: value for key, value in asdict(self).items() if value != usual[key]}
        del given["name"]
        return json.loads(json.dumps(given))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Asked:
    """What a user says of a column.

    Attributes:
        kind: Its kind; None for the one that is recognised.
        spikes: Numbers to tell apart; None for those that are recognised.
        resolved: The column as it was when a run began.
    """

    kind: str | None = None
    spikes: tuple[Any, ...] | None = None
    resolved: Column | None = None


def read_columns(given: Mapping[str, Any] | str | Path | None) -> dict[str, Asked]:
    """What a user says of columns, by their names.

    Args:
        given: A JSON file, or its content: for a column its kind, or an object of ``kind`` and
            ``spikes``; or what a run has recorded.

    Raises:
        ValueError: There is no such kind or key; one line.

    Example:
        >>> read_columns({"zip": "category"})["zip"].kind
        'category'
    """
    where = f"{given}: " if isinstance(given, str | Path) else ""
    content = read_json(Path(given).expanduser()) if isinstance(given, str | Path) else given or {}
    return {name: _asked(where, name, given) for name, given in content.items()}


def require_columns(asked: Mapping[str, Asked], schema: pyarrow.Schema, name: str) -> None:
    """Raise ``ValueError`` if a column is named that the table does not have."""
    for column in asked:
        if column not in schema.names:
            raise ValueError(
                f"there is no column {shown(column)} in {name}, which has "
                f"{some([shown(name) for name in schema.names])}: correct its name in the columns"
            )


def column_of(
    name: str, cells: pyarrow.Array, field: pyarrow.Field, gaps: bool, rows: int, asked: Asked
) -> Column:
    """Recognise a column.

    Args:
        name: Of the column.
        cells: Of training rows, as the table has them.
        field: Of the table's schema.
        gaps: Whether any cell of the table is missing.
        rows: Of the table.
        asked: What the user says of it.

    Raises:
        ValueError: There are only gaps, or it cannot be what the user says; one line.
    """
    if asked.resolved is not None:
        return asked.resolved
    known = plain(cells, name).drop_null()
    kind, distinct = str(field.type), compute.value_counts(known)
    if not len(known):
        raise ValueError(
            f"column {shown(name)} has only gaps in the rows to train on: leave it out of the table"
        )
    order = compute.sort_indices(distinct.field("values"))
    values, counts = distinct.field("values").take(order), numbers(distinct.field("counts"))
    counts = counts[numbers(order)]
    found = asked.kind or _kind(known, values, field.type, gaps, rows)
    _require_possible(name, found, field.type, len(values), gaps)
    if found == "constant":
        return Column(name, "constant", kind, tuple(values.to_pylist()))
    if found == "identifier":
        if types.is_integer(known.type):
            return Column(name, "identifier", kind, high=values[-1].as_py())
        before, width, last = _form(known)
        return Column(name, "identifier", kind, high=last, form=(before, width))
    if found in NUMERIC:
        column = _of_numbers(name, found, field.type, numbers(values), counts, asked.spikes, gaps)
        if column is not None:
            return column
    return _category(name, kind, cells, values, counts, gaps)


def _asked(where: str, name: str, given: Any) -> Asked:  # noqa: ANN401
    given = {"kind": given} if isinstance(given, str) else given
    known = [field.name for field in fields(Column)]
    sound = isinstance(given, dict) and {*given} <= {"spikes", *known}
    if not sound or ("type" in given and "kind" not in given):
        raise ValueError(
            f"{where}column {shown(name)} is given as {given!r}: give its kind, or an object of "
            "kind and spikes"
        )
    if given.get("kind", KINDS[0]) not in KINDS:
        raise ValueError(
            f"{where}column {shown(name)} cannot be a {given['kind']!r}: give one of "
            f"{', '.join(KINDS)}"
        )
    if "type" in given:
        tuples = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
        return Asked(resolved=Column(name, **(given | tuples)))
    spikes = given.get("spikes")
    if not isinstance(spikes, list | None):
        raise ValueError(f"{where}spikes of column {shown(name)} must be a list, got {spikes!r}")
    return Asked(given.get("kind"), None if spikes is None else tuple(spikes))


def _kind(
    known: pyarrow.Array, values: pyarrow.Array, kind: pyarrow.DataType, gaps: bool, rows: int
) -> str:
    """What a column is, by its values and their type."""
    if len(values) == 1 and not gaps:
        return "constant"
    if types.is_boolean(known.type):
        return "boolean"
    if types.is_dictionary(kind):  # whoever made one listed the values that there are
        return "category"
    unlike = len(values) == len(known) > FEW
    if types.is_large_string(known.type):
        return "identifier" if unlike else "category"
    if len(values) <= FEW and len(known) >= EACH * len(values):
        return "category"
    if is_time(kind):
        return "time"
    if types.is_integer(known.type):
        return "identifier" if unlike and _counts_rows(numbers(known), rows) else "integer"
    return "number"


def _counts_rows(keys: NDArray[np.int64], rows: int) -> bool:
    """Whether different whole numbers are in order, or leave out few: then they number rows."""
    ascending = np.diff(keys.astype(np.float64)) > 0
    return bool(ascending.all() or not ascending.any() or np.ptp(keys.astype(float)) < 2 * rows)


def _require_possible(
    name: str, found: str, kind: pyarrow.DataType, distinct: int, gaps: bool
) -> None:
    own = value_type(kind)
    text, whole = is_text(own), types.is_integer(own)
    wrong = {
        "constant": distinct > 1 or gaps,
        "boolean": not types.is_boolean(own),
        "identifier": not (text or whole),
        "number": text or is_time(own) or types.is_boolean(own),
        "integer": not whole,
        "time": not is_time(own),
    }
    listed = types.is_dictionary(kind) and found in ("identifier", *NUMERIC)
    if listed or wrong.get(found):
        held = f"{distinct} values" + (" and gaps" if gaps else "")
        raise ValueError(
            f"column {shown(name)} cannot be a {found}: it has {held} of the type {kind}"
        )


def _of_numbers(
    name: str,
    found: str,
    kind: pyarrow.DataType,
    values: NDArray[Any],
    counts: NDArray[np.int64],
    spikes: tuple[Any, ...] | None,
    gaps: bool,
) -> Column | None:
    """A column of numbers; None where all of them are set apart, as a category's are."""
    if spikes is None:
        apart = _apart(values, counts)
    else:
        apart = np.isin(values, np.array(spikes, values.dtype))
    rest = values[~apart]
    if len(rest) < 2:
        return None
    whole = values.dtype.kind == "i"
    step = int(np.gcd.reduce(rest - rest[0])) if whole else 1
    return Column(
        name,
        found,  # type: ignore[arg-type]
        str(kind),
        tuple(values[apart].tolist()),
        gaps,
        low=rest[0].item(),
        high=rest[-1].item(),
        decimals=None if whole else _decimals(values, kind),
        step=step,
    )


def _apart(values: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Spikes, and ends that lie farther from the others than those from each other."""
    apart: NDArray[np.bool_] = counts >= max(SPIKE * counts.sum(), EACH)
    for end in (slice(None), slice(None, None, -1)):
        rest = np.flatnonzero(~apart)[end]
        if len(rest) > EACH and counts[rest[0]] >= EACH:
            first, second, last = values[rest[[0, 1, -1]]].astype(np.float64)
            apart[rest[0]] = abs(second - first) > abs(last - second)
    return apart


def _decimals(values: NDArray[np.float64], kind: pyarrow.DataType) -> int | None:
    """The digits after the point that all numbers are rounded to."""
    if types.is_decimal(kind):
        return int(kind.scale)
    own = kind.to_pandas_dtype()
    if np.abs(values).max() > 1e15:
        return None
    whole = (
        digits
        for digits in range(DECIMALS + 1)
        if (values.round(digits).astype(own) == values.astype(own)).all()
    )
    return next(whole, None)


def _form(known: pyarrow.Array) -> tuple[str, int, int]:
    """How texts that identify are written: before a number of so many digits, and the last."""
    if compute.all(compute.match_substring_regex(known, f"^{UUID}$")).as_py():
        return "uuid", 0, 0
    digits = compute.extract_regex(known, r"^(?P<before>.*?)(?P<digits>[0-9]+)$").drop_null()
    if len(digits) == len(known):
        befores = compute.unique(digits.field("before")).to_pylist()
        if len(befores) == 1:
            numbered = digits.field("digits").to_pylist()
            return befores[0], max(map(len, numbered)), max(map(int, numbered))
    return "", 0, 0


def _category(
    name: str,
    kind: str,
    cells: pyarrow.Array,
    values: pyarrow.Array,
    counts: NDArray[np.int64],
    gaps: bool,
) -> Column:
    found = values.to_pylist() if len(values) <= SLOTS else []
    if types.is_dictionary(cells.type):
        listed = plain(cells.dictionary, name)
        rank = compute.index_in(values, listed)
        order = np.argsort(numbers(rank), kind="stable")
        values, counts = values.take(pyarrow.array(order)), counts[order]
        found = values.to_pylist() if len(values) <= SLOTS else []
    boolean = types.is_boolean(values.type)
    if found:
        return Column(name, "boolean" if boolean else "category", kind, tuple(found), gaps)
    common = np.sort(np.argsort(-counts, kind="stable")[: SLOTS - BUCKETS])
    kept = values.take(pyarrow.array(common)).to_pylist()
    return Column(name, "category", kind, tuple(kept), gaps, buckets=BUCKETS)
