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
    InboxOverflow,
    RequestFailed,
)
from trio_cartesia._protocol.base.error_bodies import KIND_OF_CODE, KIND_OF_STATUS

KINDS = [
    kind
    for kind in vars(trio_cartesia).values()
    if isinstance(kind, type) and issubclass(kind, CartesiaError)
]


@pytest.mark.parametrize(
    "kind", sorted({*KIND_OF_CODE.values(), *KIND_OF_STATUS.values()}, key=str)
)
def test_a_typed_reason_is_both_kinds_of_failure(kind):
    """A typed reason is a `RequestFailed`, which a context fails with as well."""
    assert issubclass(kind, RequestFailed)
    assert issubclass(kind, ContextFailed)


@pytest.mark.parametrize("kind", [ContextExpired, ContextStalled, InboxOverflow])
def test_failures_of_contexts_are_not_refusals(kind):
    """A context that ended early for another reason has failed, but nothing was refused."""
    assert issubclass(kind, ContextFailed)
    assert not issubclass(kind, RequestFailed)


@pytest.mark.parametrize("kind", KINDS)
def test_unspoken_texts_are_kept_and_not_shown(kind):
    """Every error has `unspoken`, empty by default, which neither ``str`` nor ``repr`` shows, and
    which a copy for another task keeps.
    """
    error = kind("why")
    assert error.unspoken == ()
    error.unspoken = ("canary",)
    assert "canary" not in f"{error} {error!r} {error.args}"
    assert error.anew().unspoken == ("canary",)
    assert type(error.anew()) is kind


@pytest.mark.parametrize("kind", [ConnectionLost, ContextExpired, ContextStalled])
def test_errors_take_unspoken_texts_when_they_are_made(kind):
    """What ends a context is made with the texts that were not spoken; a lost connection is not a
    refusal.
    """
    assert kind("why", context_id="a", unspoken=("canary",)).unspoken == ("canary",)
    assert issubclass(kind, ContextFailed) is (kind is not ConnectionLost)
