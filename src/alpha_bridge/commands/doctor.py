"""Check what training needs of this machine, and name a remedy for what is wrong."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import one_line
from ..files import cache_folder

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PACKAGE = "alpha-bridge"
PYTHON = (3, 11)
OF_DEVELOPERS = ("bench", "dev", "docs")
"""Extras that no command asks for."""
ROOM = 10**9
"""Bytes: checkpoints and decoded images soon take more."""
SHARED = 64 * 2**20
"""Bytes of shared memory, which is what containers have by default."""


@dataclass(frozen=True)
class Check:
    """What was looked at.

    Attributes:
        name: Of what.
        status: It is as it should be, something that training can do without is not, or
            something that it needs.
        what: What was found.
        remedy: What to do about it; empty where all is well.
    """

    name: str
    status: Literal["ok", "note", "wrong"]
    what: str
    remedy: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All checks, in order."""

    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is missing that training needs."""
        return all(check.status != "wrong" for check in self.checks)


def doctor() -> Diagnosis:
    """Check Python, torch, devices, threads, extras, folders and memory: what is wrong, and why.

    Nothing is changed or fetched. The exit code is 1 where something that training needs is not
    as it should be.
    """
    return Diagnosis((*_python(), *_torch(), *_packages(), *_folders(), *_shared_memory()))


def _python() -> Iterator[Check]:
    found, needed = sys.version.split()[0], ".".join(map(str, PYTHON))
    if sys.version_info >= PYTHON:
        yield Check("Python", "ok", found)
    else:
        yield Check("Python", "wrong", found, f"use Python {needed} or newer")


def _torch() -> Iterator[Check]:
    try:
        found = version("torch")
    except PackageNotFoundError:
        yield Check("torch", "wrong", "not installed", "pip install torch")
        return
    try:
        import torch
    except (ImportError, OSError) as error:
        reason = f"{found} cannot be imported ({one_line(error)})"
        yield Check("torch", "wrong", reason, "pip install --force-reinstall torch")
        return
    yield Check("torch", "ok", found)
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is not None:
        count = torch.accelerator.device_count()
        yield Check("device", "ok", f"{accelerator.type}, {count} of them")
    elif Path("/proc/driver/nvidia").exists():
        what = f"there is an NVIDIA driver, and torch {found} uses no device of it"
        yield Check("device", "note", what, "install a build of torch for this driver's CUDA")
    else:
        yield Check("device", "ok", "the processor; no accelerator was found")
    cores, threads = _cores(), torch.get_num_threads()
    what = f"{threads} on {cores} cores"
    if threads > cores:
        yield Check("threads", "note", what, f"set OMP_NUM_THREADS={cores}")
    else:
        yield Check("threads", "ok", what)


def _cores() -> int:
    """Processors that this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _packages() -> Iterator[Check]:
    """Whether the packages that are needed are there, and those of each extra."""
    try:
        extras = metadata(PACKAGE).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        what = f"{PACKAGE} runs without being installed, so that its needs are not known"
        yield Check("packages", "note", what, "pip install . in its folder")
        return
    needed = [*_required("")]
    if unmet := [*_unmet(needed)]:
        remedy = "pip install " + " ".join(f"'{one.name}{one.specifier}'" for one in unmet)
        yield Check("packages", "wrong", _list(unmet), remedy)
    else:
        yield Check("packages", "ok", f"all {len(needed)}")
    for extra in sorted({*extras} - {*OF_DEVELOPERS}):
        if unmet := [*_unmet(_required(extra))]:
            yield Check(f"extra {extra}", "note", _list(unmet), f"pip install '{PACKAGE}[{extra}]'")
        else:
            yield Check(f"extra {extra}", "ok", "installed")


def _required(extra: str) -> Iterator[Requirement]:
    """What the package asks for by itself, or what an extra of it adds."""
    from packaging.requirements import Requirement

    for line in requires(PACKAGE) or []:
        requirement = Requirement(line)
        of_extra = "extra" in str(requirement.marker)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if not wanted or of_extra != bool(extra):
            continue
        if requirement.name == PACKAGE:  # an extra that takes in another one
            for other in requirement.extras:
                yield from _required(other)
        else:
            yield requirement


def _unmet(requirements: Iterator[Requirement] | list[Requirement]) -> Iterator[Requirement]:
    for requirement in requirements:
        try:
            if not requirement.specifier.contains(version(requirement.name), prereleases=True):
                yield requirement
        except PackageNotFoundError:
            yield requirement


def _list(unmet: list[Requirement]) -> str:
    return "not installed, or too old: " + ", ".join(f"{one.name}{one.specifier}" for one in unmet)


def _folders() -> Iterator[Check]:
    cache = cache_folder()
    elsewhere = "set ALPHA_BRIDGE_CACHE to a folder that can be written"
    yield _folder("cache", cache, elsewhere)
    yield _folder("this folder", Path.cwd(), "begin runs where you can write: --out FOLDER")


def _folder(name: str, folder: Path, remedy: str) -> Check:
    """Whether a folder, or that in which it will be made, can be written and has room."""
    place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        return Check(name, "wrong", f"{folder} cannot be written ({one_line(error)})", remedy)
    what = f"{folder} can be written, {free / 1e9:,.1f} GB are free"
    if free < ROOM:
        return Check(name, "note", what, f"make room: a run soon takes {ROOM / 1e9:.0f} GB")
    return Check(name, "ok", what)


def _shared_memory() -> Iterator[Check]:
    """Whether several processes of one training could share memory; one needs none."""
    place = Path("/dev/shm")
    if not place.is_dir():  # another system, which has none to run out of
        return
    remedy = "for several processes, start the container with --shm-size 1g"
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        what = f"{place} cannot be written ({one_line(error)})"
        yield Check("shared memory", "note", what, remedy)
        return
    enough = free >= SHARED
    what = f"{free / 1e6:,.0f} MB are free"
    yield Check("shared memory", "ok" if enough else "note", what, "" if enough else remedy)
