"""Small VAEs of both libraries, trained on the digits for a moment, in their libraries' folders."""

import pytest
import torch

from alpha_bridge.data import digits
from alpha_bridge.vae import LIBRARIES
from experiments.bridge_vae import ARCHITECTURES, train_vae

UPDATES = 10


@pytest.fixture(scope="session")
def source():
    return digits()


@pytest.fixture(scope="session")
def folders(tmp_path_factory, source):
    """A folder of each library, written by the library itself."""
    folder = tmp_path_factory.mktemp("vaes")
    for library in LIBRARIES:
        torch.manual_seed(0)
        model = train_vae(library, source, seed=0, updates=UPDATES).model
        write = model.save_pretrained if library == "diffusers" else model.save
        write(str(folder / library))
    return folder


@pytest.fixture(params=[*LIBRARIES])
def library(request):
    return request.param


@pytest.fixture
def configuration(library):
    return ARCHITECTURES[library](1, 8)
