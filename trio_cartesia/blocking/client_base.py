"""Entering and leaving a client."""

from __future__ import annotations

import warnings
import weakref
from types import TracebackType
from typing import Self

from trio_cartesia._client.client import Cartesia as AsyncCartesia
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia.blocking.portal import Portal

__all__ = ["ClientBase"]


class ClientBase:
    """A client whose block has a thread that runs Trio."""

    __slots__ = ("__weakref__", "_finalizer", "_inner", "_portal")

    def __init__(self, inner: AsyncCartesia) -> None:
        self._inner = inner
        self._portal = Portal(inner)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __enter__(self) -> Self:
        portal = self._portal
        if portal.was_started:
            raise LocalProtocolError(
                "the client has been entered already: share it, or make another Cartesia"
            )
        self._finalizer = weakref.finalize(self, _abandon, portal)
        self._finalizer.atexit = False
        try:
            portal.start()
            return self  # noqa: TRY300  # no interrupt can come between this and the block
        except BaseException:
            self._end()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        portal = self._portal
        try:
            if not portal.is_elsewhere:
                self._end()
                portal.join()
        except BaseException:  # an interrupt before the end
            portal.stop()
            raise

    def _derived(self, inner: AsyncCartesia) -> Self:
        """Return a client with other options, in the block of this one."""
        other = object.__new__(type(self))
        other._inner, other._portal = inner, self._portal
        return other

    def _end(self) -> None:
        """Have the thread end; the client may be entered again."""
        self._portal.stop()
        self._finalizer.detach()
        self._portal = Portal(self._inner)


def _abandon(portal: Portal) -> None:
    portal.stop()
    if not portal.is_elsewhere:
        warnings.warn(
            "a Cartesia was entered and never left: use it in 'with'", ResourceWarning, stacklevel=2
        )
