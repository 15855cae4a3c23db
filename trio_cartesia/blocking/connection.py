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

    Made by ``client.tts.websocket_connect()``. A connection that was lost stays lost. All of its
    methods may be called from any thread.
    """

    @property
    def request_id(self) -> str | None:
        """The service's name for this connection, if it gave one; quote it in reports."""
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
        """Open a context for the block; nothing is sent until something is pushed.

        Leaving the block before the context's end, by ``break``, an exception or Ctrl-C, drops what
        was not sent yet and queues one cancel; nothing is waited for. Late events are dropped and
        counted.

        Args:
            context_id: A name that was not used on this connection; None makes one.
            inbox_bytes: What may wait to be received; None means the connection's own.
            overflow: ``"fail"``: a context that outgrows *inbox_bytes* fails, alone. ``"block"``:
                reading stops until there is room, for all contexts of the connection, so it is for
                connections with a single one, received in another thread than the one that pushes.
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
        """Open a context that feeds itself with the text, and ends it.

        A str is queued as one message when the block is entered, so the service can start at once.
        Pieces may end anywhere, as those of a language model do; see `Context.feed`. They are made
        and pushed by another thread: whatever their iterator raises, the receive loop raises, after
        the events that came before. If the service ends the context while there is more to speak,
        the receive loop raises `ContextExpired`. Leaving the block stops pushing; an iterator that
        is making a piece then goes on until it has made it.

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
        """Return a snapshot of the connection's numbers."""
        return self._portal.run_sync(self._inner.statistics)
