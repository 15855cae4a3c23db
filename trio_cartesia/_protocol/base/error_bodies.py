"""Convert the service's error bodies to exceptions.

Two generations of bodies are parsed (protocol §1.7): JSON objects, and the ``Title: message`` texts
of versions before 2026-03-01. Every field may be missing or of any type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from trio_cartesia._errors import (
    AuthenticationFailed,
    BadRequest,
    ConcurrencyLimited,
    ModelNotFound,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    RequestFailed,
    ServiceFailed,
    VoiceNotFound,
)

__all__ = ["KIND_OF_CODE", "KIND_OF_STATUS", "error_from_body", "error_from_fields", "one_line"]

LONGEST_TEXT: Final = 2000  # characters kept of a message or title

# Control characters can drive terminals and forge log lines; lone surrogates cannot be printed.
_NOT_FOR_PRINT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)  # of a proxy's page

KIND_OF_CODE: Final[Mapping[str, type[RequestFailed]]] = {  # protocol §1.7.1
    "quota_exceeded": QuotaExceeded,
    "concurrency_limited": ConcurrencyLimited,
    "voice_not_found": VoiceNotFound,
    "model_not_found": ModelNotFound,
    "voice_model_mismatch": BadRequest,
    "language_not_supported": BadRequest,
    "file_too_large": BadRequest,
    "unsupported_audio_format": BadRequest,
    "plan_upgrade_required": PermissionDenied,
}

KIND_OF_STATUS: Final[Mapping[int, type[RequestFailed]]] = {  # protocol §1.7.5
    400: BadRequest,
    401: AuthenticationFailed,
    402: QuotaExceeded,
    403: PermissionDenied,
    404: NotFound,
    408: ServiceFailed,
    409: BadRequest,
    413: BadRequest,
    422: BadRequest,
    429: ConcurrencyLimited,
}


def error_from_fields(
    fields: Mapping[str, object],
    *,
    context_id: str | None = None,
    status_code: int | None = None,
    retry_after_seconds: float | None = None,
) -> RequestFailed:
    """Convert the fields of an error, of either generation, to the exception to raise.

    Args:
        fields: The members of the error's JSON object, of any shape.
        context_id: The context that the error was attributed to.
        status_code: From the status line; used where *fields* has none.
        retry_after_seconds: From a ``Retry-After`` header.
    """
    text = _text(fields.get("message")) or _text(fields.get("error")) or ""
    title = _text(fields.get("title"))
    if title is None and ": " in text:  # legacy: "Title: message" (protocol §1.7.4)
        title, text = text.split(": ", 1)
    status = fields.get("status_code")
    if type(status) is int:
        status_code = status
    code = _text(fields.get("error_code"))
    return _kind(code, status_code)(
        text or title or "the service gave no reason",
        title=title,
        context_id=context_id,
        request_id=_text(fields.get("request_id")),
        status_code=status_code,
        error_code=code,
        doc_url=_text(fields.get("doc_url")),
        retry_after_seconds=retry_after_seconds,
    )


def error_from_body(
    status_code: int,
    body: bytes,
    *,
    request_id: str | None = None,
    retry_after: str | None = None,
) -> RequestFailed:
    """Convert an unsuccessful HTTP response to the exception to raise.

    Args:
        status_code: From the status line; it wins over one in the body.
        body: JSON, plain text, HTML (of a proxy) or empty.
        request_id: From the ``X-Request-Id`` header; used where the body has none.
        retry_after: The ``Retry-After`` header; used if it is a number of seconds.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = {"error": text}
    if text[:1] == "<":
        fields = {"title": "an HTML page in place of the service's answer", "message": _title(text)}
    if not isinstance(fields, dict):
        fields = {"error": text}
    named = {"request_id": fields.get("request_id") or request_id, "status_code": status_code}
    return error_from_fields({**fields, **named}, retry_after_seconds=_seconds(retry_after))


def _kind(code: str | None, status_code: int | None) -> type[RequestFailed]:
    if code is not None and code in KIND_OF_CODE:
        return KIND_OF_CODE[code]
    if status_code is not None and status_code >= 500:
        return ServiceFailed
    return KIND_OF_STATUS.get(status_code or 0, RequestFailed)


def _title(page: str) -> str | None:
    found = _TITLE.search(page)
    return None if found is None else found[1]


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return one_line(value.strip()[:LONGEST_TEXT]) or None


def one_line(text: str) -> str:
    """Return a peer's text as one line that can be printed and logged."""
    return _NOT_FOR_PRINT.sub(lambda found: " " if found[0].isspace() else "\ufffd", text)


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
