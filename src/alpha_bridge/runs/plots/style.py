"""What all figures have in common: colours, sizes, and the marks of the three steps."""

from matplotlib.axes import Axes

INK, MUTED, LINE = "#1b2430", "#667085", "#e4e7ec"
BLUE, ORANGE, LIGHT_RED = "#2f6bd8", "#cf6a17", "#f3aaa6"
SERIES = (BLUE, ORANGE, "#7648c4", "#0b6b4f", "#c43d3d", INK)
"""Of lines that are distinguished by colour."""
WIDTH = 10.0  # inches: 9 pt then reads as 12–13 px in a page of 1000 px
TEXT, SMALL = 9.0, 8.0

PHASES = {
    "ml": ("I", "maximum likelihood", "#eff5fe", "#2f6bd8"),
    "transfer": ("II", "transfer", "#f5f1fd", "#7648c4"),
    "adversarial": ("III", "adversarial", "#fef5ec", "#b65a0e"),
}
"""Numeral, name, shade and colour of each step of Algorithm 1."""

DECISIONS = {0: ("α held", "#e0a100"), -1: ("α taken back", "#c43d3d")}
"""Name and colour of what an adaptive path decides, but for moving on."""


def phase_style(phase: str) -> tuple[str, str, str, str]:
    """Numeral, name, shade and colour of a phase; empty and grey for any other word."""
    return PHASES.get(phase, ("", "", "#f5f5f5", MUTED))


def plain(axes: Axes, size: float = SMALL) -> Axes:
    """Leave of the frame the lower edge, and of the ticks their labels."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(which="both", colors=MUTED, labelsize=size, length=0, left=False, bottom=False)
    return axes


def ruled(axes: Axes) -> Axes:
    """Leave, beside that, the horizontal lines of the grid, behind all else."""
    axes.grid(axis="y", color=LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    return plain(axes)
