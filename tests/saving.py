"""A training that is saved on its way, for the tests that resume it."""

from alpha_bridge.training import Callback
from alpha_bridge.training.checkpoint import save


class SaveAfter(Callback):
    """Saves the state after one update."""

    def __init__(self, step, folder):
        self.step, self.folder = step, folder

    def after(self, event):
        if event.step == self.step:
            save(event.state, self.folder)
