"""The tree of modules in CONTRIBUTING.md: ``make tree`` draws it, ``make check`` compares it.

Each module has the first sentence of its docstring and its number of lines. The comparison is exact
in names and sentences; a number of lines may be out by a tenth, so that not every change of a
function is one of the tree.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
PACKAGE = ROOT / "src" / "alpha_bridge"
BEGIN, END = "<!-- the tree, drawn by make tree -->\n", "<!-- end of the tree -->"
NAME, WIDTH = 28, 110
TOLERANCE = 0.1
LINE = re.compile(r"(?P<name>\s*\S+)\s+(?P<lines>[\d,]+)(?P<text>.*)")


def sentence(module: Path) -> str:
    """The first line of a module's docstring."""
    found = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    line = found.split("\n")[0].removeprefix("r")
    return line if len(line) <= WIDTH else line[: WIDTH - 1].rsplit(" ", 1)[0] + " …"


def size(path: Path) -> int:
    """Lines of a module, or of all modules of a folder."""
    modules = [path] if path.is_file() else path.rglob("*.py")
    return sum(len(module.read_text(encoding="utf-8").splitlines()) for module in modules)


def tree(folder: Path, depth: int = 0) -> Iterator[str]:
    """A line for a package, and those of what it holds: modules, then packages."""
    yield line(f"{'  ' * depth}{folder.name}/", size(folder), sentence(folder / "__init__.py"))
    for module in sorted(folder.glob("*.py")):
        if not module.name.startswith("__"):
            yield line(f"{'  ' * (depth + 1)}{module.name}", size(module), sentence(module))
    for package in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield from tree(package, depth + 1)


def line(name: str, lines: int, text: str) -> str:
    return f"{name:{NAME}} {lines:>6,}  {text}".rstrip()


def drawn(page: str) -> list[str]:
    """The lines of the tree in a page."""
    _, begin, rest = page.partition(BEGIN)
    found, end, _ = rest.partition(END)
    if not begin or not end:
        raise SystemExit(
            f"{PAGE.name} has no place for the tree: it needs {BEGIN.strip()} and {END}"
        )
    return found.strip().splitlines()[1:-1]


def differences(before: list[str], after: list[str]) -> list[str]:
    """Lines of the tree that are missing in the page, or that it has and the code has not."""
    old, new = ([LINE.fullmatch(text) for text in texts] for texts in (before, after))
    sizes = {(m["name"], m["text"]): int(m["lines"].replace(",", "")) for m in old if m}
    wanted = {(m["name"], m["text"]): int(m["lines"].replace(",", "")) for m in new if m}
    changed = sizes.keys() ^ wanted.keys()
    resized = [
        key
        for key in sizes.keys() & wanted.keys()
        if abs(sizes[key] - wanted[key]) > max(5, TOLERANCE * wanted[key])
    ]
    return sorted(f"{name.strip()}{text}" for name, text in [*changed, *resized])


def main() -> None:
    page, now = PAGE.read_text(encoding="utf-8"), list(tree(PACKAGE))
    before = drawn(page)
    if "--check" in sys.argv:
        if wrong := differences(before, now):
            raise SystemExit(
                f"the tree in {PAGE.name} differs in {wrong[0]}: draw it with make tree"
            )
        return
    block = "\n".join(["```text", *now, "```"])
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(f"{page[:begin]}{block}\n{page[end:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
