"""`Pool` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._pool.pool import Pool as AsyncPool
from trio_cartesia._pool.statistics import PoolStatistics
from trio_cartesia._protocol.tts.settings import ContextOptions
from trio_cartesia._runtime.stalls import StallSeconds
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.context import Context
from trio_cartesia.blocking.pieces import pieces_from_thread
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Pool"]


@no_public_constructor("client.tts.websocket_pool()")
@attrs.define(eq=False, init=False, repr=False)
class Pool(Wrapper[AsyncPool]):
    """Contexts from a few warm connections, as many at once as the account's plan allows.

    Made by ``client.tts.websocket_pool()``. All of its methods may be called from any thread.

    What the plan does not allow at once waits in a queue: higher priorities first, and within one
    in the order in which they came. A context counts until the service has ended it, also where it
    was cancelled or its block was left. Should the service refuse a context all the same, since
    other programs use the account, it is opened again later, as long as it has spoken nothing, and
    fewer are opened at once for a while.
    """

    def context(
        self,
        *,
        priority: int = 0,
        inbox_bytes: int | None = None,
        stall_seconds: StallSeconds = "inherit",
        **settings: Unpack[ContextOptions],
    ) -> Manager[Context]:
        """Open a context for the block, once there is a place for it.

        It is a `Context` like that of `Connection.context`. If its connection is lost before any of
        its text was sent, it goes to another one; after that it fails with `ConnectionLost`. Where
        it goes to another one, or is opened again, its ``context_id`` changes.

        If interrupted by Ctrl-C while it waits, it leaves the queue.

        Args:
            priority: Contexts with a higher one are opened first. Those with a lower one wait for
                as long as there are others.
            inbox_bytes: As for `Connection.context`.
            stall_seconds: As for `Connection.context`.
            **settings: As for `Connection.context`.

        Raises:
            LocalProtocolError: As for `Connection.context`.
            PoolClosed: The pool is draining, or its block has ended.
            CartesiaError: There is no connection: what the last attempt to make one raised.
        """
        return Block(
            self._portal,
            self._inner.context(
                priority=priority, inbox_bytes=inbox_bytes, stall_seconds=stall_seconds, **settings
            ),
            Context,
        )

    def speak(
        self,
        text_or_pieces: str | Iterable[str],
        *,
        priority: int = 0,
        inbox_bytes: int | None = None,
        stall_seconds: StallSeconds = "inherit",
        **settings: Unpack[ContextOptions],
    ) -> Manager[Context]:
        """Open a context that feeds itself with the text, once there is a place for it.

        It is fed like that of `Connection.speak`, from when it has its place.

        Args:
            text_or_pieces: A text, or pieces of one as they come.
            priority: As for `context`.
            inbox_bytes: As for `context`.
            stall_seconds: As for `context`.
            **settings: As for `context`.

        Raises:
            CartesiaError: As `context`, and a `LocalProtocolError` where the text is empty.
        """
        return Block(
            self._portal,
            self._inner.speak(
                pieces_from_thread(text_or_pieces),
                priority=priority,
                inbox_bytes=inbox_bytes,
                stall_seconds=stall_seconds,
                **settings,
            ),
            Context,
        )

    def drain(self) -> None:
        """Admit no more contexts, and wait until those that have a place have ended.

        Those that wait for their first place, and all that come later, fail with `PoolClosed`. It
        returns once all blocks of contexts were left and the service has ended the contexts. If
        interrupted by Ctrl-C, the pool admits none all the same, and what is open goes on.
        """
        self._portal.run(self._inner.drain)

    def statistics(self) -> PoolStatistics:
        """Return a snapshot of the pool's numbers: who waits and why, what is open and was lost."""
        return self._portal.run_sync(self._inner.statistics)
