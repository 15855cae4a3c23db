"""
Blocks that have tasks of their own, and what becomes of one that is entered and never left.

Python closes a forgotten asynchronous generator wherever it happens to be; with a nursery in it,
that tears Trio's own state apart. So a forgotten block is kept until the run ends, and told of.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from functools import wraps
from types import TracebackType
from typing import Final, Generic, ParamSpec, TypeVar

import trio

__all__ = ["Manager", "Prompt", "abandoned", "block"]

P = ParamSpec("P")
T = TypeVar("T")
Manager = AbstractAsyncContextManager[T, bool | None]

_forgotten: Final[trio.lowlevel.RunVar[list[object]]] = trio.lowlevel.RunVar("forgotten blocks")


def block(name: str) -> Callable[[Callable[P, Manager[T]]], Callable[P, Manager[T]]]:
    """Decorate what makes an asynchronous context manager; *name* is what warnings say."""

    def decorate(make: Callable[P, Manager[T]]) -> Callable[P, Manager[T]]:
        @wraps(make)
        def open_block(*args: P.args, **kwargs: P.kwargs) -> Manager[T]:
            return _Block(make(*args, **kwargs), name)

        return open_block

    return decorate


def abandoned(thing: object, name: str) -> None:
    """Warn that *thing* was entered and never left; for use in ``__del__``."""
    warnings.warn(
        f"{name} was entered and never left: use it in 'async with'",
        ResourceWarning,
        stacklevel=3,
        source=thing,
    )


class _Block(Manager[T], Generic[T]):
    """An asynchronous context manager that knows whether it was left."""

    __slots__ = ("_is_entered", "_manager", "_name")

    def __init__(self, manager: Manager[T], name: str) -> None:
        self._manager, self._name, self._is_entered = manager, name, False

    async def __aenter__(self) -> T:
        self._is_entered = True
        try:
            return await self._manager.__aenter__()
        except BaseException:
            self._is_entered = False
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._is_entered = False
        return await self._manager.__aexit__(kind, error, traceback)  # noqa: ASYNC102  # it sees to it

    def __del__(self) -> None:
        if self._is_entered:
            self._is_entered = False
            if not isinstance(self._manager, Prompt):  # which has no tasks, and ends by itself
                with suppress(RuntimeError):  # no run is left to keep it in
                    _keep(self._manager)
            abandoned(self, self._name)


class Prompt(Manager[T], Generic[T]):
    """
    An asynchronous context manager over one that has nothing to wait for.

    It takes half the memory of an asynchronous generator, and a third of the time.
    """

    __slots__ = ("_manager",)

    def __init__(self, manager: AbstractContextManager[T, bool | None]) -> None:
        self._manager = manager

    async def __aenter__(self) -> T:
        return self._manager.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return self._manager.__exit__(kind, error, traceback)


def _keep(manager: object) -> None:
    try:
        _forgotten.get().append(manager)
    except LookupError:
        _forgotten.set([manager])
