"""Whether data are there."""

import pytest

from alpha_bridge.recipe import Config
from alpha_bridge.recipe.availability import located, require_data


def test_data_that_the_hub_has_given_before_need_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="no network to ask the hub"):
        require_data("me/photos")
    (tmp_path / "me___photos").mkdir()
    require_data("me/photos")


def test_a_folder_that_has_the_name_of_built_in_data_is_said(tmp_path, monkeypatch):
    require_data("digits")
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match=r"digits is the built-in .* give \./digits"):
        require_data("digits")


def test_paths_are_kept_in_full_and_other_names_as_they_are(tmp_path, monkeypatch):
    (tmp_path / "me" / "photos").mkdir(parents=True)
    (tmp_path / "blob").touch()
    (tmp_path / "x.npy").symlink_to("blob")
    monkeypatch.chdir(tmp_path)
    config = Config(data="me/photos", prior="x.npy", objective={"kind": "marginal"})
    kept = located(config)
    assert (kept.data, kept.prior) == (str(tmp_path / "me" / "photos"), str(tmp_path / "x.npy"))
    for name in ("digits", "me/paintings"):
        assert located(Config(data=name)).data == name
