"""Every kind of data has the properties of its slot."""

import numpy as np
import torch
from torch.utils.data import TensorDataset

from alpha_bridge.data import DatasetSource, DensitySource, digits, from_array, from_tensor, grid
from tests.contracts import cases
from tests.contracts.data_source import ALWAYS, holds_out_what_training_never_sees

SPLIT = [*ALWAYS, holds_out_what_training_never_sees]
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 1), np.uint8)
SOURCES = {
    "a density": (DensitySource(grid()), SPLIT),
    "digits": (digits(), ALWAYS),  # some of them are drawn twice
    "vectors": (from_array(np.random.default_rng(0).normal(size=(300, 3))), SPLIT),
    "images": (from_array(IMAGES), SPLIT),
    "a tensor": (from_tensor(torch.randn(300, 3)), ALWAYS),  # all of it is trained on
    "a data set of torch": (DatasetSource(TensorDataset(torch.randn(300, 3))), ALWAYS),
}


@cases(SOURCES)
def test_a_source_has_the_properties_of_its_slot(part, holds):
    holds(part)
