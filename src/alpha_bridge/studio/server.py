"""The server of the page, on this machine alone unless it is given another address."""

from __future__ import annotations

import os
import socket
import sys
from importlib import import_module
from tempfile import TemporaryDirectory
from threading import Thread

from rich.console import Console

from .workspace import MOST_BYTES, Workspace

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(workspace: Workspace, host: str, port: int, console: Console) -> None:
    """Serve the page until a signal ends it.

    Args:
        workspace: What it shows.
        host: The address to listen on.
        port: 0 for one that is free.
        console: Where to say where the page is.

    Raises:
        ValueError: The address cannot be listened on.
    """
    with TemporaryDirectory(prefix="alpha-bridge-studio-") as uploads:
        # gradio reads them when it is imported
        os.environ |= {
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(sys.maxsize),  # or it sums up every event
            "GRADIO_TEMP_DIR": uploads,
        }

        import gradio as gr
        import uvicorn
        from fastapi import FastAPI
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        from .same_origin import SameOrigin
        from .web_page import CSS, page, theme

        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.add_middleware(SameOrigin)
        if host in LOOPBACK:  # a page of another name must not reach this one by pointing it here
            app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "[::1]"])
        app = gr.mount_gradio_app(
            app,
            page(workspace),
            path="",
            server_name=host,
            server_port=port,
            footer_links=[],
            show_error=True,
            max_file_size=MOST_BYTES,
            ssr_mode=False,
            enable_monitoring=False,
            run_history=False,  # its page offers to send what was made to the hub
            theme=theme(),
            css=CSS,
        )
        with _listening(host, port) as listener:
            address = listener.getsockname()
            name = f"[{address[0]}]" if ":" in address[0] else address[0]
            console.print(f"the studio is at http://{name}:{address[1]}: end it with Ctrl-C")
            # what draws figures is loaded while the browser loads the page
            Thread(target=import_module, args=("alpha_bridge.runs.page",), daemon=True).start()
            if host not in LOOPBACK:
                console.print("whoever reaches this address can train here and see your data")
            config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
            uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"cannot listen on {host}, port {port} ({error}): give another with --host or --port"
        ) from error
