"""The files that a data set names: they are its own, or are not read."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from ..errors import one_line, printable

if TYPE_CHECKING:
    from datasets import DatasetBuilder
    from huggingface_hub import CardData

Patterns = Mapping[str, Any] | Sequence[Any] | str | None


class Elsewhere(ValueError):
    """A data set names files that are not its own."""


def read_card(file: Path) -> Mapping[str, Any]:
    """What a card says in YAML."""
    from huggingface_hub import DatasetCard

    try:
        text = file.read_text("utf-8")
        page = text if file.suffix == ".md" else f"---\n{text}\n---\n"
        return content(DatasetCard(page, ignore_metadata_errors=True).data)
    except Exception as error:  # whatever the parsers raise
        message = f"{file} cannot be read ({one_line(error)}): repair or remove it"
        raise ValueError(message) from error


def content(card: "CardData") -> dict[str, Any]:
    """What a card says, as it is found in its YAML."""
    found: dict[str, Any] = card.to_dict()  # type: ignore[no-untyped-call]
    return found


def require_own(card: Mapping[str, Any], where: str, name: str) -> None:
    """Refuse a card that names files elsewhere, before anybody looks for them."""
    configurations = card.get("configs")
    for part in configurations if isinstance(configurations, list) else ():
        if isinstance(part, Mapping):
            for pattern in (*_patterns(part.get("data_files")), *_patterns(part.get("data_dir"))):
                if not _is_below(pattern):
                    raise _elsewhere(where, pattern, name)


def _patterns(given: Patterns) -> Iterator[str]:
    """All strings in what a card gives for its files: one, a list, or either by the split."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping | Sequence):
        for part in given.values() if isinstance(given, Mapping) else given:
            yield from _patterns(part)


def _is_below(pattern: str) -> bool:
    """Whether a pattern can only match below the place that it is taken from."""
    windows = PureWindowsPath(pattern)
    steps = {*PurePosixPath(pattern).parts, *windows.parts}
    return not ("://" in pattern or windows.drive or windows.root or {"..", "~"} & steps)


def own(builder: "DatasetBuilder", begins: tuple[str, ...], name: str) -> "DatasetBuilder":
    """Return ``builder`` if the names of all its files begin with one of the places."""
    for file in map(str, chain.from_iterable((builder.config.data_files or {}).values())):
        if not file.startswith(begins) or ".." in PurePosixPath(file).parts:
            raise _elsewhere(f"data set '{name}'", file, name)
    return builder


def _elsewhere(where: str, what: str, name: str) -> Elsewhere:
    return Elsewhere(
        f"{where} names the data {printable(what)}, which are not in {name}: they are not read; "
        "name what lies in it"
    )
