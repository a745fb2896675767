"""The commands of docs/tour.md print what the page says they print."""

import re
import runpy
import shlex
from pathlib import Path

import pytest

from alpha_bridge.cli import main

DOCS = Path(__file__).parents[1] / "docs"
_, *BLOCKS = re.findall(r"```console\n(.*?)```", (DOCS / "tour.md").read_text("utf-8"), re.S)
"""All but the first, which only lists what the others do."""
FEW = {"1000": "20"}
"""Updates, of which the page's are for its reader."""
SMALL = ["--batch-size=8", "--model.width=8", "--model.hidden=16", "--evaluation.samples=60"]
"""What its long training is given beside."""


def asked():
    """Each command of the page, with the lines that it prints."""
    for block in BLOCKS:
        for part in block.split("$ ")[1:]:
            command, *lines = part.splitlines()
            yield shlex.split(command), lines


def said(lines):
    """What is printed where the page has these lines, ``…`` for anything."""
    return ".*?".join(map(re.escape, "\n".join(lines).split("…")))


def run(words, folder):
    """Do what a shell would with one line."""
    if words[0] == "python":
        runpy.run_path(str(DOCS.parent / words[1]))["make"](folder / words[2])
    elif words[0] == "mkdir":
        (folder / words[1]).mkdir()
    elif words[0] == "rm":
        (folder / words[1]).unlink()
    else:
        assert words[0] == "alpha-bridge"
        small = SMALL if "--steps" in words else []
        return main([*(FEW.get(word, word) for word in words[1:]), *small])
    return 0


@pytest.mark.slow
@pytest.mark.usefixtures("quick_classifiers", "pages_without_figures")
def test_the_commands_of_the_tour_print_what_it_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "1000")
    folder = tmp_path
    for words, lines in asked():
        monkeypatch.chdir(folder)
        if words[0] == "cd":
            folder /= words[1]
            continue
        code = run(words, folder)
        printed = capsys.readouterr()
        refused = bool(lines) and lines[0].startswith("alpha-bridge: ")
        assert code == (2 if refused else 0), printed.err
        found = printed.err if refused else printed.out
        assert re.fullmatch(said(lines), found.strip(), re.S) or not lines, (words, found)
    assert (tmp_path / "runs/photos/report.html").is_file()
