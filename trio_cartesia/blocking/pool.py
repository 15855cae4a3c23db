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
    """Opens contexts on a few connections, as many at once as the account's plan allows.

    ``client.tts.websocket_pool()`` opens it. Its methods may be called from any thread.

    Contexts beyond the limit wait in a queue, ordered by priority and then by the time at which
    they began to wait. A context counts until the service has ended it, even if it was cancelled or
    its block was left. If the service refuses a context nevertheless, because other programs use
    the account, the pool opens it again later, unless it has sent audio, and opens fewer contexts
    at once for a while.
    """

    def context(
        self,
        *,
        priority: int = 0,
        inbox_bytes: int | None = None,
        stall_seconds: StallSeconds = "inherit",
        **settings: Unpack[ContextOptions],
    ) -> Manager[Context]:
        """Wait until another context may be opened, and open one for the block.

        It is a `Context` like that of `Connection.context`. If its connection is lost before any of
        its text was sent, it moves to another connection; after that it fails with
        `ConnectionLost`. Its ``context_id`` changes when it moves or is opened again.

        If interrupted by Ctrl-C while it waits, it leaves the queue.

        Args:
            priority: Contexts with a higher priority are opened first; those with a lower one wait
                until no others wait.
            inbox_bytes: See `Connection.context`.
            stall_seconds: See `Connection.context`.
            **settings: See `Connection.context`.

        Raises:
            LocalProtocolError: As for `Connection.context`.
            PoolClosed: The pool is draining, or its block has ended.
            CartesiaError: No connection can be made; it is the error of the last attempt.
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
        resume: bool = False,
        priority: int = 0,
        inbox_bytes: int | None = None,
        stall_seconds: StallSeconds = "inherit",
        **settings: Unpack[ContextOptions],
    ) -> Manager[Context]:
        """Wait like `context`, and open a context for the block, which speaks a whole text.

        Its text is sent like that of `Connection.speak`, once the context has been opened.

        With *resume*, the loss of a connection does not end the context: another connection speaks
        the rest of the text, from the first word that was not delivered, and a `Resumed` event
        comes between. A part of that word may be in the audio twice, but no other. Word times are
        requested, and count from the start of the whole speech; each is delivered after the audio
        of its word, and audio is delivered as far as word times have arrived. Markup that lasts
        (``<speed/>``, ``<volume/>``, ``<emotion/>``, ``<spell>``) remains in force. The service
        bills again for what it speaks again.

        Args:
            text_or_pieces: A text, or an iterator of its pieces.
            resume: Whether to continue after a loss. After three losses in a row without a word
                between them, or if the service sends no word times for 30 seconds of audio, the
                receive loop raises `ConnectionLost`, whose ``unspoken`` is the rest. Such a context
                refuses `flush`, and `push` waits while more than 65,536 characters are kept.
            priority: See `context`.
            inbox_bytes: See `context`.
            stall_seconds: See `context`.
            **settings: See `context`.

        Raises:
            CartesiaError: As for `context`, or a `LocalProtocolError` because the text is empty,
                was consumed before, or cannot be resumed with these settings.
        """
        return Block(
            self._portal,
            self._inner.speak(
                pieces_from_thread(text_or_pieces),
                resume=resume,
                priority=priority,
                inbox_bytes=inbox_bytes,
                stall_seconds=stall_seconds,
                **settings,
            ),
            Context,
        )

    def drain(self) -> None:
        """Open no more contexts, and wait until the open ones have ended.

        Contexts that wait to be opened, and later ones, fail with `PoolClosed`. The call returns
        when all blocks of contexts were left and the service has ended the contexts. If interrupted
        by Ctrl-C, the pool still opens no more contexts, and the open ones continue.
        """
        self._portal.run(self._inner.drain)

    def statistics(self) -> PoolStatistics:
        """Return a snapshot of the pool's counters and state."""
        return self._portal.run_sync(self._inner.statistics)
