"""Names of files and classes speak to no terminal, and are words in every page."""

import json
import unicodedata

import numpy as np
import pytest
from rich.console import Console

from alpha_bridge.cli import main
from alpha_bridge.cli.printing import Terminal
from alpha_bridge.recipe import Config
from alpha_bridge.runs.folder import Run
from alpha_bridge.sharing.card import Card, markdown, render

EVIL = "a\x1bc\x9b2J\r\x07\u202e\u200f<b>:smile:[red]"
"""A legal name of a file that resets the terminal, rings, turns text around, and is markup."""

COMMANDS = [
    ["sample", "{}"],
    ["sample", "{}", "--step", "7"],
    ["reconstruct", "{}", "--images", "{}.png"],
    ["translate", "{}", "--images", "{}.png"],
    ["edit", "{}", "--attribute", "{}", "--labels", "{}.csv"],
    ["edit", "{}", "--attribute", "{}", "--images", "{}.png"],
    ["missed", "{}", "--images", "{}.png"],
    ["evaluate", "{}", "--step", "7"],
    ["frontier", "{}"],
    ["report", "{}"],
    ["report", "no-{}"],
    ["restore", "{}", "--out", "new-{}"],
    ["export", "{}", "--out", "{}"],
    ["push", "{}", "{}"],
    ["train", "gaussians25", "--out", "{}"],
    ["train", "gaussians25", "--data", "./{}.npy"],
    ["train", "gaussians25", "--{}", "3"],
    ["train", "{}"],
    ["train", "{}/config.json", "--help"],
    ["reproduce", "{}"],
    ["{}"],
]


def spoken(text):
    """Characters of what was printed that a terminal would obey."""
    kinds = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
    return {c for c in text if unicodedata.category(c) in kinds and c != "\n"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = Config(event_shape=(2,), data=f"{EVIL}.npy", trials=3)
    run = Run.create(tmp_path / EVIL, config.model_dump(mode="json"))
    run.append({"step": 10, "phase": "ml", "alpha": 0.0, f"modes/{EVIL}/10": 3.0})
    return tmp_path


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:3]))
def test_no_command_passes_a_name_on_to_the_terminal(folder, words, capsys):
    assert folder.is_dir()
    try:
        main([word.format(EVIL) for word in words])
    except SystemExit as done:
        assert not done.code
    out, err = capsys.readouterr()
    assert out + err
    assert not spoken(out + err)


def test_the_report_holds_no_name_that_turns_or_ends_anything(folder):
    assert main(["report", str(folder / EVIL)]) == 0
    page = Run.open(folder / EVIL).report_path.read_text(encoding="utf-8")
    assert not spoken(page)
    assert "<b>:smile:" not in page and "&lt;b&gt;:smile:" in page


def test_names_in_a_table_are_printed_letter_by_letter(capsys):
    from alpha_bridge.cli.results import metrics_table

    Terminal().print(metrics_table({"[red]:smile:\x1b": 1.0}))
    Terminal().print("[red]:smile:\x1b", soft_wrap=True)
    said = capsys.readouterr().out
    assert said.count("[red]:smile:\\x1b") == 2


def test_json_is_ascii(folder):
    from alpha_bridge.cli.printing import as_json

    assert folder.is_dir()
    assert as_json({EVIL: EVIL}).isascii()
    assert json.loads(as_json({EVIL: EVIL})) == {EVIL: EVIL}


@pytest.mark.parametrize(
    "words", ["<img src=x onerror=alert(1)>", "[a](javascript:b)", "a|b", "`c`"]
)
def test_words_of_a_page_are_neither_html_nor_a_link(words):
    shown = markdown(words)
    assert "<" not in shown
    assert all(shown[at - 1] == "\\" for at, c in enumerate(shown) if c in "[]|`")


def test_a_model_card_takes_the_datas_name_as_words():
    card = Card(title=EVIL, data=EVIL, training={EVIL: EVIL}, metrics={f"modes/{EVIL}/9": 1.0})
    page = str(render(card, {}, f'{EVIL}"'))
    assert not spoken(page)
    body = page.split("---\n", 2)[2]
    assert "<b>" not in body.replace('load("', "").split("```")[0]


def test_what_is_drawn_has_no_control_characters():
    from alpha_bridge.runs.plots import strips

    figure = strips(np.zeros((1, 1, 4, 4, 1), np.uint8), ["a"], [f"{EVIL}$x$"])
    (label,) = figure.axes[0].get_yticklabels()
    assert not spoken(label.get_text())
    figure.canvas.draw()


def test_the_console_of_others_is_not_ours():
    assert isinstance(Terminal(), Console)
