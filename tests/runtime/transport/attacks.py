"""Peers that mean harm: joined to a client in memory, and never reading more than they must."""

from __future__ import annotations

import math
import struct
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import attrs
import trio

from tests.runtime.transport.test_fast_path import answer_handshake
from tests.support import SETTINGS
from trio_cartesia import Cartesia, CartesiaError, ConnectionStatistics, Event
from trio_cartesia.testing import MemoryStream, bounded_stream_pair

PIPE_BYTES = 2**20
MIB = 2**20

Attack = Callable[[MemoryStream], Awaitable[None]]


def header(size: int, opcode: int = 0x81) -> bytes:
    """A frame's header, with the length written as it should be."""
    if size < 126:
        return bytes([opcode, size])
    if size < 65536:
        return struct.pack("!BBH", opcode, 126, size)
    return struct.pack("!BBQ", opcode, 127, size)


def message(payload: bytes, opcode: int = 0x81) -> bytes:
    return header(len(payload), opcode) + payload


def flood(piece: bytes, total: int) -> Attack:
    """Send *piece* again and again, *total* bytes in all, and then nothing."""

    async def attack(stream: MemoryStream) -> None:
        many = max(1, 65536 // len(piece))
        count = total // len(piece)
        for _ in range(count // many):
            await stream.send_all(piece * many)
        await stream.send_all(piece * (count % many))

    return attack


@attrs.define
class Seen:
    """What a user sees.

    Attributes:
        events: Of context ``a``.
        error: What ended its receive loop.
        statistics: Of the connection, at the end.
        seconds: Of virtual time, from the attack's beginning to the end.
        turns: How often another task had its turn meanwhile.
    """

    events: list[Event] = attrs.field(factory=list)
    error: CartesiaError | None = None
    statistics: ConnectionStatistics | None = None
    seconds: float = 0.0
    turns: int = 0


@asynccontextmanager
async def attacked(
    attack: Attack, *, drinks: bool = True, **arguments: object
) -> AsyncIterator[Cartesia]:
    """Make a client whose peer shakes hands, hears one message, and then attacks."""
    near, far = bounded_stream_pair(PIPE_BYTES)

    async def open_stream(_host: str, _port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return near

    async def drink() -> None:
        while await far.receive_some():
            pass

    async def serve() -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await answer_handshake(far, b"")
            await far.receive_some()
            async with trio.open_nursery() as nursery:
                if drinks:
                    nursery.start_soon(drink)
                await attack(far)
                await trio.sleep(100)
                nursery.cancel_scope.cancel()
        await far.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)  # noqa: ASYNC113  # the client waits for it
        arguments = {"api_key": "k", "base_url": "http://localhost", **arguments}
        async with Cartesia(open_stream=open_stream, **arguments) as client:
            yield client
        nursery.cancel_scope.cancel()


async def suffer(
    attack: Attack, *, inbox_bytes: int = MIB, with_bystander: bool = False, drinks: bool = True
) -> Seen:
    """Listen to one context under *attack*, until its end; *with_bystander*, time stands still."""
    seen = Seen()

    async def bystander() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            seen.turns += 1

    async def listen() -> None:
        async with (
            attacked(attack, drinks=drinks) as client,
            client.tts.websocket_connect(inbox_bytes=inbox_bytes) as connection,
            connection.context(**SETTINGS, context_id="a") as context,
        ):
            began_at = trio.current_time()
            await context.push("Hello.")
            try:
                async for event in context.receive():
                    seen.events.append(event)  # kept whatever comes
            except CartesiaError as error:
                seen.error = error
            seen.seconds = trio.current_time() - began_at
            seen.statistics = connection.statistics()
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        if with_bystander:
            nursery.start_soon(bystander)
        await listen()
    return seen


async def never_receive(attack: Attack, inbox_bytes: int) -> Exception | None:
    """Leave all events of one context where they are, while the attack lasts; return its error."""
    async with (
        attacked(attack) as client,
        client.tts.websocket_connect() as connection,
        connection.context(**SETTINGS, context_id="a", inbox_bytes=inbox_bytes) as context,
    ):
        await context.push("Hello.")
        await trio.sleep(1)
        assert context.statistics().inbox_peak_bytes <= inbox_bytes
        try:
            await context.collect()
        except CartesiaError as error:
            error.partial = None
            return error
    return None


@contextmanager
def peak() -> Iterator[Callable[[], float]]:
    """Measure the block: what is yielded tells how many MiB it took at most."""
    most = math.nan
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield lambda: most
        most = (tracemalloc.get_traced_memory()[1] - before) / MIB
    finally:
        tracemalloc.stop()
