"""
A refusal that trio-websocket did not wait for: an HTTP answer whose body ends with the connection.
"""

from __future__ import annotations

from collections.abc import Iterable

from trio_cartesia._errors import ContextFailed
from trio_cartesia._protocol.base.error_bodies import error_from_body

__all__ = ["error_in_response", "header"]


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the first header of this lower-case name."""
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)


def error_in_response(answer: bytes) -> ContextFailed | None:
    """
    Return the refusal that *answer* is, whole or cut short in its body; None if it is none.

    Args:
        answer: All that came before the connection ended.
    """
    import h11  # with what comes with trio-websocket: not before there is a connection

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
        pass  # cut short, or no HTTP at all: what was understood before counts
    if response is None:
        return None
    return error_from_body(
        response.status_code,
        bytes(body),
        request_id=header(response.headers, b"x-request-id"),
        retry_after=header(response.headers, b"retry-after"),
    )
