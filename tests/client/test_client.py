"""What a client checks before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import Cartesia, LocalProtocolError
from trio_cartesia._protocol.base.addresses import BaseUrl

KEY = "sk_car_canary"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in ("CARTESIA_API_KEY", "CARTESIA_BASE_URL", "CARTESIA_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": KEY, "token": "t"},
        {},
        {"api_key": ""},
        {"api_key": "with space"},
        {"api_key": "with\r\nX-Evil: 1"},
        {"api_key": KEY, "base_url": "api.cartesia.ai"},
        {"api_key": KEY, "base_url": "https://"},
        {"api_key": KEY, "base_url": "ftp://host"},
        {"api_key": KEY, "base_url": "https://host:notaport"},
        {"api_key": KEY, "base_url": "https://host:99999"},
        {"api_key": KEY, "base_url": "https://[::1"},
        {"api_key": KEY, "base_url": "https://user:secret@host"},
        {"api_key": KEY, "base_url": "https://host/?a=b"},
        {"api_key": KEY, "base_url": "https://host/a b"},
        {"api_key": KEY, "base_url": "https://host/\u00e4"},
        {"api_key": KEY, "base_url": "https://host/\x01"},
        {"api_key": KEY, "base_url": "https://host:0"},
        {"api_key": KEY, "base_url": "https://."},
        {"api_key": KEY, "base_url": "https://host/#part"},
        {"api_key": KEY, "base_url": 7},
        {"api_key": KEY, "base_url": "http://api.cartesia.ai"},
        {"api_key": KEY, "websocket_base_url": "ws://10.0.0.1"},
        {"api_key": KEY, "version": "latest"},
        {"api_key": KEY, "version": "20260814"},
        {"api_key": KEY, "headers": {"X-Evil": "1\r\nX-More: 2"}},
        {"api_key": KEY, "headers": {"X Evil": "1"}},
        {"api_key": KEY, "headers": {"X-Token": "canary "}},
        {"api_key": KEY, "headers": {"Content-Length": "5"}},
        {"api_key": KEY, "headers": {"Transfer-Encoding": "chunked"}},
        {"api_key": KEY, "headers": [("X-Mine", "1")]},
        {"api_key": KEY, "version": "2026-W01-1"},
        {"api_key": KEY, "headers": {"Authorization": "Bearer other"}},
        {"api_key": KEY, "headers": {"Sec-WebSocket-Key": "x"}},
    ],
)
def test_what_cannot_be_right_is_refused_at_once(arguments):
    """
    Bad arguments raise at construction; the message names the argument, and shows no key.
    """
    with pytest.raises(LocalProtocolError) as caught:
        Cartesia(**arguments)
    message = str(caught.value)
    blamed = list(arguments)[-1] if arguments else "credential"
    assert blamed.rstrip("s") in message
    assert "canary" not in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("https://api.cartesia.ai", "wss://api.cartesia.ai/tts/websocket"),
        ("https://api.cartesia.ai/", "wss://api.cartesia.ai/tts/websocket"),
        ("wss://host:444/prefix/v1/", "wss://host:444/prefix/v1/tts/websocket"),
        ("http://localhost:8080", "ws://localhost:8080/tts/websocket"),
        ("http://127.0.0.1", "ws://127.0.0.1/tts/websocket"),
        ("ws://[::1]:81/x", "ws://[::1]:81/x/tts/websocket"),
        ("HTTP://LocalHost:80", "ws://localhost/tts/websocket"),
        ("http://api.localhost/x//", "ws://api.localhost/x/tts/websocket"),
        ("https://host/X/XX/", "wss://host/X/XX/tts/websocket"),
    ],
)
def test_a_base_maps_to_its_websocket(base, address):
    """
    http maps to ws and https to wss, path prefixes stay, and usual ports are left out.
    """
    url = BaseUrl.parse(base, "base_url", allow_insecure=False)
    assert str(url.websocket("/tts/websocket")) == address


@given(url=st.text() | st.text().map("https://".__add__) | st.text().map("ws://localhost".__add__))
def test_any_url_is_taken_or_refused(url):
    """
    No string makes anything but a `LocalProtocolError`.
    """
    try:
        address = BaseUrl.parse(url, "base_url", allow_insecure=True).websocket("/x")
    except LocalProtocolError:
        return
    assert address.host
    assert 0 < address.port < 65536
    assert address.resource.isascii()
    assert " " not in address.resource


def test_plain_connections_to_other_hosts_are_a_choice():
    """
    `allow_insecure` accepts what would send a key in the clear.
    """
    Cartesia(KEY, base_url="http://10.0.0.1", allow_insecure=True)


def test_the_environment_is_read_at_construction(monkeypatch):
    """
    Key, base URL and headers come from the environment unless given; a token keeps the key out.
    """
    monkeypatch.setenv("CARTESIA_BASE_URL", "http://localhost:1/x")
    Cartesia()  # this machine needs no credential
    monkeypatch.setenv("CARTESIA_BASE_URL", "nonsense")
    with pytest.raises(LocalProtocolError, match="CARTESIA_BASE_URL"):
        Cartesia()
    monkeypatch.setenv("CARTESIA_API_KEY", KEY)
    Cartesia(base_url="https://host")
    Cartesia(token="t", base_url="https://host")
    monkeypatch.setenv("CARTESIA_CUSTOM_HEADERS", "X-One: 1\n\nX-Two : 2\n")
    Cartesia(base_url="https://host")
    monkeypatch.setenv("CARTESIA_CUSTOM_HEADERS", "no colon")
    with pytest.raises(LocalProtocolError, match="CARTESIA_CUSTOM_HEADERS"):
        Cartesia(base_url="https://host")


def test_a_credential_shows_nowhere():
    """
    Neither the client's repr nor those of its parts show the key.
    """
    client = Cartesia(KEY)
    shown = repr(client) + repr(client.tts) + repr(client.tts._endpoint)
    assert "canary" not in shown


async def test_a_client_is_a_context_manager():
    """
    Entering gives the client itself.
    """
    async with Cartesia(KEY) as client:
        assert isinstance(client, Cartesia)


@pytest.mark.parametrize(
    ("version", "as_object"), [("2026-08-13", True), ("2026-08-14", False), ("2026-08-15", False)]
)
def test_a_voice_is_written_as_the_version_has_it(version, as_object):
    """
    Versions before 2026-08-14 take a voice as an object, and that one is the default.
    """
    assert Cartesia(KEY, version=version).tts._endpoint.voice_as_object is as_object
    assert Cartesia(KEY).version == "2026-08-14"
