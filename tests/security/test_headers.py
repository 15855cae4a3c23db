"""No parameter can add a header, or change one: it is sent as it is, or refused before a byte."""

from __future__ import annotations

import h11
import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import SETTINGS, VOICE
from trio_cartesia import Cartesia, CartesiaError, LocalProtocolError
from trio_cartesia.testing import bounded_stream_pair, connected_pair, on_virtual_time

INJECTION = "x\r\nX-Injected: yes"
NASTY = st.sampled_from(
    [
        INJECTION,
        "x\nX-Injected: yes",
        "x\r\n\r\nGET / HTTP/1.1",
        "x\0y",
        "x\x0by",
        "x\x85X-Injected: yes",
        "x\u2028X-Injected: yes",
        "\u010d\u010aX-Injected: yes",  # CR LF, if only the low bytes were kept
        "x ",
        "\tx",
        "x y",
        ":",
        "",
        "\ud800",
        "\xff",
    ]
)
TEXTS = NASTY | st.text(max_size=12) | st.text(st.characters(codec="ascii"), max_size=12)
NAMES = st.sampled_from(["api_key", "token", "version", "header name", "header value", "lines"])
URLS = st.tuples(
    st.sampled_from(["", "http://", "ws://", "http://localhost", "http://localhost/"]), TEXTS
).map("".join)
OURS = {
    "host",
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "cartesia-version",
    "user-agent",
}


async def asked(make):
    """Return the bytes that a client sends to connect; None where making it was refused."""
    near, far = bounded_stream_pair()

    async def open_stream(_host, _port):
        await trio.lowlevel.checkpoint()
        return near

    try:
        client = make(open_stream)
    except LocalProtocolError:
        return None
    data = bytearray()

    async def serve():
        while (more := await far.receive_some()) and b"\r\n\r\n" not in data + more:
            data.extend(more)
        data.extend(more)
        await far.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(CartesiaError):
            async with client.tts.websocket_connect():
                pass
    return bytes(data)


def parsed(data):
    """The one request in *data*, and nothing after it."""
    http = h11.Connection(h11.SERVER)
    http.receive_data(data)
    request = http.next_event()
    assert type(request) is h11.Request
    assert type(http.next_event()) is h11.EndOfMessage
    assert not http.trailing_data[0]
    headers = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
    assert len(dict(headers)) == len(headers)
    assert data.count(b"\n") == len(headers) + 2
    return request.target.decode(), dict(headers)


@given(name=NAMES, text=TEXTS)
@example(name="api_key", text=INJECTION)
@example(name="header value", text=INJECTION)
@on_virtual_time
async def test_headers_are_sent_as_they_are_or_not_at_all(name, text):
    """Whatever is given as key, token, version or header, the request has exactly those headers."""
    arguments, wanted = {"api_key": "k", "base_url": "http://localhost"}, {}
    if name == "api_key":
        arguments["api_key"], wanted = text, {"authorization": f"Bearer {text.strip()}"}
    elif name == "token":
        del arguments["api_key"]
        arguments["token"], wanted = text, {"authorization": f"Bearer {text.strip()}"}
    elif name == "version":
        arguments["version"], wanted = text, {"cartesia-version": text}
    elif name == "header name":
        arguments["headers"], wanted = {text: "v"}, {text.lower(): "v"}
    elif name == "header value":
        arguments["headers"], wanted = {"X-Mine": text}, {"x-mine": text}

    def make(open_stream):
        with pytest.MonkeyPatch.context() as patch:
            if name == "lines" and "\0" not in text and text.isascii():
                patch.setenv("CARTESIA_CUSTOM_HEADERS", f"X-Mine: {text}")
            return Cartesia(open_stream=open_stream, **arguments)

    if (data := await asked(make)) is None:
        return
    _, headers = parsed(data)
    assert wanted.items() <= headers.items()
    if name == "lines":  # each line is one, which is what it is for
        assert headers.keys() <= OURS | {"authorization", "x-mine", "x-injected"}
    else:
        assert headers.keys() == OURS | {"authorization"} | wanted.keys()


@given(name=st.sampled_from(["base_url", "websocket_base_url"]), url=URLS)
@example(name="base_url", url=f"http://localhost/{INJECTION}")
@example(name="base_url", url="http://localhost\r\nX-Injected: yes")
@example(name="base_url", url="http://.")  # asked a peer nothing, and blamed its answer
@example(name="base_url", url="http://0..0")
@on_virtual_time
async def test_addresses_are_asked_for_as_they_are_or_not_at_all(name, url):
    """Whatever is given as address, the request is one, has no query, and no header of its own."""
    arguments = {"base_url": "http://localhost", "allow_insecure": True, name: url}
    data = await asked(lambda open_stream: Cartesia("k", open_stream=open_stream, **arguments))
    if data is None:
        return
    target, headers = parsed(data)
    assert headers.keys() == OURS | {"authorization"}
    assert target.endswith("/tts/websocket")
    assert target.startswith("/")
    assert "?" not in target


@given(
    name=st.sampled_from(["context_id", "model_id", "voice", "language", "pronunciation_dict_id"]),
    text=TEXTS,
)
@on_virtual_time
async def test_settings_are_sent_as_they_are_or_not_at_all(name, text):
    """Whatever is given as id or name, the message is one JSON object with just
    that in its field.
    """
    async with connected_pair() as (connection, peer):
        try:
            async with connection.context(**{**SETTINGS, "context_id": "a", name: text}) as context:
                await context.push(text or "x")
                request = await peer.receive()
        except LocalProtocolError:
            return
    fields = {"context_id", "model_id", "voice", "output_format", "transcript", "continue", name}
    assert request.keys() == fields
    assert request[name] == text
    assert request["transcript"] == (text or "x")
    assert request["voice"] in (VOICE, text)


async def test_a_surrogate_in_a_text_is_refused_unquoted(autojump_clock):
    """Text that UTF-8 cannot carry is refused before it is sent, and its error does not hold it."""
    async with connected_pair() as (connection, _):
        async with connection.context(**SETTINGS) as context:
            with pytest.raises(LocalProtocolError) as caught:
                await context.push("secret\ud800")
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
