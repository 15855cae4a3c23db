"""What a client does, recorded while it does it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs
import trio
import trio.testing
from wsproto.frame_protocol import FrameProtocol, Opcode

from trio_cartesia import Cartesia
from trio_cartesia.server import open_server
from trio_cartesia.testing import bounded_stream_pair, connected_pair

SETTINGS: Final[dict[str, Any]] = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 24000},
}
CALLER, CLIENT, SERVICE = range(3)
SOURCES: Final = ("_runtime.", "_protocol.tts.chunk_decoder", "_protocol.tts.protocol")

Step = tuple[float, int, int, str]  # seconds, from, to, what


def record_frame() -> list[tuple[str, str, str]]:
    """Return the calls from the arrival of a frame to the receive loop: caller, callee, function.

    Only calls from one class or module of the runtime or the protocol to another count.
    """
    calls: list[tuple[str, str, str]] = []
    trio.run(_deliver_one, partial(_note_call, calls))
    start = next(n for n, call in enumerate(calls) if call[0] == "Reader")
    end = next(n for n, call in enumerate(calls, 1) if call[1:] == ("Inbox", "put"))
    return [*calls[start:end], ("Inbox", "receive loop", "Chunk")]


async def _deliver_one(profile: Callable[[Any, str, object], None]) -> None:
    async with connected_pair() as (connection, peer):  # noqa: SIM117  # shorter so
        async with connection.context(context_id="a", **SETTINGS) as context:
            await context.push("Hello.")
            await peer.receive()
            await trio.testing.wait_all_tasks_blocked()
            sys.setprofile(profile)
            try:
                await peer.chunk("a", bytes(480))
                await trio.testing.wait_all_tasks_blocked()
            finally:
                sys.setprofile(None)


def _owner(frame: Any) -> str | None:
    module = frame.f_globals.get("__name__", "").removeprefix("trio_cartesia.")
    if not module.startswith(SOURCES):
        return None
    kind = type(frame.f_locals.get("self")).__name__
    return module.rpartition(".")[2] if kind == "NoneType" else kind


def _note_call(calls: list[tuple[str, str, str]], frame: Any, event: str, _: object) -> None:
    owner = _owner(frame)
    if event != "call" or owner is None:
        return
    caller, back = None, frame.f_back
    while back is not None and caller is None:
        caller, back = _owner(back), back.f_back
    call = (caller or "Trio", owner, frame.f_code.co_name)
    if call[0] != call[1] and call not in calls:
        calls.append(call)


def record_connection() -> list[Step]:
    """Return what passes between a caller, the client and the service, on virtual time."""
    steps: list[Step] = []
    trio.run(_live, steps, clock=trio.testing.MockClock(autojump_threshold=0))
    return steps


async def _live(steps: list[Step]) -> None:
    start = trio.current_time()

    def note(source: int, target: int, words: str) -> None:
        steps.append((trio.current_time() - start, source, target, words))

    async def open_stream(_host: str, _port: int) -> trio.abc.Stream:
        near, far = bounded_stream_pair()
        nursery.start_soon(server.serve_stream, far)
        await trio.lowlevel.checkpoint()
        return Tap(near, note)

    async with open_server(port=None, voice="tones") as server, trio.open_nursery() as nursery:
        client = Cartesia("key", base_url="http://localhost", open_stream=open_stream)
        note(CALLER, CLIENT, "async with websocket_connect()")
        async with client, client.tts.websocket_connect() as connection:
            async with connection.context(context_id="a", **SETTINGS) as context:
                note(CALLER, CLIENT, "push(), no_more_inputs()")
                await context.push("Good morning.")
                await context.no_more_inputs()
                async for event in context.receive():
                    if event.type != "chunk":
                        note(CLIENT, CALLER, type(event).__name__)
                    elif not any(step[3] == "Chunk, …" for step in steps):
                        note(CLIENT, CALLER, "Chunk, …")
            async with connection.context(context_id="b", **SETTINGS) as context:
                await context.push("A long text that is interrupted. " * 9)
                await anext(aiter(context.receive()))
                note(CALLER, CLIENT, "the context's block is left")
            await trio.sleep(30)
            note(CALLER, CLIENT, "the connection's block is left")
        nursery.cancel_scope.cancel()


@attrs.define(eq=False)
class Tap(trio.abc.Stream):
    """A stream that notes the messages that pass through it."""

    _stream: trio.abc.Stream
    _note: Callable[[int, int, str], None]
    _sent: Messages = attrs.field(init=False, factory=lambda: Messages(FrameProtocol(False, [])))
    _received: Messages = attrs.field(init=False, factory=lambda: Messages(FrameProtocol(True, [])))

    async def send_all(self, data: Any) -> None:
        """Send, and note what was sent."""
        for words in self._sent.read(bytes(data)):
            self._note(CLIENT, SERVICE, words)
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> Any:
        """Receive, and note what came."""
        data = await self._stream.receive_some(max_bytes)
        for words in self._received.read(bytes(data)):
            self._note(SERVICE, CLIENT, words)
        return data

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


@attrs.define(eq=False)
class Messages:
    """One direction of a WebSocket, read as one line a message; later chunks are left out."""

    _frames: FrameProtocol
    _head: bytes | None = b""
    _seen: set[str] = attrs.field(factory=set)

    def read(self, data: bytes) -> list[str]:
        """Return what *data* completes."""
        found = []
        if self._head is not None:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return []
            self._head = None
            found.append(head.split(b"\r\n")[0].decode().partition("?")[0])
        self._frames.receive_bytes(data)
        found += [self._words(frame) for frame in self._frames.received_frames()]
        return [words for words in found if words]

    def _words(self, frame: Any) -> str:
        if frame.opcode is not Opcode.TEXT:
            return str(frame.opcode.name.lower())
        message = json.loads(frame.payload)
        name = message.get("type", "cancel" if message.get("cancel") else "transcript")
        words = f"{name}, context {message['context_id']}"
        if name != "chunk":
            return words
        is_new = words not in self._seen
        self._seen.add(words)
        return f"{words}, …" if is_new else ""
