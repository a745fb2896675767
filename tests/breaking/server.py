"""Runs command lines, each in a process forked from this one, which has imported what they need.

Reads one JSON request a line and answers each by a line: ``{"words": …}`` starts a process,
``{"pid": …}`` waits for one. It is run as a script, and has no threads when it forks. Its argument
``undrawn`` leaves the figures out of reports.
"""

import importlib
import json
import os
import resource
import runpy
import selectors
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

PARTS = (
    "accelerate",
    "alpha_bridge.inference.editing",
    "alpha_bridge.inference.likelihood",
    "alpha_bridge.runs.model_card",
    "alpha_bridge.runs.recording",
    "experiments",
    "datasets",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "pyarrow.parquet",
    "sklearn.linear_model",
    "torch._dynamo",
    "torchmetrics.image",
)
"""What the commands import when they need it."""

VAES = ("diffusers.models", "pythae.models")
"""What they import of a VAE's library, from the first VAE on."""

CHANGES = ("open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.rmtree")
"""Python's audit events of files and folders."""

pipes: dict[int, tuple[int, ...]] = {}
"""Where to read what each process says and, last, what it did."""


def serve() -> None:
    """Answer the requests until there are no more."""
    load(PARTS)
    if "undrawn" in sys.argv:
        from tests.undrawn import leave_figures_out

        leave_figures_out()
    warm()
    for line in sys.stdin:
        request = json.loads(line)
        reply = start(request) if "words" in request else finish(**request)
        print(json.dumps(reply), flush=True)
    os._exit(0)  # the libraries take seconds to take leave


def load(parts: tuple[str, ...]) -> None:
    """Import those that are installed."""
    for part in parts:
        with suppress(ImportError):
            importlib.import_module(part)


def warm() -> None:
    """Have the kinds of images and the letters of figures ready, which take a while to find."""
    from io import BytesIO

    from matplotlib.figure import Figure
    from PIL import Image

    Image.init()
    figure = Figure(layout="constrained")
    figure.subplots().set_title("α")
    figure.savefig(BytesIO(), format="svg")


def start(request: dict) -> int:
    """Fork a process that does what is asked, and return its id."""
    if request["words"][0] == "write_vae":
        load(VAES)
    reads, writes = zip(os.pipe(), os.pipe(), os.pipe(), strict=True)
    pid = os.fork()
    if pid:
        for end in writes:
            os.close(end)
        pipes[pid] = reads
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        for end, standard in zip(writes, (1, 2), strict=False):
            os.dup2(end, standard)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
        code = act(**request, log=writes[2])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def act(
    words: list[str],
    place: str,
    settings: dict[str, str],
    largest: int | None,
    die_beyond: bool,
    die_at: int | None,
    log: int,
) -> int:
    """Be the process: see :meth:`breaking.children.Children.start`."""
    os.chdir(place)
    os.environ.update(settings)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if die_beyond else signal.SIG_IGN)
    seen = _watching(place, die_at, log)
    try:
        return LIBRARY[words[0]](*words[1:]) if words[0] in LIBRARY else _main(words)
    finally:
        os.write(log, json.dumps(seen).encode())


def _main(words: list[str]) -> int:
    from alpha_bridge.cli import main

    return main(words)


def _from_pretrained(folder: str) -> int:
    """What a Python user does with a shared model, told like a command."""
    import torch

    from alpha_bridge import sharing

    try:
        model, units = sharing.load(folder)
    except (ValueError, OSError) as error:
        print("alpha-bridge:", error, file=sys.stderr)
        return 2
    torch.manual_seed(0)
    drawn = units.denormalize(model.sample(4))
    print(drawn.tolist())
    return 0


def _write_vae(library: str, folder: str) -> int:
    """A small VAE with weights of no meaning, in the format of its library."""
    import torch

    from alpha_bridge.vae import build
    from experiments.bridge_vae import ARCHITECTURES

    torch.manual_seed(0)
    build({"library": library, "config": ARCHITECTURES[library](1, 8)}).save(Path(folder))
    return 0


def _script(path: str, *words: str) -> int:
    """A file of Python, run with these arguments."""
    sys.argv = [path, *words]
    runpy.run_path(path, run_name="__main__")
    return 0


LIBRARY = {"from_pretrained": _from_pretrained, "write_vae": _write_vae, "script": _script}
"""What Python users do, beside the commands."""


def _watching(place: str, die_at: int | None, log: int) -> dict[str, int]:
    """Count what is done to files below ``place`` and how often another machine is called.

    Before the operation ``die_at`` on a file the process dies by SIGKILL, and leaves the file's
    name in ``log``.
    """
    seen = {"operations": 0, "calls": 0}

    def watch(event: str, args: tuple) -> None:
        if event == "socket.connect" and isinstance(args[1], tuple):
            seen["calls"] += 1
        if event not in CHANGES or not isinstance(args[0], str | bytes | os.PathLike):
            return
        if os.path.abspath(os.fsdecode(args[0])).startswith(f"{place}/"):  # noqa: PTH100
            seen["operations"] += 1
            if seen["operations"] == die_at:
                os.write(log, json.dumps({"at": os.fsdecode(args[0])}).encode())
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return seen


def finish(pid: int, timeout: float) -> dict:
    """Wait for a process, which is killed after ``timeout`` seconds: how it ended, what it said."""
    said = dict.fromkeys(pipes.pop(pid), b"")
    end_at = time.monotonic() + timeout
    late = False
    with selectors.DefaultSelector() as selector:
        for end in said:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            if not late and time.monotonic() > end_at:
                late = True
                os.killpg(pid, signal.SIGKILL)
            for key, _ in selector.select(timeout=0.5):
                if part := os.read(key.fd, 65536):
                    said[key.fd] += part
                else:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    out, err, log = (text.decode("latin-1") for text in said.values())
    return {"code": code, "out": out, "err": err, "late": late, **json.loads(log or "{}")}


if __name__ == "__main__":
    serve()
