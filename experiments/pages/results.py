"""Fill docs/results.md from docs/results/*.json: ``python -m experiments.pages.results``.

What an experiment wrote lies in docs/results, its JSON and its picture. Where there is none, its
place in the page is left as it is. The settings that Figures 3 and 4 are trained with are written
from the search: run this between the search and the figures.
"""

import json
from pathlib import Path

from ..framework.settings import TUNED
from . import gaussians, images
from .markdown import DOCS, RESULTS, put, recorded

PAGE = DOCS / "results.md"


def main(results: Path = RESULTS, page: Path = PAGE, tuned: Path = TUNED) -> None:
    """Fill what there is.

    Args:
        results: Folder of the records.
        page: What is filled.
        tuned: Where the settings that a search found are written.
    """
    for name, record in recorded(results, gaussians.PARTS):
        put(page, name, "\n\n".join(gaussians.blocks(name, record)))
        if name == "search25" and not record["quick"]:
            best = {"from": "docs/results/search25.json", "best": record["best"]}
            tuned.write_text(json.dumps(best, indent=2) + "\n", encoding="utf-8")
    for name, record in recorded(results, images.PARTS):
        pictured = (results / f"{name}.png").is_file()
        put(page, name, "\n\n".join(images.blocks(name, record, pictured)))


if __name__ == "__main__":
    main()
