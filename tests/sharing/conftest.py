"""A small bridge, and packages of networks that are on no one's disk but the test's."""

import importlib
import sys

import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator


def vectors(**more):
    return (
        MLPGenerator(2, 3, hidden=(8,), **more),
        MLPEncoder(2, 3, hidden=(8,), **more),
        MLPDiscriminator(3, hidden=(8,), **more),
    )


@pytest.fixture
def bridge():
    return AlphaBridge(*vectors(), noise=0.3).eval()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a module that can be imported by its name, and that tells when it is."""
    root = tmp_path / "site"
    root.mkdir()
    monkeypatch.syspath_prepend(root)
    made = []

    def write(name, code=""):
        trace = tmp_path / f"{name}-was-imported"
        text = f"open({str(trace)!r}, 'w').close()\nimport os, torch\nfrom torch import nn\n{code}"
        (root / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        made.append(name)
        return trace

    yield write
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def same():
    """Compare two models on the same numbers."""

    def compare(first, second):
        z = first.prior(4, torch.Generator().manual_seed(1))
        x = first.decode(z)
        assert torch.equal(second.decode(z), x)
        for one, other in zip(first.posterior(x), second.posterior(x), strict=True):
            assert torch.equal(one, other)
        assert torch.equal(first.log_ratio(x), second.log_ratio(x))
        assert torch.equal(first.sigma, second.sigma)

    return compare
