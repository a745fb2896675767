"""A training is a process of its own: it outlives pages and servers, and its end is seen."""

import os
import re
import signal
from time import sleep

import pytest

from alpha_bridge.files.lock import holder, is_locked
from tests.browser.conftest import served

LOST = ("net::ERR_", "Failed to fetch", "Could not", "Connection", "NetworkError", "network error")
"""What a browser prints while the server is away."""


def wait_for(page, pattern):
    """Wait for the line on where a training stands."""
    page.wait_for_function(
        "pattern => new RegExp(pattern).test(document.querySelector('#where')?.innerText ?? '')",
        arg=pattern,
    )


def training_of(run):
    """The process that trains, which is a moment old when the page already tells of it."""
    for _ in range(300):
        if (process := holder(run)) is not None:
            return process
        sleep(0.1)
    raise AssertionError(f"nobody trains {run}")


@pytest.fixture
def place(tmp_path):
    """Where a run is trained, which is ended if the test did not get there."""
    run = tmp_path / "long"
    yield run
    for _ in range(100):  # it may be on its way still
        if (tmp_path / ".ended").exists() or not (tmp_path / ".studio").exists():
            return
        if (process := holder(run)) is not None:
            os.kill(process, signal.SIGKILL)
            return
        sleep(0.2)


def test_a_training_outlives_its_page_and_its_server(new_page, place, heard):
    with served(place.parent) as (address, server):
        page = new_page(address)
        page.set_default_timeout(120_000)
        page.locator("#name input, #name textarea").fill("long")
        page.locator("#data input").fill("digits")
        page.locator("#steps input, #steps textarea").fill("9000")
        page.locator("#start").click()
        wait_for(page, r"long: training · update \d+ of 9,000")

        second = new_page(address)
        second.set_default_timeout(120_000)
        wait_for(second, "long: training")
        second.locator("#pause").click()
        wait_for(page, "long: stopped")
        page.locator("#resume").click()
        wait_for(second, r"long: training · .*α = ")
        second.close()
        # it would only take time from the others
        os.kill(training_of(place), signal.SIGSTOP)

        server.kill()
        server.wait()
        assert is_locked(place)
    port = int(re.search(r":(\d+)", address)[1])
    with served(place.parent, port) as (address, _):
        page.reload()
        wait_for(page, "long: training")
        os.kill(training_of(place), signal.SIGKILL)
        (place.parent / ".ended").touch()
        wait_for(page, "long: stopped · .*the training was killed")
        page.screenshot(path=place.parent / "stopped.png", full_page=True)
        page.close()
    heard.complaints[:] = [of for of in heard.complaints if not any(map(of.count, LOST))]
