"""Which folders are those of runs, whose files are no data."""

import pytest

from alpha_bridge.files.run_folder import is_no_data


@pytest.mark.parametrize(
    ("names", "its_own"),
    [
        (("config.json", "metrics.jsonl"), True),
        (("config.json", "checkpoints"), True),
        (("config.json", "model.safetensors", "samples.png"), True),
        (("comparison.json", ".lock"), True),
        (("config.json", ".lock"), True),
        ((".lock",), True),
        ((".lock", "cat.png"), False),
        (("config.json", "cat.png"), False),
        (("comparison.json", "cat.png"), False),
        (("metrics.jsonl",), False),
        ((), False),
    ],
)
def test_folders_are_known_by_files_that_no_data_have(tmp_path, names, its_own):
    for name in names:
        (tmp_path / name).touch()
    assert is_no_data(tmp_path) is its_own
