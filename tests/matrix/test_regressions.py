"""What the matrix found, once each, and whether the pages name tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trio

from tests.support import SETTINGS, receive_all
from trio_cartesia import (
    ConnectionLost,
    ContextExpired,
    InboxOverflow,
    QuotaExceeded,
    RemoteProtocolError,
)
from trio_cartesia.testing import connected_pair

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/what-happens-when.md"


async def lose(connection, peer):
    """Break the connection, and wait until it is known."""
    peer.stream.reset()
    while not connection.statistics().is_lost:  # noqa: ASYNC110  # as a user sees it
        await trio.lowlevel.checkpoint()


async def test_the_end_of_a_context_survives_the_loss(autojump_clock):
    """A context that expired or failed still says so after the connection is lost, with the texts
    to say again: the loss has nothing to do with it.
    """
    async with connected_pair() as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="a") as expired,
            connection.context(**SETTINGS, context_id="b") as failed,
            connection.context(**SETTINGS, context_id="c") as open_,
        ):
            for context in (expired, failed, open_):
                await context.push("One. ")
            await peer.done("a")
            await peer.error("b", status_code=402, title="Quota exceeded", message="No credits.")
            await receive_all(expired, [])
            with pytest.raises(QuotaExceeded):
                await receive_all(failed, [])
            await lose(connection, peer)
            with pytest.raises(ContextExpired) as caught:
                await expired.push("Two. ")
            assert caught.value.unspoken == ("One. ", "Two. ")
            with pytest.raises(QuotaExceeded):
                await failed.push("Two. ")
            with pytest.raises(ConnectionLost):
                await open_.push("Two. ")


async def test_errors_of_our_own_name_the_connection(autojump_clock):
    """An error that the service did not word, but has to do with, names the
    connection's request.
    """
    async with connected_pair(inbox_bytes=1000) as (connection, peer):
        session = connection._contexts.session
        session.transport = NamedTransport(session.transport)
        async with (
            connection.context(**SETTINGS, context_id="a") as garbled,
            connection.context(**SETTINGS, context_id="b") as flooded,
        ):
            for context in (garbled, flooded):
                await context.push("One. ")
            await peer.send(type="chunk", context_id="a", data="~")
            await peer.chunk("b", bytes(2000))
            for context, kind in ((garbled, RemoteProtocolError), (flooded, InboxOverflow)):
                for meet in (receive_all(context, []), context.push("Two. ")):
                    with pytest.raises(kind) as caught:
                        await meet
                    assert caught.value.request_id == "request-1"


class NamedTransport:
    """A transport whose peer named the request, which a scripted one does not."""

    request_id = "request-1"

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)


async def test_a_loss_that_the_writer_found_names_the_connection(autojump_clock):
    """Where a write finds out first that the connection is gone, the loss names
    its request, too.
    """
    async with connected_pair() as (connection, _peer):
        session = connection._contexts.session
        session.transport = NamedTransport(session.transport)
        session.write_failure = ConnectionLost("the peer takes nothing more")
        with pytest.raises(ConnectionLost) as caught:
            async with connection.context(**SETTINGS):
                pass
        assert caught.value.request_id == "request-1"


def test_every_claim_names_its_test():
    """Each line of the page on what happens names tests, and they are there."""
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| [^w-]", line)]
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(rows) > 30
    for row in rows:
        *_, shown_by, _ = row.split("|")
        named = re.findall(r"`(test_\w+)`", shown_by)
        assert named, row
        for name in named:
            assert f"def {name}(" in written, name
