"""Convert an HTTP response whose body ends with the connection to the exception to raise.

trio-websocket does not wait for the end of such a response.
"""

from __future__ import annotations

from collections.abc import Iterable

from trio_cartesia._errors import RequestFailed
from trio_cartesia._protocol.base.error_bodies import error_from_body

__all__ = ["error_in_response", "header"]


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the first header of this lower-case name."""
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)


def error_in_response(answer: bytes) -> RequestFailed | None:
    """Return the exception for an HTTP response, complete or cut short in its body; else None.

    Args:
        answer: Everything received before the connection ended.
    """
    import h11  # loaded with trio-websocket, by the first connection

    http = h11.Connection(h11.CLIENT)
    http.send(
        h11.Request(method="GET", target="/", headers=[("Host", "x"), ("Connection", "close")])
    )
    http.send(h11.EndOfMessage())
    response, body = None, bytearray()
    try:
        http.receive_data(answer)
        http.receive_data(b"")
        while isinstance(event := http.next_event(), (h11.Response, h11.Data)):
            if isinstance(event, h11.Response):
                response = event
            else:
                body += event.data
    except h11.RemoteProtocolError:
        pass  # cut short, or not HTTP: use the part that was parsed before
    if response is None:
        return None
    return error_from_body(
        response.status_code,
        bytes(body),
        request_id=header(response.headers, b"x-request-id"),
        retry_after=header(response.headers, b"retry-after"),
    )
