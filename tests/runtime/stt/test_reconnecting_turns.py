"""Sessions with turns that go on when their connection is lost."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import pytest
import trio
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.runtime.stt.numbered import RATE, SETTINGS, Plan, numbered, serving, until_lost
from tests.runtime.stt.numbered_turns import ReceivedTurns, TurnService, is_speech
from trio_cartesia import LocalProtocolError, Reconnect
from trio_cartesia._runtime.stt.reconnecting import CONFIRM_SECONDS, SILENCE_CHECK_SECONDS
from trio_cartesia.testing import client_with_peers, on_virtual_time

steps = st.integers(1, 60)
codes = st.sampled_from([None, 1000, 1001, 1011])
plans = st.lists(st.builds(Plan, steps, codes), max_size=5).map(lambda some: [*some, Plan()])


def speech_of(spans):
    return {number for span in spans for number in range(*span) if is_speech(number)}


@pytest.mark.slow
@given(
    plans,
    st.integers(0, 600),
    st.sets(st.sampled_from([1, 7, 20, 30, 48])),
    st.sampled_from([1, 30]),
)
@on_virtual_time
async def test_each_sample_of_speech_is_in_one_turn_or_in_a_gap(plans, count, eager_at, seconds):
    """Wherever connections are lost, what was spoken is in the text of one turn or in a gap, and
    turns are well formed.
    """
    service, received = TurnService(plans, eager_at=eager_at), ReceivedTurns()
    async with serving(service) as client:
        reconnect = Reconnect(attempts=8, replay_seconds=seconds)
        opened = client.stt.auto_finalize.websocket(**SETTINGS, reconnect=reconnect)
        async with opened as session:
            await session.feed(numbered(0, count))
        await received.receive_from(session)
    last = service.connections[-1]  # closed by the service, it is as if it had transcribed the rest
    assume(not last.is_dropped or last.plan.close_code is None)
    spoken, missing = speech_of(received.spans), speech_of(received.gaps)
    assert not spoken & missing
    assert spoken | missing == speech_of([(0, count)])
    assert all(start >= end for (_, end), (start, _) in pairwise(received.spans))
    assert session.is_complete == (received.loss is None)


@asynccontextmanager
async def session_and_peers(**changes):
    """A session that reconnects, and the channel of its connections; it is not drained."""
    settings = {**SETTINGS, "reconnect": Reconnect(attempts=5, replay_seconds=4), **changes}
    async with client_with_peers() as (client, peers):
        with trio.CancelScope() as scope:
            async with client.stt.auto_finalize.websocket(**settings) as session:
                yield session, peers
                scope.cancel()


async def next_peer(peers):
    """The next connection, which has confirmed its session."""
    peer = await peers.receive()
    await peer.send(type="connected")
    return peer


async def audio_of(peer):
    """All audio that comes within a while."""
    audio = b""
    with trio.move_on_after(1):
        while isinstance(message := await peer.receive_message(), bytes):
            audio += message
    return audio


async def lose(session, peer):
    """Break a connection, and wait until the session has noticed."""
    peer.stream.reset()
    await until_lost(session)


@on_virtual_time
async def test_a_turn_goes_on_after_a_loss():
    """A turn that a loss cuts is one turn: it starts once, its text grows, and its end counts."""
    async with session_and_peers() as (session, peers):
        peer = await next_peer(peers)
        await session.send_audio(b"ab" * 40)
        await peer.send(type="turn.start")
        await peer.send(type="turn.update", transcript="I would")
        turn = await anext(session.turns())
        texts = aiter(turn)
        assert await anext(texts) == "I would"
        await lose(session, peer)
        await session.send_audio(b"cd" * 40)
        peer = await next_peer(peers)
        assert await audio_of(peer) == b"ab" * 40 + b"cd" * 40
        await peer.send(type="turn.start")
        await peer.send(type="turn.update", transcript="I")
        await peer.send(type="turn.update", transcript="I would like")
        await peer.send(type="turn.end", transcript="I would like tea.")
        assert [text async for text in texts] == [
            "I would like",
            "I would like tea.",
        ] or turn.is_over
        assert await turn.end() == "I would like tea."
        assert turn.is_complete
        assert not turn.has_gap
        assert session.statistics().replay_buffer_bytes == 0
        await peer.close()


@on_virtual_time
async def test_a_loss_withdraws_an_eager_end():
    """Work that has begun at an eager end is cancelled, because the end is open again."""
    started, ended, begun = [], [], trio.Event()

    async def work(text):
        started.append(text)
        begun.set()
        try:
            await turn.end()
        finally:
            ended.append(text)

    async with session_and_peers() as (session, peers):
        peer = await next_peer(peers)
        await session.send_audio(b"ab" * 40)
        await peer.send(type="turn.start")
        await peer.send(type="turn.eager_end", transcript="I would")
        turn = await anext(session.turns())
        async with turn.speculate(work):
            await begun.wait()
            await lose(session, peer)
            peer = await next_peer(peers)
            await audio_of(peer)
            assert ended == ["I would"]
            await peer.send(type="turn.start")
            await peer.send(type="turn.end", transcript="I would like tea.")
        assert started == ["I would", "I would like tea."]
        await peer.close()


@on_virtual_time
async def test_a_turn_that_is_not_found_again_ends():
    """If the next connection finds no turn in the audio of one that was cut, that turn ends with
    the text that came, and says that it is not complete.
    """
    async with session_and_peers() as (session, peers):
        peer = await next_peer(peers)
        await session.send_audio(b"ab" * 40)
        await peer.send(type="turn.start")
        await peer.send(type="turn.update", transcript="Hm")
        turn = await anext(session.turns())
        await lose(session, peer)
        peer = await next_peer(peers)
        start = trio.current_time()
        assert await turn.end() == "Hm"
        assert trio.current_time() - start < CONFIRM_SECONDS + 0.1
        assert turn.is_over
        assert not turn.is_complete
        await peer.send(type="turn.start")
        await peer.send(type="turn.end", transcript="Hello.")
        assert await (await anext(session.turns())).end() == "Hello."
        await peer.close()


@pytest.mark.parametrize("is_in_turn", [False, True])
def test_a_turn_with_a_gap_says_so(is_in_turn):
    """A turn knows that audio within it, or before it, was not transcribed; later ones do not."""

    @on_virtual_time
    async def main():
        async with session_and_peers() as (session, peers):
            peer = await next_peer(peers)
            turns = session.turns()
            if is_in_turn:
                await session.send_audio(b"ab" * 40)
                await peer.send(type="turn.start")
                turn = await anext(turns)
            await lose(session, peer)
            await session.send_audio(b"cd" * 1000)
            peer = await next_peer(peers)
            await peer.send(type="turn.start")
            await peer.send(type="turn.end", transcript="tea.")
            if not is_in_turn:
                turn = await anext(turns)
            assert await turn.end() == "tea."
            assert turn.has_gap
            await peer.send(type="turn.start")
            assert not (await anext(turns)).has_gap
            await peer.close()

    main()


@on_virtual_time
async def test_a_new_connection_opens_with_the_present_settings():
    """Settings that were changed are in the next handshake, and those that are changed while it
    goes on are sent after it; no command is sent twice.
    """
    async with session_and_peers(turn_start_threshold=0.9) as (session, peers):
        peer = await next_peer(peers)
        await session.config(start_threshold=0.8)
        assert await peer.receive() == {"type": "config", "turn": {"start_threshold": 0.8}}
        await session.send_audio(b"ab" * 40)
        await lose(session, peer)
        await session.config(end_threshold=0.3)
        peer = await peers.receive()
        assert "turn_start_threshold=0.8&turn_end_threshold=0.3" in peer._websocket.path
        await session.config(end_timeout_ms=700)
        await peer.send(type="connected")
        assert await audio_of(peer) == b"ab" * 40
        assert session.statistics().commands_sent == 2
        await peer.close()


@on_virtual_time
async def test_audio_without_a_turn_is_not_kept():
    """Between turns, audio that the service has is dropped once a turn would have started, so a
    loss in a long silence is no gap.
    """
    async with session_and_peers() as (session, peers), trio.open_nursery() as nursery:
        peer = await next_peer(peers)
        nursery.start_soon(receive_audio, peer)
        await session.feed(b"ab" * RATE * 30)
        await trio.sleep(SILENCE_CHECK_SECONDS + CONFIRM_SECONDS)
        assert session.statistics().replay_buffer_bytes == 0
        await session.send_audio(b"ab" * RATE)
        await lose(session, peer)
        peer = await next_peer(peers)
        assert await audio_of(peer) == b"ab" * RATE
        assert session.statistics().gap_seconds == 0
        await peer.close()


async def receive_audio(peer):
    with suppress(trio.EndOfChannel):
        while True:
            await peer.receive_message()


@on_virtual_time
async def test_audio_comes_at_its_pace():
    """The service does not tell where in the audio a turn ends, so sending ahead is refused."""
    async with session_and_peers() as (session, peers):
        with pytest.raises(LocalProtocolError, match='use pace="real_time"'):
            await session.feed(b"ab", pace="as_fast_as_possible")
        await (await peers.receive()).close()
