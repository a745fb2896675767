"""Requests of foreign pages end before the app, and all others reach it."""

import asyncio

import pytest

from alpha_bridge.studio.same_origin import SameOrigin, is_same


def sent(kind, **headers):
    """What is sent in answer to a request with some headers; "reached" where the app has it."""
    answers = []

    async def app(*_):
        answers.append("reached")

    async def send(message):
        answers.append(message)

    found = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(SameOrigin(app)({"type": kind, "headers": found}, None, send))
    return answers


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "[::1]:7860"},
        {"host": "[::1]:7860", "origin": "http://[::1]:7860"},
        {"host": "My.Lab", "origin": "https://my.lab"},
    ],
)
def test_a_page_of_its_own_and_what_is_no_browser_reach_the_app(kind, headers):
    assert sent(kind, **headers) == ["reached"]


@pytest.mark.parametrize(
    "origin", ["http://evil.com", "http://[::1]:7861", "http://[::1]", "null", "", "http://"]
)
def test_a_page_of_another_address_is_refused(origin):
    start, body = sent("http", host="[::1]:7860", origin=origin)
    assert start["status"] == 403
    assert b"may not use the studio at [::1]:7860: open the studio at its own" in body["body"]
    (message,) = sent("websocket", host="[::1]:7860", origin=origin)
    assert message["type"] == "websocket.close"


def test_the_beginning_of_a_server_has_no_headers():
    assert sent("lifespan") == ["reached"]


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://lab", "lab:80", True),
        ("http://lab", "lab:443", False),
        ("http://lab:8080", "lab", False),
        ("http://lab", "", False),
    ],
)
def test_ports_that_a_browser_leaves_out_are_the_usual_ones(origin, host, same):
    assert is_same(origin, host) is same
