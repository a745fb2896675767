"""The machine: compiled networks have the gradients of eager ones, freed memory stays."""

import copy
import ctypes
import subprocess
import sys

import pytest
import torch
from accelerate import Accelerator

from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import NETWORKS, AlphaBridge
from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from alpha_bridge.objective import DataBridge, Noise
from alpha_bridge.penalty import R1, R1R2, SpectralNorm
from alpha_bridge.training import Optimization, TrainState, twin_gradients
from alpha_bridge.training.machine import MMAP_THRESHOLD, compile_networks, keep_freed_memory
from alpha_bridge.training.update import update

# dynamo reads .grad of all that it meets; the warning goes unseen outside of pytest
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

LATENT, BATCH, TRIALS = 2, 4, 3
LIBC = ctypes.CDLL(None)
BLOCK = 20 * 2**20


def vectors(trials=TRIALS):
    sizes = {"hidden": (8,), "trials": trials}
    networks = MLPGenerator(LATENT, 3, **sizes), MLPEncoder(LATENT, 3, **sizes)
    return AlphaBridge(*networks, MLPDiscriminator(3, **sizes)), (TRIALS, BATCH, 3)


def images():
    sizes = {"size": 8, "channels": 1, "width": 4, "hidden": 8}
    networks = ConvGenerator(LATENT, **sizes), ConvEncoder(LATENT, **sizes)
    return AlphaBridge(*networks, ConvDiscriminator(**sizes)), (BATCH, 1, 8, 8)


def gradients_of(model, shape, alpha, regularizer, updates=2):
    """The gradients that each optimiser is given in two updates from the same parameters."""
    state, seen = TrainState.start(model, Optimization()), []
    for player, optimizer in state.optimizers.items():
        parameters = list(model.network_parameters(player))

        def keep(*_, parameters=parameters):
            seen.extend(p.grad.clone() for p in parameters)
            for parameter in parameters:
                parameter.grad.zero_()  # Adam then stays where it is

        optimizer.register_step_pre_hook(keep)
    draws = torch.Generator().manual_seed(0)
    leading = shape[: model.batch_ndim]
    for _ in range(updates):
        x = torch.randn(shape, generator=draws)
        noise = Noise(*(torch.randn(*leading, LATENT, generator=draws) for _ in range(2)))
        objective, gamma = DataBridge(), SigmoidGamma()
        update(state, x, noise, alpha, gamma, objective, regularizer, Accelerator())
    return seen


def calls_into_compiled_code():
    return torch._dynamo.utils.counters["aot_autograd"]["total"]


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


@pytest.mark.slow
def test_compiled_networks_give_the_same_gradients():
    eager, shape = images()
    compiled = copy.deepcopy(eager)
    compile_networks(compiled)  # once for all α, which takes most of the time
    regularizer, alphas = R1(every=2), (0.0, 0.5, 1.0)
    expected = [gradients_of(eager, shape, alpha, regularizer) for alpha in alphas]
    assert calls_into_compiled_code() == 0
    for alpha, gradients in zip(alphas, expected, strict=True):
        found = gradients_of(compiled, shape, alpha, regularizer)
        assert calls_into_compiled_code() >= len(NETWORKS)
        for gradient, other in zip(found, gradients, strict=True):
            torch.testing.assert_close(gradient, other, rtol=1e-4, atol=1e-5, msg=f"α = {alpha}")


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", [SpectralNorm(), R1R2()], ids=repr)
def test_a_discriminator_may_be_compiled_with_other_regularisers(regularizer):
    eager, shape = vectors()
    regularizer.prepare(eager.discriminator)
    compiled = copy.deepcopy(eager)
    compile_networks(compiled)
    expected = gradients_of(eager, shape, 0.5, regularizer)
    found = gradients_of(compiled, shape, 0.5, regularizer)
    assert calls_into_compiled_code() >= len(NETWORKS)
    for gradient, other in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-4, atol=1e-5)


COMPILING = """
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.training.machine import compile_networks
compile_networks(AlphaBridge(MLPGenerator(1, 2), MLPEncoder(1, 2), MLPDiscriminator(2)))
"""


@pytest.mark.slow
def test_networks_are_compiled_in_a_process_that_has_not_met_the_compiler():
    subprocess.run([sys.executable, "-c", COMPILING], check=True)


@pytest.fixture
def graphs(monkeypatch):
    """How many graphs have been compiled, by a backend that leaves them as they are."""
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda *of, **how: compile_(*of, backend="eager", **how))
    return lambda: torch._dynamo.utils.counters["stats"]["unique_graphs"]


def test_the_networks_of_many_models_are_all_compiled(graphs):
    for count in range(1, 5):
        model, shape = vectors()
        compile_networks(model.train())
        model.log_ratio(torch.randn(shape))
        model.decode(model.encode(torch.randn(shape)))
        assert graphs() == count * len(NETWORKS)


def test_gradients_of_parts_of_a_batch_are_eager(graphs):
    model, shape = vectors()
    compile_networks(model.train())
    x = torch.randn(shape)
    noise = Noise(*(torch.randn(*shape[:-1], LATENT) for _ in range(2)))
    pairs = [*twin_gradients(model, DataBridge(), x, noise, 0.5)]
    assert pairs and graphs() == 0


@pytest.mark.slow
def test_a_call_that_may_be_differentiated_twice_is_eager():
    model, shape = vectors()
    compile_networks(model)
    x = torch.randn(shape, requires_grad=True)
    (slope,) = torch.autograd.grad(model.log_ratio(x).sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert calls_into_compiled_code() == 0
    assert model.discriminator[0].weight.grad.abs().sum() > 0


def test_compiling_keeps_the_names_of_the_parameters():
    model, _ = vectors()
    before = list(model.state_dict())
    compile_networks(model)
    assert list(model.state_dict()) == before


def test_a_copy_of_a_compiled_network_has_parameters_of_its_own():
    model, shape = vectors()
    compile_networks(model)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    x = torch.randn(shape, requires_grad=True)
    assert other.log_ratio(x).abs().sum() > 0


class Mallinfo2(ctypes.Structure):
    """Numbers of glibc's heap."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    ]


def mapped():
    """Bytes in maps of their own, which go back to the system when they are freed."""
    LIBC.mallinfo2.restype = Mallinfo2
    return LIBC.mallinfo2().hblkhd


@pytest.mark.skipif(not hasattr(LIBC, "mallinfo2"), reason="a setting of glibc")
def test_large_blocks_come_from_memory_that_the_process_keeps():
    assert LIBC.mallopt(MMAP_THRESHOLD, 2**17)  # as a process begins
    before = mapped()
    # the heap may have room for some of them, from the tests before; none of them is touched
    blocks = [torch.empty(BLOCK, dtype=torch.uint8) for _ in range(64)]
    between = mapped()
    assert between - before >= BLOCK
    assert keep_freed_memory()
    blocks.append(torch.empty(BLOCK, dtype=torch.uint8))
    assert mapped() == between
