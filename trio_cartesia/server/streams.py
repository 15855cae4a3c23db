"""Helpers and constants for ending streams, and for running out of resources."""

from __future__ import annotations

import errno
from typing import Final

import trio

CLOSE_SECONDS: Final = 1.0  # for a peer to answer a close, or to send or read the next bytes
LINGER_SECONDS: Final = 10.0  # for a peer that is still sending to read the last response
RECEIVE_BYTES: Final = 64 * 1024
STREAM_ENDED: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
CAPACITY_ERRNOS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Disconnected(Exception):
    """The connection has ended: nothing more can be sent or received.

    Attributes:
        code: The WebSocket close code, 1006 if there was no close frame.
    """

    def __init__(self, code: int = 1006) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


def is_out_of_resources(error: BaseException | None) -> bool:
    """Return whether *error*, or a cause of it, reports a lack of files, buffers or memory."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in CAPACITY_ERRNOS:
            return True
        error = error.__cause__
    return False


async def lingering_close(stream: trio.abc.Stream) -> None:
    """Close *stream* so that the peer can still read the last response.

    Closing a socket with unread bytes resets the connection, and the reset may overtake the
    response. So this reads, and drops, further bytes until the peer closes its side, pauses for
    `CLOSE_SECONDS`, or has sent for `LINGER_SECONDS`.
    """
    try:
        with trio.move_on_after(LINGER_SECONDS):
            with trio.move_on_after(CLOSE_SECONDS) as pause:
                if isinstance(stream, trio.abc.HalfCloseableStream):
                    await stream.send_eof()
                while await stream.receive_some(RECEIVE_BYTES):
                    pause.deadline = trio.current_time() + CLOSE_SECONDS
    except STREAM_ENDED:
        pass
    finally:
        await trio.aclose_forcefully(stream)
