"""The records of a run through the three steps."""

import pytest

METRICS = ["frechet_distance/classifier/5000", "modes/3std/10000"]
PHASES = [("ml", 0.0)] * 2 + [("transfer", 0.5)] * 3 + [("adversarial", 1.0)] * 5
RECORDS = [
    {
        "step": 100 * (index + 1),
        "phase": phase,
        "alpha": alpha,
        "gamma": alpha**2,
        "seconds": float(index),
        "sigma": 0.4,
        "loss/generator": 10.0 - index,
        "loss/encoder": 5.0,
        "loss/discriminator": 1.0,
        "ess/forward": 0.9,
        "ess/reverse": 0.8,
    }
    | ({METRICS[0]: 50.0 - index, METRICS[1]: index} if index % 2 else {})
    for index, (phase, alpha) in enumerate(PHASES)
]


@pytest.fixture
def records():
    return RECORDS
