"""Blocks that are entered once, and what happens to one that is never left.

Python closes a forgotten asynchronous generator wherever it happens to be; with a nursery in it,
that tears Trio's own state apart. So a forgotten block is kept until the run ends, with a warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from functools import wraps
from types import TracebackType
from typing import Any, Final, Generic, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._runtime.run_check import current_run

__all__ = ["Block", "Manager", "block", "warn_abandoned"]

P = ParamSpec("P")
T = TypeVar("T")
Manager = AbstractAsyncContextManager[T, bool | None]

_forgotten: Final[trio.lowlevel.RunVar[list[object]]] = trio.lowlevel.RunVar("forgotten blocks")
_open_blocks: Final[trio.lowlevel.RunVar[WeakValueDictionary[trio.Nursery, Block[Any]]]] = (
    trio.lowlevel.RunVar("open blocks")
)


def block(name: str) -> Callable[[Callable[P, Manager[T]]], Callable[P, Manager[T]]]:
    """Decorate a function that makes an asynchronous context manager; *name* is for messages."""

    def decorate(make: Callable[P, Manager[T]]) -> Callable[P, Manager[T]]:
        @wraps(make)
        def open_block(*args: P.args, **kwargs: P.kwargs) -> Manager[T]:
            return Block(make(*args, **kwargs), name)

        return open_block

    return decorate


def warn_abandoned(thing: object, name: str) -> None:
    """Warn that *thing* was entered and never left; for use in ``__del__``."""
    warnings.warn(
        f"{name} was entered and never left: use it in 'async with'",
        ResourceWarning,
        stacklevel=3,
        source=thing,
    )


class Block(Manager[T], Generic[T]):
    """An asynchronous context manager over another one, or over one that has nothing to wait for.

    Raises:
        LocalProtocolError: It is entered a second time, or with a plain ``with``.
    """

    # no __slots__: whether a base has __weakref__ already depends on the release of Python

    def __init__(
        self, manager: Manager[T] | AbstractContextManager[T, bool | None], name: str
    ) -> None:
        self._manager, self._name = manager, name
        self._is_entered = self._was_entered = False
        self._run: trio.lowlevel.TrioToken | None = None
        self._nursery: trio.Nursery | None = None

    @enable_ki_protection  # an interrupt between two lines would leave tasks running
    async def __aenter__(self) -> T:
        if self._was_entered:
            raise LocalProtocolError(f"{self._name} was entered before: make one for each block")
        self._run = current_run()
        self._is_entered = self._was_entered = True
        before = _innermost_nursery()
        try:
            if isinstance(self._manager, AbstractContextManager):
                return self._manager.__enter__()
            entered = await self._manager.__aenter__()
        except BaseException:
            self._is_entered = False
            raise
        if (nursery := _innermost_nursery()) is not None and nursery is not before:
            self._nursery = nursery
            _note_open(nursery, self)
        return entered

    @enable_ki_protection
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if current_run() is not self._run:
            raise LocalProtocolError(f"{self._name} must be left in the trio.run it was entered in")
        if self._nursery is None:
            return await self._leave(kind, error, traceback)  # noqa: ASYNC102  # may be cancelled
        if self._nursery.parent_task is not trio.lowlevel.current_task():
            raise LocalProtocolError(f"{self._name} must be left in the task that entered it")
        # Trio's own nurseries and scopes are left inside out, or its state is corrupted
        later = [block for block in _open_blocks_after(self._nursery) if block._is_entered]
        for block in later:
            await block._leave(None, None, None)  # noqa: ASYNC102  # may be cancelled
        suppressed = await self._leave(kind, error, traceback)  # noqa: ASYNC102  # may be cancelled
        if later and error is None:
            raise LocalProtocolError(
                f"{self._name} was left before {later[-1]._name} that was entered after it; "
                "both are closed now: use 'async with'"
            )
        return suppressed

    async def _leave(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._is_entered = False
        if isinstance(self._manager, AbstractContextManager):
            return self._manager.__exit__(kind, error, traceback)
        return await self._manager.__aexit__(kind, error, traceback)  # noqa: ASYNC102  # shielded there

    def __enter__(self) -> T:
        raise LocalProtocolError(f"{self._name} needs 'async with', not 'with'")

    def __exit__(self, *_: object) -> None: ...

    def __del__(self) -> None:
        if not self._is_entered:
            return
        self._is_entered = False
        if not isinstance(self._manager, AbstractContextManager):
            with suppress(RuntimeError):  # no run is left to keep it in
                _keep(self._manager)
        warn_abandoned(self, self._name)


def _innermost_nursery() -> trio.Nursery | None:
    nurseries = trio.lowlevel.current_task().child_nurseries
    return nurseries[-1] if nurseries else None


def _note_open(nursery: trio.Nursery, block: Block[Any]) -> None:
    try:
        _open_blocks.get()[nursery] = block
    except LookupError:
        _open_blocks.set(WeakValueDictionary({nursery: block}))


def _open_blocks_after(nursery: trio.Nursery) -> list[Block[Any]]:
    """Return this task's blocks that were entered after *nursery*'s, the last one first."""
    blocks, nurseries = _open_blocks.get(), trio.lowlevel.current_task().child_nurseries
    later = [blocks.get(each) for each in nurseries[nurseries.index(nursery) + 1 :]]
    return [block for block in reversed(later) if block is not None]


def _keep(manager: object) -> None:
    try:
        _forgotten.get().append(manager)
    except LookupError:
        _forgotten.set([manager])
