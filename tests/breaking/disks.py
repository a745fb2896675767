"""Full disks: a line, nothing half written, and a run that goes on or can be taken up again.

A disk is full in two ways: no file may be larger than so many bytes, which every system can do, and
a file system in memory has no room left, which needs the right to mount one.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.breaking.asking import ASKS, Answer, contents, judge
from tests.breaking.case import Case
from tests.breaking.kills import differences
from tests.breaking.scenes import LAST, TRAINING, Right, Scenes

__all__ = ["cases", "mounted_cases"]

NEW_MOUNTS, NEW_USER = 0x20000, 0x10000000
"""Linux's flags CLONE_NEWNS and CLONE_NEWUSER."""

PAGE = 4096
SIZES = 20
WRITING = {
    "vectors": ("sample", "report", "missed"),
    "images": ("sample", "report", "export", "reconstruct", "edit", "missed"),
    "snapshots": ("frontier",),
    "translation": ("translate",),
    "diffusers": ("restore",),
    "pythae": ("restore",),
}
"""Commands that write, by scene."""
WRITTEN = ("cache", "drawn", "moved", "new", "pairs", "row", "run")
"""Of which a line must hold one."""
SPARED = b"training goes on without it"
"""What is said of a file that a full disk has no room for."""
SHARES = (0.0, 0.5, 0.9)
"""Sizes for them, as shares of the largest file that they write."""


def cases(sizes: int = SIZES) -> list[Case]:
    """All of them."""
    shares = [size / sizes for size in range(sizes)]
    found = [
        Case(
            f"train on {scene}, small files", f"{share:.0%} of the largest", Training(scene, share)
        )
        for scene in ("vectors", "images", "trials")
        for share in (shares if scene == "vectors" else shares[::5])
    ]
    found += [
        Case(
            f"{ask}, small files",
            f"{scene}, {share:.0%} of the largest",
            Writing(scene, ask, share),
        )
        for scene, asks in WRITING.items()
        for ask in asks
        for share in SHARES
    ]
    return found


def mounted_cases(sizes: int = SIZES) -> list[Case]:
    """Those that mount a file system, where this process may have mounts of its own."""
    if not _with_own_mounts():
        return []
    shares = [size / sizes for size in range(sizes)]
    return [
        Case(f"train on {scene}, full disk", f"{share:.0%} of the run", Mounted(scene, share))
        for scene in ("vectors", "images")
        for share in (shares if scene == "vectors" else shares[::5])
    ]


def _with_own_mounts() -> bool:
    """Give this process, of one thread, mounts that nobody else sees and that end with it."""
    user, group = os.getuid(), os.getgid()
    kinds = NEW_MOUNTS if user == 0 else NEW_MOUNTS | NEW_USER
    if not sys.platform.startswith("linux") or ctypes.CDLL(None).unshare(kinds):
        return False
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    made = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True)
    return made.returncode == 0


@dataclass(frozen=True)
class Training:
    """A run whose files may not be larger than a share of its largest one.

    Attributes:
        scene: Its data and its words.
        share: Of the bytes.
    """

    scene: str
    share: float

    def __call__(self, scenes: Scenes) -> Answer:
        """Fill the disk, make room, and let the run end."""
        origin, ask = scenes.bare(self.scene), ASKS[f"train on {self.scene}"]
        right = scenes.right(origin, ask)
        with scenes.copy(origin) as place:
            largest = int(self.share * max(map(_size, right.result.values())))
            said = scenes.children.run(ask.words, place, largest=largest)
            answer = judge(said, ("new", "cache"), lambda: SPARED in said.out)
            return _then(answer, said.code, scenes, self.scene, place, right)


@dataclass(frozen=True)
class Mounted:
    """A run on a disk that is too small for it.

    Attributes:
        scene: Its data and its words.
        share: Of the bytes that the run takes.
    """

    scene: str
    share: float

    def __call__(self, scenes: Scenes) -> Answer:
        """Fill the disk, enlarge it, and let the run end."""
        origin, ask = scenes.bare(self.scene), ASKS[f"train on {self.scene}"]
        right = scenes.right(origin, ask)
        pages = sum(1 + _size(content) // PAGE for content in right.result.values())
        with scenes.copy(origin) as place:
            new = place / "new"
            new.mkdir()
            with _mounted(new, int(self.share * pages) + 1):
                said = scenes.children.run(ask.words, place)
                answer = judge(said, ("new",), lambda: SPARED in said.out)
                subprocess.run(["mount", "-o", "remount,size=64m", new], check=True)
                return _then(answer, said.code, scenes, self.scene, place, right)


def _then(
    answer: Answer, code: int, scenes: Scenes, scene: str, place: Path, right: Right
) -> Answer:
    """The answer to a full disk, if the run has come to its end, or could be taken up from there.

    What could not be written of records and samples on the way is lost; the weights are not.
    """
    if not answer.good:
        return answer
    if code not in (0, 1):
        return Answer(f"exit code {code}", answer.detail)
    resume = ["--resume"] * (place / "new" / "config.json").exists()
    said = scenes.children.run([*TRAINING[scene], "--out", "new", *resume], place)
    if said.code:
        return Answer("cannot go on", said.err.decode())
    if unlike := differences(_weights(right.result), _weights(contents(place / "new"))):
        return Answer("another end", unlike)
    return answer


def _weights(contents: dict[str, object]) -> dict[str, object]:
    """Those after the last update, of all that is in a run."""
    end = f"checkpoints/step-{LAST:08}/"
    return {name: of for name, of in contents.items() if end in name}


@dataclass(frozen=True)
class Writing:
    """A command that writes, and may write no file as large as it has to.

    Attributes:
        scene: The place.
        ask: The command.
        share: Of the bytes of its largest file.
    """

    scene: str
    ask: str
    share: float

    def __call__(self, scenes: Scenes) -> Answer:
        """Fill the disk, and see that nothing has changed."""
        origin, ask = scenes.whole(self.scene), ASKS[self.ask]
        result = scenes.right(origin, ask).result
        files = result.values() if isinstance(result, dict) else [result]
        with scenes.copy(origin) as place:
            before = contents(place)
            largest = int(self.share * max(map(_size, files)))
            said = scenes.children.run(ask.words, place, largest=largest)
            answer = judge(said, WRITTEN, lambda: False)
            if not answer.good:
                return answer
            if said.code != 1:
                return Answer(f"exit code {said.code}", answer.detail)
            if unlike := differences(before, contents(place)):
                return Answer("left something", unlike)
            return answer


def _size(content: object) -> int:
    return len(content) if isinstance(content, bytes) else len(str(content))


@contextmanager
def _mounted(folder: Path, pages: int) -> Iterator[None]:
    """A file system in memory of so many pages."""
    size = f"size={pages * PAGE},nr_inodes=10000"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True, capture_output=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)
