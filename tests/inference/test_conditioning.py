"""Latents of rows that are known in part, against integrals over all latents."""

import numpy as np
import pytest
import torch

from alpha_bridge import AlphaBridge
from alpha_bridge.inference.conditioning import completed, latents_given
from alpha_bridge.networks import MLPDiscriminator, MLPEncoder, RowGenerator
from alpha_bridge.observation import RowEvidence

CATEGORIES, NUMBERS = ((0, 2), (2, 3), (5, 2)), ((7, None),)
GRID = torch.linspace(-6, 6, 601)[:, None]


@pytest.fixture(scope="module")
def model():
    """A model whose columns hang together by one latent, with an encoder that knows nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = RowGenerator(1, CATEGORIES, NUMBERS, hidden=(8,), noise=0.4)
        bridge = AlphaBridge(generator, MLPEncoder(1, 8, (4,)), MLPDiscriminator(8, (4,)))
    for parameter in generator.network.parameters():
        parameter.data *= 3
    return bridge.eval().requires_grad_(False)


def known(model, places, low=-torch.inf, high=torch.inf):
    """Rows of which the categories at those places are known, and the number is in an interval."""
    allowed = torch.ones(1, model.rows.size, dtype=torch.bool)
    for start, size in CATEGORIES:
        own = [place for place in places if start <= place < start + size]
        if own:
            allowed[:, start : start + size] = False
            allowed[:, own] = True
    return RowEvidence(model.rows, allowed, *(torch.tensor([[end]]) for end in (low, high)))


def exact(model, evidence):
    """p(z | x_K) on the grid, p(x_K), and the shares of all categories' places given x_K."""
    described = model.generator(GRID)
    joint = torch.exp(evidence.log_likelihood(described) - GRID[:, 0].square() / 2)
    share = joint.sum() * (12 / 600) / (2 * torch.pi) ** 0.5
    posterior = joint / joint.sum()
    masked = described.masked_fill(~torch.nn.functional.pad(evidence.allowed, (0, 1)), -torch.inf)
    shares = [masked[:, at : at + size].softmax(-1) for at, size in CATEGORIES]
    return share, posterior @ torch.cat(shares, -1).double()


@pytest.mark.parametrize(
    ("places", "ends"),
    [((), ()), ((0,), ()), ((0, 3, 4), ()), ((1, 2), (0.2, 0.9)), ((), (-0.4, -0.4))],
)
def test_unknown_columns_have_the_law_of_the_model_given_the_known_ones(model, places, ends):
    evidence, rng = known(model, places, *ends), np.random.default_rng(0)
    weighted = latents_given(model, evidence, 4000, 20, rng)
    share, shares = exact(model, evidence)
    torch.testing.assert_close(weighted.likelihood[0], share, rtol=0.1, atol=0)
    x = completed(model, evidence[:, None], weighted.resampled(8000, rng), rng)
    torch.testing.assert_close(x[0, :, :7].double().mean(0), shares, atol=0.025, rtol=0)


def test_several_rows_are_told_apart(model):
    first, second = known(model, (0, 2)), known(model, (1,), 1.0, 1.1)
    both = RowEvidence(
        model.rows,
        *(
            torch.cat([getattr(one, k) for one in (first, second)])
            for k in ("allowed", "low", "high")
        ),
    )
    weighted = latents_given(model, both, 4000, 20, np.random.default_rng(0))
    expected = torch.stack([exact(model, one)[0] for one in (first, second)])
    torch.testing.assert_close(weighted.likelihood, expected, rtol=0.1, atol=0)


def test_the_effective_number_is_counted_of_all_latents(model):
    weighted = latents_given(model, known(model, ()), 400, 10, np.random.default_rng(0))
    assert 200 <= weighted.effective <= 400  # the prior is half of the proposal


def test_the_same_stream_draws_the_same_latents(model):
    one, two = (
        latents_given(model, known(model, (0,)), 40, 4, np.random.default_rng(1)) for _ in range(2)
    )
    assert torch.equal(one.z, two.z) and torch.equal(one.log_weights, two.log_weights)
