"""What an update computes, by hand and as counted."""

from dataclasses import replace
from itertools import pairwise

import pytest

TRIALS, BATCH, LATENT, FEATURES, HIDDEN = 3, 7, 4, 2, (5, 6)


@pytest.fixture
def updates():
    import updates

    return updates


def small(updates, **changes):
    model = replace(updates.GAUSSIANS.model, latent=LATENT, hidden=HIDDEN)
    settings = {"model": model, "trials": TRIALS, "batch_size": BATCH} | changes
    return updates.Updates(updates.GAUSSIANS.model_copy(update=settings))


def layers(inputs, outputs):
    """Operations of each layer's product in one forward pass."""
    widths = (inputs, *HIDDEN, outputs)
    return [2 * TRIALS * BATCH * one * other for one, other in pairwise(widths)]


@pytest.mark.slow
def test_an_update_has_no_product_that_the_algorithm_does_not_need(updates):
    """Backward, a layer's product comes twice: for its weights, and for its input if that counts.

    No pass needs the slope at the data or at the noise but that of the penalty; θ needs that at
    its samples. The penalty is the slope at the data once more, without weights, and its own
    derivative: by the weights, and by all but the constant 1 above.
    """
    g, e, d = (
        layers(LATENT, FEATURES),
        layers(FEATURES, 2 * LATENT),
        layers(FEATURES, 1),
    )
    of_generator = (2 + 2 + 2) * sum(g) - g[0]
    of_encoder = (1 + 1 + 1) * sum(e) - e[0]
    of_discriminator = (2 + 2 + 2) * sum(d) - d[0]
    of_penalty = sum(d) + 2 * sum(d) - d[-1]
    assert small(updates).operations() == of_generator + of_encoder + of_discriminator + of_penalty


@pytest.mark.slow
def test_the_penalty_counts_by_its_share_of_the_updates(updates):
    regularizer = updates.GAUSSIANS.regularizer
    counts = {
        every: small(updates, regularizer=replace(regularizer, every=every)).operations()
        for every in (1, 2, 4)
    }
    penalty = 2 * (counts[1] - counts[2])
    assert penalty > 0
    assert counts[4] == counts[1] - 3 * penalty / 4


def test_both_precisions_run_in_one_process(updates):
    import torch

    settings = updates.MNIST.model_copy(update={"batch_size": 2})
    types = []
    for precision in ("no", "bf16", "no"):
        step = updates.Updates(settings, precision=precision)
        step.state.model.generator.register_forward_hook(
            lambda _module, _inputs, output: types.append(output.dtype)
        )
        step()
    assert types == [torch.float32] * 2 + [torch.bfloat16] * 2 + [torch.float32] * 2
