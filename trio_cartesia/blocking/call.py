"""A call from a thread into Trio, and calls back into the thread while it waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Generic, TypeVar

import attrs
import trio

from trio_cartesia._errors import LocalProtocolError

__all__ = ["Call", "client_has_ended"]

T = TypeVar("T")


def client_has_ended() -> LocalProtocolError:
    """Return the error of calls after the client's block was left."""
    return LocalProtocolError("the client's block has ended: enter it again, or make another one")


@attrs.define(eq=False, repr=False)  # the function's arguments may be speech
class Call(Generic[T]):
    """An async function that runs in Trio for a thread that waits, in the thread's context.

    Attributes:
        scope: Cancels the function.
    """

    _async_fn: Callable[[], Awaitable[T]]
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _context: Context = attrs.field(factory=copy_context, init=False)
    _calls_back: SimpleQueue[Callable[[], object] | None] = attrs.field(
        factory=SimpleQueue, init=False
    )
    _value: T | None = attrs.field(default=None, init=False)
    _error: BaseException | None = attrs.field(default=None, init=False)

    # -- in the thread

    def wait(self) -> None:
        """Wait until the function has ended, and run what `send_back` sends meanwhile."""
        while (fn := self._calls_back.get()) is not None:
            fn()

    def result(self) -> T:
        """Return what the function returned, or raise what it raised."""
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
            return self._value  # type: ignore[return-value]  # it is a T
        finally:
            del error  # its traceback refers to this frame

    # -- in Trio

    def start(self, nursery: trio.Nursery | None) -> None:
        """Start the function, unless the nursery is closed or None."""
        try:
            if nursery is None:
                raise RuntimeError
            self._context.run(nursery.start_soon, self._run)
        except RuntimeError:
            self._error = client_has_ended()
            self._calls_back.put(None)

    def send_back(self, fn: Callable[[], object]) -> None:
        """Run *fn* in the thread that waits; what it raises is raised there, and cancels this."""
        self._calls_back.put(fn)

    async def _run(self) -> None:
        self._error = client_has_ended()  # if it is cancelled
        try:
            with self.scope:
                self._value = await self._async_fn()
                self._error = None
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001, ASYNC103  # the thread raises it
            self._error = error
        finally:
            self._calls_back.put(None)
