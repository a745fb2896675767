"""Links and paths that lead out of a folder: nothing there is read, written or fetched.

Each place of a run and of a data folder becomes a link to the same thing outside, or names
something outside. That files outside are not read is seen by their times of access.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.breaking.asking import ASKS, Answer, Ask, judge
from tests.breaking.case import Case
from tests.breaking.scenes import Scenes, save_images

__all__ = ["cases"]

Change = Callable[[Path, Path], object]
"""What is done to a place, given a folder outside of it."""

RUN = {
    "vectors": (
        "config.json",
        "metrics.jsonl",
        "report.html",
        "samples",
        "samples/step-00000014.npy",
        "checkpoints",
        "checkpoints/step-00000018",
        "checkpoints/step-00000018/manifest.json",
        "checkpoints/step-00000018/state.json",
        "checkpoints/step-00000018/model.safetensors",
        "checkpoints/step-00000018/average.safetensors",
        "checkpoints/step-00000018/memory.safetensors",
        "checkpoints/step-00000018/optimizers.safetensors",
        "samples/reconstructions-00000014.npy",
        ".lock",
    ),
    "images": ("samples", "samples/step-00000014.png", "samples/step-00000014.npy"),
    "trials": (
        "trial-0",
        "trial-1/config.json",
        "trial-1/metrics.jsonl",
        "trial-1/checkpoints",
        "trial-1/samples",
        "trial-1/report.html",
        "trial-1/.lock",
    ),
}
"""Places in the folder of a run, by scene."""

WRITTEN = {
    "samples-3-seed-0.npy": ("vectors", ("sample", "run", "-n", "3")),
    "missed.json": ("vectors", ("missed", "run", "--count", "5")),
    "missed.png": ("vectors", ("missed", "run", "--count", "5")),
    "reconstructions-of-few.png": ("images", ("reconstruct", "run", "--images", "few")),
    "edit-label=dog.png": ("images", ("edit", "run", "--attribute", "label=dog")),
    "frontier.json": ("snapshots", ("frontier", "run", "--draws", "2")),
    "frontier.png": ("snapshots", ("frontier", "run", "--draws", "2")),
    "translations-of-few.png": ("translation", ("translate", "run", "--images", "few")),
    "report.html": ("vectors", ("report", "run")),
    ".report.html.partial": ("vectors", ("report", "run")),
    ".config.json.partial": ("vectors", ("report", "run")),
}
"""Files that commands write into a run, with the scene and the words."""


def cases() -> list[Case]:
    """All of them."""
    return [*_run_cases(), *_written_cases(), *_manifest_cases(), *_data_cases(), *_named_cases()]


@dataclass(frozen=True)
class Outside:
    """A place that leads outside.

    Attributes:
        state: Of the scene: ``bare``, ``whole`` or ``interrupted``.
        scene: The place.
        change: Makes it lead outside.
        ask: The command.
        names: Of which the answer must hold one.
        told: What is said where the command goes on without what lies outside.
    """

    state: str
    scene: str
    change: Change
    ask: Ask
    names: tuple[str, ...]
    told: bytes = b""

    def __call__(self, scenes: Scenes) -> Answer:
        """Lead outside, ask, and see that nothing there was touched."""
        origin = getattr(scenes, self.state)(self.scene)
        with scenes.copy(origin) as place:
            outside = place.with_name("outside")
            outside.mkdir()
            self.change(place, outside)
            before = _seen(outside, rewind=True)
            said = scenes.children.run(self.ask.words, place)
            if touched := _touched(before, _seen(outside)):
                return Answer("outside", f"{touched}; exit code {said.code}: {said.err.decode()}")
            if said.calls:
                return Answer("called another machine", f"{said.calls} times")
            if self.told and not said.code:
                return Answer("right" if self.told in said.out else "silent", said.err.decode())
            return judge(
                said,
                self.names,
                lambda: scenes.is_right(self.state, self.scene, self.ask, place, said, self.names),
            )


@dataclass(frozen=True)
class Own:
    """A user's own link in a folder of data: it is told, whether it is followed or not.

    Attributes:
        scene: The place.
        change: Makes the link.
        ask: The command.
    """

    scene: str
    change: Change
    ask: Ask

    def __call__(self, scenes: Scenes) -> Answer:
        """Link, ask, and look for the word."""
        with scenes.copy(scenes.bare(self.scene)) as place:
            outside = place.with_name("outside")
            outside.mkdir()
            self.change(place, outside)
            said = scenes.children.run(self.ask.words, place)
            told = said.code == 0 and b"links" in said.out + said.err
            return Answer("right" if told else "silent", said.err.decode())


def _seen(folder: Path, rewind: bool = False) -> dict[str, tuple[bytes, int, int]]:
    """Contents of files, and when each was written and read last."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            if rewind:  # else a second reading would leave no trace
                os.utime(path, ns=(10**18, path.stat().st_mtime_ns))
            status = path.stat()
            found[str(path)] = (path.read_bytes(), status.st_mtime_ns, status.st_atime_ns)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return found


def _touched(
    before: dict[str, tuple[bytes, int, int]], after: dict[str, tuple[bytes, int, int]]
) -> str:
    new = [f"made {Path(name).name}" for name in after.keys() - before.keys()]
    gone = [f"removed {Path(name).name}" for name in before.keys() - after.keys()]
    changed = [
        f"{'wrote' if before[name][:2] != after[name][:2] else 'read'} {Path(name).name}"
        for name in before.keys() & after.keys()
        if before[name] != after[name]
    ]
    return ", ".join(new + gone + changed)


def _linked(file: str) -> Change:
    """Let a file or folder of a place lie outside, and link to it."""

    def change(place: Path, outside: Path) -> None:
        path, away = place / file, outside / Path(file).name
        if path.exists():
            path.rename(away)
        else:
            away.write_text("the stranger's\n")
        path.symlink_to(away)

    return change


def _dangling(file: str) -> Change:
    """Link to a file outside that is not there."""
    return lambda place, outside: (place / file).symlink_to(outside / "new")


def _run_cases() -> list[Case]:
    return [
        Case(
            "links in a run",
            f"{scene}: {file}, {name}",
            Outside(
                "interrupted", scene, _linked(f"run/{file}"), ASKS[name], (Path(file).name, "run")
            ),
        )
        for scene, files in RUN.items()
        for file in files
        for name in ("report", f"resume {scene}", *(["sample"] * (scene == "vectors")))
    ]


def _written_cases() -> list[Case]:
    return [
        Case(
            "links where a command writes",
            f"{file}, {kind}",
            Outside("whole", scene, change(f"run/{file}"), Ask(words, lambda *_: None), ("run",)),
        )
        for file, (scene, words) in WRITTEN.items()
        for kind, change in (("to a file", _replacing), ("to nothing", _removing))
    ]


def _replacing(file: str) -> Change:
    def change(place: Path, outside: Path) -> None:
        (place / file).unlink(missing_ok=True)
        _linked(file)(place, outside)

    return change


def _removing(file: str) -> Change:
    def change(place: Path, outside: Path) -> None:
        (place / file).unlink(missing_ok=True)
        _dangling(file)(place, outside)

    return change


def _manifest_cases() -> list[Case]:
    state = "run/checkpoints/step-00000018"

    def named(name: Callable[[Path], str]) -> Change:
        def change(place: Path, outside: Path) -> None:
            manifest = place / state / "manifest.json"
            sums = json.loads(manifest.read_text())
            for path in (place / state).glob("*.safetensors"):
                (outside / path.name).write_bytes(path.read_bytes())
                sums[name(outside / path.name)] = sums.pop(path.name)
            manifest.write_text(json.dumps(sums))

        return change

    names = {
        "absolute": str,
        "by ..": lambda path: f"../../../../outside/{path.name}",
        "by . and ..": lambda path: f"./../../../../outside/./{path.name}",
    }
    return [
        Case(
            "paths in a manifest",
            f"{how}, {name}",
            Outside("interrupted", "vectors", named(of), ASKS[name], ("manifest", "step-00000018")),
        )
        for how, of in names.items()
        for name in ("sample", "resume")
    ]


def _write_readme(files: str) -> Change:
    def change(place: Path, outside: Path) -> None:
        save_images(outside / "secret", 30, seed=9)
        words = files.format(outside=outside)
        (place / "data" / "README.md").write_text(
            f"---\nconfigs:\n- config_name: default\n  data_files: {words}\n---\n"
        )

    return change


def _write_metadata(name: str) -> Change:
    def change(place: Path, outside: Path) -> None:
        secret = save_images(outside / "secret", 1, seed=9) / "00.png"
        for number in range(12):
            (place / "data" / f"{number}.png").write_bytes(secret.read_bytes())
        names = [name.format(outside=outside), *(f"{number}.png" for number in range(12))]
        (place / "data" / "metadata.csv").write_text(
            "file_name,text\n" + "".join(f"{name},a\n" for name in names)
        )

    return change


def _write_table(name: str) -> Change:
    def change(place: Path, outside: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        save_images(outside / "secret", 1, seed=9)
        (file,) = (place / "data").glob("*.parquet")
        table = parquet.read_table(file)
        at = name.format(outside=outside)
        images = [{"bytes": None, "path": at} for _ in range(len(table))]
        column = table.schema.get_field_index("image")
        kind = table.schema.field("image")
        table = table.set_column(column, kind, pyarrow.array(images, kind.type))
        parquet.write_table(table, file)

    return change


def _data_cases() -> list[Case]:
    images, table = ASKS["train on images"], ASKS["train on table of images"]
    secret = (
        "{outside}/secret/00.png",
        "../outside/secret/00.png",
        "../../outside/secret/00.png",
        "file://{outside}/secret/00.png",
    )
    own = {
        "a link to an image": ("images", _linked("data/dog/03.png"), images),
        "a link to a class": ("images", _linked("data/dog"), images),
        "a link to a table": (
            "table of images",
            _linked("data/train-00000-of-00001.parquet"),
            table,
        ),
    }
    found = {}
    for files in (
        "{outside}/secret/*.png",
        "../outside/secret/*.png",
        "../../outside/secret/*.png",
    ):
        found[f"README.md: {files}"] = ("images", _write_readme(f'"{files}"'), images)
    for name in secret:
        found[f"a column of images: {name}"] = ("table of images", _write_table(name), table)
    kind = "links and paths in data"
    return [
        *(Case(kind, name, Own(*case)) for name, case in own.items()),
        *(
            Case(kind, name, Outside("bare", scene, change, ask, ("data", "image")))
            for name, (scene, change, ask) in found.items()
        ),
        *(
            Case(
                kind,
                f"metadata.csv: {name}",
                Outside("bare", "images", _write_metadata(name), images, (), b"that are not here"),
            )
            for name in secret
        ),
    ]


def _named_cases() -> list[Case]:
    """Data that the configuration of a run names, and that the user did not."""

    def naming(key: str, value: str) -> Change:
        def change(place: Path, outside: Path) -> None:
            for file in (place / "run").rglob("config.json"):
                config = json.loads(file.read_text())
                file.write_text(json.dumps({**config, key: value.format(outside=outside)}))
            Image.new("L", (8, 8)).save(outside / "0.png")
            (place / "here.csv").write_text("a,b\n1,2\n")

        return change

    asks = ("evaluate", "missed", "edit")
    return [
        Case(
            "data that a run names",
            f"{key} = {value}, {name}",
            Outside("interrupted", "images", naming(key, value), ASKS[name], ("run", value)),
        )
        for key in ("data", "prior", "init")
        for value in ("somebody/pictures", "csv", "imagefolder", "parquet")
        for name in asks
        if key == "data" or name == "evaluate"
    ]
