"""What runs ONNX files in a browser, onnxruntime-web: fetched by npm once, for who asks for a page.

Of its builds it is the smallest: WebAssembly alone, here on one thread, which needs no headers of
a server.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from base64 import b64encode
from hashlib import sha512
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ..files import cache_folder

VERSION = "1.30.0"
SUM = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""SHA-512 of the package, as npm writes it."""
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


class WebRuntime(NamedTuple):
    """Its module of JavaScript, and the WebAssembly that this starts."""

    module: bytes
    wasm: bytes


def require_web_runtime() -> None:
    """Raise a :class:`ValueError` if it is neither in the cache nor can be fetched."""
    if not _kept().exists() and shutil.which("npm") is None:
        raise ValueError(
            f"a page runs onnxruntime-web {VERSION}, which npm fetches, and there is no npm: "
            "install Node.js, or leave out --page"
        )


def web_runtime() -> WebRuntime:
    """The two files, from the cache or fetched into it.

    Raises:
        ValueError: There is no npm, it fails, or the package is not the one that is known.
    """
    from ..data.cache import cached

    require_web_runtime()
    folder = cached(_kept(), _fetch)
    return WebRuntime(*((folder / name).read_bytes() for name in FILES))


def _kept() -> Path:
    return cache_folder() / "onnxruntime-web" / VERSION


def _fetch(folder: Path) -> None:
    package = f"onnxruntime-web@{VERSION}"
    with TemporaryDirectory() as place:
        pack = [shutil.which("npm") or "npm", "pack", "--ignore-scripts", package]
        command = [*pack, "--pack-destination", place]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        archives = [*Path(place).glob("*.tgz")]
        if done.returncode or len(archives) != 1:
            why = " ".join(done.stderr.split())[:200]
            raise ValueError(f"npm cannot fetch {package} ({why}): try again, or leave out --page")
        content = archives[0].read_bytes()
        if b64encode(sha512(content).digest()).decode() != SUM:
            raise ValueError(
                f"npm gives another {package} than the one that is known: ask its registry"
            )
        with tarfile.open(archives[0]) as packed:
            for name in FILES:
                member = packed.extractfile(f"package/dist/{name}")
                assert member is not None
                (folder / name).write_bytes(member.read())
