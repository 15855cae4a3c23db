"""The events of a session, and its end."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.stt.services import (
    SETTINGS,
    manual_session,
    messages_until_quiet,
    served_session,
)
from trio_cartesia import (
    BadRequest,
    Cartesia,
    ConnectionLost,
    InboxOverflow,
    LocalProtocolError,
    TranscriptDone,
    UnknownEvent,
)
from trio_cartesia._runtime.stt.session import DRAIN_SECONDS
from trio_cartesia.testing import cancelled_at_each_step, client_with_peers, on_virtual_time


async def test_the_events_of_a_session(autojump_clock):
    """Events come as values, unknown ones as such, and the loop ends after ``done``."""
    async with manual_session() as (session, peer):
        assert await messages_until_quiet(peer) == []
        await peer.send(type="transcript", is_final=False, text="Hel")
        await peer.send(type="new", value=1)
        await peer.send(type="transcript", is_final=True, text="Hello", request_id="r")
        await session.no_more_audio()
        assert await peer.receive_message() == "close"
        await peer.send(type="done")
        await peer.close()
        interim, new, final, done = [event async for event in session.receive()]
    assert (interim.is_final, interim.text) == (False, "Hel")
    assert isinstance(new, UnknownEvent)
    assert (final.text, final.request_id) == ("Hello", "r")
    assert done == TranscriptDone()
    assert session.is_complete
    assert session.transcript.final == "Hello"


@given(st.lists(st.binary(min_size=2, max_size=40), max_size=6), st.sampled_from([0, 0.5, 4.5]))
@on_virtual_time
async def test_leaving_right_after_the_last_audio_loses_none(chunks, delay_seconds):
    """Leaving the block waits for the text of all audio, though nobody asked for it."""
    async with served_session(delay_seconds=delay_seconds) as (session, service):
        for chunk in chunks:
            await session.send_audio(chunk)
    audio = b"".join(chunks)
    size = len(audio) // 2 * 2
    assert b"".join(service.audio) == audio[:size]
    assert session.transcript.final == (f" {size} " if size else "")
    assert session.is_complete


async def test_a_service_that_does_not_end_is_waited_for_a_while(autojump_clock):
    """Leaving the block takes no longer than its grace, and says that the text is cut."""
    start = trio.current_time()
    with pytest.raises(ConnectionLost, match="not confirmed") as caught:
        async with manual_session(confirms=False) as (session, peer):
            await session.send_audio(b"ab")
            await peer.send(type="transcript", is_final=True, text="a part")
    assert caught.value.partial == session.transcript
    assert DRAIN_SECONDS <= trio.current_time() - start <= DRAIN_SECONDS + 2.1
    assert not session.is_complete
    assert session.transcript.final == "a part"


async def test_an_exception_closes_at_once(autojump_clock):
    """A block that is left by an exception or a cancellation does not wait for the rest."""
    start = trio.current_time()
    async with client_with_peers() as (client, peers):
        with pytest.raises(ValueError, match="mine"):
            async with client.stt.manual_finalize.websocket(**SETTINGS):
                raise ValueError("mine")
        with trio.move_on_after(1):
            async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
                await trio.sleep_forever()
        assert trio.current_time() - start == 1
        for _ in range(2):
            assert (await peers.receive()).closed_with == 1000
    with pytest.raises(ConnectionLost):
        await anext(session.receive())


async def test_nothing_is_sent_after_the_end_of_the_audio(autojump_clock):
    """After no_more_audio, and after the block, every call that sends says so."""
    async with served_session() as (session, service):
        await session.no_more_audio()
        await session.no_more_audio()
        for call in (session.send_audio, session.feed):
            with pytest.raises(LocalProtocolError, match=r"no_more_audio\(\) was called"):
                await call(b"ab")
        with pytest.raises(LocalProtocolError, match=r"no_more_audio\(\) was called"):
            await session.finalize()
    for call in (session.finalize, lambda: session.send_audio(b"ab")):
        with pytest.raises(LocalProtocolError, match="the session's block has ended"):
            await call()
    assert service.commands == ["close"]
    assert service.audio == []


@on_virtual_time
async def test_the_end_of_the_audio_may_be_cancelled():
    """Cancelled at any step, the command was sent once or is not sent."""
    async with manual_session() as (session, peer):
        await cancelled_at_each_step(session.no_more_audio)
        assert await messages_until_quiet(peer) == ["close"]
        await peer.send(type="done")


@pytest.mark.parametrize("is_draining", [False, True])
@pytest.mark.parametrize("code", [1000, 1001, 1011])
async def test_any_other_end_is_a_loss_after_what_came(autojump_clock, code, is_draining):
    """Without ``done`` the text is cut short, whatever the close code; what came is attached."""
    async with manual_session() as (session, peer):
        if is_draining:
            await session.no_more_audio()
        await peer.send(type="transcript", is_final=True, text="secret")
        await peer.close(code)
        events = session.receive()
        assert (await anext(events)).text == "secret"
        with pytest.raises(ConnectionLost) as caught:
            await anext(events)
        assert caught.value.close_code == code
        assert caught.value.partial.final == "secret"
        assert "secret" not in repr(caught.value)
        assert not session.is_complete
        assert session.statistics().state == "lost"


async def test_a_refusal_after_the_handshake_is_the_cause(autojump_clock):
    """An ``error`` event and then a close: the loop raises the one, then the other (§4.2)."""
    async with manual_session() as (session, peer):
        await peer.error(status_code=400, title="Invalid", message="No such model.")
        await peer.close(1008)
        events = session.receive()
        with pytest.raises(BadRequest, match="No such model"):
            await anext(events)
        with pytest.raises(ConnectionLost) as caught:
            await anext(events)
        assert isinstance(caught.value.__cause__, BadRequest)
        with pytest.raises(ConnectionLost) as caught:
            await session.finalize()
        assert isinstance(caught.value.__cause__, BadRequest)


@pytest.mark.parametrize("message", ["secret", '{"type":"transcript"}', '{"type":"done"}'])
async def test_a_message_that_breaks_the_protocol_ends_the_session(autojump_clock, message):
    """A message that cannot be read may have been text, so the session is lost without quoting."""
    async with manual_session() as (session, peer):
        await peer.send_text(message)
        with pytest.raises(ConnectionLost) as caught:
            async for _ in session.receive():
                pass
        assert "secret" not in str(caught.value) + str(caught.value.__cause__)


async def test_text_outlives_an_inbox_that_is_full(autojump_clock):
    """Where nobody receives, the inbox is bounded, and the text is not lost with its events."""
    async with served_session(delay_seconds=0) as (session, service):
        for _ in range(20):
            await service.peer.send(type="transcript", is_final=True, text="x" * 50_000)
        await session.send_audio(b"ab")
        await session.finalize()
        statistics = session.statistics()
        assert statistics.inbox_peak_bytes <= statistics.inbox_budget_bytes == 16 * 2**20
        assert statistics.dropped_events == 20 - 16 * 2**20 // (50_090 * 32) + 3
        assert statistics.transcript_characters == 20 * 50_000 + len(" 2 ")
        events = session.receive()
        with pytest.raises(InboxOverflow):
            async for event in events:
                assert len(event.text) == 50_000
    assert session.is_complete


async def test_one_task_receives_at_a_time(autojump_clock):
    """A second receive loop at the same time is refused, and the first goes on."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:
        events = []

        async def receive() -> None:
            events.append(await anext(session.receive()))

        nursery.start_soon(receive)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(LocalProtocolError, match="another task receives"):
            await anext(session.receive())
        await peer.send(type="flush_done")
        await trio.testing.wait_all_tasks_blocked()
        assert len(events) == 1


async def test_settings_go_with_the_handshake(autojump_clock):
    """Each setting is in the query, and keyterms are in no message about the address."""
    requests: list[bytes] = []

    async def refuse(host: str, port: int) -> trio.abc.Stream:
        near, far = trio.testing.memory_stream_pair()

        async def answer() -> None:
            requests.append(await far.receive_some())
            await far.aclose()

        nursery.start_soon(answer)
        await trio.lowlevel.checkpoint()
        return near

    async with trio.open_nursery() as nursery:
        async with Cartesia("k", base_url="http://localhost/v1", open_stream=refuse) as client:
            opening = client.stt.manual_finalize.websocket(
                **SETTINGS, language="en", keyterms=["secret word"]
            )
            with pytest.raises(Exception, match="localhost") as caught:
                await opening.__aenter__()
    assert requests[0].startswith(
        b"GET /v1/stt/websocket?model=ink-2&encoding=pcm_s16le&sample_rate=16000"
        b"&keyterm=secret%20word&language=en HTTP/1.1\r\n"
    )
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"encoding": "mp3"}, "encoding"), ({"inbox_bytes": 0}, "inbox_bytes")],
)
async def test_arguments_are_checked_before_connecting(change, message):
    """An argument that cannot be is refused before anything is opened."""
    async with client_with_peers() as (client, _):
        with pytest.raises(LocalProtocolError, match=message):
            client.stt.manual_finalize.websocket(**{**SETTINGS, **change})
