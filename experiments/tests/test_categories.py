"""Gradients of categories: what is enumerated, and the claims."""

import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, RowGenerator
from experiments import categories
from experiments.pages.images import gradients


def test_estimates_are_draws_of_the_gradient_that_is_enumerated():
    torch.manual_seed(0)
    generator = RowGenerator(2, categories=[(0, 2), (2, 3)], hidden=(4,))
    networks = (MLPEncoder(2, 5, hidden=(4,)), MLPDiscriminator(5, hidden=(8,)))
    model = AlphaBridge(generator, *networks, noise=1.0).double()
    for parameter in model.parameters():
        parameter.data.mul_(2)
    few = torch.randn(2, 2, dtype=torch.float64)
    truth = categories.enumerated(model, few)
    z = few.repeat(5000, 1)
    for way in ("exact, all", "exact, 1"):
        found = categories._estimate(model, z, categories.WAYS[way])
        torch.testing.assert_close(found, truth, atol=0.05 * float(truth.norm()), rtol=0)
    far = categories._estimate(model, z, categories.WAYS["straight through, 1.5"])
    assert (far - truth).norm() > 0.1 * truth.norm()


def record(biased=0.1, exact=0.01, slow=2.0, kl=0.2):
    runs, found = [], {}
    for way in categories.WAYS:
        own = way.startswith("exact")
        found[way] = {"bias": exact if own else biased, "bias_error": 0.01, "noise": 0.3}
        for seed in (0, 1):
            row = {"kl/cells/9-held-out": (kl if own else 0.2) + seed / 100}
            cost = (slow if own else 1.0) / 1000
            run = {"method": way, "seed": seed, "evaluations": [row], "seconds_an_update": cost}
            runs.append(run | {"seconds": 9.0})
    return {"gradients": found, "runs": runs, "settings": {"quick": False}}


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({}, None),
        ({"exact": 0.05}, 0),
        ({"biased": 0.02}, 1),
        ({"slow": 0.5}, 2),
        ({"kl": 0.22}, 3),
    ],
)
def test_each_claim_can_fail(changed, fails):
    holds = [claim.holds for claim in categories.claims(record(**changed))]
    assert holds == [at != fails for at in range(4)]


def test_the_figure_and_the_page_have_every_way():
    assert len(categories.draw(record()).axes) == 2
    text = "\n".join(gradients(record()))
    assert "| exact, 4 | 0.01 ± 0.01 | 2.00 |" in text
