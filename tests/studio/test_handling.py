"""Handlers show errors in a line, and what follows a run goes on after one."""

import asyncio
from itertools import count

import gradio as gr
import pytest

from alpha_bridge.studio.handling import Handlers


@pytest.fixture
def handlers():
    return Handlers()


def handled(connect, *arguments, **options):
    """The function that gradio is given."""
    found = []
    connect(lambda handle, **_: found.append(handle), *arguments, **options)
    return found[0]


def refuse():
    raise ValueError("no <run> is chosen")


@pytest.mark.parametrize(
    ("act", "options", "problem"),
    [
        (lambda: "drawn", {}, ""),
        (lambda: "drawn", {"show_progress": "hidden"}, gr.skip()),
        (refuse, {}, "<p role='alert'>no &lt;run&gt; is chosen</p>"),
    ],
)
def test_a_handler_says_what_was_wrong(handlers, act, options, problem):
    values = handled(handlers.on, act, [], [None], **options)()
    assert values == [gr.skip() if act is refuse else "drawn", problem]


def test_pictures_of_another_run_go_where_this_one_has_none(handlers):
    outputs = [gr.HTML("drawn"), gr.Slider()]
    assert handled(handlers.on, refuse, [], outputs, anew=True)()[:2] == ["", gr.skip()]
    assert handled(handlers.on, refuse, [], outputs)()[:2] == [gr.skip()] * 2


def test_what_follows_a_run_goes_on_after_an_error_that_is_shown_once(handlers):
    looks, rests = count(), []

    def look():
        if next(looks) in (1, 2):
            refuse()
        yield ["drawn"]

    async def rest():
        rests.append(None)

    async def seen():
        handle = handled(handlers.follow, look, rest, [], [None])()
        return [await anext(handle) for _ in range(6)]

    drawn, nothing = ["drawn", gr.skip()], [gr.skip(), gr.skip()]
    refused = [gr.skip(), "<p role='alert'>no &lt;run&gt; is chosen</p>"]
    assert asyncio.run(seen()) == [drawn, nothing, refused, nothing, drawn, nothing]
    assert len(rests) == 3
