"""Images that come with a library."""

from alpha_bridge.data import digits


def test_digits_hold_out_a_fifth_of_every_class():
    source = digits()
    assert (source.size, source.event_shape, source.classes) == (1438, (1, 8, 8), 10)
    assert len(source.held_out(10_000)) == 359
    assert source.training(2000).max() == 255
    assert len(source.held_out_labels(359).unique()) == 10
