"""Sessions of speech to text for threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.runtime.stt.services import SETTINGS, Service
from trio_cartesia import BadRequest, LocalProtocolError, TranscriptDone
from trio_cartesia._constructors import create
from trio_cartesia.blocking import ManualFinalizeSession
from trio_cartesia.blocking.portal import Portal
from trio_cartesia.blocking.stt.stt import STT
from trio_cartesia.testing import client_with_peers


class PeeredClient:
    """Stands for a client: its block is that of a client whose sessions a service answers."""

    def __init__(self) -> None:
        self._manager = client_with_peers()

    async def __aenter__(self) -> None:
        client, self._peers = await self._manager.__aenter__()
        self.stt = client.stt

    async def __aexit__(self, *_: object) -> None:
        await self._manager.__aexit__(None, None, None)  # noqa: ASYNC102  # a client's, likewise

    async def accept(self) -> Service:
        return Service(await self._peers.receive())


@contextmanager
def served_session() -> Iterator[tuple[ManualFinalizeSession, Service, Portal]]:
    """A session for threads, and a service that answers it."""
    client = PeeredClient()
    portal = Portal(client)
    portal.start()
    try:
        stt = create(STT, portal, client.stt)
        with stt.manual_finalize.websocket(**SETTINGS) as session:
            service = portal.run(client.accept)
            portal.run_sync(portal.nursery.start_soon, service.serve)
            yield session, service, portal
    finally:
        portal.stop()
        portal.join()


def test_push_to_talk():
    """Audio is sent, finalized and received without a task of the caller's."""
    with served_session() as (session, service, _):
        session.send_audio(b"abc")
        session.send_audio(b"d")
        assert session.finalize() == " 4 "
        session.feed((bytes(1000) for _ in range(4)), pace="as_fast_as_possible")
        session.feed(bytes(96), pace="as_fast_as_possible")
        assert session.finalize() == " 4096 "
        assert session.transcript.final == " 4  4096 "
        session.no_more_audio()
        events = list(session.receive())
        assert events[-1] == TranscriptDone()
        assert session.is_complete
        assert session.statistics().audio_bytes_sent == 4100
    assert b"".join(service.audio) == b"abcd" + bytes(4096)


def test_audio_is_made_in_the_calling_thread():
    """An iterator of audio runs where it was given, and what it raises is raised there."""

    def broken() -> Iterator[bytes]:
        yield bytes(2)
        raise OSError("no microphone")

    with served_session() as (session, service, _):
        with pytest.raises(OSError, match="no microphone"):
            session.feed(broken())
        with pytest.raises(LocalProtocolError, match="an iterable of bytes, not int"):
            session.feed(1)
        with pytest.raises(LocalProtocolError, match="audio must be bytes"):
            session.feed(["text"])
    assert service.commands == ["close"]


def test_mute():
    """While the block of a mute runs, other audio is refused; then the session goes on."""
    with served_session() as (session, _, _):
        with session.mute() as muted, pytest.raises(LocalProtocolError, match="is muted"):
            session.send_audio(b"ab")
        assert muted is None
        session.send_audio(b"ab")
        assert session.finalize() == " 2 "


def test_a_receive_loop_goes_on_after_an_error():
    """An ``error`` event is raised by the loop, and a further one has the events after it."""
    with served_session() as (session, service, portal):

        async def send() -> None:
            await service.peer.error(status_code=400, message="No.")
            await service.peer.send(type="transcript", is_final=True, text="Hello")

        portal.run(send)
        with pytest.raises(BadRequest, match=r"No\."):
            next(session.receive())
        assert next(session.receive()).text == "Hello"


def test_a_broken_loop_loses_no_event():
    """What a loop has left is received by the next one, also after an interrupted block."""
    with served_session() as (session, _, _):
        session.send_audio(b"ab")
        session.finalize()
        for event in session.receive():
            assert event.text == " 2"
            break
        assert [next(session.receive()).type for _ in range(2)] == ["transcript", "flush_done"]
