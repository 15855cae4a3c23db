from __future__ import annotations

import os

import pytest
import trio

from trio_cartesia import Cartesia
from trio_cartesia._cli import client as module
from trio_cartesia._cli.client import open_client
from trio_cartesia._cli.console import UsageError, describe_error

NAMES = ("CARTESIA_API_KEY", "CARTESIA_BASE_URL", "CARTESIA_CUSTOM_HEADERS")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["CARTESIA_API_KEY", "CARTESIA_BASE_URL"])
async def test_the_environment_says_who_speaks(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With a key or an address no local service is started, unless it was asked for."""
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with open_client(local=False):
        assert capfd.readouterr().err == ""
    async with open_client(local=True):
        assert capfd.readouterr().err.startswith("using a local service (")


@pytest.mark.parametrize("headers", ["no header, but secret", "X-Token: secret"])
async def test_the_local_service_gets_no_headers(
    headers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers that are meant for the API are neither read nor sent, and stay where they are."""
    sent: list[bytes] = []

    class Overheard(Cartesia):
        def __init__(self, *args: str, **kwargs: str) -> None:
            super().__init__(*args, **kwargs, open_stream=overhear)

    async def overhear(host: str, port: int) -> trio.SocketStream:
        stream = await trio.open_tcp_stream(host, port)
        send_all = stream.send_all

        async def send(data: bytes) -> None:
            sent.append(bytes(data))
            await send_all(data)

        monkeypatch.setattr(stream, "send_all", send)
        return stream

    monkeypatch.setattr(module, "Cartesia", Overheard)
    monkeypatch.setenv("CARTESIA_CUSTOM_HEADERS", headers)
    async with open_client(local=True) as client, client.tts.websocket_connect():
        assert os.environ["CARTESIA_CUSTOM_HEADERS"] == headers
    assert b"Cartesia-Version" in b"".join(sent)
    assert b"secret" not in b"".join(sent)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CARTESIA_BASE_URL", "http://example.org", "Use https:// or wss://, or --allow-insecure"),
        ("CARTESIA_BASE_URL", "ws://example.org", "Use https:// or wss://, or --allow-insecure"),
        ("CARTESIA_BASE_URL", "example.org", "CARTESIA_BASE_URL must start with one of https://"),
        ("CARTESIA_API_KEY", "se cret", "Check CARTESIA_API_KEY, "),
        ("CARTESIA_CUSTOM_HEADERS", "secret", "each line of CARTESIA_CUSTOM_HEADERS must be"),
    ],
)
async def test_what_the_environment_says_wrong_is_put_right_there(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice is about variables and addresses, not about arguments, and quotes no secret."""
    monkeypatch.setenv("CARTESIA_API_KEY", "key")
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        await open_client(local=False).__aenter__()
    text = describe_error(caught.value)
    assert expected in text
    assert "allow_insecure" not in text  # the argument, while the option has a hyphen
    assert "call" not in text
    assert "secret" not in text


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_another_machine_may_be_used_without_tls(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for, the client of another machine is made although its address is plain."""
    monkeypatch.setenv("CARTESIA_API_KEY", "key")
    monkeypatch.setenv("CARTESIA_BASE_URL", f"{scheme}://speech.example:8080")
    async with open_client(local=False, allow_insecure=True) as client:
        assert isinstance(client, Cartesia)
