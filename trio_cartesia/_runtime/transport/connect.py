"""Make the byte stream to a peer: name resolution, TCP and TLS."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import trio

from trio_cartesia._errors import ConnectFailed, LocalProtocolError
from trio_cartesia._protocol.base.addresses import Address
from trio_cartesia._runtime.transport.default_tls import default_context
from trio_cartesia._runtime.transport.socket_stream import wrap_socket_stream
from trio_cartesia._runtime.transport.tls_records import secure

__all__ = ["OpenStream", "connect", "open_plain", "start_tls"]

OpenStream = Callable[[str, int], Awaitable[trio.abc.Stream]]


async def connect(
    address: Address, ssl_context: ssl.SSLContext | None, open_stream: OpenStream
) -> trio.abc.Stream:
    """Return the stream to the peer, under TLS if *address* says so.

    Raises:
        ConnectFailed: Name resolution, TCP or TLS failed.
        LocalProtocolError: *open_stream* returned no stream.
    """
    stream = await open_plain(address.host, address.port, open_stream, str(address))
    if not address.secure:
        return stream
    context = ssl_context or default_context()
    return await start_tls(stream, context, address.host, str(address))


async def start_tls(
    stream: trio.abc.Stream, context: ssl.SSLContext, host: str, peer: str
) -> trio.abc.Stream:
    """Return *stream* under TLS, after the handshake; if that fails, *stream* is closed.

    Raises:
        ConnectFailed: The handshake failed; *peer* is what the message calls the other side.
    """
    secured = secure(stream, context, host)
    try:
        await secured.do_handshake()
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        why = error.__cause__ or "the peer ended it"
        raise ConnectFailed(f"no TLS with {peer}: {why}") from error
    except BaseException:
        await trio.aclose_forcefully(stream)  # noqa: ASYNC102  # closes, then raises
        raise
    return secured


async def open_plain(host: str, port: int, open_stream: OpenStream, peer: str) -> trio.abc.Stream:
    """Return the stream to a host, without TLS; raises as `connect`.

    *peer* is what messages call the other side.
    """
    try:
        opening: object = open_stream(host, port)
        if not isinstance(opening, Awaitable):
            raise LocalProtocolError("open_stream must be an async function")
        stream: object = await opening
    except (OSError, UnicodeError) as error:
        raise ConnectFailed(f"no connection to {peer}: {_first_reason(error)}") from error
    except BaseExceptionGroup as group:  # of a nursery in a caller's own open_stream
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        raise KeyboardInterrupt from group
    if not isinstance(stream, trio.abc.Stream):
        kind = type(stream).__name__
        raise LocalProtocolError(f"open_stream must return a trio.abc.Stream, not {kind}")
    return wrap_socket_stream(stream) or stream


def _first_reason(error: BaseException) -> BaseException:
    """Return why the first address failed, where Trio has tried several and says only that."""
    while isinstance(group := error.__cause__, BaseExceptionGroup):
        error = group.exceptions[0]
    return error
