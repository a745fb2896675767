"""What is asked of a place that is broken, and what may be answered.

An answer is a line that names what is broken, with exit code 1 or 2, or the result that a place
that is not broken gives.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.breaking.children import Said
from tests.breaking.scenes import TRAINING

__all__ = ["ASKS", "Answer", "Ask", "contents", "control_characters", "judge"]

Result = Callable[[Path, Said], object]

DURATION = re.compile(rb"\d+ (h \d+ min|min \d+ s)")
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Ask:
    """A command, and where its result is.

    Attributes:
        words: After the program's name.
        result: From the place and what was said to what is compared.
    """

    words: tuple[str, ...]
    result: Result


@dataclass(frozen=True)
class Answer:
    """How a command took what was broken.

    Attributes:
        kind: ``line``, ``right``, or what is at fault.
        detail: What it said.
        kills: How many processes were killed for it, by when.
    """

    kind: str
    detail: str = ""
    kills: Mapping[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether there is nothing to mend."""
        return self.kind in ("line", "right")


def contents(run: Path) -> dict[str, object]:
    """All that is in the folder of a run and must not depend on interruptions.

    Checkpoints and samples count byte by byte, records without ``seconds``, the report without
    durations, paths from the place of the run on; what names the run, drawn when it begins, locks,
    and the files of TensorBoard, which have times in them and in their names, are left out.
    """
    return {
        str(path.relative_to(run)): _content(path, str(run.parent))
        for path in sorted(run.rglob("*"))
        if path.is_file()
        and not path.name.endswith(".lock")
        and not path.name.startswith("events.out.tfevents.")
    }


def _content(path: Path, place: str) -> object:
    if path.name == "metrics.jsonl":
        records = map(json.loads, path.read_text().splitlines())
        by_step = {record["step"]: record for record in records}
        return [_without(by_step[step], "seconds") for step in sorted(by_step)]
    if path.name in ("config.json", "state.json"):
        return _without(json.loads(path.read_text().replace(place, "")), "id", "run")
    if path.name == "manifest.json":
        return _without(json.loads(path.read_text()), "state.json", "id", "run")
    if path.name == "report.html":
        return DURATION.sub(b"", path.read_bytes().replace(place.encode(), b""))
    return path.read_bytes()


def _without(record: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}


def _file(name: str) -> Result:
    return lambda place, _: _content(place / name, str(place))


def _folder(name: str) -> Result:
    return lambda place, _: contents(place / name)


def _said(_: Path, said: Said) -> object:
    return said.out


def _ask(result: Result, *words: str) -> Ask:
    return Ask(words, result)


ASKS = (
    {
        "sample": _ask(_file("drawn.npy"), "sample", "run", "-n", "4", "--out", "drawn.npy"),
        "evaluate": _ask(_said, "evaluate", "run", "--json"),
        "report": _ask(_file("run/report.html"), "report", "run"),
        "export": _ask(_folder("new"), "export", "run", "--out", "new"),
        "resume": _ask(_folder("run"), "train", "run/config.json", "--out", "run", "--resume"),
        "reconstruct": _ask(
            _file("pairs.npy"), "reconstruct", "run", "--images", "few", "--out", "pairs.npy"
        ),
        "edit": _ask(
            _file("row.npy"), "edit", "run", "--attribute", "label=dog", "--out", "row.npy"
        ),
        "edit by labels": _ask(
            _file("row.npy"),
            *("edit", "run", "--attribute", "round", "--labels", "labels.csv"),
            *("--out", "row.npy"),
        ),
        "missed": _ask(_file("run/missed.json"), "missed", "run", "--count", "5"),
        "frontier": _ask(_file("run/frontier.json"), "frontier", "run", "--draws", "2"),
        "translate": _ask(
            _file("moved.npy"), "translate", "run", "--images", "few", "--out", "moved.npy"
        ),
        "restore": _ask(_folder("new"), "restore", "run", "--out", "new"),
        "from_pretrained": _ask(_said, "from_pretrained", "shared"),
    }
    | {
        f"train on {name}": _ask(_folder("new"), *words, "--out", "new")
        for name, words in TRAINING.items()
    }
    | {
        f"resume {name}": _ask(_folder("run"), *words, "--out", "run", "--resume")
        for name, words in TRAINING.items()
    }
)
"""The commands by name."""


def judge(said: Said, names: Iterable[str], is_right: Callable[[], bool]) -> Answer:
    """Tell whether an answer is one that may be given.

    Args:
        said: The answer.
        names: Of which the line must hold one.
        is_right: Tells whether the result is that of a place that is not broken.
    """
    last = said.lines[-1] if said.lines else ""
    if said.late:
        return Answer("hangs")
    if said.code < 0:
        return Answer("killed", f"by signal {-said.code}")
    if b"Traceback" in said.err + said.out:
        return Answer("traceback", last)
    if found := control_characters(said):
        return Answer("control characters", found)
    if said.code == 0:
        return Answer("right") if is_right() else Answer("silent", last)
    if said.code not in (1, 2) or not last.startswith("alpha-bridge: "):
        return Answer("no line", f"exit code {said.code}: {last}")
    if len(said.lines) > 1:
        return Answer("several lines", " | ".join(said.lines))
    if not any(name in last for name in names):
        return Answer("does not name it", last)
    return Answer("line", last)


def control_characters(said: Said) -> str:
    """The first line with a character that speaks to the terminal; nothing if there is none."""
    for text in (said.out, said.err):
        for line in text.decode(errors="backslashreplace").split("\n"):
            if CONTROL.search(line):
                return ascii(line)
    return ""
