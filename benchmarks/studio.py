"""How soon the studio shows its first view, and at what cost.

    python benchmarks/studio.py runs/digits --rounds 5 --picture docs/studio.png

Seconds from a server that is up to the line on where the run stands and to its first figure, in a
headless Chromium that is open already; and the seconds of all processors until then, of server and
browser together. A picture is what the last page shows. ``benchmarks/studio.json`` is written.
"""

import argparse
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
from measure import HERE, machine, write_json
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, served

SIZE = {"width": 1100, "height": 2030}
"""Down to the first rows of samples, as a picture of the page shows them."""
PATIENCE = 600_000
"""Milliseconds."""


def processor_seconds() -> float:
    """Of all processes that this one has started and that run."""
    processes = psutil.Process().children(recursive=True)
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def first_view(browser: Browser, address: str) -> tuple[dict[str, float], Page]:
    """Seconds until the page says where the run stands and shows a figure, and the page."""
    page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    begin, worked = perf_counter(), processor_seconds()
    page.goto(address)
    found = {}
    for name, place in (("tabs", "#run input"), ("line", "#where p"), ("figure", "#live img")):
        page.locator(place).first.wait_for()
        found[f"{name}_seconds"] = round(perf_counter() - begin, 2)
    return found | {"processor_seconds": round(processor_seconds() - worked, 2)}, page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a run, or a folder of runs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--picture", type=Path, help="where to leave a picture of the last page")
    given = parser.parse_args()
    rounds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        for number in range(given.rounds):
            with served(given.folder) as (address, _):
                found, page = first_view(browser, address)
                rounds.append(found)
                print(found, flush=True)
                if given.picture is not None and number == given.rounds - 1:
                    page.wait_for_function("document.querySelectorAll('#live img').length > 3")
                    page.screenshot(path=given.picture)
                page.close()
        browser.close()
    middle = {name: median(found[name] for found in rounds) for name in rounds[0]}
    write_json(HERE / "studio.json", {"machine": machine(), "median": middle, "rounds": rounds})


if __name__ == "__main__":
    main()
