"""The public face of a pool."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Unpack

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._pool.admission import Admission
from trio_cartesia._pool.inputs import Input
from trio_cartesia._pool.mover import Mover
from trio_cartesia._pool.resuming_mover import ResumingMover
from trio_cartesia._pool.resumption import check_not_consumed, resumable
from trio_cartesia._pool.settings import Opening, PoolSettings
from trio_cartesia._pool.statistics import PoolStatistics
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.settings import ContextOptions, settings_from
from trio_cartesia._runtime.connection import Connection
from trio_cartesia._runtime.context import Context
from trio_cartesia._runtime.feeder import Pieces, feeding
from trio_cartesia._runtime.managers import Manager, block
from trio_cartesia._runtime.run_check import RunCheck
from trio_cartesia._runtime.stalls import StallSeconds, check_stall_seconds

__all__ = ["Pool", "open_pool"]


@no_public_constructor("client.tts.websocket_pool()")
@attrs.define(eq=False, init=False)
class Pool:
    """Opens contexts on a few connections, as many at once as the account's plan allows.

    ``client.tts.websocket_pool()`` opens it. Its methods may be called from any task of the same
    Trio run.

    Contexts beyond the limit wait in a queue, ordered by priority and then by the time at which
    they began to wait. A context counts until the service has ended it, even if it was cancelled or
    its block was left. If the service refuses a context nevertheless, because other programs use
    the account, the pool opens it again later, unless it has sent audio, and opens fewer contexts
    at once for a while.
    """

    _admission: Admission = attrs.field(repr=False)
    _settings: PoolSettings = attrs.field(repr=False)
    _run_check: RunCheck = attrs.field(factory=RunCheck, init=False, repr=False)
    _movers: set[Mover] = attrs.field(factory=set, init=False, repr=False)

    @block("a context (pool.context)")
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

        If cancelled while it waits, it leaves the queue.

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
        opening = self._opening(inbox_bytes, stall_seconds, settings, is_fed=False)
        return self._open(opening, priority, None)

    @block("a context (pool.speak)")
    def speak(
        self,
        text_or_pieces: str | Iterable[str] | AsyncIterable[str],
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
        checks.text_or_pieces(text_or_pieces, "text_or_pieces", may_be_empty=False)
        if checks.boolean(resume, "resume"):
            check_not_consumed(text_or_pieces)
            settings = resumable(settings)
        is_fed = not isinstance(text_or_pieces, str)
        opening = self._opening(inbox_bytes, stall_seconds, settings, is_fed=is_fed)
        return self._open(opening, priority, text_or_pieces, resumes=resume)

    async def drain(self) -> None:
        """Open no more contexts, and wait until the open ones have ended.

        Contexts that wait to be opened, and later ones, fail with `PoolClosed`. The call returns
        when all blocks of contexts were left and the service has ended the contexts. If cancelled,
        the pool still opens no more contexts, and the open ones continue.
        """
        self._run_check.check()
        self._admission.stop_admitting()
        await trio.lowlevel.checkpoint()
        while self._movers or self._admission.connections.open_contexts:
            await self._admission.wait_change()

    def statistics(self) -> PoolStatistics:
        """Return a snapshot of the pool's counters and state."""
        self._run_check.check()
        return self._admission.statistics(
            contexts_in_blocks=len(self._movers),
            characters_kept=sum(mover.log.characters for mover in self._movers),
            held_bytes=sum(mover.held_bytes for mover in self._movers),
        )

    def _opening(
        self,
        inbox_bytes: int | None,
        stall_seconds: StallSeconds,
        settings: ContextOptions,
        *,
        is_fed: bool,
    ) -> Opening:
        pool = self._settings
        budget = pool.inbox_bytes if inbox_bytes is None else inbox_bytes
        return Opening(
            settings=settings_from(settings),
            inbox_bytes=checks.positive_whole(budget, "inbox_bytes"),
            stall_seconds=check_stall_seconds(stall_seconds, inherited=pool.stall_seconds),
            is_fed=is_fed,
        )

    @asynccontextmanager
    async def _open(
        self,
        opening: Opening,
        priority: int,
        text_or_pieces: Pieces | str | None,
        *,
        resumes: bool = False,
    ) -> AsyncIterator[Context]:
        self._run_check.check()
        admission = self._admission
        kind = ResumingMover if resumes else Mover
        mover = kind(admission, admission.new_ticket(check_priority(priority)), opening)
        self._movers.add(mover)
        try:
            await mover.open()
            admission.counters.contexts_opened += 1
            if text_or_pieces is None:
                yield mover.context
            elif isinstance(text_or_pieces, str):
                mover.queue(Input(text_or_pieces, last=True))
                yield mover.context
            else:
                async with feeding(mover.context, text_or_pieces, admission.nursery.start_soon):
                    yield mover.context
        finally:
            mover.leave()
            self._movers.remove(mover)


@block("a pool (client.tts.websocket_pool)")
@asynccontextmanager
@enable_ki_protection  # an interrupt between two lines would leave its tasks running
async def open_pool(
    settings: PoolSettings, connect: Callable[[], Manager[Connection]]
) -> AsyncIterator[Pool]:
    """Run a pool while the block runs; *connect* makes a connection.

    Raises:
        InternalError: A task of ours crashed.
    """
    async with open_service_nursery() as nursery:
        admission = Admission(settings)
        admission.start(connect, nursery)
        try:
            yield create(Pool, admission, settings)
        finally:
            admission.close()


def check_priority(priority: object) -> int:
    """Return a priority.

    Raises:
        LocalProtocolError: It is no whole number.
    """
    if not isinstance(priority, int) or isinstance(priority, bool):
        raise LocalProtocolError(
            f"priority must be a whole number, not {checks.quoted(priority)}; higher ones go first"
        )
    return priority
