"""The last good state: the same from memory and from disk, and never lost for want of room."""

from contextlib import closing

import pytest
import torch

from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.settings import Optimization
from alpha_bridge.training import last_good
from alpha_bridge.training.last_good import LastGood
from alpha_bridge.training.state import TrainState, cloned


@pytest.fixture
def state():
    """A state whose tensors are all of them other numbers after :func:`move`."""
    torch.manual_seed(0)
    networks = MLPGenerator(2, 2, (8,)), MLPEncoder(2, 2, (8,)), MLPDiscriminator(2, (8,))
    return TrainState.start(AlphaBridge(*networks), Optimization())


@pytest.fixture(params=["memory", "disk"])
def good(request, tmp_path, monkeypatch):
    monkeypatch.setattr(last_good, "LARGE", 0 if request.param == "disk" else 2**40)
    with closing(LastGood(tmp_path)) as good:
        yield good


def move(state):
    with torch.no_grad():
        for parameter in state.model.parameters():
            parameter += 1
    state.step += 1


def equal(one, two):
    assert one.keys() == two.keys()
    for file, named in two.items():
        assert one[file].keys() == named.keys()
        assert all(torch.equal(one[file][name], value) for name, value in named.items())
    return True


def test_it_stays_as_it_was_while_training_goes_on(state, good):
    before = cloned(state.tensors())
    good.keep(state)
    move(state)
    assert equal(good.tensors(), before)
    assert good.step == 0


def test_a_later_state_takes_its_place(state, good):
    good.keep(state)
    move(state)
    good.keep(state)
    assert equal(good.tensors(), state.tensors())
    assert good.step == 1


def test_a_large_state_is_on_disk_and_leaves_no_file(state, tmp_path, monkeypatch):
    monkeypatch.setattr(last_good, "LARGE", 0)
    with closing(LastGood(tmp_path)) as good:
        good.keep(state)
        assert good.files and not good.kept
        assert [*tmp_path.iterdir()] == []


def test_a_small_state_and_one_without_a_folder_are_in_memory(state, tmp_path, monkeypatch):
    small = LastGood(tmp_path)
    small.keep(state)
    assert small.kept and not small.files
    monkeypatch.setattr(last_good, "LARGE", 0)
    homeless = LastGood()
    homeless.keep(state)
    assert homeless.kept and not homeless.files


@pytest.mark.parametrize("room", [0, 100, 600, 1000])
def test_a_full_disk_leaves_it_to_memory(state, tmp_path, monkeypatch, room):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(last_good, "LARGE", 0)
    with closing(LastGood(tmp_path)) as good:
        good.keep(state)
        move(state)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            good.keep(state)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not good.files
        assert equal(good.tensors(), state.tensors())


def test_nothing_is_left_when_it_is_closed(state, good):
    good.keep(state)
    good.close()
    assert good.tensors() == {}
