"""What a client checks before anything is sent."""

from __future__ import annotations

import inspect
import pydoc
import re
import ssl

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS
from trio_cartesia import Cartesia, LocalProtocolError
from trio_cartesia._protocol.base.addresses import BaseUrl
from trio_cartesia.testing import connected_pair

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
        {"api_key": 7},
        {"token": 7},
        {"api_key": KEY, "websocket_base_url": b"wss://host"},
        {"api_key": KEY, "version": 20260814},
        {"api_key": KEY, "headers": {"X-Mine": 1}},
        {"api_key": KEY, "base_url": "http://10.0.0.1", "allow_insecure": "no"},
        {"api_key": KEY, "allow_insecure": 1},
        {"api_key": KEY, "ssl_context": "x"},
        {"api_key": KEY, "ssl_context": ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)},
        {"api_key": KEY, "open_stream": 7},
        {"api_key": KEY, "stall_seconds": 0},
        {"api_key": KEY, "stall_seconds": "inherit"},
    ],
)
def test_bad_arguments_are_refused_at_construction(arguments):
    """Bad arguments raise at construction; the message names the argument and shows no key."""
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
    """http maps to ws and https to wss, path prefixes stay, and usual ports are left out."""
    url = BaseUrl.parse(base, "base_url", allow_insecure=False)
    assert str(url.websocket("/tts/websocket")) == address


@given(url=st.text() | st.text().map("https://".__add__) | st.text().map("ws://localhost".__add__))
def test_any_url_is_taken_or_refused(url):
    """No string makes anything but a `LocalProtocolError`."""
    try:
        address = BaseUrl.parse(url, "base_url", allow_insecure=True).websocket("/x")
    except LocalProtocolError:
        return
    assert address.host
    assert 0 < address.port < 65536
    assert address.resource.isascii()
    assert " " not in address.resource


def test_plain_connections_to_other_hosts_are_a_choice():
    """`allow_insecure` accepts what would send a key in the clear."""
    Cartesia(KEY, base_url="http://10.0.0.1", allow_insecure=True)


def test_the_environment_is_read_at_construction(monkeypatch):
    """Key, base URL and headers come from the environment unless given; a token
    keeps the key out.
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
    """Neither the client's repr nor those of its parts show the key."""
    client = Cartesia(KEY)
    shown = repr(client) + repr(client.tts) + repr(client.tts._endpoint)
    assert "canary" not in shown


def test_help_shows_what_is_for_users(monkeypatch):
    """Neither the signature nor ``help`` names anything that is not for users."""
    # a cache of copyreg, which is there once anything has tried to pickle a client
    monkeypatch.delattr(Cartesia, "__slotnames__", raising=False)
    shown = pydoc.plain(pydoc.render_doc(Cartesia))
    for name in inspect.signature(Cartesia).parameters:
        assert f"        {name}: " in shown
    assert not re.search(r"attrs|endpoint|transport|_is_entered| at 0x", shown)
    assert repr(Cartesia(KEY)) == "Cartesia(version='2026-08-14')"


async def test_a_client_is_a_context_manager():
    """Entering gives the client itself."""
    async with Cartesia(KEY) as client:
        assert isinstance(client, Cartesia)


async def test_a_client_is_entered_once_at_a_time():
    """Entering a client that is entered is refused in words; entering it again later is not."""
    async with Cartesia(KEY) as client:
        with pytest.raises(LocalProtocolError, match="make another Cartesia"):
            async with client:
                pass
    async with client:
        pass


async def no_stream(_host, _port):
    await trio.lowlevel.checkpoint()
    return 7


@pytest.mark.parametrize(
    ("open_stream", "says"),
    [
        (no_stream, "open_stream must return a trio.abc.Stream, not int"),
        (lambda _host, _port: 7, "open_stream must be an async function"),
    ],
)
async def test_open_stream_must_return_a_stream(open_stream, says):
    """If `open_stream` returns something other than a stream, the error says so."""
    client = Cartesia(KEY, base_url="http://localhost", open_stream=open_stream)
    with pytest.raises(LocalProtocolError, match=says):
        async with client.tts.websocket_connect():
            pass


@pytest.mark.parametrize("inbox_bytes", [0, -1, "64", 1.5, True, None])
def test_a_budget_is_checked_where_it_is_given(inbox_bytes):
    """A budget that is no positive whole number is refused before the block is entered."""
    with pytest.raises(LocalProtocolError, match="inbox_bytes"):
        Cartesia(KEY).tts.websocket_connect(inbox_bytes=inbox_bytes)


OPTIONS = {
    "context_id": ["x"],
    "inbox_bytes": "many",
    "overflow": 10**5000,
    "model_id": 7,
    "voice": 7,
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 10**5000},
    "language": {},
    "generation_config": {"speed": 10**5000},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("is_fed", [False, True])
async def test_every_argument_of_a_context_is_checked(name, is_fed, autojump_clock):
    """An argument of `context` or `speak` that cannot be right is named, and nothing is sent."""
    settings = {**SETTINGS, name: OPTIONS[name]}
    named = {"output_format": "sample_rate", "generation_config": "speed"}.get(name, name)
    async with connected_pair() as (connection, _):
        made = connection.speak("x", **settings) if is_fed else connection.context(**settings)
        with pytest.raises(LocalProtocolError, match=named):
            async with made:
                pass
        assert connection.statistics().requests_sent == 0


@pytest.mark.parametrize("pieces", [7, None, b"Hello."])
async def test_pieces_that_are_no_text_are_refused(pieces, autojump_clock):
    """`speak` and `feed` name what they take, and nothing is sent."""
    async with connected_pair() as (connection, _):
        with pytest.raises(LocalProtocolError, match="must be a str, or an iterable"):
            async with connection.speak(pieces, **SETTINGS):
                pass
        async with connection.context(**SETTINGS) as context:
            with pytest.raises(LocalProtocolError, match="must be a str, or an iterable"):
                await context.feed(pieces)
            for transcript in (7, None, b"x", ""):
                with pytest.raises(LocalProtocolError, match="transcript must"):
                    await context.push(transcript)
            with pytest.raises(LocalProtocolError, match="generation_config must"):
                await context.push("x", generation_config=7)
        assert connection.statistics().requests_sent == 0


@pytest.mark.parametrize(
    ("version", "as_object"), [("2026-08-13", True), ("2026-08-14", False), ("2026-08-15", False)]
)
def test_a_voice_is_written_as_the_version_has_it(version, as_object):
    """Versions before 2026-08-14 take a voice as an object, and that one is the default."""
    assert Cartesia(KEY, version=version).tts._endpoint.voice_as_object is as_object
    assert Cartesia(KEY).version == "2026-08-14"
