"""The commands and the Python of README and the pages can be run, and name all that is public."""

import re
import shlex
import shutil
from importlib import import_module
from pathlib import Path
from unittest.mock import create_autospec

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from alpha_bridge import AlphaBridge, AlphaPath, commands, fit
from alpha_bridge.cli.parsing import parse
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import of_data
from experiments import EXPERIMENTS

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "_build" not in path.parts and "jupyter_execute" not in path.parts
}
COMMAND = re.compile(r"^(?:\$ |    )(?:.*-m alpha_bridge|alpha-bridge)( .*|$)", re.M)
COMMANDS = [
    given for text in PAGES.values() for given in COMMAND.findall(text.replace("\\\n", " "))
]
BLOCKS = {
    f"{name}-{number}": block
    for name, text in PAGES.items()
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", text, re.S))
}
SLOW = {
    "docs/arm.md-0",
    "docs/autoencoders.md-1",
    "docs/ratio.md-1",
    "docs/tables.md-0",
    "docs/vae.md-0",
    "docs/vae.md-1",
}
"""Blocks that train on data of one's own, or refine latents."""


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """A folder with what the pages' commands take for granted when they are read."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "mine.json").write_text('{"data": "digits"}')
    for run in ("runs/mine", "runs/photos", "runs/people", "runs/shapes"):
        (folder / run).mkdir(parents=True)
        shutil.copy(folder / "mine.json", folder / run / "config.json")
    (folder / "photos").mkdir()
    (folder / "people.csv").write_text("a,b\n1,2\n")
    return folder


def unlike():
    """Commands of the pages, each with an option that those before it do not have."""
    seen = set()
    for given in COMMANDS:
        words = shlex.split(given, comments=True)
        options = {(*words[:1], word) for word in words if word.startswith("--")} | {(*words[:1],)}
        if options - seen:
            yield words
        seen |= options


@pytest.mark.slow
def test_every_option_of_the_pages_exists(user, monkeypatch):
    monkeypatch.chdir(user)
    for words in unlike():
        parse([word.removeprefix("../") for word in words])


def test_every_experiment_and_script_of_the_pages_exists():
    text = "\n".join(PAGES.values())
    assert {*re.findall(r"python -m experiments ([a-z][\w-]*)", text)} <= {*EXPERIMENTS}
    scripts = {*re.findall(r"python ((?:benchmarks|docs|examples)/\w+\.py)", text)}
    assert [script for script in scripts if not (ROOT / script).is_file()] == []


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the blocks take for granted: networks, data, a model in the folder ``mine``."""
    from alpha_bridge import sharing
    from alpha_bridge.data import StandardUnits
    from alpha_bridge.sharing import onnx

    data = torch.randn(200, 3)
    generator, encoder, discriminator = MLPGenerator(2, 3), MLPEncoder(2, 3), MLPDiscriminator(3)
    model = AlphaBridge(generator, encoder, discriminator, noise=0.4).eval()
    units = StandardUnits(torch.zeros(3), torch.ones(3))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sharing, "push", create_autospec(sharing.push))
    monkeypatch.setattr(onnx, "export", create_autospec(onnx.export))
    sharing.save(model, "mine", units)
    sharing.save(model, "me/mine", units)
    networks = {"generator": generator, "encoder": encoder, "discriminator": discriminator}
    seen = {"data": data, "x": data[:50], "y": data[50:100], "held_out": torch.randn(400, 3)}
    losses = {"log_p": data[:, 0], "f_data": data[:, 1], "f_model": data[:, 2], "alpha": 0.5}
    trained = {"model": model, "bridge": model, "units": units, "network": nn.Conv2d(3, 2, 3)}
    imported = {"__name__": "page", "torch": torch, "nn": nn, "fit": fit, "sharing": sharing}
    return networks | seen | losses | trained | imported


def images():
    """What stands for a user's own VAE of images, and the images."""
    data = torch.rand(128, 3, 32, 32)
    return {
        "encoder": nn.Sequential(nn.Flatten(), nn.Linear(3072, 8)),
        "decoder": nn.Sequential(nn.Linear(4, 3072), nn.Unflatten(1, (3, 32, 32))),
        "data": data,
        "x": data,
    }


def trained_elsewhere(scaling_factor=1.0):
    """A VAE of diffusers in ``my/vae``, and images."""
    from diffusers import AutoencoderKL

    shape = {"norm_num_groups": 1, "block_out_channels": [2], "sample_size": 32}
    AutoencoderKL(**shape, scaling_factor=scaling_factor).save_pretrained("my/vae")
    return images() | {"path": AlphaPath.three_steps(ml=2, transfer=2, adversarial=2)}


def autoencoder():
    """One whose latents are small, images, and a network with the parts of LPIPS."""
    lpips = nn.Module()
    lpips.scaling_layer = nn.Identity()
    lpips.net = nn.Conv2d(3, 4, 3, padding=1)
    return trained_elsewhere(scaling_factor=0.01) | {"lpips": lpips}


def trained_run():
    """A run of vectors, and further ones."""
    x = np.random.default_rng(0).normal(size=(200, 3))
    np.save("x.npy", x)
    commands.train(changed(of_data("x.npy"), {"steps": 20}), Path("runs/mine"))
    return {"x": x, "new": x[:9]}


def table():
    """A table of people, another with gaps, and rows that were generated."""
    jobs = ["cook", "pilot", None] * 60
    df = pd.DataFrame({"age": np.arange(180.0) % 50, "job": jobs, "town": ["Rome", "Oslo"] * 90})
    return {"df": df, "gaps": df.head(6), "rows": df.head(30)}


NEEDED = {
    "docs/arm.md-0": lambda: {"y": torch.arange(50) % 2},
    "docs/autoencoders.md-1": autoencoder,
    "docs/ratio.md-1": trained_run,
    "docs/vae.md-0": images,
    "docs/vae.md-1": trained_elsewhere,
    "docs/tables.md-0": table,
}
"""What blocks take for granted besides."""


@pytest.mark.parametrize(
    "block",
    [pytest.param(b, marks=pytest.mark.slow if b in SLOW else ()) for b in BLOCKS],
)
def test_every_block_of_python_runs(block, names):
    few = re.sub(r"\b(ml|transfer|adversarial)=\d+", r"\1=2", BLOCKS[block])
    few = re.sub(r"\bsteps=\d+", "steps=20", few)
    exec(compile(few, block, "exec"), names | NEEDED.get(block, dict)())


REFERENCE = re.findall(
    r"^\.\. auto(\w+):: (\S+)\n((?:   :.*\n)*)", PAGES["docs/reference.md"], re.M
)


def documented():
    """Objects that the reference shows, by identity."""
    for kind, target, options in REFERENCE:
        if kind == "module":
            module = import_module(target)
            yield id(module)
            if listed := re.search(r":members:(.*)", options):
                names = listed[1].replace(",", " ").split() or members(module)
                yield from (id(getattr(module, name)) for name in names)
        else:
            home, name = target.rsplit(".", 1)
            yield id(getattr(import_module(home), name))


def members(module):
    """The names that autodoc takes from a module."""
    home = module.__name__
    own = [name for name, of in vars(module).items() if getattr(of, "__module__", home) == home]
    return getattr(module, "__all__", own)


FRONT_PAGES = [
    ".".join(path.parent.relative_to(ROOT / "src").parts)
    for path in sorted((ROOT / "src").rglob("__init__.py"))
    if "__all__" in path.read_text("utf-8")
]


def test_the_reference_shows_every_public_name():
    shown = {*documented()}
    missing = [
        f"{front}.{name}"
        for front in FRONT_PAGES
        for name in import_module(front).__all__
        if name != "__version__" and id(getattr(import_module(front), name)) not in shown
    ]
    assert missing == []
