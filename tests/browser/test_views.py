"""Every view is used as a person would, photographed, and held to what all can read and reach."""

import zipfile

import pytest
from PIL import Image

from tests.browser.conftest import NARROW, WIDE

VIEWS = ("Train", "Bridge", "Encode and edit", "Missed and invented", "Compare")


def shown(page, selector):
    """Wait until something is there, or the page says what is wrong."""
    page.locator(f"{selector}, #problem [role=alert]").first.wait_for()
    assert page.locator("#problem [role=alert]").all_inner_texts() == []
    page.locator(selector).first.wait_for()


def choose(page, run):
    """Choose the run that the views show."""
    box = page.get_by_label("Run", exact=True)
    box.click()
    page.get_by_role("option", name=run).click()


def view(page, name):
    page.get_by_role("tab", name=name).click()


def violations(page):
    """What axe finds, in short."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(of["id"], of["nodes"][0]["html"][:200]) for of in found]


def photograph(page, path):
    """A picture of the page, wide and narrow; nothing is cut off, and all of it can be read."""
    page.wait_for_function("!document.querySelector('.pending')")  # which is paler
    page.screenshot(path=path / "wide.png", full_page=True)
    assert violations(page) == []
    page.set_viewport_size(NARROW)
    page.screenshot(path=path / "narrow.png", full_page=True)
    across = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(WIDE)
    assert across <= NARROW["width"]


def test_train_shows_a_run(page, tmp_path):
    shown(page, "#live img")
    assert "runs/digits: finished · update 20 of 20" in page.locator("#where").inner_text()
    photograph(page, tmp_path)


def test_a_dark_page_can_be_read(page):
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    page.emulate_media(color_scheme="light")


def test_train_says_what_it_understands_of_a_table(page, folder, tmp_path):
    page.get_by_role("button", name="Start a training").click()
    page.locator("#files input[type=file]").set_input_files(folder / "people.csv")
    page.wait_for_function("document.querySelector('#data input').value.startsWith('uploads/')")
    page.get_by_role("button", name="Look at the data").click()
    shown(page, "#understood li")
    text = page.locator("#understood").inner_text()
    assert "120 rows of 3 columns" in text
    assert "decided, where you give nothing else" in text
    photograph(page, tmp_path)


def test_bridge_moves_along_alpha_by_keys(page, tmp_path):
    view(page, "Bridge")
    shown(page, "#bridge img[alt*='grid']")
    choose(page, "runs/plane")  # which the view follows
    shown(page, "#bridge img[alt*='field']")
    last = page.locator("#snapshot").inner_text()
    page.locator("#along input[type=range]").press("ArrowLeft")
    page.wait_for_function(
        "last => document.querySelector('#snapshot').innerText !== last", arg=last
    )
    assert "α = " in page.locator("#snapshot").inner_text()
    page.locator("#frontier").click()
    shown(page, "#curve img")
    photograph(page, tmp_path)


def test_a_drawing_is_reconstructed(page, tmp_path):
    choose(page, "runs/digits")
    view(page, "Encode and edit")
    page.get_by_role("button", name="Or draw one").click()
    canvas = page.locator("#sketch canvas").first
    canvas.wait_for()
    page.locator("#sketch").get_by_label("Brush", exact=False).first.click()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y - 60)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=8)
    page.mouse.up()
    page.locator("#reconstruct").click()
    shown(page, "#encoded img")
    page.screenshot(path=tmp_path / "drawn.png", full_page=True)


def test_an_image_is_encoded_and_edited(page, tmp_path):
    Image.new("L", (8, 8), 90).save(tmp_path / "mine.png")
    view(page, "Encode and edit")
    page.wait_for_function("document.querySelector('#attribute input').value === 'label=0'")
    for place in ("first", "second"):
        page.locator(f"#{place} input[type=file]").set_input_files(tmp_path / "mine.png")
        shown(page, f"#{place} [aria-label='Clear']")
    for button, alt in (  # the drawing's reconstruction is still there
        ("#edit", "The image along label=0"),
        ("#between", "The way from the first image to the second"),
        ("#reconstruct", "reconstruction"),
    ):
        page.locator(button).click()
        shown(page, f"#encoded img[alt$='{alt}']")
    photograph(page, tmp_path)


def test_the_gaps_of_a_row_are_filled(page, tmp_path):
    choose(page, "runs/rows")
    view(page, "Encode and edit")
    page.get_by_label("age", exact=True).fill("40")
    page.locator("#fill").click()
    shown(page, "#filled table")
    assert "2 gaps filled, 3 draws" in page.locator("#filled").inner_text()
    photograph(page, tmp_path)


def test_what_is_missed_and_invented_can_be_exported(page, tmp_path):
    choose(page, "runs/digits")
    view(page, "Missed and invented")
    page.locator("#find").click()
    shown(page, "#invented img")
    with page.expect_download() as download:
        page.get_by_text("Download both").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"missed.json", "missed-012.png", "invented-012.png"} <= {*archive.namelist()}
    photograph(page, tmp_path)


def test_runs_are_compared(page, tmp_path):
    view(page, "Compare")
    box = page.locator("#runs input")
    for run in ("runs/digits", "runs/plane"):
        box.click()
        page.get_by_role("option", name=run).click()
    box.press("Escape")
    page.locator("#compare").click()
    shown(page, "#compared table")
    assert "the runs have other data" in page.locator("#compared").inner_text()
    photograph(page, tmp_path)


def test_all_views_are_reached_and_used_by_keys_alone(page):
    def press_until(found, most=60):
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate(f"(of => {found})(document.activeElement)"):
                return
        raise AssertionError(f"no {found} within {most} times Tab")

    page.get_by_label("Run", exact=True).focus()
    for name in VIEWS:
        press_until(f"of.role === 'tab' && of.innerText === {name!r}")
        page.keyboard.press("Enter")
        assert page.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"
    for _ in range(12):  # what is chosen is taken back
        page.locator("#runs input").press("Backspace")
    press_until("of.id === 'compare'")
    page.keyboard.press("Enter")
    error = page.get_by_text("0 runs are chosen: choose from two to 6")
    error.wait_for()
    assert "Traceback" not in page.content()


def test_the_stream_of_answers_is_opened_once(page, address, heard):
    """What is asked for while gradio closes it would have no answer."""
    page.get_by_role("tab", name="Train").wait_for()
    assert sum(url.startswith(f"{address}/gradio_api/queue/data") for url in heard.asked) == 1


@pytest.mark.parametrize("path", ["/gradio_api/file=/etc/passwd", "/file=/etc/passwd"])
def test_no_file_of_the_machine_is_served(page, address, path):
    response = page.request.get(f"{address}{path}")
    assert response.status in (403, 404)
    assert "root:" not in response.text()


def test_a_page_of_another_name_is_refused(page, address):
    response = page.request.get(address, headers={"Host": "attacker.example"})
    assert response.status == 400
