"""The commands of docs/tour.md and docs/vae.md print what the pages say they print."""

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from alpha_bridge.cli import main

DOCS = Path(__file__).parents[1] / "docs"
CONSOLE = re.compile(r"```console\n(.*?)```", re.S)
PARTS = {
    "tour.md": ("that you can follow", None),
    "vae.md": ("## First", "## Your own"),
}
"""Between which words the commands of a page can be copied; others name what only a reader has."""
FEW = {"1000": "20", "600": "20"}
"""Updates, of which the pages' are for their reader."""
SMALL = ["--batch-size=8", "--model.width=8", "--model.hidden=16", "--evaluation.samples=60"]
"""What their long trainings are given beside."""
OF_SCRIPTS = {"docs/small_vae.py": ["3"]}
"""What scripts that train are given beside: the number of updates."""


def asked(page):
    """Each command of a page, with the lines that it prints."""
    text = (DOCS / page).read_text("utf-8")
    first, last = PARTS[page]
    for block in CONSOLE.findall(text[text.index(first) : last and text.index(last)]):
        for part in block.replace("\\\n", "").split("$ ")[1:]:
            command, *lines = part.splitlines()
            yield shlex.split(command, comments=True), lines


def said(lines):
    """What is printed where the page has these lines, ``…`` for anything."""
    return ".*?".join(map(re.escape, "\n".join(lines).split("…")))


def run(words, folder, monkeypatch):
    """Do what a shell would with one line; what it installs is here."""
    if words[0] == "python":
        monkeypatch.setattr(sys, "argv", [*words[1:], *OF_SCRIPTS.get(words[1], ())])
        runpy.run_path(str(DOCS.parent / words[1]), run_name="__main__")
    elif words[0] == "mkdir":
        (folder / words[1]).mkdir()
    elif words[0] == "rm":
        (folder / words[1]).unlink()
    elif words[0] != "pip":
        assert words[0] == "alpha-bridge"
        small = SMALL if "--steps" in words else []
        return main([*(FEW.get(word, word) for word in words[1:]), *small])
    return 0


def walk(page, tmp_path, monkeypatch, capsys):
    """Give the commands of a page one after the other, and compare what they print."""
    monkeypatch.setenv("COLUMNS", "1000")
    folder = tmp_path
    for words, lines in asked(page):
        monkeypatch.chdir(folder)
        if words[0] == "cd":
            folder /= words[1]
            continue
        code = run(words, folder, monkeypatch)
        printed = capsys.readouterr()
        refused = bool(lines) and lines[0].startswith("alpha-bridge: ")
        assert code == (2 if refused else 0), printed.err
        found = printed.err if refused else printed.out
        assert re.fullmatch(said(lines), found.strip(), re.S) or not lines, (words, found)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_classifiers", "pages_without_figures")
def test_the_commands_of_the_tour_print_what_it_shows(tmp_path, monkeypatch, capsys):
    walk("tour.md", tmp_path, monkeypatch, capsys)
    assert (tmp_path / "runs/photos/report.html").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("quick_classifiers", "pages_without_figures")
def test_the_first_commands_of_the_page_on_vaes_end_with_one(tmp_path, monkeypatch, capsys):
    from diffusers import AutoencoderKL

    walk("vae.md", tmp_path, monkeypatch, capsys)
    assert (tmp_path / "runs/sharp/reconstructions-of-squares.png").is_file()
    names = ("my/vae", "my/sharp-vae")
    before, after = (AutoencoderKL.from_pretrained(tmp_path / name).encoder for name in names)
    weights = after.state_dict()
    assert all(x.equal(weights[name]) for name, x in before.state_dict().items())
