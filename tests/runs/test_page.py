"""The page of a run: complete in itself, safe with any text, and true to the folder."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from alpha_bridge import commands
from alpha_bridge.metrics.definition import label
from alpha_bridge.metrics.table_profile import CellShares, TableProfile
from alpha_bridge.recipe import Config
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.page import write_report
from alpha_bridge.settings import EvaluationConfig, ModelConfig, PathConfig
from tests.undrawn import leave_figures_out

METRICS = [
    "frechet_distance/classifier/5000",
    "inception_score/classifier/5000",
    "reconstruction_error/mse/1000",
    "something_new/any/7",
]
CONFIG = {"seed": 3, "data": {"name": "grid-25", "shape": [8, 8]}, "path": {"ml": {"steps": 40}}}
HOSTILE = "<script>alert(1)</script>\"'><img src=http://example.org/x onerror=alert(2)>"
VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Collects elements and words, and insists that every element is closed in order."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.words, self.html = [], [], [], html
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data.strip())

    @property
    def text(self):
        return " ".join(word for word in self.words if word)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def page_of(run):
    return page_at(write_report(run))


def page_at(path):
    return Page(path.read_text("utf-8"))


def record(step, phase, **values):
    losses = {"loss/generator": 1.0 / step, "loss/encoder": 2.0, "loss/discriminator": 1.3}
    weights = {"ess/forward": 0.9, "ess/reverse": 0.8, "sigma": 0.4}
    alpha = {"ml": 0.0, "transfer": 0.5, "adversarial": 1.0}[phase]
    state = {"step": step, "phase": phase, "alpha": alpha, "gamma": alpha, "seconds": step / 10}
    return state | losses | weights | values


def recorded(folder):
    run = Run.create(folder, CONFIG)
    for step, phase, value in ((10, "ml", 80.0), (20, "transfer", 60.0), (30, "adversarial", 50.0)):
        run.append(record(step, phase, **dict.fromkeys(METRICS, value)))
    return run


@pytest.fixture
def run(tmp_path):
    return recorded(tmp_path / "first-run")


@pytest.fixture
def undrawn(monkeypatch):
    """Figures that are not drawn, which takes longest of a page, where only text counts."""
    leave_figures_out(monkeypatch.setattr)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a run of vectors, whose text counts."""
    with pytest.MonkeyPatch.context() as patch:
        leave_figures_out(patch.setattr)
        return page_of(recorded(tmp_path_factory.mktemp("page") / "first-run"))


@pytest.fixture(scope="module")
def image_run(tmp_path_factory):
    run, generator = (
        recorded(tmp_path_factory.mktemp("images") / "first-run"),
        np.random.default_rng(0),
    )
    for step in (10, 20, 30):
        run.write_samples(step, generator.integers(0, 256, (12, 8, 8, 1), np.uint8))
    run.write_reconstructions(30, generator.integers(0, 256, (2, 6, 8, 8, 1), np.uint8))
    return run


@pytest.fixture(scope="module")
def image_page(image_run):
    return page_of(image_run)


def test_a_trained_run_has_all_its_figures(tmp_path):
    config = Config(
        steps=4,
        batch_size=8,
        path=PathConfig(ml=0.25, transfer=0.5, adversarial=0.25),
        model=ModelConfig(latent=2, hidden=(8,)),
        evaluation=EvaluationConfig(samples=40, shown=6),
    )
    page = page_at(commands.train(config, tmp_path / "run").run.report_path)
    shown = ("Samples through time", "Reconstructions")
    for title in ("Schedule", "Metrics", *shown, "Losses", "Diagnostics"):
        assert title in page.text
    assert len(page.all("img")) == 6


@pytest.mark.usefixtures("undrawn")
def test_the_page_is_written_into_the_folder(run):
    assert write_report(run) == run.folder / "report.html"
    assert not [*run.folder.glob(".*")]


def test_the_page_loads_nothing(image_page):
    page = image_page
    sources = [
        attrs[name] for _, attrs in page.elements for name in ("src", "href") if name in attrs
    ]
    assert sources
    assert all(source.startswith("data:image/svg+xml,") for source in sources)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    assert re.findall(r"url\((?!%23)", page.html) == []
    assert "@import" not in page.html


def test_figures_load_nothing(image_page):
    for image in image_page.all("img"):
        drawing = ElementTree.fromstring(unquote(image["src"].partition(",")[2]))
        links = [
            value
            for element in drawing.iter()
            for name, value in element.attrib.items()
            if name.endswith("href")
        ]
        assert all(link.startswith(("#", "data:")) for link in links)


def test_every_image_has_an_alternative_text_of_its_own(image_page):
    texts = [image["alt"] for image in image_page.all("img")]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def test_ids_are_unique_and_references_hold(image_page):
    page = image_page
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    references = [a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a]
    assert len(set(ids)) == len(ids)
    assert set(references) <= set(ids)


def test_a_full_run_has_every_section(image_page):
    text = image_page.text
    for title in (
        "Results",
        "Schedule",
        "Metrics",
        "Samples through time",
        "Reconstructions",
        "Losses",
        "Diagnostics",
        "What was run",
    ):
        assert title in text


def test_every_metric_is_on_the_page(page):
    text = page.text
    for name in METRICS:
        assert label(name) in text
        assert label(name).partition(" (")[0] in text


def test_cards_compare_with_the_end_of_step_one(page):
    words = " ".join(page.text.split())
    assert "Fréchet distance classifier, 5000 50 80 after Step I −30 better" in words
    assert "Inception score classifier, 5000 50 80 after Step I −30 worse" in words


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("name", "before", "after", "badge"),
    [
        ("high_quality/3std/100", 0.1, 0.3, ""),
        ("high_quality/3std/100", 0.1, 0.9, "good"),
        ("high_quality/3std/100", 0.95, 0.9, ""),
        ("high_quality/3std/100", 0.95, 0.3, "worse"),
        ("invented_mass/tail-0.001/100", 0.9, 0.7, ""),
        ("modes/3std/100", 8, 24, ""),
        ("modes/3std/100", 8, 25, "good"),
        ("modes/3std/100", 25, 25, "good"),
        ("frechet_distance/pixels/100", 80.0, 0.01, ""),
        ("retention/posterior/100", None, 0.9, "good"),
    ],
)
def test_a_badge_is_green_only_where_a_value_is_good_and_not_merely_better(
    tmp_path, name, before, after, badge
):
    run = Run.create(tmp_path / "run", {"data": "gaussians25", "mixture": {"side": 5}})
    run.append(record(10, "ml", **({} if before is None else {name: before})))
    run.append(record(20, "adversarial", **{name: after}))
    (pill,) = re.findall(r'<span class="pill (\w*)">', page_of(run).html)
    assert pill == badge


def test_no_verdict_is_given_on_a_metric_of_unknown_direction(page):
    words = " ".join(page.text.split())
    assert "Something new any, 7 50 80 after Step I −30 Every evaluation" in words


@pytest.mark.usefixtures("undrawn")
def test_a_run_without_step_one_is_not_compared(tmp_path):
    run = Run.create(tmp_path / "gan", {})
    run.append(record(1000, "adversarial", **{METRICS[0]: 30.0}))
    words = " ".join(page_of(run).text.split())
    assert "Fréchet distance classifier, 5000 30 after 1,000 updates" in words
    assert "after Step I" not in words


@pytest.mark.usefixtures("undrawn")
def test_a_metric_that_was_never_a_number_has_no_card(tmp_path):
    run = Run.create(tmp_path / "diverged", {})
    run.append(record(10, "ml", **{METRICS[0]: float("nan")}))
    page = page_of(run)
    assert "Results" not in page.text
    assert "Metrics" in page.text


def test_the_configuration_is_shown_as_settings_and_whole(page):
    for setting in ("grid-25", "8, 8", "ml › steps", "40"):
        assert setting in page.words
    whole = next(word for word in page.words if word.startswith("{"))
    assert json.loads(whole) == CONFIG


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"data": "ring8", "event_shape": [2]}, {"modes"}),
        ({"data": "my/photos", "event_shape": [3, 8, 8]}, {"crop"}),
        ({"data": "a.csv", "event_shape": [5], "rows": [[1, 5]]}, set()),
        ({"data": "a.npy", "event_shape": [2], "path": {"kind": "adaptive"}}, {"patience"}),
    ],
)
def test_settings_without_effect_stand_in_the_whole_configuration_alone(tmp_path, config, shown):
    groups = {"mixture": {"modes": 8}, "images": {"crop": 4}, "control": {"patience": 9}}
    page = page_of(Run.create(tmp_path / "run", config | groups))
    assert {"modes", "crop", "patience", "rows"} & {*page.words} == shown


def test_hostile_text_stays_text(tmp_path):
    run = Run.create(
        tmp_path / "<b>bold", {HOSTILE.replace("/", ""): HOSTILE, "part": {"x": HOSTILE}}
    )
    run.append(record(10, "ml", **{f"{HOSTILE}/a/1": 1.0}) | {"phase": HOSTILE})
    page = page_of(run)
    assert not page.all("script")
    assert not page.all("b")
    assert all(image["src"].startswith("data:") for image in page.all("img"))
    assert HOSTILE in page.words


def wide_table(folder):
    """A run of a table of 30 columns whose names and cells are hostile."""
    run = recorded(folder)
    columns = [
        CellShares(f"{HOSTILE}{at}", (HOSTILE, "\x1b"), (0.5, 0.5), (1, 0)) for at in range(30)
    ]
    matrix = tuple(map(tuple, np.eye(4).tolist()))
    rows = [{column.name: HOSTILE if at else None for at, column in enumerate(columns)}]
    run.write_profile(
        30, TableProfile((9, 8), tuple(columns), matrix, matrix, tuple(rows)).content()
    )
    return run


@pytest.mark.usefixtures("undrawn")
def test_of_a_table_columns_pairs_and_rows_are_shown_and_what_is_left_out(tmp_path):
    page = page_of(wide_table(tmp_path / "run"))
    assert {"Columns", "Pairs of columns", "Shares of categories", "Generated rows"} <= {
        *page.words
    }
    assert "The 24 columns that agree least are shown, and 6 left out." in page.text
    assert "The first 4 columns are shown, and 26 left out." in page.text
    assert "Of their columns, 18 are left out." in page.text
    texts = " ".join(image["alt"] for image in page.all("img"))
    assert "30 of the 60 categories" in texts and f"{HOSTILE}0 = \\x1b" in texts
    assert not page.all("script") and not page.all("b") and "\x1b" not in page.html
    assert HOSTILE in page.words


def test_a_damaged_profile_is_refused_with_its_file(run):
    run.write_profile(30, {"columns": []})
    with pytest.raises(ValueError, match=r"columns-00000030\.json is damaged \('real'\): remove"):
        write_report(run)


def test_a_run_that_has_only_begun_says_so(tmp_path):
    page = page_of(Run.create(tmp_path / "new", {"seed": 1}))
    assert "This run has only begun." in page.text
    assert page.all("img") == []


def test_the_page_does_not_tell_whose_home_the_data_are_in(tmp_path):
    data = str(Path.home() / "my" / "photos")
    text = page_of(Run.create(tmp_path / "run", {"data": data, "kept": [data]})).text
    assert data not in text
    assert text.count("~/my/photos") == 4


def test_an_empty_configuration_is_no_trouble(tmp_path):
    assert "What was run" in page_of(Run.create(tmp_path / "bare", {})).text


def test_records_without_samples_are_enough(page):
    text = page.text
    assert "Losses" in text
    assert "Samples" not in text
    assert "only begun" not in text


@pytest.mark.usefixtures("undrawn")
def test_samples_without_records_are_enough(tmp_path):
    run = Run.create(tmp_path / "sampled", {})
    run.write_samples(0, np.zeros((4, 8, 8, 3), np.uint8))
    assert "Samples through time" in page_of(run).text


@pytest.mark.usefixtures("undrawn")
def test_points_are_drawn_over_the_data_of_the_reconstructions(run):
    points = np.random.default_rng(0).normal(size=(2, 40, 2)).astype(np.float32)
    run.write_samples(10, points[0])
    assert "The model in blue." in page_of(run).text
    run.write_reconstructions(10, points)
    assert "The model in blue, the data in light red." in page_of(run).text


@pytest.mark.usefixtures("undrawn")
def test_vectors_of_one_coordinate_are_left_out(run):
    run.write_samples(10, np.zeros((4, 1), np.float32))
    run.write_reconstructions(10, np.zeros((2, 4, 1), np.float32))
    text = page_of(run).text
    assert "Samples" not in text
    assert "Reconstructions" not in text


@pytest.mark.slow
def test_the_page_stays_small_for_large_noisy_images(run):
    generator = np.random.default_rng(0)
    for step in range(6):
        run.write_samples(step, generator.integers(0, 256, (48, 128, 128, 3), np.uint8))
    run.write_reconstructions(5, generator.integers(0, 256, (2, 16, 128, 128, 3), np.uint8))
    assert write_report(run).stat().st_size < 3_000_000


def test_the_same_folder_gives_the_same_page(image_run, image_page):
    assert page_of(image_run).html == image_page.html


def test_the_page_tells_how_to_repeat_the_run(page):
    assert "alpha-bridge train --config config.json" in page.text


def test_the_template_lies_in_the_package():
    import alpha_bridge.runs.page as module

    assert (Path(module.__file__).parent / "templates" / "report.html.jinja").is_file()


def test_what_was_changed_on_the_way_is_shown(tmp_path):
    change = {"step": 1500, "key": "optimization.generator", "before": 1e-3, "after": 1e-4}
    page = page_of(Run.create(tmp_path / "changed", CONFIG | {"changes": [change]}))
    assert "1,500 optimization › generator 0.001 0.0001" in page.text
    assert "To repeat this run" not in page.text


def test_a_history_that_is_damaged_is_refused_with_its_file(tmp_path):
    run = Run.create(tmp_path / "damaged", {"changes": [{"step": -1}]})
    with pytest.raises(ValueError, match=r"config\.json: changes\.0\."):
        write_report(run)
