"""Fill what was measured in docs/ratio.md: ``python -m experiments.pages.ratio``.

What the experiment wrote lies in docs/results, its JSON and its picture.
"""

from pathlib import Path

from .. import ratio
from .markdown import DOCS, RESULTS, claims, put, recorded

PAGE = DOCS / "ratio.md"


def main(page: Path = PAGE) -> None:
    """Fill the page."""
    for _, record in recorded(RESULTS, ["ratio"]):
        picture = "![errors of the log ratio along α, and mass by budget](results/ratio.png)"
        parts = [picture, claims(record), ratio.table(record).rstrip("\n")]
        put(page, "measured", "\n\n".join(parts))


if __name__ == "__main__":
    main()
