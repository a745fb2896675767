"""Second moments of the twins from pairs of gradients: what pooled ones are held to."""

from alpha_bridge.control import Moments


def paired_moments(forward, reverse):
    r"""Moments of pairs of gradients, of single samples or of batches, ``(count, parameters)``.

    Unbiased, whatever the two of a pair share. Gradients of batches give the same γ, since the
    variances of both twins fall alike with the size of the batch. But the twin that rare samples
    dominate looks better than it is until one of them arrives.
    """
    return Moments(forward.square().mean(0), reverse.square().mean(0), (forward * reverse).mean(0))
