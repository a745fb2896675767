"""What is broken: folders with data, a run on them and what was made of it, built once each.

A place has ``data`` (or ``data.npy``), ``run``, and ``cache``, so that a command is the same words
in all of them.
"""

import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from tests.breaking.children import Children, Said

if TYPE_CHECKING:
    from tests.breaking.asking import Ask

__all__ = ["LAST", "TRAINING", "Right", "Scenes", "save_images"]

LAST = 20
"""Updates of every run."""

SMALL = [
    *("--steps", str(LAST), "--batch-size", "8", "--path.ml", "0.2", "--path.transfer", "0.5"),
    *("--path.adversarial", "0.3", "--path.end", "1", "--model.noise", "0.6"),
    *("--model.hidden", "8", "--model.latent", "2", "--model.width", "4"),
    *("--evaluation.samples", "40", "--evaluation.shown", "6", "--evaluation.every", "10"),
    *("--record-every", "5", "--checkpoint-every", "3"),
]
PIXELS = ["--evaluation.features", "pixels"]

TRAINING = {
    "vectors": ["train", "gaussians25", *SMALL, "--data", "data.npy"],
    "images": ["train", "digits", *SMALL, *PIXELS, "--data", "data"],
    "table of images": ["train", "digits", *SMALL, *PIXELS, "--data", "data"],
    "trials": ["train", "gaussians25", *SMALL, "--trials", "2"],
    "snapshots": ["train", "gaussians25", *SMALL, "--snapshots", "2"],
    "diffusers": ["train", "digits", *SMALL, *PIXELS, "--data", "data", "--from", "vae"],
    "pythae": ["train", "digits", *SMALL, *PIXELS, "--data", "data", "--from", "vae"],
    "translation": [
        *("train", "digits", *SMALL, *PIXELS, "--data", "data", "--prior", "other"),
        *("--objective", "marginal"),
    ],
}
"""What trains the run of each scene, but for ``--out``."""


class Right(NamedTuple):
    """What a command does where nothing is broken.

    Attributes:
        result: What is compared.
        operations: How often it did something to a file.
        seconds: How long it took.
    """

    result: object
    operations: int
    seconds: float


@dataclass
class Scenes:
    """Where everything is built and broken; a context, whose files are gone afterwards.

    Attributes:
        drawn: Whether reports have figures.
        root: A new folder of the machine's for temporary files.
    """

    drawn: bool = True
    root: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="breaking-")))
    _right: "dict[tuple[Path, Ask], Right]" = field(default_factory=dict)
    _building: threading.RLock = field(default_factory=threading.RLock)
    _opened: ExitStack = field(default_factory=ExitStack)
    _own: threading.local = field(default_factory=threading.local)

    def __enter__(self) -> "Scenes":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def children(self) -> Children:
        """What runs the commands of this thread."""
        if not hasattr(self._own, "children"):
            self._own.children = self._opened.enter_context(Children(self.drawn))
        return self._own.children

    def bare(self, name: str) -> Path:
        """The place of a scene with its data, and no run yet."""
        return self._built(f"{name}, bare", lambda place: self._write_data(name, place))

    def whole(self, name: str) -> Path:
        """The place of a scene with its run."""

        def build(place: Path) -> None:
            shutil.copytree(self.bare(name), place, dirs_exist_ok=True)
            self._do([*TRAINING[name], "--out", "run"], place)
            if name == "images":
                self._do(["export", "run", "--out", "shared"], place)

        return self._built(name, build)

    def interrupted(self, name: str) -> Path:
        """The same after a kill that cost the last checkpoint."""

        def build(place: Path) -> None:
            shutil.copytree(self.whole(name), place, dirs_exist_ok=True)
            for last in (place / "run").rglob(f"checkpoints/step-{LAST:08}"):
                shutil.rmtree(last)

        return self._built(f"{name}, interrupted", build)

    def before(self, name: str) -> Path:
        """The same with the checkpoint before it as the last one."""

        def build(place: Path) -> None:
            shutil.copytree(self.interrupted(name), place, dirs_exist_ok=True)
            for folder in (place / "run").rglob("checkpoints"):
                shutil.rmtree(max(folder.iterdir()))

        return self._built(f"{name}, before", build)

    def is_right(
        self, state: str, name: str, ask: "Ask", place: Path, said: Said, names: Sequence[str]
    ) -> bool:
        """Whether a command gave the result of a place that is not broken.

        It may also name a damaged checkpoint, and give that of the one before.
        """
        result = ask.result(place, said)
        if result == self.right(getattr(self, state)(name), ask).result:
            return True
        output = (said.out + said.err).decode(errors="backslashreplace")
        passed = state == "interrupted" and any(of in output for of in names)
        return passed and result == self.right(self.before(name), ask).result

    @contextmanager
    def copy(self, place: Path) -> Iterator[Path]:
        """A copy of a place, to be broken."""
        parent = Path(tempfile.mkdtemp(dir=self.root))
        try:
            copied = Path(shutil.copytree(place, parent / "place", symlinks=True))
            self._follow(copied)
            yield copied
        finally:
            shutil.rmtree(parent, ignore_errors=True)

    def right(self, origin: Path, ask: "Ask") -> Right:
        """What a command does in a place that is not broken; asked once."""
        with self._building:
            if (origin, ask) not in self._right:
                self._right[origin, ask] = self._asked(origin, ask)
            return self._right[origin, ask]

    def _asked(self, origin: Path, ask: "Ask") -> Right:
        with self.copy(origin) as place:
            begin = time.perf_counter()
            said = self._do(ask.words, place)
            seconds = time.perf_counter() - begin
            return Right(ask.result(place, said), said.operations, seconds)

    def _built(self, name: str, build: Callable[[Path], None]) -> Path:
        place = self.root / name.replace(" ", "-")
        with self._building:
            if not place.exists():
                partial = Path(tempfile.mkdtemp(dir=self.root))
                build(partial)
                partial.rename(place)
                self._follow(place)
        return place

    def _follow(self, place: Path) -> None:
        """Let the runs of a place that was moved or copied name the data that lie in it now."""
        before = re.compile(re.escape(str(self.root)) + r"/[^/\"]+(/place)?(?=/)")
        for config in place.rglob("config.json"):
            text = config.read_text()
            if (now := before.sub(str(place), text)) != text:
                config.write_text(now)

    def _do(self, words: Sequence[str], place: Path) -> Said:
        said = self.children.run(words, place)
        if said.code:
            raise RuntimeError(f"{' '.join(words)}: {said.err.decode()}")
        return said

    def _write_data(self, name: str, place: Path) -> None:
        if name == "vectors":
            np.save(place / "data.npy", np.random.default_rng(0).normal(3.0, 2.0, (60, 3)))
        elif name == "table of images":
            _save_table(place / "data")
        elif name not in ("trials", "snapshots"):
            for index, label in enumerate(("cat", "dog")):
                save_images(place / "data" / label, 15, seed=index)
            save_images(place / "few", 3, seed=5)
            (place / "labels.csv").write_text(
                "file_name,round\n"
                + "".join(
                    f"data/{label}/{row:02}.png,{row % 2}\n"
                    for label in ("cat", "dog")
                    for row in range(15)
                )
            )
        if name == "translation":
            save_images(place / "other", 30, seed=7)
        if name in ("diffusers", "pythae"):
            self._do(["write_vae", name, "vae"], place)


def save_images(folder: Path, count: int, seed: int = 0) -> Path:
    """Grey images of 8 pixels a side."""
    folder.mkdir(parents=True)
    for index, pixels in enumerate(_pixels(count, seed)):
        Image.fromarray(pixels).save(folder / f"{index:02}.png")
    return folder


def _pixels(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8), dtype=np.uint8)


def _save_table(folder: Path) -> None:
    """Images and labels in a Parquet file, as ``datasets`` writes them."""
    import datasets

    datasets.disable_progress_bars()
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    )
    rows = {"image": list(map(Image.fromarray, _pixels(30, 0))), "label": [0, 1] * 15}
    folder.mkdir()
    datasets.Dataset.from_dict(rows, features).to_parquet(folder / "train-00000-of-00001.parquet")
