"""The range of each setting, declared with it, and what holds values to it."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple, get_args, get_type_hints


class Interval(NamedTuple):
    """The numbers that a setting may have.

    Example:
        >>> str(Interval(0, 1, "[)")), 1.0 in Interval(0, 1, "[)")
        ('lie in [0, 1)', False)
    """

    low: float
    high: float = math.inf
    ends: str = "[)"

    def __contains__(self, value: Any) -> bool:  # noqa: ANN401
        above = self.low < value if self.ends[0] == "(" else self.low <= value
        return bool(above and (value < self.high if self.ends[1] == ")" else value <= self.high))

    def __str__(self) -> str:
        if self.high < math.inf:
            return f"lie in {self.ends[0]}{self.low:g}, {self.high:g}{self.ends[1]}"
        return "be positive" if self.ends[0] == "(" else f"be at least {self.low:g}"


COUNT, POSITIVE, UNIT = Interval(1), Interval(0, math.inf, "()"), Interval(0, 1, "[]")
DECAY = Interval(0, 1, "[)")
Count = Annotated[int, COUNT]


@cache
def ranges(kind: type) -> Mapping[str, Interval]:
    """The range of each setting that a class declares and that has one."""
    hints = get_type_hints(kind, include_extras=True).items()
    return {name: found for name, hint in hints if (found := _interval(hint)) is not None}


def _interval(hint: Any) -> Interval | None:  # noqa: ANN401
    """The range in an annotation, its own or that of what it is made of."""
    if isinstance(hint, Interval):
        return hint
    parts = (*getattr(hint, "__metadata__", ()), *get_args(hint))
    return next((found for part in parts if (found := _interval(part)) is not None), None)


def require(kind: type, place: str = "", /, **values: Any) -> None:  # noqa: ANN401
    """Hold values to the ranges that the settings of a class declare.

    Args:
        kind: The class.
        place: What the line of an error puts before the name of the setting.
        **values: By the name of the setting; each number of a tuple is held to the range.

    Raises:
        ValueError: A value is outside its range.

    Example:
        >>> from alpha_bridge.settings import RegularizerConfig
        >>> require(RegularizerConfig, weight=-1)
        Traceback (most recent call last):
            ...
        ValueError: weight must be at least 0, got -1
    """
    for name, value in values.items():
        interval = ranges(kind).get(name)
        if interval is None or value is None:
            continue
        if isinstance(value, tuple):
            if not value:
                raise ValueError(f"{place}{name} must have at least 1 number, got none")
            for index, number in enumerate(value):
                if number not in interval:
                    raise ValueError(f"{place}{name}.{index} must {interval}, got {number}")
        elif value not in interval:
            finite = " and finite" if interval.ends == "()" or value == math.inf else ""
            raise ValueError(f"{place}{name} must {interval}{finite}, got {value}")


class Settings:
    """A part of the configuration: values in their ranges, and no unknown keys."""

    place: ClassVar[str]
    """The part's key in the configuration."""
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        require(type(self), f"{self.place}.", **vars(self))
