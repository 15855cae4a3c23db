"""Faults that end a connection, or make it slow or silent, over TCP, over TLS and in memory."""

from __future__ import annotations

import json

import pytest
import trio

from tests.server.raw import WEBSOCKET, everywhere, frame, service
from tests.server.support import TWO_SENTENCES, audio, generation, tones

LONG = TWO_SENTENCES * 3
END = {"reset": "reset", "fin": "fin"}


@pytest.mark.parametrize("name", ["reset", "fin"])
@pytest.mark.parametrize("size", [0, 1, 500])
@everywhere
async def test_a_connection_breaks_at_a_frame(transport: str, name: str, size: int) -> None:
    """Two whole messages come, of the third as many bytes as asked for, and then RST or FIN."""
    async with service(transport) as place:
        raw = await place.connect(f"{name} at_frame=3 size_bytes={size}")
        await raw.send(generation("a", LONG))
        assert await raw.read_until_end() == END[name]
        assert len(raw.messages) == 2
        assert len(raw.rest) == size
        assert await place.end_of("a") == "lost"


@pytest.mark.parametrize("name", ["reset", "fin"])
@pytest.mark.parametrize("count", [0, 1, 30_000])
@everywhere
async def test_a_connection_breaks_at_a_byte(transport: str, name: str, count: int) -> None:
    """After the handshake as many bytes come as asked for, to the byte, and then RST or FIN."""
    async with service(transport) as place:
        raw = await place.connect(f"{name} at_byte={count}")
        if count:
            await raw.send(generation("a", LONG))
        assert await raw.read_until_end() == END[name]
        assert len(raw.received) == count


@everywhere
async def test_a_frame_is_truncated(transport: str) -> None:
    """Half of the second message comes, and then the end."""
    async with service(transport) as place:
        whole = await place.connect()
        await whole.send(generation("a", LONG))
        await whole.receive_messages(2)
        raw = await place.connect("truncated_frame at_frame=2")
        await raw.send(generation("a", LONG))
        assert await raw.read_until_end() == "fin"
        assert len(raw.messages) == 1
        assert abs(2 * len(raw.rest) - len(whole.frames[1].payload)) < 100


@pytest.mark.parametrize("code", [0, 999, 1000, 1006, 1011, 1013, 4321, 65_535])
@everywhere
async def test_a_connection_closes_with_any_code(transport: str, code: int) -> None:
    """Instead of the second message comes a close frame with the code and the reason asked for."""
    async with service(transport) as place:
        raw = await place.connect(f'close at_frame=2 code={code} reason="what, now?"')
        await raw.send(generation("a", LONG))
        _, goodbye = (await raw.receive_messages(2)) and raw.frames
        assert (goodbye.opcode, goodbye.code) == (8, code)
        assert goodbye.payload[2:] == b"what, now?"
        await raw.stream.send_all(frame(8, goodbye.payload[:2]))
        assert await raw.read_until_end() != "silence"
        assert len(raw.frames) == 2


@everywhere
async def test_a_close_may_have_no_code(transport: str) -> None:
    """With 1005 the close frame is empty; and a peer that does not answer is not waited for
    long.
    """
    async with service(transport) as place:
        raw = await place.connect("close code=1005")
        await raw.send(generation("a", LONG))
        await raw.receive_messages(0)
        started = trio.current_time()
        if transport != "memory":  # where time is real
            await raw.stream.send_all(frame(8))
        assert await raw.read_until_end() != "silence"
        assert [(goodbye.opcode, goodbye.payload) for goodbye in raw.frames] == [(8, b"")]
        assert trio.current_time() - started < 2.5


@everywhere
async def test_a_connection_stalls(transport: str) -> None:
    """A stalled connection says nothing any more, also to pings, and does not read either."""
    async with service(transport) as place:
        late = await place.connect("stall at_frame=3")
        await late.send(generation("a", LONG))
        await late.receive_messages(2)
        raw = await place.connect("stall at_byte=0")
        await raw.stream.send_all(frame(9, b"there?"))
        assert await raw.read_until_end(0.05) == "silence"
        assert not raw.received
        assert await late.read_until_end(0.05) == "silence"
        assert len(late.messages) == 2
        if transport == "memory":  # elsewhere the kernel takes more
            with trio.move_on_after(60) as scope:
                for _ in range(1000):
                    await raw.stream.send_all(frame(9, bytes(125)))
            assert scope.cancelled_caught


@everywhere
async def test_a_stall_may_pass(transport: str) -> None:
    """After a stall of some seconds all that was due comes, and nothing is missing."""
    async with service(transport) as place:
        raw = await place.connect("stall at_byte=20000 seconds=0.05")
        await raw.send(generation("a", LONG))
        started = trio.current_time()
        await raw.receive_until_done()
        assert audio(raw.messages) == await tones(LONG)
        assert trio.current_time() - started > 0.04


@everywhere
async def test_a_connection_is_half_open(transport: str) -> None:
    """A silent connection reads what it is sent, and nothing comes back: no pong, no close, no
    FIN.
    """
    async with service(transport) as place:
        late = await place.connect("silence at_frame=2")
        await late.send(generation("a", LONG))
        raw = await place.connect("silence at_byte=0")
        for _ in range(500):
            await raw.stream.send_all(frame(9, bytes(125)))
        await raw.send(generation("b", "Can you hear me?"))
        await place.wait_for_transcript("Can you hear me?")
        await raw.stream.send_all(frame(8))
        assert await raw.read_until_end(0.05 if transport != "memory" else 10) == "silence"
        assert not raw.received
        assert await place.end_of("a") == "done"
        assert await late.read_until_end(0.05) == "silence"
        assert len(late.messages) == 1


@everywhere
async def test_bytes_drip(transport: str) -> None:
    """What is sent comes in small pieces, one each time."""
    async with service(transport) as place:
        raw = await place.connect("drip at_frame=1 seconds=0.004 size_bytes=7")
        await raw.send({"context_id": "a"})  # refused, shortly
        started, sizes = trio.current_time(), []
        while not raw.frames:
            before = len(raw.received)
            raw.received += bytes(await raw.stream.receive_some(65536))
            sizes.append(len(raw.received) - before)
        assert raw.messages[0]["type"] == "error"
        if transport == "memory":
            assert set(sizes[:-1]) == {7}
            assert trio.current_time() - started == pytest.approx(0.004 * (len(sizes) - 1))
        else:
            assert trio.current_time() - started > 0.003 * len(raw.received) / 7


@everywhere
async def test_latency_delays_and_does_not_slow_down(transport: str) -> None:
    """Everything, the handshake too, comes later by the latency, and no later than that."""
    async with service(transport) as place:
        started = trio.current_time()
        raw = await place.connect("latency seconds=0.05")
        assert trio.current_time() - started > 0.04
        await raw.send(generation("a", LONG))
        started = trio.current_time()
        await raw.receive_until_done()
        assert len(raw.messages) > 5
        assert trio.current_time() - started > 0.04
        if transport == "memory":
            assert trio.current_time() - started < 0.25  # the pace of speech included
        assert audio(raw.messages) == await tones(LONG)


@everywhere
async def test_bandwidth_is_limited(transport: str) -> None:
    """No more bytes come in a second than asked for, and about as many."""
    async with service(transport) as place:
        raw = await place.connect("bandwidth bytes_per_second=4e6")
        await raw.send(generation("a", LONG))
        started = trio.current_time()
        await raw.receive_until_done()
        seconds = trio.current_time() - started
        assert seconds > 0.9 * (len(raw.received) / 4e6 - 0.05)
        if transport == "memory":
            assert seconds < len(raw.received) / 4e6 + 0.2
        assert audio(raw.messages) == await tones(LONG)


@pytest.mark.parametrize("status", [204, 304, 400, 402, 418, 429, 451, 503, 599])
@everywhere
async def test_a_handshake_is_refused(transport: str, status: int) -> None:
    """The handshake has the status that was asked for, and a body like any refusal's."""
    async with service(transport) as place:
        raw = await place.dial()
        await raw.send_handshake(WEBSOCKET, ("X-Fault", f"refused_handshake status={status}"))
        assert await raw.read_head() == status
        if status not in (204, 304):
            await raw.read_until_end(0.02)
            body = json.loads(raw.received)
            assert {"title", "message", "request_id", "error_code"} <= set(body)
            codes = {402: "quota_exceeded", 429: "concurrency_limited"}
            assert body["error_code"] == codes.get(status)
        (connection,) = place.server.journal.connections
        assert connection.status == status


@everywhere
async def test_a_handshake_stalls(transport: str) -> None:
    """Of the answer to the handshake come as many bytes as asked for, and then nothing."""
    async with service(transport) as place:
        raw = await place.dial()
        await raw.send_handshake(WEBSOCKET, ("X-Fault", "stalled_handshake size_bytes=9"))
        assert await raw.read_until_end(0.1 if transport != "memory" else 200) == "silence"
        assert raw.received == b"HTTP/1.1 "
        if transport == "memory":  # it is given up at last, as any that nobody reads
            assert await raw.read_until_end(200) == "fin"
            assert raw.received == b"HTTP/1.1 "


@everywhere
async def test_a_handshake_is_answered_with_garbage(transport: str) -> None:
    """Instead of an answer come bytes that are no HTTP, and the end."""
    async with service(transport) as place:
        raw = await place.dial()
        await raw.send_handshake(WEBSOCKET, ("X-Fault", "garbage_handshake size_bytes=300"))
        assert await raw.read_until_end() == "fin"
        assert len(raw.received) == 300
        assert b"HTTP" not in raw.received
