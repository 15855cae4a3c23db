"""A TLS object whose reads return all complete records received so far, not just one.

``trio.SSLStream`` does everything else: handshake, locks, clean closes, cancellation. It asks an
object that decrypts for bytes, and `ssl.SSLObject` returns those of one record, at most 16 KiB;
each then costs a turn of the scheduler. The object here goes on while there are complete records.
"""

from __future__ import annotations

import ssl
from typing import Any, cast

import trio

from trio_cartesia._runtime.transport.read_buffer import read_buffer

__all__ = ["secure"]


def secure(
    stream: trio.abc.Stream, context: ssl.SSLContext, host: str
) -> trio.SSLStream[trio.abc.Stream]:
    """Return *stream* under TLS, as a client's end of it whose peer is *host*."""
    wrapped = cast("ssl.SSLContext", _Context(context))
    return trio.SSLStream(stream, wrapped, server_hostname=host, https_compatible=True)


class _Context:
    """The part of an SSL context that ``trio.SSLStream`` uses: it creates a decrypting object."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> _Records:
        """Return an object that reads many records at once."""
        return _Records(self._context.wrap_bio(*args, **kwargs))


class _Records:
    """An `ssl.SSLObject` whose `read` returns the contents of all complete records.

    An error behind a complete record is raised by the next call, so that nothing is lost.
    """

    def __init__(self, decrypting: ssl.SSLObject) -> None:
        self._decrypting = decrypting
        self._error: ssl.SSLError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decrypting, name)

    def read(self, max_bytes: int) -> bytes:
        """Return at most *max_bytes* of what has arrived; nothing means the end."""
        if self._error is not None:
            raise self._error
        rest = whole = read_buffer.view[:max_bytes]
        while rest:
            try:
                count = self._decrypting.read(len(rest), cast("bytearray", rest))
            except ssl.SSLError as error:
                if rest is whole:
                    raise
                if not isinstance(error, ssl.SSLWantReadError):
                    self._error = error
                break
            if not count:
                break
            rest = rest[cast("int", count) :]
        return bytes(whole[: len(whole) - len(rest)])
