"""A pool over a local service in memory, whose connections a test breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

import attrs
import trio

from tests.support import SETTINGS
from trio_cartesia import Cartesia, Chunk, ContextOptions, Resumed, WordTimestamps
from trio_cartesia.server import Server, Tones, open_server
from trio_cartesia.server.access.plans import Account
from trio_cartesia.server.messages.errors import APIError
from trio_cartesia.testing import Link, MemoryStream, bounded_stream_pair

DIRECT = Link()

# little audio, so that many contexts take little time
SMALL: ContextOptions = {
    **SETTINGS,
    "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
}
LONG = "One word after the other. " * 40


@attrs.define(eq=False)
class Network:
    """Connections in memory to a service.

    Attributes:
        streams: The service's ends, the oldest first.
        opened_at: When each was opened.
        attempts: When a connection was asked for.
        error: Raised instead of making another connection.
        link: How slow the next ones are.
    """

    server: Server
    nursery: trio.Nursery
    streams: list[MemoryStream] = attrs.field(factory=list)
    opened_at: dict[MemoryStream, float] = attrs.field(factory=dict)
    attempts: list[float] = attrs.field(factory=list)
    error: BaseException | None = None
    link: Link = DIRECT

    async def open_stream(self, _host: str, _port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.attempts.append(trio.current_time())
        if self.error is not None:
            raise self.error
        near, far = bounded_stream_pair(link=self.link)
        self.streams.append(far)
        self.opened_at[far] = trio.current_time()
        self.nursery.start_soon(self._serve, far)
        return near

    async def _serve(self, stream: MemoryStream) -> None:
        await self.server.serve_stream(stream)
        self.streams.remove(stream)

    def reset(self, index: int = 0) -> None:
        """Break a connection."""
        self.streams[index].reset()

    def reset_all(self) -> None:
        """Break all connections."""
        for stream in self.streams:
            stream.reset()


@asynccontextmanager
async def service(**options: Any) -> AsyncIterator[tuple[Cartesia, Network]]:
    """Yield a client of a local service in memory, and the network between them."""
    async with (
        open_server(port=None, voice=Tones(), **options) as server,
        trio.open_nursery() as nursery,
    ):
        network = Network(server, nursery)
        async with Cartesia(base_url=server.url, open_stream=network.open_stream) as client:
            yield client, network
        nursery.cancel_scope.cancel()


@contextmanager
def refusals_counted() -> Iterator[list[float]]:
    """Yield a list to which the time is added whenever the service refuses a context with 429."""
    refusals: list[float] = []
    acquire = Account.acquire_context

    def count(account: Account) -> None:
        try:
            acquire(account)
        except APIError:
            refusals.append(trio.current_time())
            raise

    with patch.object(Account, "acquire_context", count):
        yield refusals


def letters(words):
    """Return the letters of the words among *words*."""
    bare = ["".join(filter(str.isalnum, word)) for word in words if not word.startswith("<")]
    return [word for word in bare if word]


class Listener:
    """Receives a context that may be resumed, and keeps what came of each connection.

    Attributes:
        stretches: Of each context, its id, the audio and the words.
        ends: When each word ends.
        resumed: The attempts between.
        has_resumed: Set at the next one.
        error: What the receive loop raised.
    """

    def __init__(self):
        self.stretches, self.ends, self.resumed, self.error = [], [], [], None
        self.has_resumed = trio.Event()

    async def receive(self, context):
        try:
            async for each in context.receive():
                if isinstance(each, (Chunk, WordTimestamps)):
                    self._take(each)
                elif isinstance(each, Resumed):
                    words = self.words()
                    assert each.after_word == (words[-1] if words else None)
                    assert each.context_id == context.context_id
                    self.resumed.append(each.attempt)
                    self.has_resumed.set()
                    self.has_resumed = trio.Event()
        except Exception as error:  # noqa: BLE001
            self.error = error

    def _take(self, each):
        if not self.stretches or self.stretches[-1][0] != each.context_id:
            self.stretches.append((each.context_id, bytearray(), []))
        if isinstance(each, Chunk):
            self.stretches[-1][1].extend(each.audio)
        else:
            self.stretches[-1][2].extend(each.word_timestamps.words)
            self.ends += each.word_timestamps.end

    def words(self):
        return [word for _, _, words in self.stretches for word in words]
