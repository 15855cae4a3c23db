"""How the service says no: one value, and the shapes it takes on the wire.

There are two generations of error bodies. Versions from 2026-03-01 on get structured JSON; older
ones, and versions that do not exist, get a line of text (protocol §1.2, §1.7).
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
    """Why something is not done.

    Attributes:
        status: Of HTTP, or the ``status_code`` of an event.
        code: The ``error_code`` that programs match on; most refusals have none.
    """

    status: int
    title: str
    message: str
    code: str | None = None
    doc_url: str | None = None


class APIError(Exception):
    """Raised where a request turns out not to be acceptable.

    Attributes:
        refusal: What to answer.
        context_id: The context it belongs to, as far as that is known.
    """

    def __init__(self, refusal: ErrorBody, context_id: str | None = None) -> None:
        super().__init__(refusal.title)
        self.refusal = refusal
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
    """Return the refusal of a request that says something it must not."""
    return ErrorBody(status=400, title="Invalid request", message=message)


OUT_OF_RESOURCES: Final = ErrorBody(
    status=503,
    title="Service Unavailable",
    message="The local service is out of files or memory. Close connections, or try again later.",
)
CONTEXT_UNKNOWN: Final = ErrorBody(  # protocol §7.1 T8
    status=400, title="Context not found", message="No context of that id is open."
)
NOTHING_TO_DO: Final = invalid("There is nothing to do: the input is empty, and not the last.")


def is_structured(version: str) -> bool:
    """True if errors of this API version are structured."""
    return version in STRUCTURED_VERSIONS


def http_body(refusal: ErrorBody, *, version: str, request_id: str) -> tuple[str, bytes]:
    """Return the content type and the body of an HTTP answer (protocol §1.7.1, §1.7.4)."""
    if not is_structured(version):
        return TEXT_TYPE, f"{refusal.title}: {refusal.message}".encode()
    return JSON_TYPE, json.dumps(_structured(refusal, request_id)).encode()


def error_event(
    refusal: ErrorBody, *, version: str, request_id: str, context_id: str | None
) -> dict[str, Any]:
    """Return the WebSocket event that refuses (protocol §1.7.2, §1.7.4).

    The handshake's request id becomes part of the event's own. An error without a context id
    belongs to no context.
    """
    event: dict[str, Any] = {"type": "error", "status_code": refusal.status, "done": True}
    if context_id is not None:
        event["context_id"] = context_id
        request_id = f"{request_id}:{context_id}:{uuid4()}"
    if is_structured(version):
        return {**event, **_structured(refusal, request_id)}
    return {**event, "error": f"{refusal.title}: {refusal.message}"}


def _structured(refusal: ErrorBody, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "error_code": refusal.code,
        "title": refusal.title,
        "message": refusal.message,
        "request_id": request_id,
    }
    return body if refusal.doc_url is None else {**body, "doc_url": refusal.doc_url}
