"""Damaged files of every kind that a command reads: each is named, or does no harm."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from tests.breaking import harm
from tests.breaking.asking import ASKS, Answer, judge
from tests.breaking.case import Case
from tests.breaking.harm import Harm, flip, in_the_manifest
from tests.breaking.scenes import Scenes

__all__ = ["cases"]

STATE = "run/checkpoints/step-00000018"
"""The last checkpoint of an interrupted run."""

SUMMED: dict[str, Harm] = harm.PLACE | {
    "empty": harm.CONTENT["empty"],
    "half": harm.CONTENT["half"],
    "a bit in the header": flip(0.01),
    "a bit in the middle": flip(0.5),
}
"""Damage that a sum shows."""


def _with_right_sums(harms: Mapping[str, Harm]) -> dict[str, Harm]:
    return {f"{name}, with a right sum": in_the_manifest(each) for name, each in harms.items()}


RESUMMED = _with_right_sums(harm.TENSORS)
RESUMMED_CONTENT = _with_right_sums(harm.CONTENT)

IMAGE: dict[str, Harm] = harm.CONTENT | {
    "a bit in the header": flip(0.15),
    "a bit in the middle": flip(0.6),
}


@dataclass(frozen=True)
class Target:
    """A file, how it is damaged, and which commands are to take it.

    Attributes:
        kind: Of file, as the table calls it.
        scene: Where it is.
        file: Its path in the place.
        harms: By name.
        asks: Keys of :data:`~breaking.asking.ASKS`, which take turns.
        names: Of which the answer must hold one; by default the file's own, and the
            checkpoint's.
        state: Of the scene: ``bare``, ``whole`` or ``interrupted``.
    """

    kind: str
    scene: str
    file: str
    harms: Mapping[str, Harm]
    asks: tuple[str, ...]
    names: tuple[str, ...] = ()
    state: str = "whole"


def _of_each(*steps: int) -> dict[str, Harm]:
    """Flip a bit of the weights of several checkpoints, of which the file is the last's."""

    def harm(path: Path) -> None:
        for step in steps:
            flip(0.5)(path.parents[1] / f"step-{step:08}" / path.name)

    return {f"a bit in each of {', '.join(map(str, steps))}": harm}


def _checkpoint(scene: str, *asks: str) -> Iterator[Target]:
    units = ["units"] * (scene == "vectors")
    for file in ("model", "average", *units, "optimizers", "memory"):
        asks = ("resume",) if file == "optimizers" else asks
        harms = RESUMMED if file != "memory" else RESUMMED_CONTENT
        for each in (SUMMED, harms):
            at = (scene, f"{STATE}/{file}.safetensors")
            yield Target("safetensors", *at, each, asks, state="interrupted")


TARGETS = (
    Target("config.json", "vectors", "run/config.json", harm.PLACE | harm.JSON, ("sample",)),
    Target("config.json", "images", "run/config.json", harm.JSON, ("report",)),
    Target(
        "config.json", "vectors", "run/config.json", harm.JSON, ("resume",), state="interrupted"
    ),
    Target(
        "config.json",
        "trials",
        "run/trial-1/config.json",
        harm.JSON,
        ("resume",),
        state="interrupted",
    ),
    Target("metrics.jsonl", "vectors", "run/metrics.jsonl", harm.RECORDS, ("report", "export")),
    Target(
        "metrics.jsonl",
        "vectors",
        "run/metrics.jsonl",
        harm.RECORDS,
        ("resume",),
        state="interrupted",
    ),
    Target(
        "manifest",
        "vectors",
        f"{STATE}/manifest.json",
        harm.PLACE | harm.JSON,
        ("resume",),
        ("manifest.json", STATE),
        state="interrupted",
    ),
    Target(
        "state.json", "vectors", f"{STATE}/state.json", SUMMED, ("sample",), state="interrupted"
    ),
    Target(
        "state.json",
        "vectors",
        f"{STATE}/state.json",
        {name: in_the_manifest(each) for name, each in harm.JSON.items()},
        ("resume",),
        state="interrupted",
    ),
    *_checkpoint("vectors", "sample", "resume"),
    *(
        Target(
            "several checkpoints",
            scene,
            f"{STATE}/model.safetensors",
            _of_each(*steps),
            (f"resume {scene}",),
            state="interrupted",
        )
        for scene in ("vectors", "images", "trials")
        for steps in ((18, 15), (18, 15, 14), (18, 15, 14, 4))
    ),
    *_checkpoint("images", "evaluate"),
    Target("samples", "vectors", "run/samples/step-00000020.npy", harm.ARRAY, ("report", "export")),
    Target("samples", "images", "run/samples/step-00000020.npy", harm.ARRAY, ("report",)),
    Target(
        "samples", "images", "run/samples/reconstructions-00000020.npy", harm.ARRAY, ("report",)
    ),
    Target("labels", "images", "labels.csv", harm.PLACE | harm.TABLE, ("edit by labels",)),
    Target(
        "data.npy",
        "vectors",
        "data.npy",
        harm.PLACE | harm.ARRAY,
        ("train on vectors",),
        state="bare",
    ),
    Target("data.npy", "vectors", "data.npy", harm.ARRAY, ("evaluate",)),
    Target("data PNG", "images", "data/dog/03.png", IMAGE, ("train on images",), state="bare"),
    Target("data PNG", "images", "few/01.png", IMAGE, ("reconstruct",)),
    Target(
        "data Parquet",
        "table of images",
        "data/train-00000-of-00001.parquet",
        {**harm.CONTENT, "a bit at the end": flip(0.97)},
        ("train on table of images",),
        ("data",),
        state="bare",
    ),
    Target(
        "exported config",
        "images",
        "shared/config.json",
        harm.PLACE | harm.JSON,
        ("from_pretrained",),
        ("config.json", "shared"),
    ),
    Target(
        "exported weights",
        "images",
        "shared/model.safetensors",
        SUMMED,
        ("from_pretrained",),
        ("model.safetensors", "shared"),
    ),
    Target(
        "VAE config",
        "diffusers",
        "vae/config.json",
        harm.PLACE | harm.JSON,
        ("train on diffusers",),
        state="bare",
    ),
    Target(
        "VAE weights",
        "diffusers",
        "vae/diffusion_pytorch_model.safetensors",
        harm.PLACE | harm.TENSORS,
        ("train on diffusers",),
        state="bare",
    ),
    Target(
        "VAE config",
        "pythae",
        "vae/model_config.json",
        harm.PLACE | harm.JSON,
        ("train on pythae",),
        state="bare",
    ),
    Target(
        "VAE weights",
        "pythae",
        "vae/model.pt",
        harm.PLACE | harm.CONTENT,
        ("train on pythae",),
        state="bare",
    ),
)


def cases() -> list[Case]:
    """All of them."""
    return [
        Case(
            target.kind,
            f"{target.scene}: {target.file}, {name}, {ask}",
            _Damaged(target, each, ask),
        )
        for target in TARGETS
        for (name, each), ask in zip(target.harms.items(), cycle(target.asks), strict=False)
    ]


@dataclass(frozen=True)
class _Damaged:
    target: Target
    harm: Harm
    ask: str

    def __call__(self, scenes: Scenes) -> Answer:
        target, ask = self.target, ASKS[self.ask]
        origin = getattr(scenes, target.state)(target.scene)
        with scenes.copy(origin) as place:
            self.harm(place / target.file)
            said = scenes.children.run(ask.words, place)
            names = target.names or (target.file.rpartition("/")[2], STATE)
            return judge(
                said,
                names,
                lambda: scenes.is_right(target.state, target.scene, ask, place, said, names),
            )
