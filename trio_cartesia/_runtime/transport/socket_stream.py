"""A TCP stream that is read with as few steps as can be.

Trio's own tries to read, then waits, then reads, and lets other tasks run after each. A read takes
all that has arrived, as far as the buffer holds it, so the next one would mostly find nothing: this
one waits until the socket is readable, which it is at once where something has been left.
"""

from __future__ import annotations

import os
from typing import Final

import trio

from trio_cartesia._runtime.transport.read_buffer import read_buffer

__all__ = ["SocketStream", "wrap_socket_stream"]

HAS_READV: Final = hasattr(os, "readv")  # not on Windows


def wrap_socket_stream(stream: trio.abc.Stream) -> SocketStream | None:
    """Return a `SocketStream` over *stream*, if that is Trio's over a socket of the system's."""
    if not HAS_READV or type(stream) is not trio.SocketStream:
        return None
    try:
        stream.socket.fileno()
    except Exception:  # noqa: BLE001  # a socket class of the caller's
        return None
    return SocketStream(stream)


class SocketStream(trio.abc.Stream):
    """Trio's stream over a socket, with a reading side of its own."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def receive_into(self, buffer: memoryview) -> int:
        """Read into *buffer*, and return how many bytes arrived; 0 means the end.

        No other task runs between the read and the return.

        Raises:
            trio.BrokenResourceError: The connection broke.
            trio.ClosedResourceError: This end was closed.
        """
        while True:
            await trio.lowlevel.wait_readable(self._fileno())
            if (count := self._read_now(buffer)) is not None:
                return count

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive at most *max_bytes* bytes; an empty result means the end."""
        if max_bytes is not None and max_bytes < 1:
            raise ValueError("max_bytes must be 1 or more")
        view = read_buffer.view[:max_bytes]
        while True:  # as `receive_into`, which would be one more coroutine for each read
            await trio.lowlevel.wait_readable(self._fileno())
            if (count := self._read_now(view)) is not None:
                return bytes(view[:count])

    def is_readable(self) -> bool:
        """Return whether a read would not wait: something has arrived, or this is the end."""
        return self._stream.socket.is_readable()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*, as `trio.SocketStream`."""
        await self._stream.send_all(data)

    def send_nowait(self, data: bytes | bytearray) -> int:
        """Send as much of *data* as the socket takes now, and return how many bytes that is.

        0 where it takes nothing, or sending fails: `send_all` then waits, or raises why.
        """
        try:
            return os.write(self._fileno(), data)
        except (OSError, trio.ClosedResourceError):
            return 0

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket."""
        await self._stream.aclose()

    def _read_now(self, buffer: memoryview) -> int | None:
        """Read what has arrived; None if nothing has."""
        number = self._fileno()
        try:
            return os.readv(number, (buffer,))
        except BlockingIOError:
            return None
        except OSError as error:
            raise trio.BrokenResourceError("the connection broke") from error

    def _fileno(self) -> int:
        # asked for each time, since the number of a closed socket is used again
        if (number := self._stream.socket.fileno()) < 0:
            raise trio.ClosedResourceError("the socket was closed")
        return number
