"""
One WebSocket, and the contexts on it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Final, Literal, Unpack

import attrs
import trio

from trio_cartesia._errors import ContextExpired, LocalProtocolError
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.settings import ContextOptions, settings_from
from trio_cartesia._runtime.context import Context
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.managers import Block, Manager, block
from trio_cartesia._runtime.statistics import ConnectionStatistics

__all__ = ["INBOX_BYTES", "Connection"]

INBOX_BYTES: Final = 64 * 2**20

_log: Final = logging.getLogger("trio_cartesia.connection")

Overflow = Literal["fail", "block"]


@attrs.define(eq=False)
class Connection:
    """
    One WebSocket to the service, which carries any number of contexts at once.

    Made by ``client.tts.websocket_connect()``. A connection that was lost stays lost. All of its
    methods may be called from any task of the same Trio run.
    """

    _contexts: ContextTable = attrs.field(repr=False)
    _inbox_bytes: int = INBOX_BYTES

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
        **settings: Unpack[ContextOptions],
    ) -> Manager[Context]:
        """
        Open a context for the block; nothing is sent until something is pushed.

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
        opened = self._open(context_id, inbox_bytes, overflow, settings)
        return Block(opened, "a context (connection.context)")

    @block("a context (connection.speak)")
    @asynccontextmanager
    async def speak(
        self,
        text_or_pieces: str | Iterable[str] | AsyncIterable[str],
        *,
        context_id: str | None = None,
        inbox_bytes: int | None = None,
        overflow: Overflow = "fail",
        **settings: Unpack[ContextOptions],
    ) -> AsyncIterator[Context]:
        """
        Open a context that feeds itself: a task of the block pushes the text, then ends it.

        What the pieces' iterator raises is raised by the receive loop, after the events that came
        before. Where the service ends the context while there is more to be said, the receive loop
        raises `ContextExpired`. Leaving the block stops the task, and closes an asynchronous
        generator of pieces.

        Args:
            text_or_pieces: A text, or pieces of one as they come.
            context_id: As in `context`.
            inbox_bytes: As in `context`.
            overflow: As in `context`.
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
        with self._open(context_id, inbox_bytes, overflow, settings, is_fed=True) as context:
            async with open_service_nursery() as nursery:
                nursery.start_soon(_feed, self._contexts, context, text_or_pieces)
                yield context

    def statistics(self) -> ConnectionStatistics:
        """Return a snapshot of the connection's numbers."""
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
    def _open(
        self,
        context_id: str | None,
        inbox_bytes: int | None,
        overflow: Overflow,
        settings: ContextOptions,
        *,
        is_fed: bool = False,
    ) -> Iterator[Context]:
        checked = settings_from(settings)
        checks.choice(overflow, "overflow", ("fail", "block"))
        entry = self._contexts.open(
            checked,
            context_id,
            inbox_bytes=check_budget(self._inbox_bytes if inbox_bytes is None else inbox_bytes),
            blocks=overflow == "block",
            is_fed=is_fed,
        )
        try:
            yield Context(entry.context_id, checked, self._contexts, entry)
        finally:
            self._contexts.retire(entry)


def check_budget(inbox_bytes: object) -> int:
    """
    Return a byte budget that makes sense.

    Raises:
        LocalProtocolError: It is not a positive whole number.
    """
    if not isinstance(inbox_bytes, int) or isinstance(inbox_bytes, bool) or inbox_bytes < 1:
        raise LocalProtocolError("inbox_bytes must be a positive whole number")
    return inbox_bytes


async def _feed(
    contexts: ContextTable, context: Context, pieces: Iterable[str] | AsyncIterable[str]
) -> None:
    """Feed a context; its receive loop raises what goes wrong, in the caller's task."""
    try:
        if isinstance(pieces, AsyncGenerator):
            async with aclosing(pieces):
                await context.feed(pieces)
        else:
            await context.feed(pieces)
    except ContextExpired as expiry:  # the receive loop is to know of the last piece, too
        context._entry.inbox.amend(expiry)
    except Exception as error:  # noqa: BLE001  # a caller's iterator may raise anything
        _log.debug("feeding %s ended with %s", context.context_id, type(error).__name__)
        contexts.fail(context._entry, error)  # does nothing where the context has ended
