"""Sessions with turns for threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.blocking.test_transcription import PeeredClient
from tests.runtime.stt.services import SETTINGS
from trio_cartesia import LocalProtocolError, RemoteProtocolError
from trio_cartesia._constructors import create
from trio_cartesia.blocking import AutoFinalizeSession
from trio_cartesia.blocking.portal import Portal
from trio_cartesia.blocking.stt.stt import STT


@contextmanager
def session_of(*events: tuple[str, str]) -> Iterator[AutoFinalizeSession]:
    """A session whose service sends *events*, and closes once it is asked to."""
    client = PeeredClient()
    portal = Portal(client)

    async def serve() -> None:
        peer = (await client.accept()).peer
        for kind, transcript in events:
            await peer.send(type=kind, transcript=transcript, request_id="r")
        while (await peer.receive_message()) != '{"type":"close"}':
            pass
        await peer.close()

    portal.start()
    try:
        stt = create(STT, portal, client.stt)
        with stt.auto_finalize.websocket(**SETTINGS) as session:
            portal.run_sync(portal.nursery.start_soon, serve)
            yield session
    finally:
        portal.stop()
        portal.join()


ONE = (
    ("turn.start", ""),
    ("turn.update", "a"),
    ("turn.eager_end", "a"),
    ("turn.resume", ""),
    ("turn.update", "a b"),
    ("turn.end", "a b."),
)
TWO = (("turn.start", ""), ("turn.end", "c"))


def test_turns_and_their_texts_are_iterated():
    """The texts grow to the definitive one, and the loop ends with the session."""
    with session_of(*ONE, *TWO) as session:
        session.config(end_timeout_ms=1000)
        session.no_more_audio()
        turns = session.turns()
        turn = next(turns)
        assert (list(turn), turn.text, turn.is_over) == (["a", "a b", "a b."], "a b.", True)
        assert [(turn.end(), turn.is_complete) for turn in turns] == [("c", True)]
        assert not hasattr(turn, "speculate")  # a thread cannot be cancelled


def test_a_turn_that_is_left_is_skipped():
    """The next iteration, also of a further loop, has the next turn."""
    with session_of(*ONE, *TWO) as session:
        next(session.turns())
        assert next(session.turns()).end() == "c"


def test_an_event_out_of_order_is_raised():
    """The error is the same as without threads."""
    with session_of(("turn.end", "a")) as session:
        with pytest.raises(RemoteProtocolError, match="between turns"):
            next(session.turns())


def test_events_are_received_in_place_of_turns():
    """One by one, until the session's end."""
    with session_of(*TWO) as session:
        session.no_more_audio()
        assert [event.type for event in session.receive()] == ["turn.start", "turn.end"]
        with pytest.raises(LocalProtocolError, match=r"receive\(\) was called"):
            session.turns()
