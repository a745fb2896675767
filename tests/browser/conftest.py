"""The studio in a real browser: a folder with runs, a server, and a page that is used by views.

Every test ends with a look at what the browser printed as errors, and at what it asked for.
"""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from alpha_bridge import commands
from tests.studio.conftest import config
from tests.undrawn import leave_figures_out

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync"),
)
OF_GRADIO = "No draw texture found for layer"
"""What gradio says where a view is left while its drawing is being shown again."""
HERE = ("http://127.0.0.1:", "data:", "blob:")
TIMEOUT = 60_000
WIDE, NARROW = {"width": 1200, "height": 900}, {"width": 380, "height": 800}
ROWS = "\n".join(f"{20 + row % 50},{('Bern', 'Oslo')[row % 2]},{row * 1.5}" for row in range(120))


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """A page on which a test fails is photographed, and what it says is wrong is reported."""
    report = yield
    page = item.funcargs.get("page")
    if report.failed and page is not None:
        path = item.config._tmp_path_factory.mktemp("failed") / "page.png"
        page.screenshot(path=path, full_page=True)
        report.sections.append(("page", f"{path}\n{page.locator('#problem').inner_text()}"))
    return report


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Runs of images, of points and of rows, and a table to train on."""
    folder = tmp_path_factory.mktemp("browser").resolve()
    table = folder / "people.csv"
    table.write_text(f"age,city,income\n{ROWS}\n")
    data = {"digits": "digits", "plane": "ring8", "rows": str(table)}
    with pytest.MonkeyPatch.context() as patch:
        leave_figures_out(patch.setattr)  # of reports, which the page does not show
        for name, of in data.items():
            commands.train(config(data=of), folder / "runs" / name)
    return folder


@contextmanager
def served(folder, port=0):
    """The address of a server of its own process, and the process."""
    command = [sys.executable, "-m", "alpha_bridge", "studio", str(folder), "--port", str(port)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            line = process.stdout.readline()
            yield re.search(r"http://\S+:\d+", line)[0], process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="session")
def address(folder):
    with served(folder) as (address, _):
        yield address


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def heard():
    """What the browser prints as an error, and all that it asks for."""
    return SimpleNamespace(complaints=[], asked=[])


@pytest.fixture(scope="session")
def new_page(browser, heard):
    """A further page of the same browser."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT)

    def new(address):
        page = context.new_page()
        page.on("console", lambda of: of.type == "error" and heard.complaints.append(of.text))
        page.on("pageerror", lambda of: heard.complaints.append(str(of)))
        page.on("request", lambda of: heard.asked.append(of.url))
        page.goto(address)
        page.get_by_role("tab", name="Train").wait_for()
        return page

    return new


@pytest.fixture(scope="session")
def page(new_page, address):
    """The page on which views are used one after the other, as a person does."""
    return new_page(address)


@pytest.fixture(autouse=True)
def quiet(heard):
    """After each test: no errors, and nothing was asked of another machine."""
    yield
    complaints, heard.complaints[:] = [*heard.complaints], []
    assert [complaint for complaint in complaints if complaint != OF_GRADIO] == []
    assert [url for url in heard.asked if not url.startswith(HERE)] == []
