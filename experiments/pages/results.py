"""``python -m experiments.pages.results``: fill the pages of docs/results from their records.

What an experiment wrote lies in docs/results, its JSON and its picture. Where there is none, its
page is left as it is. The front page, docs/results.md, has the picture of each page and its first
paragraph. The settings that Figures 3 and 4 are trained with are written from the search: run this
between the search and the figures.
"""

import json
import re
from pathlib import Path

from ..framework import Record, trials_of
from ..framework.settings import TUNED
from . import defaults, frontier, gaussians, images, objectives, ratio
from .markdown import DOCS, RESULTS, changes, claims, put, recorded

PARTS = (
    gaussians.PARTS
    | images.PARTS
    | objectives.PARTS
    | ratio.PARTS
    | frontier.PARTS
    | defaults.PARTS
)
"""The tables of each page by its name, from the record of that name."""


def ran(record: Record) -> str:
    """How many runs, how long, with which seeds."""
    given = record if "trials" in record else record["settings"]
    first, trials = given["seed"], trials_of(record)
    seeds = f"one seed, {first}" if trials == 1 else f"seeds {first} to {first + trials - 1}"
    seconds = sum(run.get("seconds", 0) for run in record["runs"]) or record["elapsed"]
    together = ""
    if record.get("jobs", 1) > 1:  # of an experiment that was interrupted nobody knows how long
        elapsed = "" if record["elapsed"] is None else f"{record['elapsed'] / 60:.0f} "
        together = f" ({elapsed}with `--jobs {record['jobs']}`)"
    quick = "**A quick miniature, not the experiment.** " if given.get("quick") else ""
    return f"{quick}{len(record['runs'])} runs, {seconds / 60:.0f} minutes{together}; {seeds}."


def settings(record: Record) -> list[str]:
    """What it was trained with, in whichever form a record has that."""
    if "hyperparameters" in record:
        return gaussians.hyperparameters(record)
    return changes(record) if "preset" in record.get("settings", ()) else []


def measured(name: str, record: Record, pictured: bool) -> str:
    """What stands in the page of an experiment; those of faces have no picture."""
    parts = [
        *([f"![{name}]({name}.png)"] if pictured else []),
        *([ran(record)] if "runs" in record else []),
        *(claims(record) if "claims" in record else []),
        *PARTS[name](record),
        *settings(record),
    ]
    return "\n\n".join(parts)


def gallery(front: Path, pages: Path, pictures: Path) -> str:
    """A line for each page that the front page lists: its picture, title and first paragraph."""
    listed = re.findall(r"^results/(.+)$", front.read_text(encoding="utf-8"), re.M)
    lines = ["| | |", "| --- | --- |"]
    for name in listed:
        title, found, *_ = (pages / f"{name}.md").read_text(encoding="utf-8").split("\n\n")
        title = title.removeprefix("# ")
        picture = f"[![{title}](results/{name}.png)](results/{name}.md)"
        shown = picture if (pictures / f"{name}.png").is_file() else ""
        lines.append(f"| {shown} | **[{title}](results/{name}.md)** {' '.join(found.split())} |")
    return "\n".join(lines)


def main(
    results: Path = RESULTS,
    pages: Path = RESULTS,
    front: Path = DOCS / "results.md",
    tuned: Path = TUNED,
) -> None:
    """Fill what there is.

    Args:
        results: Folder of the records.
        pages: Folder of the pages that are filled.
        front: The page of pictures.
        tuned: Where the settings that a search found are written.
    """
    for name, record in recorded(results, PARTS):
        pictured = (results / f"{name}.png").is_file()
        put(pages / f"{name}.md", "measured", measured(name, record, pictured))
        if name == "search25" and not record["quick"]:
            best = {"from": "docs/results/search25.json", "best": record["best"]}
            tuned.write_text(json.dumps(best, indent=2) + "\n", encoding="utf-8")
    put(front, "pictures", gallery(front, pages, results))


if __name__ == "__main__":
    main()
