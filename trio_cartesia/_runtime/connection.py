"""One WebSocket, and the contexts on it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from typing import Final, Literal, Unpack

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.settings import ContextOptions, settings_from
from trio_cartesia._runtime.context import Context
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.feeder import Pieces, feeding
from trio_cartesia._runtime.inbox import Inbox
from trio_cartesia._runtime.managers import Block, Manager
from trio_cartesia._runtime.stalls import STALL_SECONDS, StallSeconds, check_stall_seconds
from trio_cartesia._runtime.statistics import ConnectionStatistics

__all__ = ["INBOX_BYTES", "Connection"]

INBOX_BYTES: Final = 64 * 2**20

Overflow = Literal["fail", "block"]


@no_public_constructor("client.tts.websocket_connect()")
@attrs.define(eq=False, init=False)
class Connection:
    """One WebSocket to the service, which carries any number of contexts at once.

    ``client.tts.websocket_connect()`` opens it. Its methods may be called from any task of the same
    Trio run. A lost connection is not reopened: opening a context on it raises `ConnectionLost`.
    """

    _contexts: ContextTable = attrs.field(repr=False)
    _inbox_bytes: int = INBOX_BYTES
    _stall_seconds: float = STALL_SECONDS

    @property
    def request_id(self) -> str | None:
        """The service's id of this connection, or None; quote it in reports."""
        return self._contexts.session.request_id

    def context(
        self,
        *,
        context_id: str | None = None,
        inbox_bytes: int | None = None,
        overflow: Overflow = "fail",
        stall_seconds: StallSeconds = "inherit",
        **settings: Unpack[ContextOptions],
    ) -> Manager[Context]:
        """Open a context for the block; nothing is sent before the first push.

        Leaving the block before the context's end, by ``break``, an exception or cancellation,
        drops queued inputs and queues one cancel request; nothing is awaited. Late events are
        dropped and counted.

        Args:
            context_id: An id that was not used on this connection before; if None, one is
                generated.
            inbox_bytes: The most bytes of events that wait until they are received; if None, the
                limit of the connection.
            overflow: With ``"fail"``, a context that exceeds *inbox_bytes* fails, and others
                continue. With ``"block"``, the client stops reading until there is space, which
                stops all contexts of the connection; use it for a single context, received in
                another task than the one that pushes.
            stall_seconds: The time without an event, in addition to ``max_buffer_delay_ms``, after
                which the context fails with `ContextStalled` if it waits for speech; None for no
                limit, ``"inherit"`` for the limit of the connection.
            **settings: The fields of `ContextSettings`: ``model_id``, ``voice`` and
                ``output_format`` are required.

        Raises:
            LocalProtocolError: A setting is missing, unknown, of the wrong type or out of range,
                or the id is in use. Nothing was sent.
            ConnectionLost: The connection has ended.

        Example::

            import trio
            from trio_cartesia import Cartesia

            async def main():
                async with (
                    Cartesia() as client,
                    client.tts.websocket_connect() as connection,
                    connection.context(
                        model_id="sonic-latest",
                        voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                        output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
                    ) as context,
                ):
                    await context.push("Hello.")
                    await context.no_more_inputs()
                    async for event in context.receive():
                        if event.type == "chunk":
                            print(len(event.audio))

            trio.run(main)
        """
        opened = self._open(context_id, inbox_bytes, overflow, stall_seconds, settings)
        return Block(opened, "a context (connection.context)")

    def speak(
        self,
        text_or_pieces: str | Iterable[str] | AsyncIterable[str],
        *,
        context_id: str | None = None,
        inbox_bytes: int | None = None,
        overflow: Overflow = "fail",
        stall_seconds: StallSeconds = "inherit",
        **settings: Unpack[ContextOptions],
    ) -> Manager[Context]:
        """Open a context for the block, which speaks a whole text.

        A str is sent as one message when the block is entered, so that the service can start at
        once. Pieces are pushed by a task; they may end anywhere, as those of a language model do
        (see `Context.feed`). If their iterator raises an exception, the receive loop raises it,
        after the earlier events. If the service ends the context before the last piece, the receive
        loop raises `ContextExpired`. Leaving the block stops the task and closes an asynchronous
        generator of pieces; the block raises the exception of that, unless it raises another one.

        Args:
            text_or_pieces: A text, or an iterator of its pieces.
            context_id: See `context`.
            inbox_bytes: See `context`.
            overflow: See `context`.
            stall_seconds: See `context`.
            **settings: See `context`.

        Raises:
            LocalProtocolError: As for `context`, or the text is empty.
            ConnectionLost: The connection has ended.

        Example::

            import trio
            from trio_cartesia import Cartesia

            async def main():
                async with (
                    Cartesia() as client,
                    client.tts.websocket_connect() as connection,
                    connection.speak(
                        ["Hello, ", "world."],
                        model_id="sonic-latest",
                        voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                        output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
                    ) as context,
                ):
                    print((await context.collect()).duration_seconds)

            trio.run(main)
        """
        checks.text_or_pieces(text_or_pieces, "text_or_pieces", may_be_empty=False)
        open_context = partial(
            self._open, context_id, inbox_bytes, overflow, stall_seconds, settings
        )
        speaking: Manager[Context] | AbstractContextManager[Context]
        if isinstance(text_or_pieces, str):
            speaking = self._speak_text(open_context(), text_or_pieces)
        else:
            speaking = self._speak_pieces(open_context(is_fed=True), text_or_pieces)
        return Block(speaking, "a context (connection.speak)")

    def statistics(self) -> ConnectionStatistics:
        """Return a snapshot of the connection's counters and state."""
        self._contexts.run_check.check()
        contexts, protocol, now = self._contexts, self._contexts.protocol, trio.current_time()
        session, waiting = contexts.session, contexts.waiting
        return ConnectionStatistics(
            contexts_open=protocol.open_count(),
            contexts_draining=protocol.draining_count(now),
            requests_queued=protocol.outgoing_count,
            inbox_bytes=waiting.held_bytes,
            inbox_peak_bytes=waiting.peak_bytes,
            idle_seconds=now - max(session.received_at, session.sent_at),
            is_lost=session.loss is not None,
            **attrs.asdict(protocol.counters),
        )

    @contextmanager
    def _speak_text(self, opened: AbstractContextManager[Context], text: str) -> Iterator[Context]:
        with opened as context:
            self._contexts.queue_input(context._entry, text, last=True)
            yield context

    @asynccontextmanager
    async def _speak_pieces(
        self, opened: AbstractContextManager[Context], pieces: Pieces
    ) -> AsyncIterator[Context]:
        with opened as context:
            async with feeding(context, pieces, self._contexts.session.start_soon):
                yield context

    @contextmanager
    def _open(
        self,
        context_id: str | None,
        inbox_bytes: int | None,
        overflow: Overflow,
        stall_seconds: StallSeconds,
        settings: ContextOptions,
        *,
        is_fed: bool = False,
    ) -> Iterator[Context]:
        self._contexts.run_check.check()
        checked = settings_from(settings)
        checks.choice(overflow, "overflow", ("fail", "block"))
        budget = self._inbox_bytes if inbox_bytes is None else inbox_bytes
        checks.positive_whole(budget, "inbox_bytes")
        contexts = self._contexts
        entry = contexts.open(
            checked,
            context_id,
            Inbox(budget, overflow == "block", contexts.waiting, contexts.run_check),
            is_fed=is_fed,
            stall_seconds=check_stall_seconds(stall_seconds, inherited=self._stall_seconds),
        )
        try:
            yield create(Context, entry.context_id, checked, contexts, entry)
        finally:
            contexts.retire(entry)
