"""The page of a model along α runs its networks in a browser, from a disk and from any server."""

import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import torch

from alpha_bridge import commands
from alpha_bridge.runs.loading import load_model
from alpha_bridge.runs.opening import open_run
from alpha_bridge.runs.web_runtime import _kept
from tests.browser.conftest import NARROW, TIMEOUT, WIDE
from tests.browser.test_views import violations

pytest.importorskip("onnxruntime")
if not _kept().exists() and shutil.which("npm") is None:
    pytest.skip("no npm, which fetches onnxruntime-web", allow_module_level=True)

NUMBERS = """async ([z, x, snapshot]) => {
    const { decode, encode, logRatio } = alphaBridge;
    const { mean, log_variance } = await encode(x, snapshot);
    const found = [await decode(z, snapshot), mean, log_variance, await logRatio(x, snapshot)];
    return found.map(values => Array.from(values));
}"""


@pytest.fixture(scope="module")
def exported(folder):
    """The folder of an exported run of three or more snapshots in the plane."""
    commands.export(folder / "runs" / "plane", folder / "exported", page=True)
    return folder / "exported"


@pytest.fixture(scope="module")
def opened(browser, exported):
    """The page from the disk, and what it printed and asked for."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT)
    page, complaints, asked = context.new_page(), [], []
    page.on("console", lambda of: of.type in ("error", "warning") and complaints.append(of.text))
    page.on("pageerror", lambda of: complaints.append(str(of)))
    page.on("request", lambda of: asked.append(of.url))
    page.goto((exported / "bridge.html").as_uri())
    page.locator("#snapshot:enabled").wait_for()
    yield page
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    context.close()


def text(page, name):
    return page.locator(f"#{name}").inner_text()


def pixels(page):
    return page.evaluate("document.querySelector('#plane').toDataURL()")


def test_numbers_are_those_of_torch(opened, folder):
    at = open_run(folder / "runs" / "plane")
    rng = torch.Generator().manual_seed(1)
    z, x = torch.randn(2, 5, 2, generator=rng)
    for number, step in enumerate(at.run.checkpoint_steps):
        model = load_model(at._replace(step=step))
        with torch.no_grad():
            expected = [model.decode(z), *model.posterior(x), model.log_ratio(x)]
        given = [z.flatten().tolist(), x.flatten().tolist(), number]
        for ours, theirs in zip(expected, opened.evaluate(NUMBERS, given), strict=True):
            assert np.allclose(ours.flatten(), theirs, atol=1e-4)


def test_arrow_keys_move_along_alpha(opened):
    last = text(opened, "where")
    before = pixels(opened)
    opened.locator("#snapshot").press("Home")
    opened.locator("#where", has_text="Step I,").wait_for()
    assert text(opened, "where").startswith("α = 0.00 · γ = 0.00 · Step I, maximum likelihood")
    assert opened.locator("#snapshot").get_attribute("aria-valuetext") == text(opened, "where")
    assert pixels(opened) != before
    opened.locator("#snapshot").press("End")
    opened.locator("#where", has_text=last).wait_for()


@pytest.mark.parametrize("layer", ["samples", "data", "field"])
def test_layers_can_be_left_out(opened, layer):
    before = pixels(opened)
    opened.locator(f"#show-{layer}").press("Space")
    assert pixels(opened) != before
    opened.locator(f"#show-{layer}").press("Space")
    assert pixels(opened) == before


def test_a_click_encodes_a_point_and_keys_move_it(opened):
    plane = opened.locator("#plane")
    size = plane.bounding_box()["width"]
    for move in (
        lambda: plane.click(position={"x": size / 4, "y": size / 4}),
        lambda: plane.press("ArrowLeft"),
        lambda: plane.press("Shift+ArrowUp"),
    ):
        point, coded = text(opened, "x"), text(opened, "mean")
        move()
        opened.locator("#x", has_not_text=point).wait_for()
        assert text(opened, "mean") != coded


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_of_it_can_be_read_wide_and_narrow(opened, scheme, tmp_path):
    opened.emulate_media(color_scheme=scheme)
    for name, viewport in {"narrow": NARROW, "wide": WIDE}.items():
        opened.set_viewport_size(viewport)
        opened.wait_for_timeout(200)
        opened.screenshot(path=tmp_path / f"{scheme}-{name}.png", full_page=True)
        assert violations(opened) == []
        across = opened.evaluate("document.documentElement.scrollWidth")
        assert across <= viewport["width"]


def test_a_server_of_files_is_enough(browser, exported):
    handler = partial(SimpleHTTPRequestHandler, directory=exported)
    handler.func.log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/bridge.html")
        page.locator("#snapshot:enabled").wait_for(timeout=TIMEOUT)
        assert page.locator("#where").inner_text().startswith("α = ")
        page.close()
        server.shutdown()
