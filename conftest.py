"""What all tests share: one thread, a fixed seed, no network, a cache, and values of α."""

import gc
import importlib
import os
import sys
from functools import partial

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

import pytest
import torch
from hypothesis import settings

from tests.looping import ALPHAS

# the examples are the same in every run: 25 of them, of which the first are the simplest
settings.register_profile(
    "repeatable", max_examples=25, derandomize=True, deadline=None, database=None
)
settings.load_profile("repeatable")
torch.set_num_threads(1)
gc.disable()  # until all tests are collected: they and what they import stay to the end


def pytest_collection_finish():
    """Leave what stays to the end out of every later collection."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def seed():
    """Every test draws the same numbers, whatever runs before it."""
    torch.default_generator.manual_seed(0)  # torch.manual_seed takes milliseconds where CUDA sleeps


@pytest.fixture(scope="session", autouse=True)
def unsynced():
    """No test pulls the plug: what is written need not wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """One cache for all tests, so that a folder is decoded and a classifier trained only once."""
    folder = tmp_path_factory.getbasetemp() / "shared-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHA_BRIDGE_CACHE", str(folder))
        yield folder


@pytest.fixture(params=ALPHAS)
def alpha(request):
    """For a formula in α: both ends, as near to them as 1e-8, and between."""
    return request.param


@pytest.fixture(params=[0.0, 0.5, 1.0])
def some_alpha(request):
    """For code that only passes α on: both ends, and between."""
    return request.param


@pytest.fixture(scope="module")
def pages_without_figures():
    """Reports of runs as they are but for their figures, which take longer than tiny trainings."""
    from tests.undrawn import leave_figures_out

    with pytest.MonkeyPatch.context() as patch:
        leave_figures_out(patch.setattr)
        yield


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


@pytest.fixture(scope="module")
def quick_classifiers():
    """Classifiers of few updates, for metrics that only have to be there."""
    from alpha_bridge.metrics import comparison

    quick = partial(comparison.cached_classifier, updates=30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "cached_classifier", quick)
        yield
