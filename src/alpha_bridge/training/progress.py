"""How far long work has come and how long the rest takes: bars to a person, lines to a log."""

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

LINE = 60.0
"""Seconds from one line of a log to the next."""

REDRAWN = 0.5
"""Seconds from one picture of a notebook to the next."""


@dataclass
class Work:
    """A piece of work that is under way: where it stood at the beginning, and what shows it."""

    name: str
    before: int
    begin: float
    printed: float
    bar: TaskID

    def line(self, done: int, total: int, now: float) -> str:
        """Where it stands, as text: ``update 500 of 2000  0:31, 1:40 left``."""
        elapsed = now - self.begin
        where = f"{self.name} {done:>{len(str(total))}} of {total}  {clock(elapsed)}"
        if done <= self.before or done >= total:
            return where
        return f"{where}, {clock(elapsed * (total - done) / (done - self.before))} left"


class Bars:
    """Shows work that takes long: a bar each in a terminal or a notebook, else a line a minute.

    Example:
        >>> with Bars(Console(force_terminal=False, force_jupyter=False)) as bars:
        ...     for step in range(3):
        ...         bars.show("update", step + 1, 3)
    """

    def __init__(self, console: Console) -> None:
        """Show it on ``console``, and nothing on one that is quiet."""
        self.console = console
        self.drawing = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            # in a narrow terminal this is what is cut off
            TextColumn("{task.fields[note]}", table_column=Column(ratio=1, no_wrap=True)),
            console=console,
            expand=True,
            auto_refresh=not console.is_jupyter,
        )
        self.works: dict[str, Work] = {}
        self._notebook: Any = None
        self._drawn = 0.0

    def show(self, name: str, done: int, total: int, note: str = "", stays: bool = False) -> None:
        """Tell that ``done`` of ``total`` parts of the work of that name are done.

        Args:
            name: What a part is, such as ``update``.
            done: The number of parts done; at the first call, those that were done before.
            total: The number of all of them.
            note: What else to say.
            stays: Whether the bar is left standing when the work is done.
        """
        if self.console.quiet:
            return
        now = time.monotonic()
        if name not in self.works:
            bar = self.drawing.add_task(name, total=total, completed=done, note=note)
            self.works[name] = Work(name, done, now, now, bar)
        work = self.works[name]
        self.drawing.update(work.bar, completed=done, total=total, note=note)
        ended = done >= total and not stays
        if ended:
            self.drawing.remove_task(work.bar)
            del self.works[name]
        if self.console.is_jupyter:
            self._redraw(now, ended)
        elif self.console.is_terminal:
            self.drawing.start()
        elif now - work.printed >= LINE and done < total:
            self.tell(name, done, total, note)

    def say(self, line: str) -> None:
        """Print a line, above the bars if there are any."""
        self.console.print(line, soft_wrap=True, markup=False, highlight=False)

    def tell(self, name: str, done: int, total: int, note: str) -> None:
        """Print a line on a work that is under way, with the time it took and the time left."""
        if self.console.quiet:
            return
        work, now = self.works[name], time.monotonic()
        work.printed = now
        self.say(f"{work.line(done, total, now)}  {note}".rstrip())

    def _redraw(self, now: float, ended: bool) -> None:
        """Show the bars below a cell, as rich does only where ipywidgets are installed."""
        if self._notebook is None:
            from IPython.display import display

            self._notebook = display(self.drawing, display_id=True)  # type: ignore[no-untyped-call]
        elif ended or now - self._drawn >= REDRAWN:
            self._notebook.update(self.drawing)
            self._drawn = now

    def __enter__(self) -> "Bars":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._notebook is not None:
            self._notebook.update(self.drawing)
        if self.drawing.live.is_started:
            self.drawing.stop()


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any.

    Example:
        >>> clock(31.4), clock(3700)
        ('0:31', '1:01:40')
    """
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
