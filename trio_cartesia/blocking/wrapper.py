"""What objects of the blocking face have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import attrs
import trio

from trio_cartesia.blocking.portal import Portal

__all__ = ["Wrapper"]

T = TypeVar("T")


@attrs.define(eq=False, repr=False)
class Wrapper(Generic[T]):
    """An object of the asynchronous face, and the portal to the run that it belongs to."""

    _portal: Portal
    _inner: T
    _block: object = attrs.field(default=None, init=False)  # which stays open with this object

    @property
    def _finish(self) -> Callable[[], Awaitable[None]]:
        """What Trio runs before it leaves the block; it must not refer to this object."""
        return trio.lowlevel.cancel_shielded_checkpoint

    def __repr__(self) -> str:
        return repr(self._inner)
