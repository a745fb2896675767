"""What was wrong with a command line, in one line that names the remedy."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from itertools import dropwhile, takewhile

from pydantic import ValidationError

from ..recipe import explain

RATES = "--optimization.generator, --optimization.encoder and --optimization.discriminator"
UPDATES = "--steps, the number of updates, not of passes over the data"
NO_WORKERS = "leave it out: images are decoded once, and then mapped from a file"
NO_DEVICE = "leave it out: an accelerator is taken if there is one; CUDA_VISIBLE_DEVICES chooses it"

ELSEWHERE: Mapping[str, str] = {
    "lr": RATES,
    "learning-rate": RATES,
    "epochs": UPDATES,
    "num-epochs": UPDATES,
    "iterations": "--steps",
    "batch": "--batch-size",
    "bs": "--batch-size",
    "output": "--out",
    "output-dir": "--out",
    "outdir": "--out",
    "dataset": "--data",
    "data-dir": "--data",
    "resolution": "--images.size",
    "image-size": "--images.size",
    "size": "--images.size",
    "grayscale": "--images.channels 1",
    "latent-dim": "--model.latent",
    "fp16": "--precision bf16",
    "amp": "--precision bf16",
    "workers": NO_WORKERS,
    "num-workers": NO_WORKERS,
    "device": NO_DEVICE,
    "gpu": NO_DEVICE,
    "gpus": NO_DEVICE,
    "cuda": NO_DEVICE,
    "cpu": NO_DEVICE,
}
"""What options of other tools are called here."""


def unknown(option: str, options: Collection[str]) -> str:
    """That there is no such option, and which of the command's ``options`` may be meant."""
    key = option.split("=")[0].lstrip("-").replace("_", "-").lower()
    here = ELSEWHERE.get(key, "")
    near = get_close_matches(key, options, n=1)
    if {*re.findall(r"--([\w.-]+)", here)} & {*options}:
        hint = f"here it is {here}"
    elif near and not here:
        hint = f"did you mean --{near[0]}?"
    else:
        hint = here if here in (NO_DEVICE, NO_WORKERS) else "see --help"
    return f"unknown option {option}: {hint}"


def reason(leave: SystemExit, printed: str) -> str:
    """Why tyro gave up, in one line: the error of the configuration, or the text of tyro's box."""
    error = leave.__context__
    while error is not None:
        if isinstance(error, ValidationError):
            return explain(error)
        if isinstance(getattr(error, "arg", None), str):  # a setting that is out of its range
            return str(getattr(error, "message", error))
        error = error.__context__
    return _plain(printed)


def _plain(box: str) -> str:
    """The text of a box of tyro, between its title and the next rule, as one line."""
    lines = [line.strip("│| ") for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()]
    below = dropwhile(_is_rule, lines[1:])
    text = " ".join(takewhile(lambda line: not _is_rule(line), below))
    return re.sub(r"invalid literal for int\(\).*: (.+)", r"\1 is not a whole number", text)


def _is_rule(line: str) -> bool:
    return not line.strip("─-")
