"""Errors of the API, and their forms on the wire.

API versions from 2026-03-01 on get structured JSON; older versions, and versions that do not
exist, get a line of text (protocol §1.2, §1.7).
"""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import uuid4

import attrs

from trio_cartesia.server.catalogue.models import STRUCTURED_VERSIONS

JSON_TYPE: Final = "application/json"
TEXT_TYPE: Final = "text/plain; charset=utf-8"


@attrs.frozen(kw_only=True)
class ErrorBody:
    """The fields of an error body or an ``error`` event.

    Attributes:
        status: The HTTP status, or the ``status_code`` of an event.
        code: The ``error_code`` that programs match on; most errors have none.
    """

    status: int
    title: str
    message: str
    code: str | None = None
    doc_url: str | None = None


class APIError(Exception):
    """A request that cannot be served.

    Attributes:
        body: The error that the response or the event reports.
        context_id: The context it belongs to; None if that is not known.
    """

    def __init__(self, body: ErrorBody, context_id: str | None = None) -> None:
        super().__init__(body.title)
        self.body = body
        self.context_id = context_id


CONTEXT_CLOSED: Final = ErrorBody(  # protocol §7.1 T9, T10
    status=400,
    title="Context has closed",
    message="The context takes no more inputs, or not with these settings. Open a new one.",
)


CANCELLED: Final = ErrorBody(  # protocol §7.1 T6
    status=400, title="Context cancelled", message="The context was cancelled, as it was asked to."
)


def invalid(message: str) -> ErrorBody:
    """Return a 400 for a request that is not valid."""
    return ErrorBody(status=400, title="Invalid request", message=message)


OUT_OF_RESOURCES: Final = ErrorBody(
    status=503,
    title="Service Unavailable",
    message="The local service is out of files or memory. Close connections, or try again later.",
)
VOICE_FAILED: Final = ErrorBody(
    status=500, title="Internal server error", message="The voice could not speak the text."
)
RECOGNIZER_FAILED: Final = ErrorBody(
    status=500, title="Internal server error", message="The recogniser could not read the audio."
)
CONTEXT_UNKNOWN: Final = ErrorBody(  # protocol §7.1 T8
    status=400, title="Context not found", message="No context of that id is open."
)
VOICE_NOT_FOUND: Final = ErrorBody(  # protocol §1.7.5
    status=404,
    title="Voice not found",
    message="No voice with that id is available to this account.",
    code="voice_not_found",
)
NOTHING_TO_DO: Final = invalid("There is nothing to do: the input is empty, and not the last.")


def is_structured(version: str) -> bool:
    """Return whether errors of this API version are structured."""
    return version in STRUCTURED_VERSIONS


def http_body(error: ErrorBody, *, version: str, request_id: str) -> tuple[str, bytes]:
    """Return the content type and the body of an HTTP response (protocol §1.7.1, §1.7.4)."""
    if not is_structured(version):
        return TEXT_TYPE, f"{error.title}: {error.message}".encode()
    return JSON_TYPE, json.dumps(_structured(error, request_id)).encode()


def error_event(
    error: ErrorBody, *, version: str, request_id: str, context_id: str | None = None
) -> dict[str, Any]:
    """Return the ``error`` event of a WebSocket (protocol §1.7.2, §1.7.4).

    If *context_id* is None, the event names no context. Otherwise its request id is made from that
    of the handshake and the context id.
    """
    event: dict[str, Any] = {"type": "error", "status_code": error.status, "done": True}
    if context_id is not None:
        event["context_id"] = context_id
        request_id = f"{request_id}:{context_id}:{uuid4()}"
    if is_structured(version):
        return {**event, **_structured(error, request_id)}
    return {**event, "error": f"{error.title}: {error.message}"}


def transcription_error_event(error: ErrorBody, *, version: str, request_id: str) -> dict[str, Any]:
    """Return the ``error`` event of speech to text (protocol §1.7.2, §1.7.4)."""
    if is_structured(version):
        return {"type": "error", "status_code": error.status, **_structured(error, request_id)}
    message = f"{error.title}: {error.message}"
    return {"type": "error", "message": message, "request_id": request_id}


def _structured(error: ErrorBody, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "error_code": error.code,
        "title": error.title,
        "message": error.message,
        "request_id": request_id,
    }
    return body if error.doc_url is None else {**body, "doc_url": error.doc_url}
