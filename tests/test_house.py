"""How the package is laid out: one name for one thing, few layers, plain terms, a true tree."""

import ast
import re
import runpy
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "alpha_bridge"
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.stem not in ("__init__", "__main__")
)

METAPHORS = (
    "begun",
    "game",
    "judge",
    "judged",
    "opened",
    "players",
    "said",
    "telling",
    "told",
    "watched",
    "watching",
    "words",
)
"""Words of a private language: an adversarial loss, a network, text and arguments have names."""

KEYS = {"recipe": {"game"}, "settings": {"game"}}
"""A key of ``config.json`` stays: runs of before have it."""


def names_twice(names):
    return {name for name, count in Counter(names).items() if count > 1}


def classes():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name


def test_no_two_modules_share_a_name():
    assert names_twice(path.stem for path in MODULES) == set()


def test_no_two_public_classes_share_a_name():
    assert names_twice(classes()) == set()


def test_at_most_sixteen_modules_lie_at_the_root():
    assert len([*PACKAGE.glob("*.py")]) <= 16


def test_the_contract_has_at_most_nine_layers():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (layers,) = (
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers" and contract["containers"] == ["alpha_bridge"]
    )
    assert len(layers) <= 9


def test_every_module_speaks_the_language_of_the_field():
    metaphors = {}
    for path in MODULES:
        name = path.relative_to(PACKAGE)
        found = set(re.findall(r"[a-z]+", path.read_text("utf-8").replace("_", " ").lower()))
        metaphors[str(name)] = found & {*METAPHORS} - KEYS.get(name.parts[0], set())
    assert {name: found for name, found in metaphors.items() if found} == {}


def test_the_tree_in_contributing_is_that_of_the_code():
    tree = runpy.run_path(str(ROOT / "docs" / "tree.py"))
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert tree["differences"](tree["drawn"](page), [*tree["tree"](PACKAGE)]) == []
