"""
TLS over the streams of the local service: how it begins, and how it ends.
"""

from __future__ import annotations

import logging
import ssl
from contextlib import suppress
from typing import Final

import trio

from trio_cartesia.server.streams import CLOSE_SECONDS, STREAM_ENDED

__all__ = ["PlainHTTP", "TLSFailed", "close_tls", "shake_hands", "wrap_server_stream"]

logger = logging.getLogger("trio_cartesia.server")

HANDSHAKE_SECONDS: Final = 10.0

SecureStream = trio.SSLStream[trio.abc.Stream]


class TLSFailed(Exception):
    """
    There is no TLS with this peer, and nothing to say to it.
    """


class PlainHTTP(TLSFailed):
    """
    The peer speaks HTTP where TLS is spoken.
    """


def wrap_server_stream(stream: trio.abc.Stream, context: ssl.SSLContext) -> SecureStream:
    """
    Return the service's end of TLS over *stream*.
    """
    return trio.SSLStream(stream, context, server_side=True, https_compatible=True)


async def shake_hands(stream: SecureStream) -> None:
    """
    Begin TLS, within `HANDSHAKE_SECONDS`.

    Raises:
        PlainHTTP: It is HTTP that came; an answer can go out over the transport stream.
        TLSFailed: It cannot be had.
    """
    with trio.move_on_after(HANDSHAKE_SECONDS) as scope:
        try:
            await stream.do_handshake()
        except STREAM_ENDED as error:
            reason = getattr(error.__cause__, "reason", None)
            if reason == "HTTP_REQUEST":
                raise PlainHTTP from error
            logger.debug("no TLS with a peer: %s", reason or "it left")
            raise TLSFailed from error
    if scope.cancelled_caught:
        logger.debug("no TLS with a peer: it took too long")
        raise TLSFailed


async def close_tls(stream: SecureStream) -> trio.abc.Stream:
    """
    Tell the peer that no more will come, and wait for its answer, within `CLOSE_SECONDS`.

    Returns:
        What TLS ran over. Whatever still comes there is noise, and only its end matters.
    """
    transport = stream.transport_stream
    with trio.move_on_after(CLOSE_SECONDS), suppress(*STREAM_ENDED):
        await stream.unwrap()
    return transport
