"""A folder with two runs of few updates, as the studio shows them."""

import asyncio

import pytest

from alpha_bridge import commands
from alpha_bridge.recipe import Config
from alpha_bridge.runs import panel
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig
from alpha_bridge.studio.workspace import Workspace
from tests.undrawn import leave_figures_out


def config(**changes):
    small = {
        "steps": 20,
        "batch_size": 8,
        "snapshots": 2,
        "path": PathConfig(ml=0.2, transfer=0.6, adversarial=0.2),
        "model": ModelConfig(latent=2, hidden=(8,), width=4, noise=0.4),
        "evaluation": EvaluationConfig(samples=40, shown=12, every=1000, features="pixels"),
    }
    return Config(**(small | changes))


@pytest.fixture(scope="package", autouse=True)
def undrawn():
    """Figures are made, but not drawn, and reports have none: they take longer than the runs."""
    with pytest.MonkeyPatch.context() as patch:
        leave_figures_out(patch.setattr)
        patch.setattr(panel, "svg", lambda _: "data:image/svg+xml,")
        yield


@pytest.fixture(scope="package")
def place(tmp_path_factory):
    """The workspace; ``runs/digits`` has images, ``runs/ring`` points."""
    folder = tmp_path_factory.mktemp("studio").resolve()
    for name, data in {"digits": "digits", "ring": "ring8"}.items():
        commands.train(config(data=data), folder / "runs" / name)
    return Workspace(folder)


@pytest.fixture(scope="package")
def digits(place):
    return place.run("runs/digits")


@pytest.fixture(scope="package")
def ring(place):
    return place.run("runs/ring")


@pytest.fixture(scope="package")
def in_a_loop():
    """Call a function that lays out a page: where no loop runs, gradio makes some, and leaves them
    open."""

    def call(act, *arguments):
        async def inside():
            return act(*arguments)

        return asyncio.run(inside())

    return call


@pytest.fixture
def empty(tmp_path):
    """A workspace of the test's own."""
    return Workspace(tmp_path.resolve())
