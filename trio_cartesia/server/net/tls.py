"""TLS over the streams of the local service: handshake and close."""

from __future__ import annotations

import logging
import ssl
from contextlib import suppress
from typing import Final

import trio

from trio_cartesia.server.streams import CLOSE_SECONDS, STREAM_ENDED

__all__ = ["PlainHTTP", "TLSFailed", "close_tls", "handshake", "wrap_server_stream"]

logger = logging.getLogger("trio_cartesia.server")

HANDSHAKE_SECONDS: Final = 10.0

SecureStream = trio.SSLStream[trio.abc.Stream]


class TLSFailed(Exception):
    """The handshake failed, so that nothing can be sent to this peer."""


class PlainHTTP(TLSFailed):
    """The peer sent plain HTTP to a port for TLS."""


def wrap_server_stream(stream: trio.abc.Stream, context: ssl.SSLContext) -> SecureStream:
    """Return the server's side of TLS over *stream*."""
    return trio.SSLStream(stream, context, server_side=True, https_compatible=True)


async def handshake(stream: SecureStream) -> None:
    """Perform the handshake, within `HANDSHAKE_SECONDS`.

    Raises:
        PlainHTTP: The peer sent HTTP; the response can be sent over the transport stream.
        TLSFailed: The handshake failed or took too long.
    """
    with trio.move_on_after(HANDSHAKE_SECONDS) as scope:
        try:
            await stream.do_handshake()
        except STREAM_ENDED as error:
            reason = getattr(error.__cause__, "reason", None)
            if reason == "HTTP_REQUEST":
                raise PlainHTTP from error
            logger.debug("a TLS handshake failed: %s", reason or "the peer left")
            raise TLSFailed from error
    if scope.cancelled_caught:
        logger.debug("a TLS handshake failed: it took too long")
        raise TLSFailed


async def close_tls(stream: SecureStream) -> trio.abc.Stream:
    """Send ``close_notify`` and wait for the peer's, for at most `CLOSE_SECONDS`.

    Returns:
        The transport stream. Read it until its end and ignore the bytes.
    """
    transport = stream.transport_stream
    with trio.move_on_after(CLOSE_SECONDS), suppress(*STREAM_ENDED):
        await stream.unwrap()
    return transport
