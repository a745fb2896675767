"""Networks as import paths and arguments: what is remembered, and what is not imported."""

import sys

import pytest
import torch
from torch import nn

from alpha_bridge.networks import ConvGenerator, MLPGenerator
from alpha_bridge.sharing import Blueprint, shareable

OWN = "alpha_bridge.networks.mlp:MLPGenerator"

CODE = """
from alpha_bridge.sharing import shareable

@shareable
class Net(nn.Module):
    def __init__(self, width=2, **more):
        super().__init__()
        self.layer = nn.Linear(width, width)
        self.more = more

class Outer:
    class Inner(nn.Linear):
        pass

number = 3
"""


def test_a_network_remembers_its_arguments_by_name():
    plan = Blueprint.of(MLPGenerator(2, 3, hidden=(8, 4)))
    assert plan.path == OWN
    assert plan.arguments == {"latent": 2, "features": 3, "hidden": [8, 4], "trials": None}


def test_what_it_remembers_builds_the_same_network():
    network = ConvGenerator(2, size=8, channels=1, width=4, hidden=8)
    again = Blueprint.of(network).build()
    assert type(again) is ConvGenerator
    assert {name: value.shape for name, value in again.state_dict().items()} == {
        name: value.shape for name, value in network.state_dict().items()
    }


def test_what_is_built_can_be_told_again():
    plan = Blueprint(OWN, {"latent": 2, "features": 3})
    assert Blueprint.of(plan.build()) == plan


def test_arguments_with_free_names_are_kept_by_name(package):
    package("free_names", CODE)
    plan = Blueprint("free_names:Net", {"width": 3, "colour": "red"})
    network = type(plan.build(trust=["free_names"]))(3, colour="red")
    assert Blueprint.of(network) == plan


def test_a_subclass_needs_a_decorator_of_its_own():
    class Mine(MLPGenerator):
        pass

    with pytest.raises(ValueError, match="does not say how it is built: decorate"):
        Blueprint.of(Mine(2, 3))


def test_a_class_that_others_cannot_import_is_built_but_not_told():
    @shareable
    class Here(nn.Module):
        pass

    with pytest.raises(ValueError, match="must move to a module that others can import"):
        Blueprint.of(Here())


@pytest.mark.parametrize("argument", [nn.ReLU(), float("nan"), {1, 2}])
def test_arguments_that_json_does_not_know_are_not_told(argument):
    plan = Blueprint(OWN, {"latent": argument})
    with pytest.raises(ValueError, match="must be values that JSON knows"):
        plan.as_json()


@pytest.mark.parametrize("trust", [(), ("hostil",), ("hostile_nets_and_more",), ("nets",), ("",)])
def test_what_is_not_trusted_is_not_imported(package, trust):
    trace = package("hostile_nets", "class Net(nn.Module): pass")
    with pytest.raises(
        ValueError, match=r"hostile_nets:Net is not one of .*trust=\['hostile_nets'"
    ):
        Blueprint("hostile_nets:Net").build(trust)
    assert not trace.exists()
    assert "hostile_nets" not in sys.modules


def test_what_is_trusted_is_built(package):
    trace = package("trusted_nets", CODE)
    network = Blueprint("trusted_nets:Outer.Inner", {"in_features": 2, "out_features": 3}).build(
        trust=["trusted_nets"]
    )
    assert trace.exists()
    assert network(torch.zeros(1, 2)).shape == (1, 3)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "os",
        "os.system",
        ":Net",
        "alpha_bridge.networks.mlp:",
        "alpha_bridge.networks.mlp:__builtins__",
        "alpha_bridge.networks.mlp:MLPGenerator.__init__",
        "alpha_bridge.networks.__loader__:Net",
        "alpha_bridge.networks.mlp:MLPGenerator()",
        "alpha_bridge.networks..mlp:MLPGenerator",
        "alpha_bridge.networks/mlp:MLPGenerator",
        "../alpha_bridge.networks:MLPGenerator",
    ],
)
def test_a_path_is_of_one_form(path):
    with pytest.raises(ValueError, match=r"named as package\.module:Class"):
        Blueprint(path).build()


@pytest.mark.parametrize(
    "path",
    [
        "alpha_bridge.networks.mlp:nn.Linear",
        "alpha_bridge.networks.mlp:math",
        "alpha_bridge.networks.mlp:math.inf",
        "alpha_bridge.networks.mlp:at_least",
        "alpha_bridge.networks.mlp:GaussianHead",
        "alpha_bridge.networks.mlp:Nothing",
        "alpha_bridge.networks.nothing:Net",
    ],
)
def test_only_networks_that_the_module_defines_are_built(path):
    with pytest.raises(ValueError, match=r"there is no network|is not a torch\.nn\.Module"):
        Blueprint(path, {"inputs": 1, "outputs": 1}).build()


@pytest.mark.parametrize("path", ["os:system", "subprocess:Popen", "alpha_bridge.networksx:Net"])
def test_nothing_beside_the_networks_of_this_package_is_trusted(path):
    with pytest.raises(ValueError, match="importing it would run its code"):
        Blueprint(path, {"command": "false"}).build()


@pytest.mark.parametrize("arguments", [{}, {"latent": 2, "features": 3, "depth": 1}, {"latent": 0}])
def test_arguments_that_do_not_fit_are_named(arguments):
    with pytest.raises(ValueError, match="MLPGenerator cannot be built with"):
        Blueprint(OWN, {"features": 3, **arguments} if "latent" in arguments else {}).build()
