"""The page of settings: ``make settings`` makes it of the code, ``make check`` compares it."""

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

from alpha_bridge.recipe import DECIDED, HISTORY, Config
from alpha_bridge.settings import ranges

PAGE = Path(__file__).resolve().parent / "settings.md"
HEAD = """# Settings

Every setting of a configuration, as an option of `alpha-bridge train` (`--path.end 0.9`), a key of
`config.json` (`{"path": {"end": 0.9}}`) and a field in Python (`PathConfig(end=0.9)`). Each is
declared once, with its default and its range, in `alpha_bridge.settings`; this page is made of
those declarations. All defaults are ours: the paper's are in its missing appendix. Presets change
some of them.

## The learning rates along a run

`--optimization.warmup 500` lets the learning rates of all three networks rise linearly over the
first 500 updates; `--optimization.schedule cosine` then lowers them to zero along half a cosine, to
the end of the path. In Python it is
`fit(..., optimization=Optimization(schedule="cosine", warmup=500))`. The factor `hold`, which slows
the encoder down along α, multiplies both. A run that goes on from a checkpoint has the rates of the
run that was never stopped.
"""


def page() -> str:
    """The whole page."""
    parts = [_section("The run", Config, "")]
    for name, field in Config.model_fields.items():
        if is_dataclass(field.annotation):
            parts.append(_section(f"`{name}`", field.annotation, f"{name}."))
    return "\n".join([HEAD, *parts])


def _section(title: str, kind: type, prefix: str) -> str:
    summary = "" if kind is Config else f"{inspect.getdoc(kind).splitlines()[0]}\n"
    rows = "\n".join(f"| {' | '.join(row)} |" for row in _rows(kind, prefix))
    return f"## {title}\n\n{summary}\n| Key | Default | Values | |\n|---|---|---|---|\n{rows}\n"


def _rows(kind: type, prefix: str) -> Iterator[tuple[str, ...]]:
    if kind is Config:
        plain = {n: f for n, f in Config.model_fields.items() if not is_dataclass(f.annotation)}
        aside = (HISTORY, DECIDED)
        defaults = {name: field.default for name, field in plain.items() if name not in aside}
    else:
        defaults = {field.name: field.default for field in fields(kind)}
    helps, hints = _helps(kind), get_type_hints(kind)
    for name, default in defaults.items():
        interval = str(ranges(kind).get(name, "")).removeprefix("be ").removeprefix("lie in ")
        if get_origin(hints[name]) is Literal:
            interval = ", ".join(map(str, get_args(hints[name])))
        text = helps[name].replace("|", "\\|").replace("[", "\\[")
        yield f"`{prefix}{name}`", f"`{default}`", interval.replace("[", "\\["), text


def _helps(kind: type) -> dict[str, str]:
    """The line of help below each declaration."""
    (body,) = (
        node.body
        for node in ast.walk(ast.parse(Path(inspect.getfile(kind)).read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    )
    return {
        one.target.id: " ".join(other.value.value.split())
        for one, other in pairwise(body)
        if isinstance(one, ast.AnnAssign) and isinstance(other, ast.Expr)
    }


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        raise SystemExit(f"{PAGE.name} differs from the declarations: run make settings")
