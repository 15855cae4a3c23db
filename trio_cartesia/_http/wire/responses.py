"""Responses, and what httpcore2 raises, as errors of ours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Final, Literal

import attrs
import httpcore2
import trio

from trio_cartesia._errors import (
    CartesiaError,
    ConnectionLost,
    InternalError,
    LocalProtocolError,
    RemoteProtocolError,
)
from trio_cartesia._http.wire.framing import ChunkedBody
from trio_cartesia._http.wire.streams import NetworkStream

__all__ = ["FAILURES", "WireResponse", "translated"]

FAILURES: Final = (httpcore2.NetworkError, httpcore2.ProtocolError)

_NO_CONTENT: Final = (204, 304)  # statuses of responses without a body


@attrs.define(eq=False)
class WireResponse:
    """A response whose body is received piece by piece.

    Attributes:
        status_code: From the status line.
        headers: By lower-case name; values of a name that came more than once are joined.
    """

    _response: httpcore2.Response = attrs.field(repr=False)
    _method: str = attrs.field(repr=False)
    status_code: int = attrs.field(init=False)
    headers: Mapping[str, str] = attrs.field(init=False, repr=False)
    _stream: NetworkStream = attrs.field(init=False, repr=False)
    _chunks: ChunkedBody | None = attrs.field(init=False, repr=False)
    _body: AsyncGenerator[bytes, None] = attrs.field(init=False, repr=False)
    _state: Literal["open", "receiving", "ended", "cut"] = attrs.field(default="open", init=False)

    def __attrs_post_init__(self) -> None:
        self.status_code = self._response.status
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._response.headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self.headers = headers
        self._stream = self._response.extensions["network_stream"]
        self._stream.in_head = False
        has_body = self._method != "HEAD" and self.status_code not in _NO_CONTENT
        is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._chunks = ChunkedBody() if is_chunked and has_body else None
        self._body = aiter(self._response.stream)  # type: ignore[arg-type]  # it is one

    async def receive(self) -> bytes:
        """Receive some of the body; nothing means its end.

        If cancelled, the rest of the body is lost.

        Raises:
            ConnectionLost: The connection ended before the body did, or the rest was lost before.
            LocalProtocolError: Another task is receiving.
            RemoteProtocolError: It is not valid HTTP.
        """
        if self._state == "receiving":
            raise LocalProtocolError("another task is receiving the response")
        if self._state == "cut":
            raise ConnectionLost("the rest of the response was lost: receiving did not go on")
        self._state, data, is_over = "receiving", b"", None
        try:
            while self._chunks is not None and not data:
                data = self._split(self._chunks, await self._stream.receive())
            data = data or await anext(self._body, b"")
            is_over = not data
        except FAILURES as error:
            raise translated(error, self._stream) from error
        finally:
            self._state = "cut" if is_over is None else "ended" if is_over else "open"
        return data

    def _split(self, chunks: ChunkedBody, received: bytes) -> bytes:
        """Return the body in some chunks; after the last usual one, httpcore2 receives the rest."""
        data = chunks.receive(received)
        if not received or chunks.rest is not None:
            self._stream.unread, self._chunks = chunks.rest or b"", None
        return data

    async def aclose(self) -> None:
        """Leave the body; the connection is used again if that was received whole."""
        if self._state != "ended":
            self._state = "cut"
        with trio.CancelScope(shield=True):  # nothing in it waits
            await self._body.aclose()
            await self._response.aclose()


def translated(error: Exception, stream: NetworkStream | None) -> CartesiaError:
    """Return an error of ours for one of httpcore2's; *stream* is None before the response."""
    if isinstance(error, httpcore2.LocalProtocolError):
        return InternalError(f"the request is not valid HTTP: {error}")
    has_ended = isinstance(error, httpcore2.NetworkError) or (
        "disconnected" in str(error) if stream is None else stream.has_ended
    )
    if has_ended:
        return ConnectionLost("the connection ended before the response was complete")
    return RemoteProtocolError(f"the response is not valid HTTP: {type(error).__name__}")
