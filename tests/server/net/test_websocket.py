from __future__ import annotations

import math
import struct
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair, memory_stream_pair
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, Pong, TextMessage

from tests.server.raw import frame
from tests.server.streams import Sliced
from tests.server.support import (
    on_virtual_time,
)
from trio_cartesia.server import streams
from trio_cartesia.server.net.websocket import WebSocket
from trio_cartesia.server.streams import Disconnected


def open_socket(
    sizes: list[int] | None = None, pair: Any = memory_stream_pair
) -> tuple[WebSocket, Any, Connection]:
    ours, theirs = pair()
    socket = WebSocket(Sliced(theirs, sizes or [65536]), max_message_bytes=100)
    return socket, ours, Connection(ConnectionType.CLIENT)


async def received(stream: Any, client: Connection, count: int = 1) -> list[Event]:
    """The events that a client receives, *count* at least."""
    events: list[Event] = []
    while len(events) < count:
        client.receive_data(bytes(await stream.receive_some()))
        events += client.events()
    return events


messages = st.lists(st.text(max_size=20) | st.binary(max_size=20), max_size=5)


@given(messages, st.lists(st.integers(1, 9), min_size=1), st.integers(1, 4))
@on_virtual_time
async def test_messages_arrive_whole(
    sent: list[str | bytes], sizes: list[int], fragment: int
) -> None:
    """Text and binary messages are whole, however they are fragmented and sliced; pings get
    through.
    """
    socket, ours, client = open_socket(sizes)
    await ours.send_all(frame(0xA, b"unasked"))
    for message in sent:
        opcode = 1 if isinstance(message, str) else 2
        data = message.encode() if isinstance(message, str) else message
        parts = [data[i : i + fragment] for i in range(0, len(data), fragment)] or [b""]
        for number, part in enumerate(parts):
            await ours.send_all(frame(0x9, b"p"))
            is_last = number == len(parts) - 1
            await ours.send_all(frame(0 if number else opcode, part, fin=is_last))
    assert [await socket.receive() for _ in sent] == sent
    pongs = await received(ours, client, len(sent))
    assert all(isinstance(event, Pong) and event.payload == b"p" for event in pongs)


@on_virtual_time
async def test_empty_fragments_leave_nothing_behind() -> None:
    """A message may have any number of empty fragments, and none of them is kept."""
    socket, ours, _ = open_socket()
    await ours.send_all(frame(1, b"x", fin=False) + frame(0, fin=False) * 1000)
    with trio.move_on_after(1):
        await socket.receive()
    assert socket._message == b"x"
    await ours.send_all(frame(0, b"y"))
    assert await socket.receive() == "xy"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(1, b"\xff\xfe"), 1007),
        (frame(1, b"\xe6\x97"), 1007),  # the message ends inside a character
        (b"\x81\x01x", 1002),  # not masked
        (frame(3, b""), 1002),
        (frame(0, b"x"), 1002),  # continues nothing
        (b"\xc1" + frame(1, b"x")[1:], 1002),  # a reserved bit
        (frame(9, b"", fin=False), 1002),
        (frame(1, b"x", fin=False) + frame(1, b"y"), 1002),
        (frame(8, b"x"), 1002),
        (frame(1, b"x" * 101), 1009),
        (frame(1, "é".encode() * 51), 1009),
        (frame(2, b"x" * 60, fin=False) + frame(0, b"x" * 60), 1009),
        (frame(2, b"x" * 200_000)[:500], 1009),  # known long before its end
    ],
)
@on_virtual_time
async def test_a_peer_that_breaks_the_rules_is_told_which(data: Any, code: Any) -> None:
    """Bad frames close the connection with the code of RFC 6455."""
    socket, ours, client = open_socket()
    await ours.send_all(data)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_later, ours, b"more of the same")
        with pytest.raises(Disconnected) as caught:
            await socket.receive()
    assert caught.value.code == code
    (event,) = await received(ours, client)
    assert isinstance(event, CloseConnection)
    assert event.code == code
    with pytest.raises(Disconnected):
        await socket.send("more")


@given(st.binary(max_size=100))
@on_virtual_time
async def test_any_bytes_are_messages_or_the_end(data: Any) -> None:
    """Whatever comes over a WebSocket, nothing but `Disconnected` is raised."""
    socket, ours, _ = open_socket()
    await ours.send_all(data)
    await ours.send_eof()
    with pytest.raises(Disconnected):
        await receive_all(socket)


@pytest.mark.parametrize(
    "payload", [b"", struct.pack("!H", 1000) + b"bye", struct.pack("!H", 4000)]
)
@on_virtual_time
async def test_a_close_is_answered(payload: bytes) -> None:
    """The peer's close is echoed, and is the end."""
    socket, ours, client = open_socket()
    await ours.send_all(frame(1, b"last") + frame(8, payload) + frame(1, b"too late"))
    assert await socket.receive() == "last"
    with pytest.raises(Disconnected) as caught:
        await socket.receive()
    assert caught.value.code == (struct.unpack("!H", payload[:2])[0] if payload else 1005)
    (event,) = await received(ours, client)
    assert isinstance(event, CloseConnection)
    assert event.code == caught.value.code


@on_virtual_time
async def test_closing_waits_for_the_answer_a_second_at_most() -> None:
    """A goodbye takes as long as its answer, and no more than a second."""
    socket, ours, _ = open_socket()
    await ours.send_all(frame(1, b"late") + frame(8, struct.pack("!H", 1000)))
    await socket.aclose(1001, "x" * 500)
    assert trio.current_time() == 0
    deaf, _, _ = open_socket()
    await deaf.aclose()
    assert trio.current_time() == pytest.approx(streams.CLOSE_SECONDS)


@on_virtual_time
async def test_many_tasks_may_send() -> None:
    """Messages of many tasks are not mixed up, each being one frame."""
    socket, ours, client = open_socket()
    texts = [str(number) * 30 for number in range(9)]
    async with trio.open_nursery() as nursery:
        for text in texts:
            nursery.start_soon(socket.send, text)
    events = await received(ours, client, len(texts))
    assert sorted(event.data for event in events if isinstance(event, TextMessage)) == texts


@on_virtual_time
async def test_a_send_that_was_cut_off_is_the_last() -> None:
    """Sending to a peer that does not read can be cancelled, and nothing follows half a frame."""
    socket, _, _ = open_socket(pair=lockstep_stream_pair)
    with trio.move_on_after(1) as scope:
        await socket.send("nobody reads")
    assert scope.cancelled_caught
    with pytest.raises(Disconnected):
        await socket.send("more")
    await socket.aclose()
    assert trio.current_time() == pytest.approx(1)


@on_virtual_time
async def test_a_send_that_waits_for_its_turn_can_be_cancelled() -> None:
    """A message that was cancelled before its turn leaves the connection as it was."""
    socket, ours, client = open_socket(pair=lockstep_stream_pair)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(socket.send, "first")
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(1):
            await socket.send("second")
        nursery.start_soon(socket.send, "third")
        events = await received(ours, client, 2)
    assert [event.data for event in events if isinstance(event, TextMessage)] == ["first", "third"]


@on_virtual_time
async def test_a_socket_knows_when_it_was_pinged_last() -> None:
    """A ping leaves its time behind; nothing else does."""
    socket, ours, _ = open_socket()
    await ours.send_all(frame(10) + frame(1, b"x"))
    await socket.receive()
    assert socket.pinged_at == -math.inf
    await trio.sleep(7)
    await ours.send_all(frame(9, b"x") + frame(1, b"x"))
    await socket.receive()
    assert socket.pinged_at == 7


async def receive_all(socket: WebSocket) -> None:
    while True:
        assert isinstance(await socket.receive(), (str, bytes))


async def send_later(stream: Any, data: bytes) -> None:
    await trio.sleep(0.5)
    await stream.send_all(data)
