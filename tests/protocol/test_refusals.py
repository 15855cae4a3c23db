"""Errors of both generations, as exceptions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trio_cartesia
from tests.protocol.strategies import ERRORS, JSON
from trio_cartesia import CartesiaError, ContextFailed
from trio_cartesia._protocol.refusals import refusal, refusal_from_body

STATUSES = {
    400: "BadRequest",
    401: "AuthenticationFailed",
    402: "QuotaExceeded",
    403: "PermissionDenied",
    404: "NotFound",
    422: "BadRequest",
    429: "ConcurrencyLimited",
    500: "ServiceFailed",
    503: "ServiceFailed",
    418: "ContextFailed",
}


@pytest.mark.parametrize(("status", "name"), STATUSES.items())
@pytest.mark.parametrize("structured", [True, False])
def test_a_status_has_its_exception(status, name, structured):
    """
    Each status becomes the exception that says whose move it is, from either kind of body.
    """
    fields = {"title": "Too bad", "message": "It cannot be.", "request_id": "r-1"}
    body = json.dumps(fields) if structured else "Too bad: It cannot be."
    error = refusal_from_body(status, body.encode(), request_id="h-1", retry_after="2.5")
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
def test_a_code_says_more_than_a_status(code, name):
    """
    A known code decides; a new one is kept, and the status decides.
    """
    error = refusal({"error_code": code, "status_code": 400})
    assert (type(error).__name__, error.error_code) == (name, code)


@given(fields=ERRORS)
def test_no_field_is_relied_on(fields):
    """
    Errors of any shape become an exception that can be shown.
    """
    error = refusal(fields, context_id="a")
    assert isinstance(error, ContextFailed)
    assert str(error)
    assert error.context_id == "a"


@given(status=st.integers(300, 599), body=st.binary() | JSON.map(lambda v: json.dumps(v).encode()))
def test_no_body_is_relied_on(status, body):
    """
    Bodies of any kind become an exception with the status line's code.
    """
    assert refusal_from_body(status, body, retry_after="soon").status_code == status


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(trio_cartesia).values()
        if isinstance(kind, type) and issubclass(kind, CartesiaError)
    ],
)
def test_every_error_says_what_to_do_and_can_be_raised_anew(kind):
    """
    Each exception has an address, survives being copied, and says what it was told.
    """
    assert kind.next_step.endswith(".")
    assert kind is CartesiaError or kind.next_step != CartesiaError.next_step
    error = kind("what happened", context_id="a")
    copy = error.anew()
    assert type(copy) is kind
    assert (str(copy), copy.context_id) == (str(error), "a")
    assert copy is not error
