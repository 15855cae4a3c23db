"""A nursery that its caller need not know about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from trio_cartesia._errors import CartesiaError, InternalError

__all__ = ["open_service_nursery"]

Translate = Callable[[BaseExceptionGroup[BaseException]], CartesiaError]


def _as_internal(_: BaseExceptionGroup[BaseException]) -> CartesiaError:
    return InternalError("a background task crashed")


def _request_to_leave(
    escaped: BaseException | None, crashes: BaseExceptionGroup[BaseException]
) -> BaseException | None:
    """Return the block's or a task's ``KeyboardInterrupt`` or ``SystemExit``, if there is one."""
    found: BaseException | None = crashes.subgroup((KeyboardInterrupt, SystemExit))
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return escaped if isinstance(escaped, (KeyboardInterrupt, SystemExit)) else found


@asynccontextmanager
async def open_service_nursery(translate: Translate = _as_internal) -> AsyncIterator[trio.Nursery]:
    """Open a nursery whose tasks serve the block.

    What the block raises leaves it as it was raised, outside of any exception group. Tasks that
    still run when the block ends are cancelled.

    Args:
        translate: Says what a crash of a task is to the caller; by default, a bug of ours.

    Raises:
        InternalError: A task in the nursery crashed, unless *translate* knows better.
        KeyboardInterrupt: Ctrl-C came to a task; likewise ``SystemExit``.
    """
    escaped: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield nursery
            except BaseException as error:  # noqa: ASYNC103, BLE001  # raised again below
                escaped = error
            finally:
                nursery.cancel_scope.cancel("the block that the nursery served has ended")
    except BaseExceptionGroup as group:
        _, crashes = group.split(trio.Cancelled)
        if crashes is None:  # nothing but cancellation, which is not ours to keep
            escaped = group if escaped is None else escaped
        elif (leaving := _request_to_leave(escaped, crashes)) is not None:
            raise leaving from leaving.__cause__  # without the group that it came in
        else:
            raise translate(crashes) from crashes
    if escaped is not None:
        raise escaped
