"""The hierarchy of exceptions: which class catches which, and what shows."""

from __future__ import annotations

import pytest

import trio_cartesia
from trio_cartesia import (
    CartesiaError,
    ConnectionLost,
    ContextExpired,
    ContextFailed,
    ContextStalled,
    RequestFailed,
)
from trio_cartesia._protocol.base.error_bodies import KIND_OF_CODE, KIND_OF_STATUS

KINDS = [
    kind
    for kind in vars(trio_cartesia).values()
    if isinstance(kind, type) and issubclass(kind, CartesiaError)
]


@pytest.mark.parametrize("kind", {*KIND_OF_CODE.values(), *KIND_OF_STATUS.values()})
def test_a_reason_with_a_class_is_caught_by_both_names(kind):
    """
    A typed reason is a `ContextFailed` and a `RequestFailed`, since handshakes raise it too.
    """
    assert issubclass(kind, ContextFailed)
    assert issubclass(kind, RequestFailed)


@pytest.mark.parametrize("kind", KINDS)
def test_unspoken_texts_are_kept_and_not_shown(kind):
    """
    Every error has `unspoken`, empty by default, which neither ``str`` nor ``repr`` shows, and
    which a copy for another task keeps.
    """
    error = kind("why")
    assert error.unspoken == ()
    error.unspoken = ("canary",)
    assert "canary" not in f"{error} {error!r} {error.args}"
    assert error.anew().unspoken == ("canary",)
    assert type(error.anew()) is kind


@pytest.mark.parametrize("kind", [ContextExpired, ContextStalled])
def test_errors_of_texts_take_them_when_they_are_made(kind):
    """
    Errors that are about unspoken texts are made with them.
    """
    assert kind("why", unspoken=("canary",)).unspoken == ("canary",)
    assert issubclass(kind, ContextFailed)
    assert not issubclass(ConnectionLost, RequestFailed)


def test_a_stall_says_how_long_nothing_came():
    """
    `ContextStalled` carries its context, its connection's request and the bound that was passed.
    """
    error = ContextStalled("nothing came", context_id="a", request_id="r", stall_seconds=20.0)
    assert (error.context_id, error.request_id, error.stall_seconds) == ("a", "r", 20.0)
