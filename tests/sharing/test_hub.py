"""The hub, seen from here: what would be uploaded, what is fetched, and how it says no."""

import errno
import os
from pathlib import Path
from tempfile import gettempdir
from types import SimpleNamespace

import httpx2
import pytest
from huggingface_hub import errors

from alpha_bridge.errors import NotWritten
from alpha_bridge.sharing import Card, hub, load, pretrained, push, save


def failure(kind, status):
    request = httpx2.Request("GET", "https://hub.invalid/api")
    return kind("not today", response=httpx2.Response(status, request=request))


@pytest.fixture
def api(monkeypatch):
    """A hub that keeps what it is given."""
    seen = {}

    class Api:
        def __init__(self, token=None):
            seen["token"] = token

        def create_repo(self, repo_id, private, exist_ok):
            if "error" in seen:
                raise seen["error"]
            seen.update(repo_id=repo_id, private=private, exist_ok=exist_ok)
            return SimpleNamespace(repo_id=repo_id)

        def upload_folder(self, repo_id, repo_type, folder_path, commit_message, **_):
            files = {path.name: path.read_bytes() for path in Path(folder_path).iterdir()}
            seen.update(repo_type=repo_type, files=files, message=commit_message)
            return f"https://hub.invalid/{repo_id}/commit/1"

    monkeypatch.setattr(pretrained, "HfApi", Api)
    return seen


def test_what_is_pushed_is_what_is_saved(api, bridge, tmp_path):
    address = push(bridge, "someone/small", card=Card(data="points"), private=True)
    save(bridge, tmp_path / "shared", card=Card(data="points"))
    saved = {path.name: path.read_bytes() for path in (tmp_path / "shared").iterdir()}
    assert address == "https://hub.invalid/someone/small/commit/1"
    assert api["repo_id"] == "someone/small"
    assert api["private"] is True
    assert api["files"].keys() == saved.keys()
    for name in ("config.json", "model.safetensors"):
        assert api["files"][name] == saved[name]


def test_the_page_that_is_pushed_says_where_to_load_from(api, bridge):
    push(bridge, "someone/small")
    assert 'sharing.load("someone/small")' in api["files"]["README.md"].decode()


def test_a_full_disk_is_named_and_nothing_is_uploaded(api, bridge, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NotWritten, match=rf"cannot write {gettempdir()}/\S+ \(No space left"):
        push(bridge, "someone/small")
    assert not api


@pytest.mark.parametrize("name", ["a/b/c", "no such", "someone/", "a..b", ""])
def test_a_malformed_id_is_the_users_mistake(api, bridge, name):
    with pytest.raises(ValueError, match="is not the id of a model on the hub: give owner/name"):
        push(bridge, name)
    assert not api


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (failure(errors.HfHubHTTPError, 401), PermissionError, "hf auth login"),
        (failure(errors.HfHubHTTPError, 403), PermissionError, "hf auth login"),
        (errors.LocalTokenNotFoundError("no token"), PermissionError, "hf auth login"),
        (failure(errors.RepositoryNotFoundError, 404), FileNotFoundError, "the hub has no"),
        (failure(errors.RevisionNotFoundError, 404), ValueError, "no such revision"),
        (failure(errors.HfHubHTTPError, 500), ConnectionError, "the hub failed"),
        (httpx2.ConnectError("refused"), ConnectionError, "cannot be reached"),
        (errors.OfflineModeIsEnabled("offline"), ConnectionError, "cannot be reached"),
    ],
)
def test_what_the_hub_says_becomes_one_line(api, bridge, error, kind, said):
    api["error"] = error
    with pytest.raises(kind, match=said) as caught:
        push(bridge, "someone/small")
    assert type(caught.value) is kind
    assert "someone/small" in str(caught.value)


def test_of_the_hub_only_the_two_files_are_fetched(monkeypatch, bridge, tmp_path, same):
    save(bridge, tmp_path / "cached")
    asked = {}

    def snapshot_download(repo_id, **more):
        asked.update(repo_id=repo_id, **more)
        return str(tmp_path / "cached")

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    same(bridge, load("someone/small", revision="v1").model)
    assert asked["repo_id"] == "someone/small"
    assert asked["revision"] == "v1"
    assert asked["allow_patterns"] == ["config.json", "model.safetensors"]
