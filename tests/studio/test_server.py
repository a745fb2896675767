"""The command refuses what it cannot serve."""

import socket
from importlib import import_module

import pytest
import uvicorn
from rich.console import Console
from starlette.testclient import TestClient

from alpha_bridge.cli import main
from alpha_bridge.studio.server import _listening, serve

studio = import_module("alpha_bridge.studio")

OF_GRADIO = ("GRADIO_ANALYTICS_ENABLED", "GRADIO_ANALYTICS_CACHE_FREQUENCY", "GRADIO_TEMP_DIR")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", *(pytest.param(host, marks=pytest.mark.slow) for host in ("0.0.0.0", "::1"))],
)
def test_no_page_of_another_address_uploads_to_the_studio(empty, host, monkeypatch, in_a_loop):
    own = f"http://[{host}]:7860" if ":" in host else f"http://{host}:7860"
    codes = {}

    def ask(server, **_):
        client = TestClient(server.config.app, base_url=own)
        for origin in (None, own, "http://evil.com", "null"):
            headers = {} if origin is None else {"Origin": origin}
            file = {"files": ("a.csv", b"a,b")}
            answer = client.post("/gradio_api/upload", files=file, headers=headers)
            codes[origin] = answer.status_code

    for name in OF_GRADIO:  # which the server sets, and nobody else is to keep
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(uvicorn.Server, "run", ask)
    try:
        in_a_loop(serve, empty, host, 0, Console(quiet=True))
    except ValueError as refusal:  # a machine may have no IPv6
        pytest.skip(str(refusal))
    assert codes == {None: 200, own: 200, "http://evil.com": 403, "null": 403}


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
