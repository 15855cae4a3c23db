"""An asynchronous context manager that threads enter and leave.

Nurseries are left in the task that entered them. So each block has a task of its own, which waits
while the thread is in the block.
"""

from __future__ import annotations

import warnings
import weakref
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Any, Generic, TypeVar

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia.blocking.portal import Portal
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Block", "Manager", "MuteBlock"]

T = TypeVar("T", bound=Wrapper[Any])
U = TypeVar("U")
Manager = AbstractContextManager[U, bool | None]


@attrs.define(eq=False, repr=False)
class _Stay(Generic[T]):
    """The task that enters a block, stays and leaves it; *kind* is the class of its value."""

    _portal: Portal
    _manager: AbstractAsyncContextManager[Any, bool | None] | None
    _kind: type[T]
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    was_entered: bool = attrs.field(default=False, init=False)
    _value: T | None = attrs.field(default=None, init=False)
    _entered: trio.Event = attrs.field(factory=trio.Event, init=False)
    _leaving: trio.Event = attrs.field(factory=trio.Event, init=False)
    _left: trio.Event = attrs.field(factory=trio.Event, init=False)
    _error: BaseException | None = attrs.field(default=None, init=False)  # with which it is left
    _is_suppressed: bool = attrs.field(default=False, init=False)
    _failure: BaseException | None = attrs.field(default=None, init=False)

    @property
    def name(self) -> str:
        """Its value's class, for messages."""
        return self._kind.__name__

    async def enter(self) -> T:
        """Start the task, and return the block's value, or raise what the manager raises."""
        self._portal.nursery.start_soon(self._run)
        await self._entered.wait()
        self._raise_failure()
        value, self._value = self._value, None  # the thread's alone: see `_abandon`
        assert value is not None
        return value

    async def leave(self, error: BaseException | None) -> bool:
        """Have the task leave the block with *error*; return whether the manager suppresses it."""
        self._error = error
        self._leaving.set()
        await self._left.wait()
        self._error = None
        if self._failure is not error:
            self._raise_failure()
        return self._is_suppressed

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # its traceback refers to this frame

    async def _run(self) -> None:
        self._portal.open_names[self] = self.name
        try:
            with self.scope:
                await self._stay()
        except trio.Cancelled:
            raise
        except BaseException as failure:  # noqa: BLE001, ASYNC103  # the thread raises it
            self._failure = failure
        finally:
            self._manager = None  # has a destructor: see `Portal`
            del self._portal.open_names[self]
            self._entered.set()
            self._left.set()

    async def _stay(self) -> None:
        assert self._manager is not None
        async with self._manager as inner:
            self._value = create(self._kind, self._portal, inner)
            finish = self._value._finish
            self._entered.set()
            try:
                await self._leaving.wait()
            finally:
                with trio.CancelScope(shield=True):
                    await finish()
            if self._error is not None:
                raise self._error
        self._is_suppressed = self._error is not None


class Block(Manager[T], Generic[T]):
    """A context manager for threads over an asynchronous one; it is entered once.

    One that is forgotten is left when it and its value are collected, with a `ResourceWarning`.
    """

    def __init__(
        self,
        portal: Portal,
        manager: AbstractAsyncContextManager[Any, bool | None],
        kind: type[T],
    ) -> None:
        self._portal, self._stay = portal, _Stay(portal, manager, kind)
        # not __del__, which would run at the end of each block, where an interrupt would be lost
        self._finalizer = weakref.finalize(self, _abandon, portal, self._stay)
        self._finalizer.atexit = False

    def __enter__(self) -> T:
        if self._stay.was_entered:
            raise LocalProtocolError(
                f"the block of this {self._stay.name} was entered before: make one for each block"
            )
        try:
            self._stay.was_entered = True
            value = self._portal.run(self._stay.enter)
            value._block = self
            return value  # noqa: TRY300  # no interrupt can come between this and the block
        except BaseException:
            self._finalizer.detach()
            self._portal.soon(self._stay.scope.cancel, "entering was interrupted")
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            return None if self._portal.is_elsewhere else self._portal.run(self._stay.leave, error)
        except LocalProtocolError:
            if not self._portal.is_stopping:
                raise
            return None  # it has ended with the client's block
        except BaseException:
            self._portal.soon(self._stay.scope.cancel, "leaving was interrupted")
            raise
        finally:
            self._finalizer.detach()
            if error is not None:
                error.__traceback__ = traceback  # without what the task added


@no_public_constructor("session.mute()")
@attrs.define(eq=False, init=False, repr=False)
class Mute(Wrapper[None]):
    """What stands for a block that yields nothing."""


class MuteBlock(Manager[None]):
    """A context manager over an asynchronous one that yields nothing."""

    def __init__(
        self, portal: Portal, manager: AbstractAsyncContextManager[Any, bool | None]
    ) -> None:
        self._block = Block(portal, manager, Mute)
        self._value: Mute | None = None  # which keeps the block open

    def __enter__(self) -> None:
        self._value = self._block.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return self._block.__exit__(kind, error, traceback)


def _abandon(portal: Portal, stay: _Stay[Any]) -> None:
    if stay in portal.open_names:
        portal.soon(stay.scope.cancel, "the block was forgotten")
        warnings.warn(
            f"a {stay.name} was entered and never left: use it in 'with'",
            ResourceWarning,
            stacklevel=2,
        )
