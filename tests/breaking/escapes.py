"""Names with characters that speak to the terminal: none reaches it, whatever the command."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.breaking.asking import Answer, judge
from tests.breaking.case import Case
from tests.breaking.harm import in_the_manifest
from tests.breaking.scenes import SMALL, TRAINING, Scenes, save_images

__all__ = ["NAMES", "cases"]

NAMES = {
    "escapes and directions": "a\x1b[2J\x1b]0;b\x07c\x9b31m\rd\x08\u202ee\u2066f\u200eg",
    "two lines": "a\nalpha-bridge: all is well\nb",
    "no UTF-8": os.fsdecode(b"a\xff\xfeb"),
}

PLACES = {
    "escapes and directions": ("run", "no such thing", "data", "text"),
    "two lines": ("no such thing", "data"),
    "no UTF-8": ("no such thing", "data"),
}
"""Where each may stand."""

Change = Callable[[Path, str], object]
"""What is done to a place, given a name."""


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(f"a name of {kind}", f"{scene}: {what}", Named(state, scene, name, change, words))
        for kind, name in NAMES.items()
        for what, (state, scene, change, words) in _uses(name).items()
        if what.startswith(PLACES[kind])
    ]


@dataclass(frozen=True)
class Named:
    """A place in which something has such a name.

    Attributes:
        state: Of the scene: ``bare``, ``whole`` or ``interrupted``.
        scene: The place.
        name: The name.
        change: Gives it.
        words: The command.
    """

    state: str
    scene: str
    name: str
    change: Change
    words: list[str]

    def __call__(self, scenes: Scenes) -> Answer:
        """Give the name, and see what the terminal is told."""
        origin = getattr(scenes, self.state)(self.scene)
        with scenes.copy(origin) as place:
            self.change(place, self.name)
            said = scenes.children.run(self.words, place)
            return judge(said, ("",), lambda: True)


Use = tuple[str, str, Change, list[str]]


def _uses(name: str) -> dict[str, Use]:
    """Where a name may stand, and the commands that come across it, by what they are."""
    return {
        **{f"run, {what}": use for what, use in _runs(name)},
        **{f"no such thing, {what}": use for what, use in _absent(name)},
        **{f"data, {what}": use for what, use in _data(name)},
        **{f"text: {what}": use for what, use in _text(name)},
    }


def _nothing(place: Path, name: str) -> None:
    """Leave it as it is."""


def _runs(name: str) -> Iterator[tuple[str, Use]]:
    """A run, and what is made of it, of that name."""

    def rename(place: Path, name: str) -> None:
        (place / "run").rename(place / name)
        if (place / "few").exists():
            (place / "few").rename(place / f"{name} few")

    commands = {
        "vectors": (
            ["sample", name, "--out", f"{name}.npy"],
            ["evaluate", name],
            ["evaluate", name, "--json"],
            ["report", name],
            ["missed", name],
            ["missed", name, "--json"],
            ["export", name, "--out", f"{name} new"],
            ["push", name, "somebody/else"],
            ["push", name, name],
            ["sample", name, "--step", "3"],
            ["restore", name, "--out", "new"],
            ["translate", name, "--images", "data.npy"],
            ["frontier", name],
        ),
        "images": (
            ["reconstruct", name, "--images", f"{name} few"],
            ["edit", name, "--attribute", "label=dog"],
            ["edit", name, "--attribute", name],
            ["edit", name, "--between", "slerp"],
            ["export", name, "--out", "run"],
        ),
        "snapshots": (["frontier", name], ["frontier", name, "--json"]),
        "translation": (["translate", name, "--images", f"{name} few"],),
        "diffusers": (["restore", name, "--out", f"{name} new"],),
    }
    for scene, several in commands.items():
        for words in several:
            yield f"{scene}, {' '.join(words).replace(name, '*')}", ("whole", scene, rename, words)
    for scene in ("vectors", "trials"):
        words = [*TRAINING[scene], "--out", name]
        yield f"{scene}, train", ("bare", scene, _nothing, words)
        yield f"{scene}, train again", ("whole", scene, rename, words)
        yield f"{scene}, resume", ("interrupted", scene, rename, [*words, "--resume"])


def _absent(name: str) -> Iterator[tuple[str, Use]]:
    """What is asked for and is not there."""
    several = (
        [name],
        ["train", name],
        ["train", "digits", f"--{name}"],
        ["train", "digits", name],
        ["train", "digits", "--steps", name],
        ["train", "digits", "--method", name],
        ["train", "digits", "--data", name],
        ["train", "digits", "--data", f"{name}.npy"],
        ["train", "digits", "--from", name],
        ["train", f"{name}.json"],
        ["train", "--config", name],
        ["train", "digits", "--images.label-column", name],
        *([command, name] for command in ("sample", "evaluate", "report", "frontier", "missed")),
        *(["export", name, "--out", "new"], ["restore", name, "--out", "new"]),
        *(["push", name, "a/b"], ["edit", name, "--attribute", "a"], ["reproduce", name]),
        *(["translate", name, "--images", "x"], ["reconstruct", name, "--images", "x"]),
        *(["reconstruct", "run", "--images", name], ["sample", "run", "--out", f"{name}.jpg"]),
        *(["sample", "run", "--step", name], ["edit", "run", "--attribute", name]),
        *(["edit", "run", "--attribute", "round", "--labels", name],),
        *(["sample", "run", f"--{name}"], ["sample", "run", name]),
        *(["train", "digits", "--data", "data", "--images.train-split", name, *SMALL],),
        *(["train", "digits", "--data", "data", "--images.image-column", name, *SMALL],),
    )
    for words in several:
        words = [word.replace("\0", "") for word in words]
        yield " ".join(words[:40]).replace(name, "*"), ("whole", "images", _nothing, words)


def _data(name: str) -> Iterator[tuple[str, Use]]:
    """Files, folders and classes of that name."""
    images = TRAINING["images"]

    def break_image(place: Path, name: str) -> None:
        (place / "data" / "cat" / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")

    def rename_class(place: Path, name: str) -> None:
        (place / "data" / "cat").rename(place / "data" / name)

    def rename_data(place: Path, name: str) -> None:
        (place / "data").rename(place / name)

    def break_few(place: Path, name: str) -> None:
        (place / "few" / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")

    def mix(place: Path, name: str) -> None:
        save_images(place / name / "one", 20)
        (place / name / "notes.csv").write_text("a,b\n1\n1,2,3\n")

    def break_array(place: Path, name: str) -> None:
        (place / f"{name}.npy").write_bytes(b"\x93NUMPY\x01\x00nothing")

    def train_on_class(place: Path, name: str) -> None:
        rename_class(place, name)

    yield "a broken image, train", ("bare", "images", break_image, [*images, "--out", "new"])
    yield "a class, train", ("bare", "images", train_on_class, [*images, "--out", "new"])
    other = [*images[:-1], name, "--out", "new"]
    yield "its folder, train", ("bare", "images", rename_data, other)
    yield "a folder of all kinds, train", ("bare", "images", mix, other)
    yield (
        "an array, train",
        ("bare", "vectors", break_array, ["train", "gaussians25", "--data", f"{name}.npy"]),
    )
    yield (
        "an array, reconstruct",
        ("whole", "vectors", break_array, ["reconstruct", "run", "--images", f"{name}.npy"]),
    )
    yield (
        "a broken image, reconstruct",
        ("whole", "images", break_few, ["reconstruct", "run", "--images", "few"]),
    )
    edit = ["edit", "run", "--attribute", "label=nothing"]
    yield "a class, edit", ("whole", "images", _with_classes, edit)

    def rename_vae(place: Path, name: str) -> None:
        shutil.copytree(place / "vae", place / name)
        (place / name / "config.json").write_text("{")

    words = [*TRAINING["diffusers"][:-1], name, "--out", "new"]
    yield "a broken VAE, train", ("bare", "diffusers", rename_vae, words)

    def copy_vae(place: Path, name: str) -> None:
        shutil.copytree(place / "vae", place / name)

    yield "a VAE, train", ("bare", "diffusers", copy_vae, words)


def _with_classes(place: Path, name: str) -> None:
    """Train again on classes of such names."""
    (place / "data" / "cat").rename(place / "data" / name)
    file = place / "run" / "config.json"
    file.write_text(file.read_text())


def _text(name: str) -> Iterator[tuple[str, Use]]:
    """Words in files: keys, values, columns, tensors."""
    state = "run/checkpoints/step-00000018"

    def config(key: str, value: object) -> Change:
        def change(place: Path, name: str) -> None:
            file = place / "run" / "config.json"
            content = json.loads(file.read_text())
            file.write_text(json.dumps({**content, key.replace("*", name): value}))

        return change

    for key, value in (
        ("*", 1),
        ("data", name),
        ("method", name),
        ("event_shape", name),
        ("seed", name),
        ("model", {name: 1}),
        ("objective", {"kind": name}),
        ("init", name),
        ("architecture", {"library": name, "config": {}}),
        ("architecture", {"library": "diffusers", "config": {name: name}}),
        ("architecture", {"library": "pythae", "config": {"name": name}}),
    ):
        for words in (["sample", "run"], ["evaluate", "run"], ["export", "run", "--out", "new"]):
            what = f"config.json, {key} = {value!r}, {words[0]}".replace(repr(name), "*")
            yield what, ("whole", "images", config(key, value), words)

    def record(key: str, value: object) -> Change:
        def change(place: Path, _: str) -> None:
            file = place / "run" / "metrics.jsonl"
            *lines, last = file.read_text().splitlines()
            changed = json.dumps({**json.loads(last), key: value})
            file.write_text("\n".join([*lines, changed]) + "\n")

        return change

    resume = [*TRAINING["vectors"], "--out", "run", "--resume"]
    for key, value in (
        (name, 1.0),
        (f"modes/{name}/10", 1.0),
        (f"{name}/a/10", 1.0),
        ("phase", name),
        ("alpha", name),
        ("step", name),
    ):
        what = f"metrics.jsonl, {key} = {value!r}".replace(name, "*").replace(repr(name), "*")
        for words in (["report", "run"], ["export", "run", "--out", "new"]):
            yield f"{what}, {words[0]}", ("whole", "vectors", record(key, value), words)
        yield f"{what}, resume", ("interrupted", "vectors", record(key, value), resume)

    def manifest(place: Path, name: str) -> None:
        file = place / state / "manifest.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), name: "0" * 64}))

    def tensors(place: Path, name: str) -> None:
        def harm(path: Path) -> None:
            save_file({**load_file(path), name: np.zeros(2, np.float32)}, path)

        in_the_manifest(harm)(place / state / "model.safetensors")

    for what, change in (("a manifest", manifest), ("tensors", tensors)):
        for words in (["sample", "run"], resume):
            yield f"{what}, {words[0]}", ("interrupted", "vectors", change, words)

    def labels(text: str) -> Change:
        def change(place: Path, name: str) -> None:
            (place / "labels.csv").write_text(text.replace("*", f'"{name}"'))

        return change

    for text in (
        "file_name,*\ndata/cat/00.png,1\ndata/cat/01.png,0\n",
        "file_name,round\n*,1\n",
        "row,round\n*,1\n",
        "file_name,round\ndata/cat/00.png,*\ndata/cat/01.png,b\n",
        "*,round\n1,1\n",
        "file_name,round\n*,1\n*,1\n",
    ):
        for attribute in ("round", "other", f"round={name}", name):
            words = ["edit", "run", "--labels", "labels.csv", "--attribute", attribute]
            what = f"labels {text.split()[0]}, edit {attribute}".replace(name, "*")
            yield f"{what}, {text[-12:]!r}", ("whole", "images", labels(text), words)

    def key_of_json(place: Path, name: str) -> None:
        (place / "my.json").write_text(json.dumps({name: 1}))

    yield "a configuration's key", ("bare", "vectors", key_of_json, ["train", "my.json"])

    def table(place: Path, name: str) -> None:
        from pyarrow import parquet

        (file,) = (place / "data").glob("*.parquet")
        one = parquet.read_table(file).replace_schema_metadata(None)
        parquet.write_table(one.rename_columns([name, f"{name} label"]), file)

    words = [*TRAINING["table of images"], "--out", "new"]
    yield "columns, train", ("bare", "table of images", table, words)
