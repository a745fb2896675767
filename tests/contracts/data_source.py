"""Properties of a data source."""

import torch


def gives_batches_of_the_shape_it_states(source):
    batch = source.units.normalize(source.batch(0, 0, 7))
    assert batch.shape == (7, *source.event_shape) and batch.dtype == torch.float32


def is_a_function_of_seed_and_step(source):
    """So that a run that goes on is the run that was never stopped."""
    first = source.batch(3, 5, 7)
    source.batch(4, 6, 7)
    assert torch.equal(source.batch(3, 5, 7), first)
    assert not torch.equal(source.batch(3, 6, 7), first)
    assert not torch.equal(source.batch(4, 5, 7), first)


def shares_a_batch_among_processes(source):
    whole = source.batch(0, 2, 7)
    parts = [source.batch(0, 2, 7, rank, 3) for rank in range(3)]
    assert torch.equal(torch.cat(parts), whole)


def always_has_the_same_training_and_held_out_samples(source):
    for samples in (source.training, source.held_out):
        assert torch.equal(samples(5), samples(5))
        assert len(samples(5)) <= 5
        assert source.units.normalize(samples(5)).shape[1:] == source.event_shape


def holds_out_what_training_never_sees(source):
    seen, kept = source.training(100).flatten(1), source.held_out(20).flatten(1)
    assert not any((row == seen).all(1).any() for row in kept)


ALWAYS = (
    gives_batches_of_the_shape_it_states,
    is_a_function_of_seed_and_step,
    shares_a_batch_among_processes,
    always_has_the_same_training_and_held_out_samples,
)
"""What any source has."""
