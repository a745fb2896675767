#!/usr/bin/env bash
# safetensors.torch.load cannot read what safetensors.torch.save gave of torch.float8_e8m0fnu, the
# scales of microscaled (MX) weights: it ends in KeyError 'F8_E8M0'. load_file reads the same bytes
# from a file, and all other narrow floats come back both ways. The two have tables of kinds of
# their own. Matters to whoever keeps checkpoints of quantised networks in memory or sends them over
# a network, as bytes, and tries their code on files.
# Seen in safetensors 0.8.0 with torch 2.13.0. Exits with 1 if the behaviour has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0
"$place/venv/bin/pip" install -q safetensors==0.8.0 numpy==2.4.6
cd "$place"
"$place/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load, load_file, save

print("safetensors", safetensors.__version__, "torch", torch.__version__.split("+")[0])


def read(how, source, value):
    try:
        (found,) = how(source).values()
    except KeyError as error:
        return f"KeyError {error}"
    same = found.dtype == value.dtype and torch.equal(found.view(torch.uint8), value.view(torch.uint8))
    return "the same" if same else "another"


answers = {}
for name in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"):
    value = torch.tensor([0.5, 1.0]).to(getattr(torch, name))
    content = save({"of": value})
    Path("of.safetensors").write_bytes(content)
    answers[name] = read(load, content, value), read(load_file, "of.safetensors", value)
    print(f"{name:16} load: {answers[name][0]:22} load_file: {answers[name][1]}")

scales = answers.pop("float8_e8m0fnu")
assert scales == ("KeyError 'F8_E8M0'", "the same"), "it is read from bytes now"
assert all(both == ("the same", "the same") for both in answers.values())
PYTHON
