"""The page of a run in the plane holds all that it shows, and nothing that is not to be shared.

``tests/browser`` opens it; what exports the networks is tested in ``tests/sharing/test_onnx.py``.
"""

import json
import re

import pytest

from alpha_bridge import commands
from alpha_bridge.recipe import changed
from alpha_bridge.runs import bridge_page
from alpha_bridge.runs.opening import open_run, require_plane
from alpha_bridge.runs.web_runtime import WebRuntime
from tests.studio.conftest import config
from tests.undrawn import leave_figures_out


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        leave_figures_out(patch.setattr)
        return commands.train(config(data="ring8"), tmp_path_factory.mktemp("page") / "<ring>").run


@pytest.fixture(autouse=True)
def exported(monkeypatch):
    """In place of networks, whether the ratio is one of them."""

    def export_along(models, ratio):
        names = ("generator", "encoder", *["discriminator"] * ratio)
        return {name: f"{len(models)}".encode() for name in names}

    monkeypatch.setattr(bridge_page, "export_along", export_along)
    monkeypatch.setattr(bridge_page, "web_runtime", lambda: WebRuntime(b"module", b"wasm"))


def content_of(run, last=None, points=True, **changes):
    at = open_run(run, last)
    return bridge_page.content_of(at._replace(config=changed(at.config, changes)), points)


def test_every_checkpoint_has_its_place_on_the_path(run):
    found = content_of(run)["snapshots"]
    assert [of["step"] for of in found] == run.checkpoint_steps
    assert [of["phase"] for of in found][:: len(found) - 1] == [
        "Step I, maximum likelihood",
        "Step III, adversarial",
    ]
    alphas = [of["alpha"] for of in found]
    assert alphas == sorted(alphas)


def test_the_page_ends_at_the_checkpoint_that_is_asked_for(run):
    early = run.checkpoint_steps[1]
    assert [of["step"] for of in content_of(run, early)["snapshots"]][-1] == early


def test_points_of_the_data_can_be_left_out(run):
    assert content_of(run)["data"]
    assert content_of(run, points=False)["data"] == []


def test_a_method_without_a_ratio_has_no_field(run):
    found = content_of(run, **{"objective.game": "wasserstein"})
    assert found["limit"] is None
    assert found["networks"].keys() == {"generator", "encoder"}


def test_what_the_page_shows_stands_in_it(run, tmp_path):
    content = content_of(run)
    text = bridge_page.write_bridge_page(content, tmp_path / "bridge.html").read_text("utf-8")
    (held,) = re.findall(r'id="content">(.*?)</script>', text)
    assert json.loads(held) == content
    assert "<h1>&lt;ring&gt;</h1>" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"event_shape": (3,)}, "has samples of shape 3: leave out --page"),
        ({"event_shape": (3, 8, 8)}, "has samples of shape 3 × 8 × 8: leave out --page"),
        ({"objective.kind": "reconstruction"}, "has latents of data alone"),
    ],
)
def test_other_runs_are_refused(run, changes, said):
    own = open_run(run).config
    with pytest.raises(ValueError, match=said):
        require_plane(changed(own, changes))
