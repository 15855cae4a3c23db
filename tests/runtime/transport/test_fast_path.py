"""The fast path: it delivers the same events as trio-websocket's own reading."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
from contextlib import suppress
from functools import partial

import attrs
import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from tests.protocol.strategies import CHUNKS, EVENTS, broken_events
from tests.support import SETTINGS, examples
from trio_cartesia import Cartesia, CartesiaError
from trio_cartesia._runtime.inbox import IN_A_ROW
from trio_cartesia._runtime.transport import websocket as transport
from trio_cartesia._runtime.transport.tapped_stream import TappedStream
from trio_cartesia.testing import connected_pair, on_virtual_time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(payload: bytes, opcode: int = 0x81, *, widen: int = 0, masked: bool = False) -> bytes:
    """A frame as a server sends it; *widen* writes its length in more bytes than it needs."""
    size = len(payload)
    width = max(widen, 0 if size < 126 else 2 if size < 65536 else 8)
    short = {0: size, 2: 126, 8: 127}[width]
    extended = size.to_bytes(width) if width else b""
    mask = bytes(4) if masked else b""
    return bytes([opcode, short | 0x80 * masked]) + extended + mask + payload


def text(value: object, **how: object) -> bytes:
    return frame(json.dumps(value).encode(), **how)


def in_pieces(value: object, cut: int) -> bytes:
    """A message in two frames, with a ping between them."""
    data = json.dumps(value).encode()
    cut = min(cut, len(data))
    return frame(data[:cut], 0x01) + frame(b"?", 0x89) + frame(data[cut:], 0x80)


DONES = st.sampled_from("abc").map(lambda name: {"type": "done", "context_id": name})
SHAPES = st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :")])
USUAL = st.tuples(CHUNKS | DONES | EVENTS, SHAPES).map(
    lambda pair: frame(json.dumps(pair[0], separators=pair[1]).encode())
)
ODD = st.one_of(
    broken_events().map(text),
    st.tuples(EVENTS, st.integers(0, 40)).map(lambda pair: in_pieces(*pair)),
    EVENTS.map(partial(text, widen=2)) | EVENTS.map(partial(text, widen=8)),
    EVENTS.map(partial(text, opcode=0x82)) | EVENTS.map(partial(text, opcode=0xC1)),
    EVENTS.map(partial(text, masked=True)),
    st.binary(max_size=9).map(frame) | st.binary(max_size=9).map(partial(frame, opcode=0x8A)),
    st.binary(max_size=9).map(partial(frame, opcode=0x89)),
    st.sampled_from([1000, 1001, 1011]).map(lambda code: frame(struct.pack("!H", code), 0x88)),
    st.just(frame(b'{"type": "chunk", "context_id": "a", "data": "\xff"}')),
    st.just(frame(b'{"type": "chunk", "context_id": "a", "data": "AAAA", "x": "\xff"}')),
    st.just(frame(b'{"x": {"data":"AAAA"}, "type": "chunk", "context_id": "a", "data":"BBBB"}')),
    st.just(frame(b'{"type": "chunk", "context_id": "a", "data":"AAAA", "data":"BBBB"}')),
    st.just(bytes([0x81, 127]) + struct.pack("!Q", 2**40)),
    st.binary(max_size=12),
)
STRAY = frame(b'{"type":"chunk","context_id":"z","data":"AAAA"}')  # harmless, whenever it comes
STREAMS = st.lists(st.one_of(*[USUAL] * 4, ODD), max_size=8).map(b"".join)


def described(error: CartesiaError) -> str:
    """What it says, but for where in a slice wsproto found bytes that are no UTF-8."""
    return re.sub(r"(in position) .*", r"\1", str(error))


async def answer_handshake(stream: trio.abc.Stream, rest: bytes) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        request += await stream.receive_some()
    lines = dict(line.split(b": ", 1) for line in request.split(b"\r\n") if b": " in line)
    fields = {name.lower(): value for name, value in lines.items()}
    accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())  # noqa: S324
    await stream.send_all(
        b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + rest
    )


async def send_sliced(
    stream: trio.abc.HalfCloseableStream, data: bytes, sizes: list[int], *, breaks: bool
) -> None:
    index = 0
    with suppress(trio.BrokenResourceError):  # the client has had enough
        while data:
            size = sizes[index % len(sizes)]
            await stream.send_all(data[:size])
            data, index = data[size:], index + 1
            await trio.sleep(0.1)
        if breaks:
            await trio.aclose_forcefully(stream)
        else:
            await stream.send_eof()


async def play(
    data: bytes, sizes: list[int], *, early: int, breaks: bool, fast_path: bool
) -> object:
    """What two contexts hear, and how they and the connection end, if the peer sends *data*."""
    near, far = memory_stream_pair()

    async def open_stream(_host: str, _port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return near

    async def serve() -> None:
        await answer_handshake(far, data[:early])
        await ready.wait()
        await send_sliced(far, data[early:], sizes, breaks=breaks)

    async def listen(name: str) -> None:
        heard = outcomes[name] = []
        try:
            async with connection.context(**SETTINGS, context_id=name) as context:
                await context.push("Hello.")
                pushed.append(name)
                async for event in context.receive():
                    heard.append(event)  # noqa: PERF401  # what came before an error counts
        except CartesiaError as error:
            heard.append((type(error), described(error), getattr(error, "close_code", None)))

    ready, outcomes, pushed, connection = trio.Event(), {}, [], None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "FAST_PATH_IS_ON", fast_path)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            try:
                async with (
                    Cartesia("k", base_url="http://localhost", open_stream=open_stream) as client,
                    client.tts.websocket_connect() as connection,
                    trio.open_nursery() as listeners,
                ):
                    for name in "ab":
                        listeners.start_soon(listen, name)
                    await trio.testing.wait_all_tasks_blocked()
                    ready.set()
            except CartesiaError as error:
                outcomes["connection"] = type(error), described(error)
            nursery.cancel_scope.cancel()
    counters = attrs.asdict(connection.statistics()) if connection is not None else {}
    for moving in ("idle_seconds", "inbox_peak_bytes", "requests_sent", "requests_queued"):
        counters.pop(moving, None)
    for late in ("events_received", "stray_events", "unknown_events", "dropped_events"):
        counters.pop(late, None)  # what comes after both contexts have ended may be read, or not
    # a context that fails at the moment of the loss has said that it leaves, or not: chance
    counters.pop("contexts_draining", None)
    counters.pop("dropped_audio_bytes", None)
    counters.pop("audio_bytes_received", None)
    return outcomes, counters


@settings(max_examples=examples(50, otherwise=4), deadline=None)
@given(
    data=STREAMS,
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=5),
    early=st.sampled_from([0, 0, 0, 1, 2, 5, len(STRAY)]),
    breaks=st.booleans(),
)
@example(data=frame(b'{"type":"done","context_id":"a"}'), sizes=[1], early=0, breaks=False)
@example(data=frame(b'{"type":"done","context_id":"a"}'), sizes=[300], early=3, breaks=False)
@example(
    data=frame(b'{"type":"done","context_id":"a"}'), sizes=[300], early=len(STRAY), breaks=False
)
@on_virtual_time
async def test_the_fast_path_delivers_the_same_events(data, sizes, early, breaks):
    """Whatever a peer sends, in any slices, the events and ends are the same with and without the
    fast path.
    """
    outcomes = [
        await play(STRAY + data, sizes, early=early, breaks=breaks, fast_path=fast_path)
        for fast_path in (True, False)
    ]
    assert outcomes[0] == outcomes[1]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what is handed to trio-websocket after the handshake."""
    passed = []
    receive_some = TappedStream.receive_some

    async def count(self: TappedStream, max_bytes: int | None = None) -> bytes | bytearray:
        data = await receive_some(self, max_bytes)
        if not data.startswith(b"HTTP"):
            passed.append(len(data))
        return data

    monkeypatch.setattr(TappedStream, "receive_some", count)
    return passed


async def test_whole_text_frames_bypass_trio_websocket(autojump_clock, monkeypatch):
    """Speech does not pass through trio-websocket; pings between its frames do."""
    monkeypatch.setattr(transport, "FAST_PATH_IS_ON", True)
    passed = counted(monkeypatch)
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            for number in range(10):
                await peer.chunk("a", bytes([number, 0]) * 5000)
                await trio.sleep(25)  # a keepalive's pong comes in between
            await peer.done("a")
            speech = await context.collect()
    assert speech.audio == b"".join(bytes([number, 0]) * 5000 for number in range(10))
    assert 5 <= len(passed) <= 20  # pongs and the close
    assert max(passed) < 130


@pytest.mark.parametrize("fast_path", [True, False])
async def test_an_inbox_that_blocks_is_waited_for(autojump_clock, monkeypatch, fast_path):
    """With ``overflow="block"`` no more is read while the inbox is full, and nothing is lost."""
    monkeypatch.setattr(transport, "FAST_PATH_IS_ON", fast_path)
    async with connected_pair(pipe_bytes=20_000) as (connection, peer):
        async with (
            connection.context(
                **SETTINGS, context_id="a", inbox_bytes=10_000, overflow="block"
            ) as context,
            trio.open_nursery() as nursery,
        ):
            await context.push("Hello.")

            async def speak() -> None:
                for number in range(100):
                    await peer.chunk("a", bytes([number, 0]) * 2000)
                await peer.done("a")

            nursery.start_soon(speak)
            await trio.sleep(5)
            assert connection.statistics().inbox_bytes < 15_000
            heard = b"".join([audio async for audio in context.audio()])
    assert heard == b"".join(bytes([number, 0]) * 2000 for number in range(100))


async def test_a_flood_holds_nobody_up(autojump_clock):
    """A receive loop over a thousand waiting events lets others run, and ends
    when it is cancelled.
    """
    turns = heard = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with connected_pair(pipe_bytes=2**20) as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            for _ in range(1000):
                await peer.chunk("a", b"12")
            await peer.done("a")
            await trio.testing.wait_all_tasks_blocked()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(count_turns)
                await trio.lowlevel.checkpoint()
                receiver = context.receive()
                async for _ in receiver:
                    heard += 1
                    if heard == 500:
                        break
                assert turns >= 500 // IN_A_ROW - 1
                nursery.cancel_scope.cancel()
                with pytest.raises(trio.Cancelled):
                    await anext(receiver)
            assert len([event async for event in receiver]) == 501


@pytest.mark.parametrize(("value", "is_on"), [(None, True), ("1", True), ("0", False)])
def test_an_environment_variable_turns_the_fast_path_off(value, is_on):
    """``TRIO_CARTESIA_FAST_PATH=0`` leaves every frame to trio-websocket."""
    environment = {
        name: text for name, text in os.environ.items() if name != "TRIO_CARTESIA_FAST_PATH"
    }
    if value is not None:
        environment["TRIO_CARTESIA_FAST_PATH"] = value
    module = "trio_cartesia._runtime.transport.websocket"
    program = f"from {module} import FAST_PATH_IS_ON; print(FAST_PATH_IS_ON)"
    command = [sys.executable, "-c", program]
    printed = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert printed.strip() == str(is_on)
