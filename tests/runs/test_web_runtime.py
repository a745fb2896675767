"""What runs networks in a browser is fetched by npm once, and only as it is known."""

import io
import shutil
import subprocess
import tarfile
from base64 import b64encode
from hashlib import sha512
from pathlib import Path
from types import SimpleNamespace

import pytest

from alpha_bridge.runs import web_runtime as of


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def npm(monkeypatch):
    """An npm that packs two files, and the calls of it; its package is the one that is known."""
    packed, calls = io.BytesIO(), []
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in of.FILES:
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))

    def run(command, **_):
        calls.append(command)
        Path(command[-1], "onnxruntime-web.tgz").write_bytes(packed.getvalue())
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(shutil, "which", lambda _: "npm")
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(of, "SUM", b64encode(sha512(packed.getvalue()).digest()).decode())
    return calls


def test_it_is_fetched_once(npm):
    for _ in range(2):
        assert of.web_runtime() == tuple(name.encode() for name in of.FILES)
    assert len(npm) == 1
    assert f"onnxruntime-web@{of.VERSION}" in npm[0]


@pytest.mark.usefixtures("npm")
def test_another_package_is_refused(monkeypatch):
    monkeypatch.setattr(of, "SUM", "another")
    with pytest.raises(ValueError, match="npm gives another onnxruntime-web"):
        of.web_runtime()
    assert not of._kept().exists()


@pytest.mark.usefixtures("npm")
def test_an_npm_that_fails_is_quoted(monkeypatch):
    failed = SimpleNamespace(returncode=1, stderr="npm error code ENOTFOUND\nnpm error more\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ValueError, match=r"\(npm error code ENOTFOUND npm error more\): try again"):
        of.web_runtime()


def test_without_npm_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ValueError, match=r"there is no npm: install Node\.js, or leave out --page"):
        of.require_web_runtime()
