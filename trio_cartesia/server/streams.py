"""
What both sides of a connection's life share: how streams end, and how we leave them.
"""

from __future__ import annotations

from typing import Final

import trio

CLOSE_SECONDS: Final = 1.0  # for a peer to answer our close, or to read our last answer
RECEIVE_BYTES: Final = 64 * 1024
STREAM_ENDED: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class Disconnected(Exception):
    """
    The peer is gone, or one of us has said goodbye: no more messages, either way.

    Attributes:
        code: The WebSocket close code, 1006 if there was no close at all.
    """

    def __init__(self, code: int = 1006) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


async def lingering_close(stream: trio.abc.Stream) -> None:
    """
    Close *stream* so that the peer can still read our last words.

    Bytes that nobody has read would turn a plain close into a reset, which may overtake them.
    """
    try:
        with trio.move_on_after(CLOSE_SECONDS):
            if isinstance(stream, trio.abc.HalfCloseableStream):
                await stream.send_eof()
            while await stream.receive_some(RECEIVE_BYTES):
                pass
    except STREAM_ENDED:
        pass
    finally:
        await trio.aclose_forcefully(stream)
