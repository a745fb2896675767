"""One thread for networks of few multiplications, as many as there are for others."""

import pytest
import torch
from torch import nn

from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, MLPGenerator
from alpha_bridge.path import AlphaPath
from alpha_bridge.training import fit
from alpha_bridge.training.threads import CHOSEN, MANY, multiplications, threads_for


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.delenv(CHOSEN, raising=False)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("module", "shape", "count"),
    [
        (nn.Linear(5, 3), (4, 5), 4 * 5 * 3),
        (nn.Linear(5, 3), (4, 7, 5), 4 * 7 * 5 * 3),
        (nn.Conv2d(3, 2, 4, stride=2, padding=1), (6, 3, 8, 8), 6 * 4 * 4 * 2 * 3 * 16),
        (nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1), (6, 3, 4, 4), 6 * 4 * 4 * 2 * 3 * 16),
        (nn.LayerNorm(5), (4, 5), 0),
        (nn.ReLU(), (4, 5), 0),
    ],
    ids=repr,
)
def test_multiplications_are_those_of_layers_with_weights(module, shape, count):
    with multiplications() as counted:
        module(torch.randn(shape))
    module(torch.randn(shape))
    assert counted.count == count


def test_stacked_trials_have_the_multiplications_of_all():
    with multiplications() as alone:
        MLPEncoder(2, 2, hidden=(8,))(torch.randn(5, 2))
    with multiplications() as stacked:
        MLPEncoder(2, 2, hidden=(8,), trials=3)(torch.randn(3, 5, 2))
    assert stacked.count == 3 * alone.count > 0


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("count", "threads"), [(1, 1), (MANY, 2), (0, 2)])
def test_few_multiplications_have_one_thread(count, threads):
    with threads_for(count):
        assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_threads_that_the_user_has_chosen_stay(monkeypatch):
    monkeypatch.setenv(CHOSEN, "2")
    with threads_for(1):
        assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_threads_are_given_back_after_an_error():
    with pytest.raises(KeyError), threads_for(1):
        raise KeyError
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_updates_of_small_networks_have_one_thread_and_what_follows_them_all():
    during, after = [], []

    class Counting(MLPGenerator):
        def forward(self, z):
            if self.training:
                during.append(torch.get_num_threads())
            return super().forward(z)

    model = AlphaBridge(
        Counting(2, 2, hidden=(8,)), MLPEncoder(2, 2, hidden=(8,)), MLPDiscriminator(2, hidden=(8,))
    )
    path = AlphaPath.three_steps(ml=1, transfer=1, adversarial=1)
    look = [lambda _: after.append(torch.get_num_threads())]
    fit(model, torch.randn(64, 2), path, batch_size=8, callbacks=look, progress=False)
    assert {*during} == {1}
    assert after == [2, 2, 2]
