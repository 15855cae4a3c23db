"""What passes httpcore2 by is what h11 would have made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import takewhile

import h11
from hypothesis import example, given
from hypothesis import strategies as st

from trio_cartesia import RemoteProtocolError
from trio_cartesia._http.wire.framing import ChunkedBody, HeadSplitter

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b"5\r\n\r\n\r\n"

heads = st.sampled_from(
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        b"HTTP/1.1 102 Processing\n\n",
        b"HTTP/1.1 102 Processing\nX: y\r\n\n",
    ]
)
sizes = st.sampled_from(["%x", "%X", "000%x", "%x;a=b", "%x ", "%020x"])
bodies = st.binary(min_size=1, max_size=40) | st.just(b"\r\n0\r\n\r\n")
ends = st.sampled_from([b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"000;a\r\n\r\n", b"0\r\n", b""])


@st.composite
def in_pieces(draw: st.DrawFn, wholes: st.SearchStrategy[bytes]) -> list[bytes]:
    """Bytes that arrive in any pieces."""
    whole = draw(wholes)
    cuts = sorted(draw(st.sets(st.integers(1, max(len(whole) - 1, 1)), max_size=8)))
    return [piece for a, b in zip([0, *cuts], [*cuts, None], strict=True) if (piece := whole[a:b])]


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """A body in chunks, in usual forms and others; some have a wrong byte, or too many."""
    made = b"".join(
        (draw(sizes) % len(body)).encode() + b"\r\n" + body + b"\r\n"
        for body in draw(st.lists(bodies, max_size=6))
    )
    made += draw(ends)
    if made and draw(st.booleans()):
        at = draw(st.integers(0, len(made) - 1))
        made = (
            made[:at]
            + draw(st.sampled_from([b"\r", b"\n", b"0", b"f", b"x", b""]))
            + made[at + 1 :]
        )
    return made


def client() -> h11.Connection:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    return connection


def outcome(pieces: Iterable[bytes]) -> tuple[str, bytes]:
    """Return how h11 ends with the body in these pieces, and the data before that."""
    connection, body = client(), b""
    connection.receive_data(CHUNKED)
    connection.next_event()
    try:
        for piece in [*pieces, b""]:
            connection.receive_data(piece)
            while (event := connection.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.EndOfMessage):
                    return "end", body
                body += event.data
    except h11.RemoteProtocolError:
        return "error", body
    raise AssertionError("h11 needs more than the end")


def past_the_library(pieces: Iterable[bytes], body: list[bytes]) -> Iterator[bytes]:
    """Yield what is left to the library; the rest is appended to *body*."""
    framing = ChunkedBody()
    for piece in pieces:
        if framing.rest is None:
            body.append(framing.receive(piece))
            if framing.rest is not None:
                yield framing.rest
        else:
            yield piece


@given(in_pieces(chunks()))
def test_chunks_are_those_of_h11(pieces):
    """Whatever the chunks, their faults and the reads: the same body, or an error for both."""
    expected, whole = outcome(pieces)
    body: list[bytes] = []
    try:
        how, rest = outcome(list(past_the_library(pieces, body)))
    except RemoteProtocolError:
        how, rest = "error", b""
    received = b"".join(body) + rest
    assert how == expected
    assert received == whole if how == "end" else whole.startswith(received)


@given(in_pieces(chunks()))
def test_nothing_is_held_back(pieces):
    """At most a part of what is between two chunks is kept for the next read."""
    framing = ChunkedBody()
    with suppress(RemoteProtocolError):
        for piece in takewhile(lambda _: framing.rest is None, pieces):
            framing.receive(piece)
            assert len(framing._boundary) <= len("\r\n" + 15 * "f" + "\r")


def responses(early: list[bytes]) -> bytes:
    """Return informational responses, and one with the beginning of a body."""
    return b"".join([*early, CHUNKED, BODY])


@given(in_pieces(st.builds(responses, st.lists(heads))))
@example([CHUNKED[:-1], CHUNKED[-1:] + BODY])
@example([CHUNKED[:-2], CHUNKED[-2:] + BODY])
def test_a_head_ends_where_h11_ends_it(pieces):
    """However heads arrive, h11 has nothing of the body when it returns the response."""
    splitter, connection, unread = HeadSplitter(), client(), b""
    arriving = iter(pieces)
    while not isinstance(event := connection.next_event(), h11.Response):
        if event is h11.NEED_DATA:
            head, unread = splitter.split(unread or next(arriving))
            connection.receive_data(head)
    assert connection.trailing_data[0] == b""
    assert unread + b"".join(arriving) == BODY
