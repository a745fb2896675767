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


def biases(outputs):
    """Operations of the weighted sums over samples that are the gradients of biases."""
    return [2 * TRIALS * BATCH * size for size in (*HIDDEN, outputs)]


NETWORKS = layers(LATENT, FEATURES), layers(FEATURES, 2 * LATENT), layers(FEATURES, 1)
"""Of the generator, the encoder and the discriminator."""


@pytest.mark.slow
def test_an_update_has_no_product_that_the_algorithm_does_not_need(updates):
    """Backward, a layer's product comes twice: for its weights, and for its input if that counts.

    θ needs the gradient at its samples, R1 that at the data, and φ that at its latents. The
    derivative of the penalty is by the weights, and by all but the constant 1 above.
    """
    g, e, d = NETWORKS
    of_generator = (2 + 2 + 2) * sum(g) - g[0] + 2 * sum(biases(FEATURES))
    of_encoder = (1 + 1 + 1) * sum(e) - e[0]
    of_discriminator = (2 + 2 + 2) * sum(d) - d[0] + 2 * sum(biases(1))
    of_penalty = d[0] + 2 * sum(d) - d[-1]
    assert small(updates).operations() == of_generator + of_encoder + of_discriminator + of_penalty


@pytest.mark.slow
def test_passes_of_autograd_have_the_same_products(updates):
    """But that the slope of the penalty is a pass of its own, and biases have plain sums."""
    g, e, d = NETWORKS
    watched = small(updates)
    watched.state.model.generator.register_forward_hook(lambda *_: None)
    of_networks = 6 * sum(g) - g[0] + 3 * sum(e) - e[0] + 6 * sum(d) - d[0]
    of_penalty = sum(d) + 2 * sum(d) - d[-1]
    assert watched.operations() == of_networks + of_penalty


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
