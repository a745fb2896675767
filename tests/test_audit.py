"""What is installed is held to licences; where nobody knows of weaknesses, that is no "none"."""

import json
import runpy
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest

AUDIT = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "audit.py"))


def distribution(**fields):
    metadata = Message()
    for name, value in {"Name": "mine", "Version": "1", **fields}.items():
        metadata[name.replace("_", "-")] = value
    return SimpleNamespace(metadata=metadata)


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"License_Expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}, []),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, []),
        ({"License": "MIT\nand its text"}, []),
        ({"License_Expression": "MIT AND BUSL-1.1"}, ["mine 1 has the licence BUSL-1.1"]),
        ({"License": "Proprietary"}, ["mine 1 has the licence Proprietary"]),
        ({}, ["mine 1 has the licence none"]),
    ],
)
def test_a_licence_that_is_not_allowed_is_named(fields, lines):
    assert [*AUDIT["refused"]([distribution(**fields)])] == lines


def pip_audit(path, dependencies):
    """A program that prints what pip-audit would."""
    path.write_text(f"#!/bin/sh\ncat << 'END'\n{json.dumps({'dependencies': dependencies})}\nEND\n")
    path.chmod(0o755)
    return str(path)


def test_versions_that_an_index_does_not_know_are_not_audited(tmp_path):
    asked = pip_audit(tmp_path / "asked", [{"name": "six", "skip_reason": "not found"}])
    assert AUDIT["audited"](asked, ["six==1.17.0"]) == "the index here has no advisories"
    assert AUDIT["audited"]("/bin/false", ["six==1.17.0"]) == "it says nothing"


def test_a_weakness_is_named_with_its_remedy(tmp_path):
    weak = {"name": "six", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
    found = AUDIT["audited"](pip_audit(tmp_path / "asked", [weak]), ["six==1"])
    assert [*AUDIT["weaknesses"](found)] == ["six 1: PYSEC-1, mended in 2"]
