"""Whether data and a VAE are there."""

import pytest

from alpha_bridge.recipe.availability import VAE_FILES, require_data
from alpha_bridge.vae import LIBRARIES, PIPELINE


def test_a_vae_is_known_by_the_files_of_its_library():
    assert {kind.config_file for kind in LIBRARIES.values()} == set(VAE_FILES)
    assert PIPELINE == "vae"


def test_data_that_the_hub_has_given_before_need_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="no network to ask the hub"):
        require_data("me/photos")
    (tmp_path / "me___photos").mkdir()
    require_data("me/photos")
