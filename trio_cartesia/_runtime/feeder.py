"""The task that pushes a context's text for its block."""

from __future__ import annotations

import logging
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio

from trio_cartesia._errors import CartesiaError
from trio_cartesia._runtime.context import Context

__all__ = ["Feeder", "Pieces", "feeding"]

Pieces = Iterable[str] | AsyncIterable[str]

_log: Final = logging.getLogger("trio_cartesia.connection")


@attrs.define(eq=False)
class Feeder:
    """Feeds one context, in a nursery that outlives its block.

    The block that it works for has no nursery or cancel scope of its own, so that it may be left
    anywhere, even by an asynchronous generator that was abandoned.

    Attributes:
        error: What the pieces' iterator raised after the block had been left.
    """

    _context: Context
    _pieces: Pieces
    error: BaseException | None = attrs.field(default=None, init=False)
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _is_done: trio.Event = attrs.field(factory=trio.Event, init=False)

    async def run(self) -> None:
        """Feed the context; its receive loop raises what goes wrong."""
        try:
            with self._scope:
                await self._run()
        except BaseException as error:  # noqa: BLE001, ASYNC103  # an iterator may raise anything
            self._take(error)
        finally:
            self._is_done.set()

    async def stop(self) -> None:
        """Stop feeding, and wait until the pieces' generator is closed."""
        self._scope.cancel("the context's block has ended")
        with trio.CancelScope(shield=True):
            await self._is_done.wait()

    async def _run(self) -> None:
        try:
            await self._context.feed(self._pieces)
        finally:
            if isinstance(self._pieces, AsyncGenerator):
                await self._pieces.aclose()  # noqa: ASYNC102  # its own awaits are cancelled

    def _take(self, error: BaseException) -> None:
        # a generator with a nursery in it wraps its own end, and that of its tasks, in a group
        if isinstance(error, BaseExceptionGroup):
            _, rest = error.split((trio.Cancelled, GeneratorExit))
            if rest is None:
                return
            error = rest
        context = self._context
        if self._scope.cancel_called and not isinstance(error, trio.Cancelled):
            self.error = error
        elif context._entry.state.end is not None and _is_of(error, context):
            context._entry.inbox.amend(error)  # the receive loop is to know of the last piece
        elif isinstance(error, Exception):
            _log.debug("feeding %s ended with %s", context.context_id, type(error).__name__)
            context._contexts.fail(context._entry, error)  # does nothing where it has ended
        else:
            raise error


def _is_of(error: BaseException, context: Context) -> bool:
    return isinstance(error, CartesiaError) and error.context_id == context.context_id


@asynccontextmanager
async def feeding(
    context: Context,
    pieces: Pieces,
    start_soon: Callable[[Callable[[], Awaitable[None]]], object],
) -> AsyncIterator[None]:
    """Feed *context* in a task while the block runs; *start_soon* starts it.

    Raises:
        Exception: What closing the pieces' generator raises, unless the block raises.
    """
    feeder = Feeder(context, pieces)
    start_soon(feeder.run)
    try:
        yield
    finally:
        await feeder.stop()  # noqa: ASYNC102  # shielded, and as long as the generator takes
    if feeder.error is not None:
        raise feeder.error
