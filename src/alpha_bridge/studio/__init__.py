"""The studio: a web page on the runs of a folder, on this machine.

It trains by the command line, in processes of their own, and shows what the library returns: each
view is a function of a run's folder. Importing this loads neither torch nor gradio.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from tyro.conf import Positional

__all__ = ["studio"]

PORT = 7860


def studio(
    folder: Positional[Path] = Path(),
    host: str = "127.0.0.1",
    port: int = PORT,
    console: Console | None = None,
) -> None:
    """Show runs on a web page: train, move along α, encode, edit, see what is missed, compare.

    Nothing outside the folder is read or written that the page names, and nothing is fetched.

    Args:
        folder: A run, or a folder of runs and data.
        host: The address to listen on; by default this machine alone can reach the page.
        port: The port; 0 for one that is free.
        console: Where to say where the page is; nowhere by default.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: The extra studio is not installed, or the address cannot be listened on.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: give a run, or one that holds runs")
    if not 0 <= port < 1 << 16:
        raise ValueError(f"port must lie in 0 to 65535, got {port}: choose another with --port")
    if find_spec("gradio") is None:
        raise ValueError("the studio needs gradio: pip install 'alpha-bridge[studio]'")

    from .server import serve
    from .workspace import Workspace

    serve(Workspace(folder.resolve()), host, port, console or Console(quiet=True))
