"""What importing costs: help must not wait for torch, and every public name resolves."""

import json
import subprocess
import sys

import pytest

import alpha_bridge

HEAVY = ("torch", "numpy", "accelerate", "datasets", "matplotlib", "sklearn", "torchmetrics")

SCRIPT = """
import contextlib, io, json, sys
{code}
loaded = [name for name in {heavy} if name in sys.modules]
print(json.dumps(loaded))
"""

HELP = """
from alpha_bridge.cli import main
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    main({words})
assert "usage: alpha-bridge" in said.getvalue(), said.getvalue()
"""


def loaded_by(code):
    script = SCRIPT.format(code=code, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "code",
    [
        "import alpha_bridge; alpha_bridge.__version__; dir(alpha_bridge)",
        "import alpha_bridge.cli",
        "from alpha_bridge import Config, PRESETS",
        HELP.format(words=["--help"]),
        HELP.format(words=["train", "--help"]),
        HELP.format(words=["train", "mnist", "--help"]),
        HELP.format(words=["sample", "-h"]),
        HELP.format(words=["push", "-h"]),
        HELP.format(words=["edit", "--help"]),
        "from alpha_bridge.cli import main\n"
        "with contextlib.redirect_stderr(io.StringIO()): assert main(['train', 'mnits']) == 2",
    ],
)
def test_nothing_heavy_is_imported_before_a_command_needs_it(code):
    assert loaded_by(code) == []


@pytest.mark.parametrize("name", alpha_bridge.__all__)
def test_every_public_name_resolves(name):
    assert getattr(alpha_bridge, name) is not None
    assert name in dir(alpha_bridge)


def test_public_names_are_told_once():
    assert len(set(alpha_bridge.__all__)) == len(alpha_bridge.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        alpha_bridge.nothing  # noqa: B018


def test_the_module_runs_as_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "alpha_bridge", "frob"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "alpha-bridge: there is no command 'frob': give one of train, sample, reconstruct, "
        "translate, edit, missed, evaluate, report, frontier, export, push, restore, reproduce"
    ]


def test_torchs_compiler_is_not_loaded_before_it_is_needed():
    code = "import sys, alpha_bridge.commands; print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
