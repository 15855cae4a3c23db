"""Sessions with turns, over a WebSocket in memory."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.stt.turn_orders import sessions
from trio_cartesia import (
    BadRequest,
    ConnectionLost,
    InboxOverflow,
    LocalProtocolError,
    QuotaExceeded,
    RemoteProtocolError,
    ServiceFailed,
)
from trio_cartesia.testing import client_with_peers, on_virtual_time

SETTINGS = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}


@asynccontextmanager
async def open_pair(**options):
    """Open a session and its peer; the peer closes once it is asked to, if the block has not."""
    async with client_with_peers() as (client, peers):
        with trio.CancelScope() as scope:
            async with client.stt.auto_finalize.websocket(**SETTINGS, **options) as session:
                yield session, await peers.receive()
                scope.cancel("the test is over: nothing is drained")


async def close_when_asked(peer):
    """Take messages until ``close``; then close."""
    while (await peer.receive_message()) != '{"type":"close"}':
        pass
    await peer.close()


async def send_turns(peer, told):
    for turn in told:
        for kind, transcript in turn.events:
            fields = {} if transcript is None else {"transcript": transcript}
            await peer.send(type=kind, request_id="r", **fields)


@settings(max_examples=max(5, settings.default.max_examples // 3))
@given(sessions(), st.booleans())
@on_virtual_time
async def test_all_turns_of_a_session_arrive_with_all_of_their_text(told, is_raw):
    """Whatever the service leaves out or cuts, no text is lost, and a turn says if it was cut."""
    async with open_pair() as (session, peer), trio.open_nursery() as nursery:
        await peer.send(type="connected", request_id="r")
        await send_turns(peer, told)
        nursery.start_soon(close_when_asked, peer)
        await session.no_more_audio()
        if is_raw:
            events = [event async for event in session.receive()]
            expected = [event for turn in told for event in turn.events]
            assert [(e.type, getattr(e, "transcript", None)) for e in events[1:]] == expected
        else:
            seen = [(await turn.end(), turn.is_complete) async for turn in session.turns()]
    if not is_raw:
        assert seen == [(turn.text, turn.is_complete) for turn in told]
    assert session.is_complete


@on_virtual_time
async def test_speech_is_interrupted_the_moment_the_user_speaks():
    """A start reaches the loop over turns at the time at which it was sent."""
    async with open_pair() as (session, peer):

        async def speak():
            await trio.sleep(7)
            await peer.send(type="turn.start", request_id="r")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak)
            with trio.CancelScope() as speech:
                nursery.start_soon(trio.sleep, 60)
                async for _ in session.turns():
                    assert trio.current_time() == 7
                    speech.cancel()
                    nursery.cancel_scope.cancel()


@on_virtual_time
async def test_an_event_out_of_order_ends_the_turns():
    """What came before it is not lost, and the error names the state and the event."""
    async with open_pair() as (session, peer):
        for kind in ("turn.start", "turn.end", "turn.resume"):
            await peer.send(type=kind, transcript="a", request_id="r")
        turns = session.turns()
        assert await (await anext(turns)).end() == "a"
        with pytest.raises(RemoteProtocolError, match=r"turn\.resume between turns"):
            await anext(turns)


@pytest.mark.parametrize("code", [1000, 1011])
@on_virtual_time
async def test_a_close_that_nobody_asked_for_is_a_loss(code):
    """Its error has the text of the turn that it cut, and shows it nowhere."""
    async with open_pair() as (session, peer):
        await peer.send(type="turn.start", request_id="r")
        await peer.send(type="turn.update", transcript="my secret", request_id="r")
        await peer.close(code)
        async for turn in session.turns():
            with pytest.raises(ConnectionLost) as caught:
                await turn.end()
            break
        assert (turn.text, turn.is_over, turn.is_complete) == ("my secret", True, False)
        assert caught.value.partial == "my secret"
        assert caught.value.close_code == code
        assert "secret" not in f"{caught.value} {caught.value!r} {turn!r} {session!r}"
        with pytest.raises(ConnectionLost):
            await anext(session.turns())


@on_virtual_time
async def test_a_config_has_what_is_given_and_must_fit_what_was_given_before():
    """What is refused is not sent, and does not count."""
    async with open_pair(turn_start_threshold=0.7, turn_end_threshold=0.3) as (session, peer):
        with pytest.raises(LocalProtocolError, match=r"start_threshold \(0\.7\) must be greater"):
            await session.config(eager_end_threshold=0.75)
        with pytest.raises(LocalProtocolError, match="end_timeout_ms"):
            await session.config(end_timeout_ms=100)
        await session.config(start_threshold=0.85)
        await session.config(eager_end_threshold=0.75, end_timeout_ms=1000)
        await session.config()
        assert [await peer.receive() for _ in range(3)] == [
            {"type": "config", "turn": {"start_threshold": 0.85}},
            {"type": "config", "turn": {"eager_end_threshold": 0.75, "end_timeout_ms": 1000}},
            {"type": "config"},
        ]


@on_virtual_time
async def test_a_config_that_was_withdrawn_does_not_count():
    """The thresholds that the service has are those that were sent."""
    async with open_pair(turn_start_threshold=0.6) as (session, peer):
        peer.stream.stall()
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(1):
                for _ in range(1000):  # until nothing more fits into the pipe
                    await session.send_audio(bytes(2**16))
            with trio.move_on_after(1) as scope:
                await session.config(start_threshold=0.9)
            assert scope.cancelled_caught
            with pytest.raises(LocalProtocolError, match=r"\(0\.6\)"):
                await session.config(eager_end_threshold=0.7)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "wrong",
    [
        {"turn_start_threshold": 0.95},
        {"turn_eager_end_threshold": 0.3, "turn_end_threshold": 0.3},
        {"turn_start_threshold": 0.5, "turn_end_threshold": 0.5},
        {"inbox_bytes": 0},
        {"encoding": "wav"},
    ],
)
async def test_settings_are_checked_before_anything_is_sent(wrong):
    """No connection is opened for settings that the service would refuse."""
    async with client_with_peers() as (client, peers):
        with pytest.raises(LocalProtocolError):
            client.stt.auto_finalize.websocket(**{**SETTINGS, **wrong})
        assert peers.statistics().current_buffer_used == 0


@on_virtual_time
async def test_events_are_received_as_turns_or_one_by_one():
    """Both would take events from each other."""
    async with open_pair() as (session, _):
        assert session.turns() is session.turns()
        with pytest.raises(LocalProtocolError, match=r"turns\(\) was called"):
            session.receive()
    async with open_pair() as (session, _):
        session.receive()
        session.receive()
        with pytest.raises(LocalProtocolError, match=r"receive\(\) was called"):
            session.turns()


@on_virtual_time
async def test_turns_that_nobody_receives_have_a_bound():
    """What fits into the inbox is received, then comes the error."""
    async with open_pair(inbox_bytes=50_000) as (session, peer):
        for number in range(60):
            await peer.send(type="turn.start", request_id="r")
            await peer.send(type="turn.end", transcript=f"turn {number}", request_id="r")
        await trio.testing.wait_all_tasks_blocked()
        assert session.statistics().inbox_peak_bytes <= 50_000
        texts = []
        with pytest.raises(InboxOverflow):
            async for turn in session.turns():
                texts.append(await turn.end())  # noqa: PERF401  # those before the error are kept
        assert texts == [f"turn {number}" for number in range(len(texts))]
        assert len(texts) > 1
        assert session.statistics().dropped_events > 0


@on_virtual_time
async def test_an_error_event_in_place_of_connected_is_raised_by_the_loop():
    """Settings may be judged after the handshake (protocol §6a E2)."""
    async with open_pair() as (session, peer):
        await peer.send(type="error", status_code=400, title="Bad", message="no such model")
        await peer.close(1008)
        turns = session.turns()
        with pytest.raises(BadRequest, match="no such model"):
            await anext(turns)
        with pytest.raises(ConnectionLost) as caught:
            await anext(turns)
        assert isinstance(caught.value.__cause__, BadRequest)


@on_virtual_time
async def test_audio_can_wait_for_a_service_that_drops_what_comes_too_early():
    """The wait ends at the moment of ``connected``, or with the connection."""
    async with open_pair() as (session, peer):

        async def confirm():
            await trio.sleep(0.5)
            await peer.send(type="connected", request_id="r")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(confirm)
            await session.wait_connected()
        assert trio.current_time() == 0.5
        await session.wait_connected()
    async with open_pair() as (session, peer):
        await peer.send(type="error", status_code=400, title="Bad", message="no such model")
        await peer.close()
        with pytest.raises(ConnectionLost) as caught:
            await session.wait_connected()
        assert isinstance(caught.value.__cause__, BadRequest)


@on_virtual_time
async def test_leaving_the_block_asks_for_the_end():
    """The last second of audio is transcribed before the connection is closed."""
    async with client_with_peers() as (client, peers), trio.open_nursery() as nursery:
        async with client.stt.auto_finalize.websocket(**SETTINGS) as session:
            peer = await peers.receive()
            await session.send_audio(bytes(3200))
            nursery.start_soon(close_when_asked, peer)
    assert session.is_complete


async def fail_when_asked(peer, events, **error):
    """Confirm the session, take messages until ``close``, send events and an error, and close."""
    await peer.send(type="connected", request_id="r")
    while (await peer.receive_message()) != '{"type":"close"}':
        pass
    for kind in events:
        await peer.send(type=kind, transcript="a", request_id="r")
    await peer.error(message="no audio", title="Bad", **error)
    await peer.close(1011)


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("is_raw", [True, False])
@on_virtual_time
async def test_an_error_after_almost_no_audio_means_that_nothing_was_said(status, is_raw):
    """A click on push-to-talk has no turns, and is no failure."""
    async with open_pair() as (session, peer), trio.open_nursery() as nursery:
        await session.send_audio(bytes(3200))
        nursery.start_soon(partial(fail_when_asked, peer, (), status_code=status))
        await session.no_more_audio()
        if is_raw:
            assert [event.type async for event in session.receive()] == ["connected"]
        else:
            assert [turn async for turn in session.turns()] == []
    assert session.is_complete
    assert session.statistics().errors_received == 1


@pytest.mark.parametrize(
    ("audio_bytes", "events", "status", "kind"),
    [
        (16000, (), 500, ServiceFailed),  # half a second may have been a word
        (3200, ("turn.start", "turn.update"), 500, ServiceFailed),
        (3200, (), 402, QuotaExceeded),
    ],
)
@on_virtual_time
async def test_an_error_that_ends_the_session_is_no_end_of_the_text(
    audio_bytes, events, status, kind
):
    """A session whose rest could not be transcribed is lost, though it was to end."""
    async with open_pair() as (session, peer), trio.open_nursery() as nursery:
        await session.send_audio(bytes(audio_bytes))
        nursery.start_soon(partial(fail_when_asked, peer, events, status_code=status))
        await session.no_more_audio()
        turns = session.turns()
        with pytest.raises(kind):
            async for turn in turns:
                await turn.end()
        with pytest.raises(ConnectionLost) as caught:
            await anext(turns)
        assert isinstance(caught.value.__cause__, kind)
        assert caught.value.partial == ("a" if events else "")
    assert not session.is_complete
