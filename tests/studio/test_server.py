"""The command refuses what it cannot serve."""

import socket
from importlib import import_module

import pytest

from alpha_bridge.cli import main
from alpha_bridge.studio.server import _listening

studio = import_module("alpha_bridge.studio")


def test_a_port_that_is_taken_is_refused():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ValueError, match="give another with --host or --port"),
    ):
        _listening("127.0.0.1", taken.getsockname()[1])


def test_without_gradio_the_extra_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(studio, "find_spec", lambda _: None)
    assert main(["studio", str(tmp_path)]) == 2
    assert "pip install 'alpha-bridge[studio]'" in capsys.readouterr().err
