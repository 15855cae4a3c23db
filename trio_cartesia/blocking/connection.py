"""`Connection` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.tts.settings import ContextOptions
from trio_cartesia._runtime.connection import Connection as AsyncConnection
from trio_cartesia._runtime.connection import Overflow
from trio_cartesia._runtime.stalls import StallSeconds
from trio_cartesia._runtime.statistics import ConnectionStatistics
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.context import Context
from trio_cartesia.blocking.pieces import pieces_from_thread
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Connection"]


@no_public_constructor("client.tts.websocket_connect()")
@attrs.define(eq=False, init=False, repr=False)
class Connection(Wrapper[AsyncConnection]):
    """One WebSocket to the service, which carries any number of contexts at once.

    ``client.tts.websocket_connect()`` opens it. Its methods may be called from any thread. A lost
    connection is not reopened: opening a context on it raises `ConnectionLost`.
    """

    @property
    def request_id(self) -> str | None:
        """The service's id of this connection, or None; quote it in reports."""
        return self._inner.request_id

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

        Leaving the block before the context's end, by ``break``, an exception or Ctrl-C, drops
        queued inputs and queues one cancel request; nothing is waited for. Late events are dropped
        and counted.

        Args:
            context_id: An id that was not used on this connection before; if None, one is
                generated.
            inbox_bytes: The most bytes of events that wait until they are received; if None, the
                limit of the connection.
            overflow: With ``"fail"``, a context that exceeds *inbox_bytes* fails, and others
                continue. With ``"block"``, the client stops reading until there is space, which
                stops all contexts of the connection; use it for a single context, received in
                another thread than the one that pushes.
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

            from trio_cartesia.blocking import Cartesia

            with (
                Cartesia() as client,
                client.tts.websocket_connect() as connection,
                connection.context(
                    model_id="sonic-latest",
                    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                    output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
                ) as context,
            ):
                context.push("Hello.")
                context.no_more_inputs()
                for event in context.receive():
                    if event.type == "chunk":
                        print(len(event.audio))
        """
        return Block(
            self._portal,
            self._inner.context(
                context_id=context_id,
                inbox_bytes=inbox_bytes,
                overflow=overflow,
                stall_seconds=stall_seconds,
                **settings,
            ),
            Context,
        )

    def speak(
        self,
        text_or_pieces: str | Iterable[str],
        *,
        context_id: str | None = None,
        inbox_bytes: int | None = None,
        overflow: Overflow = "fail",
        stall_seconds: StallSeconds = "inherit",
        **settings: Unpack[ContextOptions],
    ) -> Manager[Context]:
        """Open a context for the block, which speaks a whole text.

        A str is sent as one message when the block is entered, so that the service can start at
        once. Pieces are created and pushed by another thread; they may end anywhere, as those of a
        language model do (see `Context.feed`). If their iterator raises an exception, the receive
        loop raises it, after the earlier events. If the service ends the context before the last
        piece, the receive loop raises `ContextExpired`. Leaving the block stops pushing; an
        iterator that is creating a piece is not interrupted.

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

            from trio_cartesia.blocking import Cartesia

            with (
                Cartesia() as client,
                client.tts.websocket_connect() as connection,
                connection.speak(
                    ["Hello, ", "world."],
                    model_id="sonic-latest",
                    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                    output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
                ) as context,
            ):
                print(context.collect().duration_seconds)
        """
        return Block(
            self._portal,
            self._inner.speak(
                pieces_from_thread(text_or_pieces),
                context_id=context_id,
                inbox_bytes=inbox_bytes,
                overflow=overflow,
                stall_seconds=stall_seconds,
                **settings,
            ),
            Context,
        )

    def statistics(self) -> ConnectionStatistics:
        """Return a snapshot of the connection's counters and state."""
        return self._portal.run_sync(self._inner.statistics)
