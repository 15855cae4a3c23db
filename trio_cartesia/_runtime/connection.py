"""One WebSocket, and the contexts on it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from typing import Final, Literal, Unpack

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
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

    Made by ``client.tts.websocket_connect()``. A connection that was lost stays lost. All of its
    methods may be called from any task of the same Trio run.
    """

    _contexts: ContextTable = attrs.field(repr=False)
    _inbox_bytes: int = INBOX_BYTES
    _stall_seconds: float = STALL_SECONDS

    @property
    def request_id(self) -> str | None:
        """The service's name for this connection, if it gave one; quote it in reports."""
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
        """Open a context for the block; nothing is sent until something is pushed.

        Leaving the block before the context's end, by ``break``, an exception or cancellation,
        drops what was not sent yet and queues one cancel; nothing is awaited. Late events are
        dropped and counted.

        Args:
            context_id: A name that was not used on this connection; None makes one.
            inbox_bytes: What may wait to be received; None means the connection's own.
            overflow: ``"fail"``: a context that outgrows *inbox_bytes* fails, alone.
                ``"block"``: reading stops until there is room, for all contexts of the connection,
                so it is for connections with a single one, received in another task than the one
                that pushes.
            stall_seconds: How long text may be owed with nothing arriving, before the context
                fails with `ContextStalled`, in addition to ``max_buffer_delay_ms``; None means
                forever. ``"inherit"``: as the connection has it.
            **settings: The fields of `ContextSettings`: ``model_id``, ``voice`` and
                ``output_format`` are required.

        Raises:
            LocalProtocolError: A setting is missing, unknown, of the wrong type or out of range,
                or the id is in use. Nothing was sent.
            ConnectionLost: The connection is gone.

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
        """Open a context that feeds itself with the text, and ends it.

        A str is queued as one message when the block is entered, so the service can start at once.
        Pieces may end anywhere, as those of a language model do; see `Context.feed`. They are
        pushed by a task: whatever their iterator raises, the receive loop raises, after the events
        that came before. If the service ends the context while there is more to speak, the receive
        loop raises `ContextExpired`. Leaving the block stops the task and closes an asynchronous
        generator of pieces; what that raises is raised by the block, unless the block raises
        something itself.

        Args:
            text_or_pieces: A text, or pieces of one as they come.
            context_id: As in `context`.
            inbox_bytes: As in `context`.
            overflow: As in `context`.
            stall_seconds: As in `context`.
            **settings: As in `context`.

        Raises:
            LocalProtocolError: As `context`, and where the text is empty.
            ConnectionLost: The connection is gone.

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
        """Return a snapshot of the connection's numbers."""
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
        budget = check_budget(self._inbox_bytes if inbox_bytes is None else inbox_bytes)
        contexts = self._contexts
        inbox = Inbox(budget, overflow == "block", contexts.waiting, contexts.run_check)
        entry = contexts.open(
            checked,
            context_id,
            inbox,
            is_fed=is_fed,
            stall_seconds=check_stall_seconds(stall_seconds, inherited=self._stall_seconds),
        )
        try:
            yield create(Context, entry.context_id, checked, contexts, entry)
        finally:
            contexts.retire(entry)


def check_budget(inbox_bytes: object) -> int:
    """Return a byte budget that makes sense.

    Raises:
        LocalProtocolError: It is not a positive whole number.
    """
    if not isinstance(inbox_bytes, int) or isinstance(inbox_bytes, bool) or inbox_bytes < 1:
        raise LocalProtocolError("inbox_bytes must be a positive whole number")
    return inbox_bytes
