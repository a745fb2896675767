"""Checkpoints for tests: of a training on its way, and what one is at a glance."""

import json
import shutil

from safetensors.numpy import save_file

from alpha_bridge.training import Callback
from alpha_bridge.training.checkpoint import save


class SaveAfter(Callback):
    """Saves the state after one update."""

    def __init__(self, step, folder):
        self.step, self.folder = step, folder

    def after(self, event):
        if event.step == self.step:
            save(event.state, self.folder)


def at_a_glance(run, step):
    """Write what a checkpoint of a run is at a glance, without networks."""
    folder = run.checkpoint_folder(step)
    folder.mkdir(parents=True)
    save_file({}, folder / "model.safetensors")
    for name in ("average", "memory"):
        shutil.copyfile(folder / "model.safetensors", folder / f"{name}.safetensors")
    (folder / "state.json").write_text(json.dumps({"step": step}))
    names = ("model.safetensors", "average.safetensors", "memory.safetensors", "state.json")
    (folder / "manifest.json").write_text(json.dumps(dict.fromkeys(names, "")))
