"""Errors of both generations, as exceptions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trio_cartesia
from tests.protocol.strategies import ERRORS, JSON
from trio_cartesia import CartesiaError, RequestFailed
from trio_cartesia._protocol.base.error_bodies import error_from_body, error_from_fields

STATUSES = {
    400: "BadRequest",
    401: "AuthenticationFailed",
    402: "QuotaExceeded",
    403: "PermissionDenied",
    404: "NotFound",
    408: "ServiceFailed",
    409: "BadRequest",
    413: "BadRequest",
    422: "BadRequest",
    429: "ConcurrencyLimited",
    500: "ServiceFailed",
    503: "ServiceFailed",
    599: "ServiceFailed",
    418: "RequestFailed",
}
STATUSES |= dict.fromkeys((407, 410, 499), STATUSES[418])  # what the reference does not list


@pytest.mark.parametrize(("status", "name"), STATUSES.items())
@pytest.mark.parametrize("structured", [True, False])
def test_a_status_has_its_exception(status, name, structured):
    """Each status becomes the exception that says whose move it is, from either kind of body."""
    fields = {"title": "Too bad", "message": "It cannot be.", "request_id": "r-1"}
    body = json.dumps(fields) if structured else "Too bad: It cannot be."
    error = error_from_body(status, body.encode(), request_id="h-1", retry_after="2.5")
    assert type(error).__name__ == name
    assert (error.title, error.message) == ("Too bad", "It cannot be.")
    assert error.request_id == ("r-1" if structured else "h-1")
    assert (error.status_code, error.retry_after_seconds) == (status, 2.5)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("voice_not_found", "VoiceNotFound"),
        ("model_not_found", "ModelNotFound"),
        ("quota_exceeded", "QuotaExceeded"),
        ("concurrency_limited", "ConcurrencyLimited"),
        ("plan_upgrade_required", "PermissionDenied"),
        ("language_not_supported", "BadRequest"),
        ("never_seen_before", "BadRequest"),
    ],
)
def test_a_known_error_code_decides_before_the_status(code, name):
    """A known code determines the class; an unknown one is kept, and the status determines the
    class.
    """
    error = error_from_fields({"error_code": code, "status_code": 400})
    assert (type(error).__name__, error.error_code) == (name, code)


@given(fields=ERRORS)
def test_errors_may_lack_any_field(fields):
    """Error events of any form become an exception that can be printed."""
    error = error_from_fields(fields, context_id="a")
    assert isinstance(error, RequestFailed)
    assert str(error)
    assert error.context_id == "a"


@given(status=st.integers(300, 599), body=st.binary() | JSON.map(lambda v: json.dumps(v).encode()))
def test_error_bodies_may_have_any_form(status, body):
    """Error bodies of any form become an exception with the code of the status line."""
    assert error_from_body(status, body, retry_after="soon").status_code == status


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(trio_cartesia).values()
        if isinstance(kind, type) and issubclass(kind, CartesiaError)
    ],
)
def test_every_error_says_what_to_do_and_can_be_raised_anew(kind):
    """Each exception has an address, survives being copied, and says what it was told."""
    assert kind.next_step.endswith(".")
    assert kind is CartesiaError or kind.next_step != CartesiaError.next_step
    error = kind("what happened", context_id="a")
    copy = error.anew()
    assert type(copy) is kind
    assert (str(copy), copy.context_id) == (str(error), "a")
    assert copy is not error


@pytest.mark.parametrize(
    ("fields", "title", "message"),
    [
        ({}, None, "the service gave no reason"),
        ({"message": "M"}, None, "M"),
        ({"error": "E"}, None, "E"),
        ({"message": "M", "error": "E"}, None, "M"),
        ({"message": " \n", "error": " E "}, None, "E"),
        ({"message": 7, "error": "E"}, None, "E"),
        ({"title": "T"}, "T", "T"),
        ({"title": "T", "message": "A: b: c"}, "T", "A: b: c"),
        ({"message": "A: b: c"}, "A", "b: c"),
        ({"error": "A:b"}, None, "A:b"),
        ({"message": "a\x1b[1mb\u2028c\td\ud800"}, None, "a\ufffd[1mb c d\ufffd"),
        ({"message": "x" * 2001}, None, "x" * 2000),
        ({"title": "y" * 2001, "message": "M"}, "y" * 2000, "M"),
    ],
)
def test_a_refusal_says_what_the_service_said(fields, title, message):
    """The message, or else the older text, is kept in a form that can be shown, as long as it is
    short; an older text has its title before a colon.
    """
    error = error_from_fields(fields)
    assert (error.title, error.message) == (title, message)


@given(
    status=st.none() | st.integers(300, 599),
    header=st.none() | st.integers(300, 599),
    seconds=st.none() | st.floats(0, 100),
)
def test_a_refusal_keeps_its_ids_and_codes(status, header, seconds):
    """The exception has the ids, codes and URLs of the body; the status in the body overrides that
    of the response.
    """
    named = {"request_id": "r", "error_code": "c", "doc_url": "https://d", "status_code": status}
    error = error_from_fields(
        named, context_id="a", status_code=header, retry_after_seconds=seconds
    )
    assert (error.request_id, error.error_code, error.doc_url) == ("r", "c", "https://d")
    assert (error.context_id, error.retry_after_seconds) == ("a", seconds)
    assert error.status_code == (header if status is None else status)
    assert error_from_fields({"status_code": True}, status_code=header).status_code == header


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        (" 2.5 ", 2.5),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_of_seconds(text, seconds):
    """Retry-After is used if it is a finite number of seconds."""
    assert error_from_body(429, b"", retry_after=text).retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("body", "message", "request_id"),
    [
        (b"", "the service gave no reason", "header"),
        (b" plain \n", "plain", "header"),
        (b'"a text"', '"a text"', "header"),
        (b"[1]", "[1]", "header"),
        (b"[" * 100_000, "[" * 2000, "header"),
        (b"\xff", "\ufffd", "header"),
        (b'{"message": "M"}', "M", "header"),
        (b'{"message": "M", "request_id": ""}', "M", "header"),
        (b'{"message": "M", "request_id": "body"}', "M", "body"),
        (b'{"message": "M", "status_code": 200}', "M", "header"),
    ],
)
def test_any_body_is_read_for_what_it_says(body, message, request_id):
    """A body that is no object of JSON is the message; the answer's own status always counts, and
    its own request id where the body has none.
    """
    error = error_from_body(404, body, request_id="header")
    assert (error.message, error.request_id, error.status_code) == (message, request_id, 404)
    assert type(error).__name__ == "NotFound"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("quota_exceeded", "QuotaExceeded"),
        ("concurrency_limited", "ConcurrencyLimited"),
        ("voice_not_found", "VoiceNotFound"),
        ("model_not_found", "ModelNotFound"),
        ("voice_model_mismatch", "BadRequest"),
        ("language_not_supported", "BadRequest"),
        ("file_too_large", "BadRequest"),
        ("unsupported_audio_format", "BadRequest"),
        ("plan_upgrade_required", "PermissionDenied"),
    ],
)
def test_the_codes_of_the_reference_have_their_exceptions(code, name):
    """Each code of the reference decides, even where the status says that the
    service has failed.
    """
    assert type(error_from_fields({"error_code": code, "status_code": 500})).__name__ == name
