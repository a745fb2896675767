"""The files of an experiment on images, whole or as far as it got."""

import numpy as np
import pytest

from experiments.files import keep_samples, kept_samples, partial_of, resumed_samples, write


def test_samples_come_back_as_they_were_kept(tmp_path):
    samples = {"naive": {3: np.ones((2, 2))}, "rkl-gp": {3: np.zeros((2, 2)), 12: np.eye(2)}}
    keep_samples(samples, tmp_path / "kept.npz")
    kept = kept_samples(tmp_path / "kept.npz")
    assert {name: [*of] for name, of in kept.items()} == {"naive": [3], "rkl-gp": [3, 12]}
    assert all(
        np.array_equal(kept[name][step], x) for name in kept for step, x in samples[name].items()
    )


def test_samples_are_resumed_only_beside_a_record_that_is_not_whole(tmp_path):
    path = tmp_path / "found.json"
    assert resumed_samples(path) == {}
    keep_samples({"naive": {3: np.ones((2, 2))}}, path.with_suffix(".npz"))
    assert resumed_samples(path) == {}
    write({"runs": []}, partial_of(path))
    assert [*resumed_samples(path)] == ["naive"]


def test_a_record_that_cannot_be_written_leaves_the_one_before(tmp_path):
    path = tmp_path / "found.json"
    write({"distance": 1.0}, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write({"distance": float("nan")}, path)
    assert path.read_bytes() == before
