from __future__ import annotations

import contextlib
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from tests.server.streams import Sliced
from tests.server.support import on_virtual_time
from trio_cartesia.server import streams
from trio_cartesia.server.net import http1
from trio_cartesia.server.net.http1 import MAX_HEADER_BYTES, HttpConnection
from trio_cartesia.server.net.requests import HTTPError, Request
from trio_cartesia.server.streams import Disconnected, lingering_close

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n"
FORM = b"POST / HTTP/1.1\r\nHost: me\r\nContent-Type: Multipart/Form-Data; boundary=b\r\n"
GET = b"GET /a%20b?x=1&x=2&y= HTTP/1.1\r\nHost: me\r\nX-Two: a\r\nX-Two: b\r\n\r\n"


async def read_all(data: bytes, sizes: list[int] | None = None) -> list[Any]:
    """What the requests in *data* look like, however they are cut."""
    ours, theirs = memory_stream_pair()
    connection = HttpConnection(
        Sliced(theirs, sizes or [65536]), max_body_bytes=100, max_form_bytes=200
    )
    await ours.send_all(data)
    await ours.send_eof()
    requests: list[Any] = []
    try:
        while (request := await connection.read_request()) is not None:
            requests.append(request)
            await connection.respond(200, b"yes")
    except HTTPError as error:
        requests.append(error.status)
    return requests


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=10))
@on_virtual_time
async def test_requests_are_read_however_they_arrive(sizes: list[int]) -> None:
    """Requests one after another, with and without bodies, are read the same in any slices."""
    post = b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 5\r\n\r\nhello"
    chunked = (
        b"POST / HTTP/1.1\r\nHost: me\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n"
    )
    first, second, third = await read_all(GET + post + chunked, sizes)
    assert first == Request(
        method="GET",
        path="/a b",
        query={"x": ["1", "2"], "y": [""]},
        headers={"host": "me", "x-two": "a,b"},
    )
    assert (second.method, second.body, third.body) == ("POST", b"hello", b"he")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no host
        (b"GET / HTTP/1.1\r\nHost: me\r\nX: " + b"x" * MAX_HEADER_BYTES, 431),
        (b"GET / HTTP/1.1\r\nHost: me\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 80_000 + b" HTTP/1.1\r\nHost: me\r\n\r\n", 414),
        (b"GET /" + b"x" * 80_000, 414),
        (b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: " + b"9" * 20 + b"\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 101\r\n\r\n" + b"x" * 101, 413),
        (FORM + b"Content-Length: 201\r\n\r\n" + b"x" * 201, 413),
        (FORM + b"Transfer-Encoding: chunked\r\n\r\nc9\r\n" + b"x" * 201, 413),
        (b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 9\r\n\r\nx", 400),  # cut off
        (b"GET /?" + b"a&" * 201 + b" HTTP/1.1\r\nHost: me\r\n\r\n", 400),
        (b"GET //[ HTTP/1.1\r\nHost: me\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: me\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 0\r\n" + CHUNKED, 400),
        (b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 5\r\n" + CHUNKED, 400),
        (b"POST / HTTP/1.0\r\nHost: me\r\n" + CHUNKED, 400),
        *(
            (b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host, 400)
            for host in (
                b"[evil.example]",
                b"[::1].evil.com",
                b"[::1",
                b"a b",
                b"a/b",
                b"a@b",
                b"%61",
            )
        ),
        (b"GET / HTTP/1.1\r\nHost: me\r\nHost: you\r\n\r\n", 400),
    ],
)
@on_virtual_time
async def test_what_is_no_request_has_a_status(data: Any, status: int) -> None:
    """Whatever cannot be read is error, with the status to answer."""
    assert await read_all(data) == [status]


@given(
    target=st.integers(0, 200).map(lambda size: MAX_HEADER_BYTES - 100 + size),
    header=st.sampled_from([0, 100, 40_000, 70_000]),
    slices=st.lists(st.sampled_from([1000, 65_536, 10**6]), min_size=1, max_size=5),
)
@on_virtual_time
async def test_limits_of_a_head_do_not_depend_on_how_it_arrives(
    target: int, header: int, slices: list[int]
) -> None:
    """A request line above the limit is 414, a longer head 431, in whatever slices it is
    received.
    """
    line = b"GET /".ljust(target, b"x") + b" HTTP/1.1\r\n"
    head = line + b"Host: me\r\nX: " + b"x" * header + b"\r\n\r\n"
    (result,) = await read_all(head, slices)
    if len(line) > MAX_HEADER_BYTES:
        assert result == 414
    elif len(head) > MAX_HEADER_BYTES:
        assert result == 431
    else:
        assert isinstance(result, Request)


@on_virtual_time
async def test_a_body_has_so_many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body in more chunks than the limit is 413 as soon as that is known, long before its end."""
    monkeypatch.setattr(http1, "MAX_CHUNKS", 50)
    head = b"POST / HTTP/1.1\r\nHost: me\r\nTransfer-Encoding: chunked\r\n\r\n"
    (request,) = await read_all(head + b"1\r\nx\r\n" * 50 + b"0\r\n\r\n")
    assert request.body == b"x" * 50
    assert await read_all(head + b"1\r\nx\r\n" * 51) == [413]


@given(st.binary(max_size=200), st.booleans())
@on_virtual_time
async def test_garbage_is_malformed_at_worst(data: Any, after: bool) -> None:
    """Any bytes are requests, error or an early end, and nothing else is raised."""
    for request in await read_all(after * GET + data):
        assert isinstance(request, (Request, int))


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("application/json", 100),
        ("multipart/form-data; boundary=x", 200),
        ("Multipart/Form-Data", 200),
    ],
)
@on_virtual_time
async def test_a_form_may_be_longer(kind: str, most: int) -> None:
    """A body that uploads files has a bound of its own."""
    head = f"POST / HTTP/1.1\r\nHost: me\r\nContent-Type: {kind}\r\nContent-Length: "
    (whole,) = await read_all(f"{head}{most}\r\n\r\n".encode() + b"a" * most)
    assert len(whole.body) == most
    assert await read_all(f"{head}{most + 1}\r\n\r\n".encode() + b"a" * (most + 1)) == [413]


@on_virtual_time
async def test_a_peer_that_waits_for_permission_gets_it() -> None:
    """A request that expects 100 hears it before its body is read."""
    ours, theirs = memory_stream_pair()
    connection = HttpConnection(theirs)
    head = b"POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def serve() -> None:
            request = await connection.read_request()
            assert request is not None
            assert request.body == b"ok"

        await ours.send_all(head)
        assert (await ours.receive_some()).startswith(b"HTTP/1.1 100 ")
        await ours.send_all(b"ok")


@on_virtual_time
async def test_head_is_answered_without_the_body() -> None:
    """The answer to HEAD tells the size of a body that does not come."""
    ours, theirs = memory_stream_pair()
    connection = HttpConnection(theirs)
    await ours.send_all(b"HEAD / HTTP/1.1\r\nHost: me\r\n\r\n")
    await connection.read_request()
    await connection.respond(200, b"12345")
    answer = bytes(await ours.receive_some())
    assert b"content-length: 5\r\n" in answer.lower()
    assert answer.endswith(b"\r\n\r\n")


@on_virtual_time
async def test_a_connection_that_is_to_close_gives_no_more_requests() -> None:
    """After `Connection: close` the peer's further requests are not read."""
    closing = GET.replace(b"Host", b"Connection: close\r\nHost")
    assert len(await read_all(closing + GET)) == 1


@on_virtual_time
async def test_a_peer_that_is_gone_is_noticed() -> None:
    """A broken stream ends reading quietly, and writing with `Disconnected`."""
    ours, theirs = memory_stream_pair()
    connection = HttpConnection(theirs)
    await ours.send_all(GET)
    assert await connection.read_request() is not None
    await ours.aclose()
    with pytest.raises(Disconnected):
        await connection.respond(200, b"")
    await theirs.aclose()
    assert await HttpConnection(theirs).read_request() is None


@on_virtual_time
async def test_a_close_waits_for_a_peer_that_is_sending() -> None:
    """A peer that goes on sending has ten seconds to read, and a second after its last byte."""
    for seconds, expected in ((3, 4), (20, streams.LINGER_SECONDS)):
        ours, theirs = memory_stream_pair()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def send(ours: trio.abc.Stream = ours, seconds: int = seconds) -> None:
                with contextlib.suppress(trio.BrokenResourceError):
                    for _ in range(2 * seconds):
                        await trio.sleep(0.5)
                        await ours.send_all(b"more")

            started = trio.current_time()
            await lingering_close(theirs)
            assert trio.current_time() - started == pytest.approx(expected)
            nursery.cancel_scope.cancel()


@on_virtual_time
async def test_hanging_up_takes_a_second_at_most() -> None:
    """A peer that neither reads nor closes cannot keep a stream open."""
    ours, theirs = memory_stream_pair()
    await ours.send_all(b"nobody reads this")
    await lingering_close(theirs)
    assert trio.current_time() == pytest.approx(streams.CLOSE_SECONDS)
    with pytest.raises(trio.ClosedResourceError):
        await theirs.receive_some()
    await lingering_close(Sliced(theirs, [1]))  # once more does no harm
