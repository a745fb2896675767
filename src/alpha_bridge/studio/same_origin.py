"""What keeps the pages of other addresses from driving the studio through a reader's browser.

gradio itself refuses them where it listens on the names of this machine that it knows, which
neither ``::1`` nor an address of a network is. An upload needs no permission beforehand in any
case.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["SameOrigin", "is_same"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

USUAL = {"http": ":80", "https": ":443"}
"""Ports that a browser leaves out."""


class SameOrigin:
    """An ASGI app that another one is reached through, but for requests of foreign pages.

    A browser states in ``Origin`` which page a request comes from; what is no browser need not.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = scope.get("headers", ())
        origins, hosts = (
            [value.decode("latin-1") for key, value in headers if key.lower() == name]
            for name in (b"origin", b"host")
        )
        host = hosts[0] if hosts else ""
        foreign = next((origin for origin in origins if not is_same(origin, host)), None)
        if foreign is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send(
                {"type": "websocket.close", "code": 1008, "reason": "a page of another host"}
            )
        else:
            text = (
                f"a page of {foreign} may not use the studio at {host}: open the studio at its own "
                "address; a proxy before it must hand on the header Host\n"
            )
            kind = (b"content-type", b"text/plain; charset=utf-8")
            await send({"type": "http.response.start", "status": 403, "headers": [kind]})
            await send({"type": "http.response.body", "body": text.encode()})


def is_same(origin: str, host: str) -> bool:
    """Whether a page of ``origin`` was served by ``host``, with its port.

    Example:
        >>> is_same("http://[::1]:7860", "[::1]:7860"), is_same("https://evil.com", "[::1]:7860")
        (True, False)
        >>> is_same("https://my.lab", "my.lab:443"), is_same("null", "my.lab")
        (True, False)
    """
    scheme, _, address = origin.lower().partition("://")
    port = USUAL.get(scheme, "")
    return bool(address) and address.removesuffix(port) == host.lower().removesuffix(port)
