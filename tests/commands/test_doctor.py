"""What is missing is named with its remedy, and what training needs decides the exit code."""

import os
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from alpha_bridge.cli import main
from alpha_bridge.commands.doctor import doctor

MODULE = sys.modules[doctor.__module__]
"""The module, whose name in the package is that of its function."""


@pytest.fixture
def without(monkeypatch):
    """Let a package be missing."""

    def hide(missing):
        found = MODULE.version

        def version(name):
            if name == missing:
                raise PackageNotFoundError(name)
            return found(name)

        monkeypatch.setattr(MODULE, "version", version)

    return hide


def check(name):
    (found,) = (check for check in doctor().checks if check.name == name)
    return found


@pytest.mark.parametrize(
    ("package", "name", "status", "remedy"),
    [
        ("torch", "torch", "wrong", "pip install torch"),
        ("safetensors", "packages", "wrong", "pip install 'safetensors>=0.5'"),
        ("diffusers", "extra vae", "note", "pip install 'alpha-bridge[vae]'"),
        ("dask", "extra cluster", "note", "pip install 'alpha-bridge[cluster]'"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_remedy(without, package, name, status, remedy):
    without(package)
    found = check(name)
    assert (found.status, found.remedy) == (status, remedy)


def test_what_training_needs_and_is_not_there_makes_the_exit_code_1(without, capsys):
    without("safetensors")
    assert main(["doctor"]) == 1
    assert "wrong  packages: not installed, or too old: safetensors" in capsys.readouterr().out


def test_a_cache_that_cannot_be_made_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "file" / "cache"))
    found = check("cache")
    assert found.status == "wrong"
    assert "ALPHA_BRIDGE_CACHE" in found.remedy


def test_nothing_is_left_in_the_folders_that_were_tried(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert check("cache").status == check("this folder").status == "ok"
    assert [*tmp_path.iterdir()] == []


def test_more_threads_than_cores_are_noted(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {}, raising=False)
    found = check("threads")
    assert found.status == "note"
    assert found.remedy.startswith("set OMP_NUM_THREADS=")
