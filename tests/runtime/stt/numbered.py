"""Audio whose samples are numbered, and a service that drops its connections.

The text of the service is the numbers of the samples that it is of. So tests can tell which audio
was transcribed, and how often. A sample is two ASCII characters: valid UTF-8, as audio may be.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio

from trio_cartesia import Cartesia, ConnectionLost, Gap, Transcript
from trio_cartesia.testing import Peer, client_with_peers

RATE = 100
SETTINGS: dict[str, Any] = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": RATE}


def numbered(first: int, count: int) -> bytes:
    """So many samples."""
    numbers = range(first, first + count)
    return bytes(part for number in numbers for part in (32 + number // 64, 32 + number % 64))


def numbers_of(audio: bytes) -> list[int]:
    return [64 * (high - 32) + low - 32 for high, low in zip(audio[::2], audio[1::2], strict=True)]


def text_of(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}-{numbers[-1] + 1} "


def spans_of(text: str) -> list[tuple[int, int]]:
    return [(int(start), int(end)) for start, _, end in (s.partition("-") for s in text.split())]


def in_samples(gap: Gap) -> tuple[int, int]:
    return round(gap.start_seconds * RATE), round(gap.end_seconds * RATE)


class Dropped(Exception):
    """The plan of a connection says that it ends here."""


@attrs.frozen
class Plan:
    """The life of one connection.

    Attributes:
        steps: It is dropped after so many messages in either direction.
        close_code: It is closed with this; None: it is reset.
        idle_seconds: It is dropped after so long without a message of the client.
    """

    steps: float = math.inf
    close_code: int | None = None
    idle_seconds: float = math.inf


@attrs.define
class NumberedConnection:
    """One connection of the service."""

    peer: Peer
    plan: Plan
    steps: int = 0
    is_dropped: bool = False
    received: list[int] = attrs.field(factory=list)
    final: int = 0  # of them

    async def receive(self) -> str | bytes:
        with trio.move_on_after(self.plan.idle_seconds) as idle:
            message = await self.peer.receive_message()
        if idle.cancelled_caught:
            raise Dropped
        if isinstance(message, bytes):
            self.received += numbers_of(message)
        self.step()
        return message

    async def send(self, **event: object) -> None:
        await self.peer.send(**event)
        self.step()

    def take(self) -> list[int]:
        """The numbers that have no final text, which they have from now on."""
        numbers = self.received[self.final :]
        self.final = len(self.received)
        return numbers

    def step(self) -> None:
        self.steps += 1
        if self.steps >= self.plan.steps:
            raise Dropped


@attrs.define
class NumberedService:
    """Serves connections after their plans; the last plan serves all others.

    Attributes:
        commands: The text messages of all connections.
        heads: The first number that each connection received.
    """

    plans: Sequence[Plan]
    flush_done_first: bool = False
    has_durations: bool = True
    finalizes_every: float = math.inf  # of so many samples, without being asked
    delay_seconds: float = 0.0
    connections: list[NumberedConnection] = attrs.field(factory=list)
    commands: list[str] = attrs.field(factory=list)

    async def serve(self, peers: trio.MemoryReceiveChannel[Peer]) -> None:
        async with trio.open_nursery() as nursery:
            async for peer in peers:
                plan = self.plans[min(len(self.connections), len(self.plans) - 1)]
                self.connections.append(NumberedConnection(peer, plan))
                nursery.start_soon(self._serve_one, self.connections[-1])

    async def _serve_one(self, connection: NumberedConnection) -> None:
        close_code = connection.plan.close_code
        try:
            await self.serve_connection(connection)
        except Dropped:
            connection.is_dropped = True
            if close_code is None:
                connection.peer.stream.reset()
            else:
                await connection.peer.close(close_code)
        except (trio.EndOfChannel, trio.BrokenResourceError):
            pass  # the client has gone

    async def serve_connection(self, connection: NumberedConnection) -> None:
        while True:
            message = await connection.receive()
            if isinstance(message, bytes):
                if len(connection.received) - connection.final >= self.finalizes_every:
                    await self._send_piece(connection)
                continue
            self.commands.append(message)
            await trio.sleep(self.delay_seconds)
            if message == "close":
                await self._send_piece(connection)
                await connection.send(type="done")
                await connection.peer.close()
                return
            if self.flush_done_first:
                await connection.send(type="flush_done")
            await self._send_piece(connection)
            if not self.flush_done_first:
                await connection.send(type="flush_done")

    async def _send_piece(self, connection: NumberedConnection) -> None:
        if numbers := connection.take():
            fields = {"duration": len(numbers) / RATE} if self.has_durations else {}
            await connection.send(type="transcript", is_final=False, text="interim", **fields)
            await connection.send(type="transcript", is_final=True, text=text_of(numbers), **fields)


@attrs.define
class Received:
    """What a receive loop has got."""

    spans: list[tuple[int, int]] = attrs.field(factory=list)
    gaps: list[tuple[int, int]] = attrs.field(factory=list)
    events: list[object] = attrs.field(factory=list)
    loss: ConnectionLost | None = None

    async def receive_from(self, session: Any) -> None:
        try:
            async for event in session.receive():
                self.receive(event)
        except ConnectionLost as error:
            self.loss = error

    def receive(self, event: object) -> None:
        """Take in an event."""
        self.events.append(event)
        if isinstance(event, Gap):
            self.gaps.append(in_samples(event))
        elif isinstance(event, Transcript) and event.is_final:
            self.spans += spans_of(event.text)

    def accounts_for(self, count: int) -> bool:
        """Whether each of so many samples is either in the text or in a gap, once and in order."""
        position = 0
        for start, end in sorted(self.spans + self.gaps):
            if start != position:
                return False
            position = end
        return position == count and self.spans == sorted(self.spans)


@asynccontextmanager
async def serving(
    service: NumberedService,
    *,
    refused: Sequence[int] = (),
    error: Exception = ConnectionRefusedError("refused by the test"),  # noqa: B008  # it is a value
    pipe_bytes: int = 2**16,
) -> AsyncIterator[Cartesia]:
    """A client whose connections are served, but for those whose numbers are given."""
    async with (
        client_with_peers(pipe_bytes=pipe_bytes) as (client, peers),
        trio.open_nursery() as nursery,
    ):
        endpoint, numbers = client.stt._endpoint, itertools.count()
        endpoint.open_stream = _refusing(endpoint.open_stream, numbers, refused, error)
        nursery.start_soon(service.serve, peers)  # noqa: ASYNC113  # it waits for connections
        yield client
        nursery.cancel_scope.cancel()


def _refusing(
    open_stream: Any, numbers: Iterator[int], refused: Sequence[int], error: Exception
) -> Any:
    async def open_or_refuse(host: str, port: int) -> trio.abc.Stream:
        if next(numbers) in refused:
            raise error
        return await open_stream(host, port)

    return open_or_refuse


async def until_lost(session: Any) -> None:
    """Wait until the session is without a connection."""
    while session.statistics().state != "reconnecting":
        await session._handler.changed.park()


async def until_connected(session: Any) -> None:
    """Wait until the session has opened a connection in place of one that was lost."""
    before = session.statistics().connections_opened
    while session.statistics().connections_opened == before:
        await session._handler.changed.park()
