"""
Scripts for a `Peer`: what a service does, as a value that can be read, kept and played.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress

import attrs
import trio

from trio_cartesia.testing.peer import Peer

__all__ = [
    "Act",
    "Closes",
    "Cuts",
    "Ends",
    "Fails",
    "Flushes",
    "HalfCloses",
    "Receives",
    "Resets",
    "Script",
    "Sends",
    "Speaks",
    "Stalls",
    "Waits",
]


@attrs.frozen
class Act(ABC):
    """One thing that a peer does."""

    async def perform(self, peer: Peer) -> None:
        """Have *peer* do it; raise what its methods raise."""
        await self._perform(peer)

    @abstractmethod
    async def _perform(self, peer: Peer) -> None: ...


@attrs.frozen
class Receives(Act):
    """Waits for so many requests."""

    count: int = 1

    async def _perform(self, peer: Peer) -> None:
        for _ in range(self.count):
            await peer.receive()


@attrs.frozen
class Speaks(Act):
    """Sends audio."""

    context_id: str
    audio: bytes

    async def _perform(self, peer: Peer) -> None:
        await peer.chunk(self.context_id, self.audio)


@attrs.frozen
class Flushes(Act):
    """Ends a segment."""

    context_id: str

    async def _perform(self, peer: Peer) -> None:
        await peer.flush_done(self.context_id)


@attrs.frozen
class Ends(Act):
    """Ends a context."""

    context_id: str

    async def _perform(self, peer: Peer) -> None:
        await peer.done(self.context_id)


@attrs.frozen
class Fails(Act):
    """Fails a context, or, where it is None, who knows which."""

    context_id: str | None
    status_code: int = 500
    error_code: str | None = None

    async def _perform(self, peer: Peer) -> None:
        await peer.error(
            self.context_id,
            status_code=self.status_code,
            error_code=self.error_code,
            title="Failed",
            message="As the script says.",
        )


@attrs.frozen
class Sends(Act):
    """Sends any text, or an event of any shape."""

    what: str | dict[str, object]

    async def _perform(self, peer: Peer) -> None:
        await peer.send_text(self.what if isinstance(self.what, str) else json.dumps(self.what))


@attrs.frozen
class Waits(Act):
    """Does nothing for a while."""

    seconds: float

    async def _perform(self, peer: Peer) -> None:  # noqa: ARG002  # it needs none
        await trio.sleep(self.seconds)


@attrs.frozen
class Stalls(Act):
    """Neither takes nor gives anything for a while."""

    seconds: float

    async def _perform(self, peer: Peer) -> None:
        peer.stream.stall()
        await trio.sleep(self.seconds)
        peer.stream.resume()


@attrs.frozen
class Closes(Act):
    """Closes the WebSocket."""

    code: int = 1000
    reason: str | None = None

    async def _perform(self, peer: Peer) -> None:
        await peer.close(self.code, self.reason)


@attrs.frozen
class Cuts(Act):
    """Ends the connection after so many bytes of the next message."""

    count_bytes: int = 1

    async def _perform(self, peer: Peer) -> None:
        peer.stream.cut_after(self.count_bytes)
        await peer.send_text("." * self.count_bytes)


@attrs.frozen
class HalfCloses(Act):
    """Sends nothing more, but goes on listening."""

    async def _perform(self, peer: Peer) -> None:
        await peer.stream.send_eof()


@attrs.frozen
class Resets(Act):
    """Breaks the connection."""

    async def _perform(self, peer: Peer) -> None:
        peer.stream.reset()
        await trio.lowlevel.checkpoint()


@attrs.frozen(repr=False, init=False)
class Script:
    """
    Acts, one after the other: ``Script(Receives(), Speaks("a", b"..."), Closes(1011))``.

    Its repr is such a line for each act, so a failing example can be read, and kept as a test.
    """

    acts: tuple[Act, ...]

    def __init__(self, *acts: Act) -> None:
        self.__attrs_init__(acts)

    def __repr__(self) -> str:
        return f"Script({', '.join(map(repr, self.acts))})"

    def __iter__(self) -> Iterator[Act]:
        return iter(self.acts)

    async def play(self, peer: Peer) -> None:
        """
        Have *peer* do it all, as far as the connection lasts.

        Beside it, nobody else may have the peer hear or say anything.
        """
        # what these say is that the connection has ended
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, trio.EndOfChannel):
            for act in self.acts:
                await act.perform(peer)
