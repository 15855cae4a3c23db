"""Peers that mean harm before the connection is up."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress

import pytest
import trio

from tests.client.test_handshake import connect_to
from tests.runtime.transport.attacks import attacked, message, peak
from tests.runtime.transport.test_fast_path import GUID
from tests.support import SETTINGS
from trio_cartesia import CartesiaError, ConnectFailed
from trio_cartesia._runtime.transport.tapped_stream import HANDSHAKE_BYTES
from trio_cartesia._runtime.transport.websocket import CONNECT_SECONDS


def saying(data, *, seconds=0.0, again=False):
    """Make a server that says *data*, byte by byte where it takes its time."""

    async def serve(stream):
        await stream.receive_some()
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while True:
                for start in range(0, len(data), 1 if seconds else 4096):
                    await stream.send_all(data[start : start + (1 if seconds else 4096)])
                    await trio.sleep(seconds)
                if not again:
                    await trio.sleep_forever()

    return serve


DONE = message(b'{"type":"done","context_id":"a"}')
HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Long: "


@pytest.mark.parametrize("base_url", ["http://localhost", "https://localhost"])
async def test_an_answer_byte_by_byte_is_not_waited_for(base_url, autojump_clock):
    """A peer that answers one byte a second has as long as any other: 30 seconds in all."""
    data = HEAD if base_url == "http://localhost" else b"\x16\x03\x03\x40\x00"
    error = await connect_to(saying(data + b"x" * 1000, seconds=1), base_url=base_url)
    assert isinstance(error, ConnectFailed)
    assert trio.current_time() <= CONNECT_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"x" * 100_000,
        HEAD + b"\r\nX-More: x" * 10_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n" + b"x" * 100_000,
        b"\0" * 100_000,
    ],
    ids=["line", "lines", "continue", "hints", "chunks", "length", "zeros"],
)
async def test_an_answer_without_end_is_cut_short(data, autojump_clock):
    """Whatever an answer is made of, some kilobytes of it are kept, and connecting fails."""
    with peak() as most:
        error = await connect_to(saying(data, again=True))
    assert isinstance(error, CartesiaError)
    assert len(str(error)) < 3000
    assert most() < 40 * HANDSHAKE_BYTES / 2**20
    assert trio.current_time() <= CONNECT_SECONDS


async def test_text_of_a_refusal_can_be_printed(autojump_clock):
    """Surrogates and control characters of a refusal's body reach no terminal and no log."""
    body = b'{"title": "No\\ud800\\u001b[31m", "message": "a\\r\\nb", "request_id": "\\u009b1"}'
    head = b"HTTP/1.1 402 No\r\nContent-Length: %d\r\n\r\n" % len(body)
    error = await connect_to(saying(head + body))
    text = f"{error} {error.title} {error.message} {error.request_id}"
    text.encode()
    assert not any(character in text for character in "\r\n\x1b\x9b\ud800")
    assert error.message == "a  b"


async def test_lines_may_end_in_a_bare_line_feed(autojump_clock):
    """An answer whose lines end as h11 allows is counted right, with frames right behind it."""

    async def attack(stream):
        await stream.send_all(DONE[9:])

    async def answer(stream, rest):
        request = b""
        while b"\r\n\r\n" not in request:
            request += await stream.receive_some()
        key = request.lower().split(b"sec-websocket-key: ")[1]
        at = request.lower().index(b"sec-websocket-key: ") + len(b"sec-websocket-key: ")
        key = request[at : request.index(b"\r", at)]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())  # noqa: S324  # RFC 6455
        await stream.send_all(
            b"HTTP/1.1 101 Go\nUpgrade: websocket\nConnection: Upgrade\n"
            b"Sec-WebSocket-Accept: "
            + accept
            + b"\n\n"
            + message(b'{"type":"x"}')
            + DONE[:9]
            + rest
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.runtime.transport.attacks.answer_handshake", answer)
        async with (
            attacked(attack) as client,
            client.tts.websocket_connect() as connection,
            connection.context(**SETTINGS, context_id="a") as context,
        ):
            await context.push("Hello.")
            await context.collect()
            assert connection.statistics().events_received == 2
