"""Scripts for a `Peer`: the behaviour of a service as a value, whose repr is Python."""

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
    """One step of a `Script`."""

    async def perform(self, peer: Peer) -> None:
        """Perform the step on *peer*; raises as its methods do."""
        await self._perform(peer)

    @abstractmethod
    async def _perform(self, peer: Peer) -> None: ...


@attrs.frozen
class Receives(Act):
    """Receives *count* requests and drops them."""

    count: int = 1

    async def _perform(self, peer: Peer) -> None:
        for _ in range(self.count):
            await peer.receive()


@attrs.frozen
class Speaks(Act):
    """Sends a ``chunk`` event."""

    context_id: str
    audio: bytes

    async def _perform(self, peer: Peer) -> None:
        await peer.chunk(self.context_id, self.audio)


@attrs.frozen
class Flushes(Act):
    """Sends a ``flush_done`` event, which ends a segment."""

    context_id: str

    async def _perform(self, peer: Peer) -> None:
        await peer.flush_done(self.context_id)


@attrs.frozen
class Ends(Act):
    """Sends a ``done`` event, which ends a context."""

    context_id: str

    async def _perform(self, peer: Peer) -> None:
        await peer.done(self.context_id)


@attrs.frozen
class Fails(Act):
    """Sends an ``error`` event, which fails a context; with None it names no context."""

    context_id: str | None
    status_code: int = 500
    error_code: str | None = None

    async def _perform(self, peer: Peer) -> None:
        await peer.error(
            self.context_id,
            status_code=self.status_code,
            error_code=self.error_code,
            title="Failed",
            message="The script failed the context.",
        )


@attrs.frozen
class Sends(Act):
    """Sends any text, or a dict as JSON."""

    message: str | dict[str, object]

    async def _perform(self, peer: Peer) -> None:
        await peer.send_text(
            self.message if isinstance(self.message, str) else json.dumps(self.message)
        )


@attrs.frozen
class Waits(Act):
    """Sleeps."""

    seconds: float

    async def _perform(self, peer: Peer) -> None:  # noqa: ARG002  # the signature is given
        await trio.sleep(self.seconds)


@attrs.frozen
class Stalls(Act):
    """Stops both directions of the stream for *seconds*; nothing is lost."""

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
    """Ends the connection after *count_bytes* bytes of another message."""

    count_bytes: int = 1

    async def _perform(self, peer: Peer) -> None:
        peer.stream.cut_after(self.count_bytes)
        await peer.send_text("." * self.count_bytes)


@attrs.frozen
class HalfCloses(Act):
    """Ends the direction to the client; the peer still receives."""

    async def _perform(self, peer: Peer) -> None:
        await peer.stream.send_eof()


@attrs.frozen
class Resets(Act):
    """Resets the connection; bytes under way are lost."""

    async def _perform(self, peer: Peer) -> None:
        peer.stream.reset()
        await trio.lowlevel.checkpoint()


@attrs.frozen(repr=False, init=False)
class Script:
    """A sequence of acts for a `Peer`: ``Script(Receives(), Speaks("a", b"..."), Closes(1011))``.

    Its repr is the expression that makes it, so a failing example can be pasted into a test.
    """

    acts: tuple[Act, ...]

    def __init__(self, *acts: Act) -> None:
        self.__attrs_init__(acts)

    def __repr__(self) -> str:
        return f"Script({', '.join(map(repr, self.acts))})"

    def __iter__(self) -> Iterator[Act]:
        return iter(self.acts)

    async def play(self, peer: Peer) -> None:
        """Perform all acts on *peer*, one after the other; return early if the connection ends.

        No other task may use the peer meanwhile.
        """
        # raised once the connection has ended
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, trio.EndOfChannel):
            for act in self.acts:
                await act.perform(peer)
