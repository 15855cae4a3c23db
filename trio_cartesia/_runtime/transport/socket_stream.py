"""
A TCP stream that is read with as few steps as can be.

Trio's own tries to read, then waits, then reads, and lets others run after each. Where the last
read took little there is nothing more to be had, so this one waits first; and it tells before.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import trio

from trio_cartesia._runtime.transport.read_buffer import room

__all__ = ["SocketReader", "reader_of"]

LARGE_READ_BYTES: Final = 16 * 2**10  # after one like this, more may be there already

CAN_READ_AT_ONCE: Final = hasattr(os, "readv")  # not on Windows


def _ignore() -> None: ...


def reader_of(stream: trio.abc.Stream) -> SocketReader | None:
    """Return a reader of *stream*, if it is Trio's over a socket of the system's."""
    if not CAN_READ_AT_ONCE or type(stream) is not trio.SocketStream:
        return None
    try:
        stream.socket.fileno()
    except Exception:  # noqa: BLE001  # a socket of somebody's own making
        return None
    return SocketReader(stream)


class SocketReader(trio.abc.Stream):
    """
    Trio's stream over a socket, with a reading side of its own.

    Attributes:
        before_wait: Called before each wait for the network.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self.before_wait: Callable[[], None] = _ignore
        self._stream = stream
        self._may_have_more = True

    async def receive_into(self, room: memoryview) -> int:
        """
        Read into *room*, and return how many bytes came; none means the end.

        Raises:
            trio.BrokenResourceError: The connection broke.
            trio.ClosedResourceError: This end was closed.
        """
        if self._may_have_more:
            await trio.lowlevel.checkpoint()
        else:
            await self._wait()
        while (count := self._read_now(room)) is None:
            await self._wait()
        self._may_have_more = count >= LARGE_READ_BYTES
        return count

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what came, *max_bytes* of it at the most; nothing means the end."""
        if max_bytes is not None and max_bytes < 1:
            raise ValueError("max_bytes must be 1 or more")
        space = room(max_bytes)  # everybody's, but what comes is copied in the turn it was read in
        count = await self.receive_into(space)
        return bytes(space[:count])

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*, as `trio.SocketStream`."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket."""
        await self._stream.aclose()

    def _read_now(self, room: memoryview) -> int | None:
        """Read what is there already; None if nothing is."""
        number = self._number()
        try:
            return os.readv(number, (room,))
        except BlockingIOError:
            return None
        except OSError as error:
            raise trio.BrokenResourceError("the connection broke") from error

    async def _wait(self) -> None:
        self.before_wait()
        await trio.lowlevel.wait_readable(self._number())

    def _number(self) -> int:
        """Return the socket's descriptor; asked for each time, since a closed one's is reused."""
        if (number := self._stream.socket.fileno()) < 0:
            raise trio.ClosedResourceError("the socket was closed")
        return number
