"""Break everything: ``python -m tests.breaking [part ...] [--match WORDS]``."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.table import Table

from tests.breaking import beside, damage, disks, escapes, kills, outside
from tests.breaking.asking import Answer
from tests.breaking.case import Case
from tests.breaking.scenes import Scenes

PARTS: dict[str, Callable[[], list[Case]]] = {
    "kills": kills.cases,
    "damage": damage.cases,
    "disks": lambda: [*disks.cases(), *disks.mounted_cases()],
    "beside": beside.cases,
    "outside": outside.cases,
    "escapes": escapes.cases,
}


def main() -> int:
    """Do all cases, print a table of them, and tell by the exit code whether a fault is left."""
    parser = argparse.ArgumentParser(prog="python -m tests.breaking", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; by default all")
    parser.add_argument("--match", default="", help="words that a case's name holds")
    parser.add_argument("--every", type=int, default=1, help="take one of so many cases")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("-v", action="store_true", help="print the right answers, too")
    given = parser.parse_args()
    console = Console(width=max(Console().width, 120), highlight=False, markup=False)
    chosen = [
        (part, case)
        for part in given.parts or PARTS
        for case in PARTS[part]()
        if given.match in f"{case.kind}, {case.name}"
    ][:: given.every]
    begin = time.perf_counter()
    with Scenes() as scenes, ThreadPoolExecutor(given.jobs) as pool:

        def do(chosen: tuple[str, Case]) -> tuple[str, str, Answer, float]:
            part, case = chosen
            answer, seconds = _answered(case, scenes)
            if given.v or not answer.good:
                words = f"{case.kind}: {case.name}\n    {answer.kind}: {ascii(answer.detail)[:400]}"
                console.print(words, soft_wrap=True)
            return part, case.kind, answer, seconds

        done = list(pool.map(do, chosen))
    console.print(_table(done))
    kills = sum((Counter(answer.kills) for _, _, answer, _ in done), Counter[str]())
    if kills:
        when = ", ".join(f"{count} {how}" for how, count in sorted(kills.items()))
        console.print(f"{kills.total()} processes were killed: {when}")
    faults = sum(not answer.good for _, _, answer, _ in done)
    console.print(f"{len(done)} cases, {faults} faults, {time.perf_counter() - begin:.0f} s")
    return int(faults > 0)


def _answered(case: Case, scenes: Scenes) -> tuple[Answer, float]:
    begin = time.perf_counter()
    try:
        answer = case.answer(scenes)
    except Exception as error:
        answer = Answer("the case failed", repr(error))
    return answer, time.perf_counter() - begin


def _table(done: Iterable[tuple[str, str, Answer, float]]) -> Table:
    """How each kind of breakage was answered."""
    table = Table("part", "what is broken", "cases", "a line", "right", "faults", "seconds")
    rows: dict[tuple[str, str], list[tuple[Answer, float]]] = {}
    for part, kind, answer, seconds in done:
        rows.setdefault((part, kind), []).append((answer, seconds))
    for (part, kind), answers in rows.items():
        lines, right = (
            sum(answer.kind == good for answer, _ in answers) for good in ("line", "right")
        )
        counts = (len(answers), lines, right, len(answers) - lines - right)
        seconds = sum(seconds for _, seconds in answers)
        table.add_row(part, kind, *map(str, counts), f"{seconds:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
