"""A training that is killed at any call that changes a folder goes on to the same run."""

import json
import subprocess
import sys

import pytest

from tests.killing import COUNTED

SCRIPT = (
    COUNTED
    + """
import json, sys

import numpy as np

from alpha_bridge.runs import trials
from alpha_bridge.commands import train
from alpha_bridge.runs.loading import units_of
from alpha_bridge.recipe import read_config
from alpha_bridge.files import sha256
from alpha_bridge.runs.folder import Run

root, first, stride = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
np.save(root / "x.npy", 1000 + np.random.default_rng(0).normal(size=(64, 2)))
config = read_config({
    "data": str(root / "x.npy"), "steps": 4, "batch_size": 8, "trials": 2, "record_every": 1,
    "model": {"latent": 2, "hidden": [4]}, "checkpoint_every": 1,
    "path": {"ml": 0.5, "transfer": 0.25, "adversarial": 0.25},
    "evaluation": {"samples": 20, "shown": 4, "every": 2},
})
trials.write_report = lambda run: run.report_path

def in_a_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(json.dumps(repr(error)), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def start(folder, kill=None):
    global left
    left = kill
    train(config, folder, resume=(folder / "config.json").exists())

def left_behind(folder):
    found = {}
    for run in map(Run, [folder, folder / "trial-0", folder / "trial-1"]):
        name = str(run.folder.relative_to(folder))
        found[name] = [run.config | {"run": None}, run.checkpoint_steps]
        found[name] += [[record["step"] for record in run.records], sorted(run.samples)]
        found[name] += [float(units_of(run, read_config(run.config_path)).mean[0])]
        for step in run.checkpoint_steps:
            for file in sorted(run.checkpoint_folder(step).glob("*.safetensors")):
                found[name].append([step, file.name, sha256(file)])
    leftovers = (".partial", ".replaced")
    found["leftovers"] = [path.name for path in folder.rglob("*") if path.suffix in leftovers]
    return found

assert in_a_child(lambda: start(root / "whole")) == 0
expected = left_behind(root / "whole")
assert not expected["leftovers"] and 900 < expected["."][4] < 1100
kill = first
while True:
    folder = root / str(kill)
    ended = in_a_child(lambda: start(folder, kill))
    if ended == 0:
        break
    assert ended == -signal.SIGKILL, ended
    again = in_a_child(lambda: start(folder))
    print(json.dumps([kill, again == 0 and left_behind(folder) == expected]), flush=True)
    shutil.rmtree(folder)
    kill += stride
"""
)


def kills(root, first, stride):
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, root, str(first), str(stride)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(map(json.loads, ended.stdout.splitlines()))


@pytest.mark.slow
def test_a_kill_at_a_change_of_the_folder_changes_nothing_in_the_end(tmp_path):
    told = kills(tmp_path, first=9, stride=23)
    assert len(told) > 8 and all(told.values()), told
