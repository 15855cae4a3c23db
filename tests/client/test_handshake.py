"""Connecting: what is asked, and what comes of every kind of answer."""

from __future__ import annotations

import json
import re
import ssl
from contextlib import suppress

import h11
import pytest
import trio
import trustme
from hypothesis import given
from hypothesis import strategies as st

import trio_cartesia
from tests.support import SETTINGS
from trio_cartesia import (
    AuthenticationFailed,
    Cartesia,
    CartesiaError,
    ConnectFailed,
    ConnectionLost,
    QuotaExceeded,
    RequestFailed,
)
from trio_cartesia._runtime.transport.tapped_stream import HANDSHAKE_BYTES
from trio_cartesia._runtime.transport.websocket import CONNECT_SECONDS, MAX_MESSAGE_BYTES
from trio_cartesia.testing import bounded_stream_pair, connected_pair, on_virtual_time


async def connect_to(serve, **arguments):
    """Connect a client to *serve*, which gets the stream of its one connection."""
    failure = None
    async with trio.open_nursery() as nursery:

        async def open_stream(_host, _port):
            near, far = bounded_stream_pair()
            nursery.start_soon(serve, far)
            await trio.lowlevel.checkpoint()
            return near

        arguments = {"base_url": "http://localhost", **arguments}
        client = Cartesia("sk_car_canary", open_stream=open_stream, **arguments)
        try:
            async with client.tts.websocket_connect():
                pass
        except CartesiaError as error:
            failure = error
        nursery.cancel_scope.cancel()
    return failure


def answering(status, body=b"", headers=(), *, ends=True, asked=None):
    """Make a server that gives one HTTP answer."""

    async def serve(stream):
        http = h11.Connection(h11.SERVER)
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(await stream.receive_some())
        if not isinstance(event, h11.Request):
            return
        if asked is not None:
            asked.append(event)
        sized = ("content-length", str(len(body)))
        answer = h11.Response(status_code=status, headers=[sized, *headers])
        data = http.send(answer) + http.send(h11.Data(data=body))
        await stream.send_all(data + (http.send(h11.EndOfMessage()) or b""))
        if ends:
            await stream.aclose()

    return serve


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (401, "AuthenticationFailed"),
        (402, "QuotaExceeded"),
        (403, "PermissionDenied"),
        (404, "NotFound"),
        (429, "ConcurrencyLimited"),
        (503, "ServiceFailed"),
    ],
)
@pytest.mark.parametrize("kind", ["structured", "legacy", "nothing"])
@pytest.mark.parametrize("ends", [True, False])
async def test_a_refused_handshake_is_our_exception(status, name, kind, ends, autojump_clock):
    """Each refusal raises its exception, bare, with the fields of either kind of body."""
    fields = {"title": "No", "message": "Not now.", "error_code": None, "request_id": "r-1"}
    body = {"structured": json.dumps(fields).encode(), "legacy": b"No: Not now.", "nothing": b""}
    headers = [("X-Request-Id", "h-1"), ("Retry-After", "3")]
    error = await connect_to(answering(status, body[kind], headers, ends=ends))
    assert type(error) is getattr(trio_cartesia, name)
    assert isinstance(error, RequestFailed)
    assert (error.status_code, error.retry_after_seconds) == (status, 3)
    if kind != "nothing":
        assert (error.title, error.message) == ("No", "Not now.")
    assert error.request_id == ("r-1" if kind == "structured" else "h-1")
    assert trio.current_time() == 0


async def test_a_refusal_that_is_cut_short_says_what_had_come(autojump_clock):
    """Where the connection ends in the middle of the body, what came of it counts, with its
    headers.
    """

    async def serve(stream):
        await stream.receive_some()
        await stream.send_all(
            b"HTTP/1.1 429 No\r\nX-Request-Id: h-1\r\nRetry-After: 3\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n5\r\nNo: N\r\n7\r\not now.\r\n"
        )
        await stream.aclose()

    error = await connect_to(serve)
    assert type(error) is trio_cartesia.ConcurrencyLimited
    assert (error.title, error.message) == ("No", "Not now.")
    assert (error.request_id, error.retry_after_seconds) == ("h-1", 3)


async def test_the_request_of_the_handshake(autojump_clock):
    """The handshake contains version, key, client and host, has no key in the URL, and offers no
    compression.
    """
    asked = []
    await connect_to(
        answering(404, asked=asked),
        base_url="http://localhost:8080/prefix",
        version="2025-04-16",
        headers={"X-Mine": "yes"},
    )
    headers = {name.decode(): value.decode() for name, value in asked[0].headers}
    assert asked[0].target == b"/prefix/tts/websocket"
    assert headers["cartesia-version"] == "2025-04-16"
    assert headers["authorization"] == "Bearer sk_car_canary"
    assert headers["host"] == "localhost:8080"
    assert headers["x-mine"] == "yes"
    assert headers["user-agent"].startswith("trio-cartesia/")
    assert "sec-websocket-extensions" not in headers
    assert "sec-websocket-protocol" not in headers


async def hang(stream):
    await trio.sleep_forever()


async def hang_up(stream):
    await stream.aclose()


async def reset(stream):
    await stream.receive_some()
    stream.reset()


async def half_an_answer(stream):
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n{")
    await stream.aclose()


@pytest.mark.parametrize(
    ("serve", "says"),
    [
        (hang, f"ws://localhost/tts/websocket gave no answer within {CONNECT_SECONDS:g} seconds"),
        (hang_up, "ws://localhost/tts/websocket ended the connection during the handshake"),
        (reset, "ws://localhost/tts/websocket ended the connection during the handshake"),
        (half_an_answer, "{"),
    ],
    ids=["hang", "hang_up", "reset", "half_an_answer"],
)
async def test_no_answer_is_a_failure_within_a_bound(serve, says, autojump_clock):
    """A peer that is silent, or goes away in the middle of the handshake, makes connecting fail."""
    error = await connect_to(serve)
    assert says in str(error)
    assert isinstance(error, AuthenticationFailed if serve is half_an_answer else ConnectFailed)
    assert trio.current_time() == (CONNECT_SECONDS if serve is hang else 0)


async def test_a_body_that_ends_with_the_connection_is_read(autojump_clock):
    """A refusal without a length, as proxies send it, has its status and fields all the same."""

    async def serve(stream):
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 402 Payment Required\r\nX-Request-Id: h-1\r\n\r\n")
        await stream.send_all(b'{"title": "No credits", "message": "Pay."}')
        await stream.aclose()

    error = await connect_to(serve)
    assert isinstance(error, QuotaExceeded)
    assert (error.title, error.message, error.request_id) == ("No credits", "Pay.", "h-1")


@pytest.mark.parametrize("start", [b"HTTP/1.1 401 No\r\n\r\n", b"HTTP/1.1 101 Yes\r\nX: "])
async def test_an_answer_without_end_is_cut_short(start, autojump_clock):
    """An answer to the handshake that does not end is given up after some kilobytes."""
    sent = 0

    async def serve(stream):
        nonlocal sent
        await stream.receive_some()
        await stream.send_all(start)
        with suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(bytes(1000))
                sent += 1000

    assert isinstance(await connect_to(serve), CartesiaError)
    assert sent < 4 * HANDSHAKE_BYTES
    assert trio.current_time() == 0


async def test_a_message_beyond_all_measure_ends_the_connection(autojump_clock):
    """A message larger than the limit is not kept: the connection ends."""
    async with connected_pair(pipe_bytes=2**20) as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.send_text("x" * (MAX_MESSAGE_BYTES + 1))
            with pytest.raises(ConnectionLost) as caught:
                await context.collect()
            assert caught.value.close_code == 1009


@given(answer=st.binary(min_size=1))
@on_virtual_time
async def test_garbage_is_a_failure_and_nothing_foreign(answer):
    """Whatever bytes answer the handshake, connecting raises one of our exceptions."""

    async def serve(stream):
        await stream.receive_some()
        await stream.send_all(answer)
        await stream.aclose()

    error = await connect_to(serve)
    assert isinstance(error, ConnectFailed)
    assert re.search("ended the connection|not that of a WebSocket server", str(error))
    assert str(error).startswith(("ws://localhost", "the answer of ws://localhost"))
    assert "None" not in str(error)


@given(
    answer=st.sampled_from([b"HTTP/1.1 ", b"HTTP/1.1 101 ", b"HTTP/1.1 200 OK\r\n"]),
    more=st.binary(),
)
@on_virtual_time
async def test_garbage_that_looks_like_http_is_no_better(answer, more):
    """The same where the answer begins well."""

    async def serve(stream):
        await stream.receive_some()
        await stream.send_all(answer + more + b"\r\n\r\n")
        await stream.aclose()

    assert isinstance(await connect_to(serve), CartesiaError)


async def test_a_closed_port_is_a_failure():
    """A refused connection is `ConnectFailed`, with the system's own reason."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with pytest.raises(ConnectFailed) as caught:
        async with Cartesia("k", base_url=f"http://127.0.0.1:{port}").tts.websocket_connect():
            pass
    assert isinstance(caught.value.__cause__, OSError)
    assert "refused" in str(caught.value)


@pytest.mark.parametrize("kind", ["trusted", "other name", "other authority"])
async def test_tls_is_verified(kind):
    """A certificate of another name or authority is refused before a byte of ours is sent."""
    authority = trustme.CA()
    name = "elsewhere.example" if kind == "other name" else "localhost"
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(server_side)
    client_side = ssl.create_default_context()
    (trustme.CA() if kind == "other authority" else authority).configure_trust(client_side)
    asked = []

    async def serve(stream):
        secured = trio.SSLStream(stream, server_side, server_side=True, https_compatible=True)
        try:
            await answering(404, asked=asked)(secured)
        except trio.BrokenResourceError:
            assert kind != "trusted"

    error = await connect_to(serve, base_url="https://localhost", ssl_context=client_side)
    if kind == "trusted":
        assert isinstance(error, RequestFailed)
        assert asked
    else:
        assert isinstance(error, ConnectFailed)
        assert "certificate" in str(error).lower()
        assert not asked


@pytest.mark.parametrize("base_url", ["http://localhost", "https://localhost"])
async def test_connecting_can_be_cancelled(base_url, autojump_clock):
    """The caller's own scope ends a handshake that takes too long, also that of TLS."""
    with trio.move_on_after(3) as scope:
        await connect_to(hang, base_url=base_url)
    assert scope.cancelled_caught
    assert trio.current_time() == 3
