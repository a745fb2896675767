"""Kills, also in the middle of writing: the run that goes on equals the one never killed."""

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.breaking.asking import ASKS, Answer
from tests.breaking.case import Case
from tests.breaking.children import Said
from tests.breaking.scenes import TRAINING, Right, Scenes

__all__ = ["cases"]

SCENES = ("vectors", "images", "trials")
CHAINS = 6
"""Runs of each scene that are killed."""
KILLS = 7
"""How often each of them is, once of these by another signal."""
FIRST = 6
"""Operations on files of a run that goes on: its lock, what a kill left, its configuration."""


def cases(chains: int = CHAINS) -> list[Case]:
    """All of them: runs, each killed and taken up again many times."""
    return [
        Case(f"{scene}, killed", f"chain {chain}", Killed(scene, chain / chains, KILLS))
        for scene in SCENES
        for chain in range(chains)
    ]


@dataclass(frozen=True)
class Killed:
    """A run that is killed again and again, and must come to the end that it would have had.

    Attributes:
        scene: Its data and its words.
        first: Where the first kill comes, as a share of the operations on files.
        kills: How many there are.
    """

    scene: str
    first: float
    kills: int

    def __call__(self, scenes: Scenes) -> Answer:
        """Kill it, let it end, and compare."""
        origin, ask = scenes.bare(self.scene), ASKS[f"train on {self.scene}"]
        right = scenes.right(origin, ask)
        draw = random.Random(f"{self.scene} {self.first}")
        left, when, within = self.kills, Counter[str](), 1.0
        while True:
            with scenes.copy(origin) as place:
                while left:
                    how, going_on = self._how(left, draw, right, within), _has_begun(place)
                    said = _go_on(scenes, self.scene, place, **how)
                    if said.code >= 0:
                        within /= 2  # what is left of the run is short, or the machine has time
                        break
                    left -= 1
                    when[_when(said, going_on and how.get("die_at", FIRST + 1) <= FIRST)] += 1
                else:
                    said = _go_on(scenes, self.scene, place)
                if said.code:
                    return Answer("cannot go on", said.err.decode())
                if unlike := differences(right.result, ask.result(place, said)):
                    return Answer("another end", unlike)
            if not left:
                return Answer("right", kills=when)

    def _how(self, left: int, draw: random.Random, right: Right, within: float) -> dict[str, float]:
        """A way to die within a share of what the whole run takes."""
        if left == self.kills:
            return {"die_at": 1 + round(self.first * right.operations)}
        if left % 3 == 0:
            return {"after": draw.uniform(0, within * right.seconds)}
        if left == 2:
            return {"largest": draw.randrange(100, 8000), "die_beyond": True}
        most = FIRST if left == 4 else max(FIRST, round(within * right.operations))
        return {"die_at": draw.randint(1, most)}


def _when(said: Said, resuming: bool) -> str:
    """What a killed process was doing, as far as that is known."""
    if said.code != -signal.SIGKILL:
        return "in the middle of a file, by SIGXFSZ"
    if resuming:
        return "while it resumed, by SIGKILL"
    if "/checkpoints" in said.at:
        return "at a checkpoint, by SIGKILL"
    return "at another file, by SIGKILL" if said.at else "at a random moment, by SIGKILL"


def differences(first: dict[str, object], second: dict[str, object]) -> str:
    """Names of the files that two runs do not have in common; nothing if they are equal."""
    names = sorted(
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    )
    return ", ".join(names)


def _has_begun(place: Path) -> bool:
    return (place / "new" / "config.json").exists()


def _go_on(
    scenes: Scenes, scene: str, place: Path, after: float | None = None, **how: object
) -> Said:
    """Begin the run, or take it up where it has begun, as a person would."""
    resume = ["--resume"] * _has_begun(place)
    child = scenes.children.start([*TRAINING[scene], "--out", "new", *resume], place, **how)
    if after is not None:
        time.sleep(after)
        child.kill()
    return child.wait()
