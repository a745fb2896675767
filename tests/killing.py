"""Kills in scripts that tests run: at any call that changes files."""

COUNTED = """
import os, shutil, signal
from pathlib import Path

left = None  # calls until the kill; None for none

def counted(call):
    def run(*args, **kwargs):
        global left
        if left is not None:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return run

os.fsync = counted(os.fsync)
Path.rename, Path.replace = counted(Path.rename), counted(Path.replace)
Path.unlink, shutil.rmtree = counted(Path.unlink), counted(shutil.rmtree)
Path.mkdir = counted(Path.mkdir)
"""
