"""What importing costs: help must not wait for torch, and every public name resolves."""

import json
import subprocess
import sys

import pytest

import alpha_bridge

HEAVY = (
    "torch",
    "gradio",
    "numpy",
    "accelerate",
    "datasets",
    "matplotlib",
    "sklearn",
    "torchmetrics",
)

HELP = """
from alpha_bridge.cli import main
with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
    main({arguments})
assert "usage: alpha-bridge" in printed.getvalue(), printed.getvalue()
"""
LIGHT = [
    "import alpha_bridge; alpha_bridge.__version__; dir(alpha_bridge)",
    "import alpha_bridge.cli",
    "from alpha_bridge import Config, PRESETS",
    HELP.format(arguments=["--help"]),
    HELP.format(arguments=["doctor", "--help"]),
    HELP.format(arguments=["train", "--help"]),
    HELP.format(arguments=["sample", "-h"]),
    "from alpha_bridge.cli import main\n"
    "with contextlib.redirect_stderr(io.StringIO()): assert main(['train', 'mnits']) == 2",
]
OVERVIEW = """
from alpha_bridge.cli import main
with contextlib.redirect_stdout(io.StringIO()): assert main([]) == main(["runs", "."]) == 0
"""
"""What reads runs, whose samples are arrays, and nothing else that takes long."""
LATER = {
    "import alpha_bridge.commands": ("torch._dynamo",),
    "import torch; from alpha_bridge.networks.adam import Adam\n"
    "weight = torch.ones(1, requires_grad=True); weight.sum().backward()\n"
    "optimizer = Adam([weight]); optimizer.step(); optimizer.zero_grad()\n"
    "optimizer.load_state_dict(optimizer.state_dict())": ("torch._dynamo",),
    "import alpha_bridge.runs.loading, alpha_bridge.runs.mosaic": (
        *("pyarrow", "pandas", "sklearn", "torchmetrics", "matplotlib", "accelerate"),
    ),
    "import alpha_bridge.metrics": ("torchmetrics", "sklearn", "scipy"),
    "import torch; from alpha_bridge.metrics.modes import kde_log_likelihood\n"
    "kde_log_likelihood(torch.zeros(1, 2), torch.zeros(1, 2), 1.0)": ("sympy",),
    "from alpha_bridge.runs import plots; plots.schedule([{'step': 1, 'alpha': 0.0}])": (
        "matplotlib.pyplot",
    ),
}
"""Code that may load torch, and what it must not load."""

NETWORKS = """
before, found = {name.partition(".")[0] for name in sys.modules}, []
for module in ("networks", "model"):
    __import__(f"alpha_bridge.{module}")
    after = {name.partition(".")[0] for name in sys.modules} - before
    found.append(sorted(after - sys.stdlib_module_names))
"""
SCRIPT = """
import contextlib, io, json, os, sys

def forked(act):
    "What act returns in a process that has imported what this one has, and no more."
    reads, writes = os.pipe()
    if not os.fork():
        os.write(writes, json.dumps(act()).encode())
        os._exit(0)
    os.close(writes)
    with open(reads) as file:
        return json.load(file)

def unwanted(pieces):
    found = []
    for code, names in pieces:
        exec(code, globals())
        found.append([name for name in names if name in sys.modules])
    return found

def networks():
    exec(sys.argv[3], globals())
    return found

light, later = map(json.loads, sys.argv[1:3])
answer = {"light": forked(lambda: unwanted(light))}
import torch
answer |= {"networks": forked(networks), "later": forked(lambda: unwanted(later))}
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def answers():
    """What each piece of code loads, in order; torch, which takes seconds, is loaded once."""
    light = [(code, HEAVY) for code in LIGHT]
    pieces = [*light, (OVERVIEW, [name for name in HEAVY if name != "numpy"])], [*LATER.items()]
    arguments = [*map(json.dumps, pieces), NETWORKS]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def loaded(answers):
    """The unwanted modules after each piece of code."""
    return dict(zip([*LIGHT, OVERVIEW, *LATER], answers["light"] + answers["later"], strict=True))


@pytest.mark.parametrize("code", [*LIGHT, OVERVIEW, *LATER])
def test_nothing_is_imported_before_it_is_needed(code, loaded):
    assert loaded[code] == []


@pytest.fixture(scope="module")
def installed(answers):
    """Packages that the networks load beside torch, and then the model."""
    return answers["networks"]


def test_a_network_needs_torch_and_nothing_else_that_is_installed(installed):
    networks, _ = installed
    assert networks == ["alpha_bridge"]


def test_a_model_knows_nothing_of_the_hub_of_files_and_of_libraries(installed):
    _, model = installed
    others = {"huggingface_hub", "safetensors", "pydantic", "jinja2", "diffusers", "pythae"}
    assert not others & {*model}


@pytest.mark.parametrize("name", alpha_bridge.__all__)
def test_every_public_name_resolves(name):
    assert getattr(alpha_bridge, name) is not None
    assert name in dir(alpha_bridge)


def test_public_names_are_told_once():
    assert len(set(alpha_bridge.__all__)) == len(alpha_bridge.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        alpha_bridge.nothing  # noqa: B018
