"""Two processes on one run: the second is refused by a line that names the first, which goes on."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.breaking.asking import ASKS, Answer
from tests.breaking.case import Case
from tests.breaking.children import Child, Said
from tests.breaking.kills import differences
from tests.breaking.scenes import TRAINING, Scenes

__all__ = ["cases"]

SCENES = ("vectors", "images", "trials")


def cases() -> list[Case]:
    """All of them."""
    return [
        *(
            Case("beside a training", f"{scene}: {name}", Beside(scene, words, refused))
            for scene in SCENES
            for name, (words, refused) in _second(scene).items()
        ),
        *(
            Case("two at once", f"{scene}: {name}", Together(scene, resume))
            for scene in SCENES
            for name, resume in (("two new", False), ("two that resume", True))
        ),
    ]


def _second(scene: str) -> dict[str, tuple[list[str], bool]]:
    """Second commands, and whether they would write what the first writes."""
    words = [*TRAINING[scene], "--out", "new"]
    found = {
        "resume": ([*words, "--resume"], True),
        "resume by its own configuration": (
            ["train", "new/config.json", "--out", "new", "--resume"],
            True,
        ),
        "a new run": (words, True),
        "report": (["report", "new"], False),
    }
    if scene == "trials":
        trial = ["train", "new/trial-1/config.json", "--out", "new/trial-1", "--resume"]
        return found | {"resume a trial": (trial, True)}
    return found | {"sample": (["sample", "new", "--out", "drawn.npy"], False)}


@dataclass(frozen=True)
class Beside:
    """A command beside a training that stands still meanwhile.

    Attributes:
        scene: Data and words of the training.
        words: The command's.
        refused: Whether it must be refused.
    """

    scene: str
    words: list[str]
    refused: bool

    def __call__(self, scenes: Scenes) -> Answer:
        """Train, stand still, ask, go on, and compare."""
        origin, ask = scenes.bare(self.scene), ASKS[f"train on {self.scene}"]
        right = scenes.right(origin, ask).result
        with scenes.copy(origin) as place:
            first = scenes.children.start(ask.words, place)
            with _standing_still(first, place / "new" / "checkpoints" / "step-00000004"):
                second = scenes.children.run(self.words, place)
            ended = first.wait()
            if ended.code:
                return Answer("the first was harmed", ended.err.decode())
            if unlike := differences(right, ask.result(place, ended)):
                return Answer("the first was harmed", unlike)
            return _refusal(second, str(first.pid)) if self.refused else _harmless(second)


@dataclass(frozen=True)
class Together:
    """Two trainings that start at the same time: one is refused, and the other ends well.

    Attributes:
        scene: Data and words of both.
        resume: Whether they take up a run that was interrupted.
    """

    scene: str
    resume: bool

    def __call__(self, scenes: Scenes) -> Answer:
        """Start both, wait, and compare."""
        bare, ask = scenes.bare(self.scene), ASKS[f"train on {self.scene}"]
        right = scenes.right(bare, ask).result
        words = list(ask.words)
        with scenes.copy(bare) as place:
            if self.resume:
                begun = scenes.right(bare, ask).operations // 2
                scenes.children.run(words, place, die_at=begun)
                words.append("--resume")
            both = [scenes.children.start(words, place) for _ in range(2)]
            ends = [child.wait() for child in both]
            if [end.code for end in ends].count(0) != 1:
                said = " | ".join(f"{end.code}: {end.err.decode().strip()}" for end in ends)
                return Answer("not one of two", said[-300:])
            if unlike := differences(right, ask.result(place, ends[0])):
                return Answer("another end", unlike)
            winner = both[0] if ends[0].code == 0 else both[1]
            return _refusal(ends[0] if ends[0].code else ends[1], str(winner.pid))


@contextmanager
def _standing_still(child: Child, folder: Path) -> Iterator[None]:
    """Stop a process once a folder is there, and let it go on afterwards."""
    end = time.monotonic() + 60
    while not folder.exists() and time.monotonic() < end:
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(child.pid, signal.SIGCONT)


def _harmless(said: Said) -> Answer:
    if b"Traceback" in said.err or said.code not in (0, 1, 2):
        return Answer("traceback", said.err.decode())
    return Answer("right" if said.code == 0 else "line", said.err.decode())


def _refusal(said: Said, pid: str) -> Answer:
    """Whether the second was refused by a line that names the process of the first."""
    line = said.err.decode().strip()
    if said.code not in (1, 2) or "\n" in line or not line.startswith("alpha-bridge: "):
        return Answer("not refused", f"exit code {said.code}: {line}")
    if pid not in line and "is not empty" not in line:
        return Answer("names no process", line)
    return Answer("line", line)
