"""Sessions with manual finalize that go on when their connection is lost."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.runtime.stt.numbered import (
    RATE,
    SETTINGS,
    NumberedService,
    Plan,
    Received,
    numbered,
    serving,
    spans_of,
    until_connected,
    until_lost,
)
from trio_cartesia import (
    BadRequest,
    Cartesia,
    ConnectFailed,
    ConnectionLost,
    Gap,
    LocalProtocolError,
    Reconnect,
)
from trio_cartesia._runtime.stt.reconnecting import REPLAY_SPEED
from trio_cartesia.testing import on_virtual_time

steps = st.integers(1, 30)
codes = st.sampled_from([None, 1000, 1001, 1011])
plans = st.lists(st.builds(Plan, steps, codes), max_size=6).map(lambda some: [*some, Plan()])
actions = st.lists(
    st.one_of(
        st.integers(1, 120).map(lambda count: ("send", count)),
        st.sampled_from([("sleep", 0), ("sleep", 0.2), ("sleep", 7)]),
        st.just(("finalize", 0)),
    ),
    max_size=12,
)
asked = st.builds(dict, has_durations=st.booleans(), finalizes_every=st.just(10_000))
unasked = st.builds(dict, finalizes_every=st.sampled_from([15, 100]))
readings = st.builds(
    lambda when, first, seconds: {**when, "flush_done_first": first, "delay_seconds": seconds},
    asked | unasked,
    st.booleans(),
    st.sampled_from([0, 0.1, 1]),
)


@pytest.mark.slow
@given(plans, actions, readings, st.sampled_from([0.1, 0.5, 30]), st.sampled_from([50, 2**16]))
@on_virtual_time
async def test_each_sample_is_transcribed_once_or_in_a_gap(
    plans, actions, readings, seconds, pipe_bytes
):
    """Wherever connections are lost, each sample is in the final text once or in one gap; and no
    audio is sent as text, though it could be.
    """
    service, received, count = NumberedService(plans, **readings), Received(), 0
    async with serving(service, pipe_bytes=pipe_bytes) as client:
        reconnect = Reconnect(attempts=8, replay_seconds=seconds)
        opened = client.stt.manual_finalize.websocket(**SETTINGS, reconnect=reconnect)
        texts = ""
        async with opened as session:
            for action, value in actions:
                if action == "send":
                    await session.send_audio(numbered(count, value))
                    count += value
                elif action == "sleep":
                    await trio.sleep(value)
                else:
                    texts += await session.finalize()
                assert session.statistics().replay_buffer_bytes <= seconds * RATE * 2
        await received.receive_from(session)
    assert received.accounts_for(count)
    assert spans_of(session.transcript.final) == received.spans
    assert set(spans_of(texts)) <= set(received.spans)
    assert spans_of(texts) == sorted(set(spans_of(texts)))
    assert set(service.commands) <= {"finalize", "close"}
    assert session.is_complete == (received.loss is None)


def opened(client, **changes):
    settings = {**SETTINGS, "reconnect": Reconnect(), **changes}
    return client.stt.manual_finalize.websocket(**settings)


@on_virtual_time
async def test_a_finalize_is_answered_once_by_the_next_connection():
    """A call that waits when the connection is lost has the text of all audio before it, and none
    of the audio after it.
    """
    service, texts = NumberedService([Plan(3), Plan()], delay_seconds=1), []

    async def finalize():
        texts.append(await session.finalize())

    async with serving(service) as client, opened(client) as session:
        await session.send_audio(numbered(0, 30))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(finalize)
            await wait_all_tasks_blocked()
            await session.send_audio(numbered(30, 20))
            await until_lost(session)
            await session.send_audio(numbered(50, 10))
        assert await session.finalize() == "30-60 "
    assert texts == ["0-30 "]
    assert session.transcript.final == "0-30 30-60 "
    assert service.commands == ["finalize", "finalize", "finalize", "close"]


@on_virtual_time
async def test_a_finalize_that_was_cancelled_is_not_sent_again():
    """A command that nobody waits for any more is stale on the next connection."""
    service = NumberedService([Plan(3), Plan()], delay_seconds=1)
    async with serving(service, refused=[1]) as client, opened(client) as session:
        await session.send_audio(numbered(0, 30))
        with trio.move_on_after(0.5):
            await session.finalize()
        await until_lost(session)
        with trio.move_on_after(0.1):
            await session.finalize()
    assert service.commands == ["finalize", "close"]
    assert session.transcript.final == "0-30 "


@on_virtual_time
async def test_an_answer_without_its_text_is_no_answer():
    """Where ``flush_done`` comes first, and the connection is lost before the text, the next one
    gives the text.
    """
    service = NumberedService([Plan(3, 1011), Plan()], flush_done_first=True)
    async with serving(service) as client, opened(client) as session:
        await session.send_audio(numbered(0, 10))
        assert await session.finalize() == "0-10 "
    assert session.transcript.final == "0-10 "


@on_virtual_time
async def test_a_finalize_that_one_connection_did_not_need_is_sent_by_the_next():
    """A call with nothing to finalize, whose connection is lost before its text has come, has that
    text from the audio that is sent again.
    """

    class LateService(NumberedService):
        async def _send_piece(self, connection):
            if connection is not self.connections[0]:
                await super()._send_piece(connection)

    service, texts = LateService([Plan()], flush_done_first=True), []

    async def finalize():
        texts.append(await session.finalize())

    async with serving(service) as client, opened(client) as session:
        await session.send_audio(numbered(0, 10))
        with trio.move_on_after(0.1):
            await session.finalize()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(finalize)
            await wait_all_tasks_blocked()
            service.connections[0].peer.stream.reset()
        assert session.statistics().state == "open"
    assert texts == ["0-10 "]
    assert service.commands == ["finalize", "finalize", "close"]


@on_virtual_time
async def test_what_waits_for_the_writer_is_sent_by_the_next_connection():
    """Audio, a finalize and the end of the audio that a stalled connection has not taken are sent
    once, in their order.
    """
    service = NumberedService([Plan(), Plan()])
    async with serving(service, pipe_bytes=50) as client, opened(client) as session:
        await wait_all_tasks_blocked()
        peer = service.connections[0].peer
        peer.stream.stall()
        async with trio.open_nursery() as nursery:
            for call in (
                partial(session.send_audio, numbered(0, 100)),
                session.finalize,
                session.no_more_audio,
            ):
                nursery.start_soon(call)
                await trio.sleep(1)
            assert session.statistics().commands_sent == 0
            peer.stream.reset()
    assert session.is_complete
    assert service.commands == ["finalize", "close"]
    assert session.transcript.final == "0-100 "


@on_virtual_time
async def test_what_cannot_be_kept_is_a_gap():
    """Sending goes on without a connection; of more audio than is kept, the oldest is a gap, and
    times count from the start of all audio.
    """
    service, received = NumberedService([Plan(5, 1011), Plan()]), Received()
    async with serving(service, refused=[1, 2]) as client:
        async with opened(client, reconnect=Reconnect(replay_seconds=2)) as session:
            await session.send_audio(numbered(0, 100))
            await session.finalize()
            await until_lost(session)
            for first in range(100, 500, 10):
                await session.send_audio(numbered(first, 10))
            statistics = session.statistics()
            assert statistics.replay_buffer_bytes == statistics.replay_limit_bytes == 400
            await session.finalize()
            assert session.statistics().gap_seconds == 2
        await received.receive_from(session)
    assert received.spans == [(0, 100), (300, 500)]
    assert [event for event in received.events if isinstance(event, Gap)] == [
        Gap(start_seconds=1, end_seconds=3)
    ]
    assert received.loss is None


@on_virtual_time
async def test_a_file_waits_for_the_next_connection():
    """Audio that is sent as fast as possible has no gaps: it waits until there is a connection."""
    service = NumberedService([Plan(5, 1011), Plan()], finalizes_every=50)
    async with (
        serving(service, refused=[1, 2]) as client,
        opened(client, reconnect=Reconnect(replay_seconds=1)) as session,
    ):
        await session.feed(numbered(0, 1000), pace="as_fast_as_possible")
        assert session.statistics().gap_seconds == 0
    assert spans_of(session.transcript.final)[-1][1] == 1000


@on_virtual_time
async def test_audio_that_is_sent_again_leaves_space_for_no_more_than_is_kept():
    """Audio that comes while the log is sent again waits, where it would push out what is next."""
    service = NumberedService([Plan(3), Plan()])
    async with serving(service) as client:
        async with opened(client, reconnect=Reconnect(replay_seconds=4)) as session:
            for first in range(0, 400, 100):
                await session.send_audio(numbered(first, 100))
            await until_lost(session)
            await until_connected(session)
            start = trio.current_time()
            await session.send_audio(numbered(400, 300))
            assert 3 / REPLAY_SPEED - 0.1 <= trio.current_time() - start <= 4 / REPLAY_SPEED
            await session.send_audio(numbered(700, 500))
            assert session.statistics().gap_seconds == 0
    assert session.transcript.final == "0-1200 "


@on_virtual_time
async def test_words_have_times_of_all_audio():
    """The times of words count from the start of the user's audio, over all connections."""
    words = [{"word": "hello", "start": 0.1, "end": 0.5}]

    class WordService(NumberedService):
        async def _send_piece(self, connection):
            connection.take()
            piece = {"type": "transcript", "is_final": True, "text": "hello", "words": words}
            await connection.send(**piece)

    service = WordService([Plan(3, 1011), Plan()])
    async with serving(service) as client, opened(client) as session:
        await session.send_audio(numbered(0, 50))
        await session.finalize()
        await session.send_audio(numbered(50, 60))
        await session.finalize()
        events = [await anext(session.receive()) for _ in range(3)]
    words = [word for piece in events if piece.type == "transcript" for word in piece.words]
    assert [(word.start, word.end) for word in words] == [(0.1, 0.5), (0.6, 1.0)]


@on_virtual_time
async def test_a_session_is_given_up_after_its_attempts():
    """After so many connections in a row that fail, every call raises, the audio without text is a
    gap, and the text so far is attached.
    """
    service, received = NumberedService([Plan(5, 1011)]), Received()
    async with serving(service, refused=range(1, 100)) as client:
        async with opened(client, reconnect=Reconnect(attempts=3)) as session:
            await session.send_audio(numbered(0, 10))
            await session.finalize()
            await until_lost(session)
            await session.send_audio(numbered(10, 10))
            with pytest.raises(ConnectionLost, match="3 in a row") as caught:
                await session.finalize()
            assert isinstance(caught.value.__cause__, ConnectFailed)
            assert caught.value.partial.final == "0-10 "
            with pytest.raises(ConnectionLost):
                await session.send_audio(numbered(20, 10))
        await received.receive_from(session)
    assert isinstance(received.loss, ConnectionLost)
    assert received.accounts_for(20)
    assert not session.is_complete


@on_virtual_time
async def test_what_no_further_attempt_changes_is_final():
    """An error that the request itself is the cause of ends the session at once."""

    class RefusingService(NumberedService):
        async def serve_connection(self, connection):
            await connection.receive()
            await connection.send(type="error", status_code=400, title="Bad model")
            await connection.peer.close(1000)

    service = RefusingService([Plan()])
    async with serving(service) as client, opened(client) as session:
        await session.send_audio(numbered(0, 10))
        with pytest.raises(BadRequest):
            await anext(session.receive())
        assert await anext(session.receive()) == Gap(start_seconds=0, end_seconds=0.1)
        with pytest.raises(ConnectionLost) as caught:
            await anext(session.receive())
        assert isinstance(caught.value.__cause__, BadRequest)
    assert len(service.connections) == 1


@on_virtual_time
async def test_a_session_that_idles_connects_when_it_is_used():
    """A routine close of an idle connection is no failure: the session opens the next one when
    there is something to send, however often, and ends without one if there is nothing.
    """
    service = NumberedService([Plan(close_code=1000, idle_seconds=180)])
    async with serving(service) as client:
        async with opened(client, reconnect=Reconnect(attempts=1)) as session:
            for first in range(0, 50, 10):
                await session.send_audio(numbered(first, 10))
                assert await session.finalize() == f"{first}-{first + 10} "
                await trio.sleep(400)
                assert session.statistics().state == "reconnecting"
            assert len(service.connections) == 5
    assert len(service.connections) == 5
    assert session.is_complete
    assert "close" not in service.commands


@pytest.mark.parametrize("unfinished", [0, 100])
@on_virtual_time
async def test_a_session_that_idles_connects_for_a_file(unfinished):
    """Audio that waits for a connection has one opened, whether or not the log has space for it."""
    service = NumberedService([Plan(close_code=1000, idle_seconds=180)])
    async with (
        serving(service) as client,
        opened(client, reconnect=Reconnect(replay_seconds=1)) as session,
    ):
        await session.send_audio(numbered(0, 10))
        await session.finalize()
        await session.send_audio(numbered(10, unfinished))
        await trio.sleep(400)
        await session.feed(numbered(10 + unfinished, 200), pace="as_fast_as_possible")
        await session.finalize()
        assert session.statistics().gap_seconds == 0
    assert spans_of(session.transcript.final)[-1][1] == 210 + unfinished


@on_virtual_time
async def test_silence_is_kept_like_audio():
    """While a session is muted without a connection, its silence counts as audio."""
    service = NumberedService([Plan(3), Plan()])
    async with serving(service, refused=[1, 2]) as client, opened(client) as session:
        await session.send_audio(numbered(0, 10))
        async with session.mute():
            await until_lost(session)
            await trio.sleep(5)
        assert session.statistics().connections_opened == 2
        end = session._handler.log.end
    assert 2 * (10 + 510) <= end <= 2 * (10 + 530)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"attempts": 0}, "attempts must be from 1 to 100"),
        ({"attempts": 1.5}, "attempts must be a whole number"),
        ({"replay_seconds": 0}, "replay_seconds must be from 0.1 to 600"),
        ({"replay_seconds": "1"}, "replay_seconds must be a number, not str"),
    ],
)
def test_settings_are_checked(values, message):
    """A value out of its range is refused."""
    with pytest.raises(LocalProtocolError, match=message):
        Reconnect(**values)


async def test_the_argument_is_checked():
    """Anything but a Reconnect is refused before a connection is opened."""
    async with Cartesia("sk_car_test") as client:
        with pytest.raises(LocalProtocolError, match="reconnect must be a Reconnect or None"):
            opened(client, reconnect=True)


async def test_an_error_of_the_first_connection_is_raised_as_it_is():
    """Opening fails as without reconnecting, and is not tried again."""
    async with serving(NumberedService([Plan()]), refused=[0]) as client:
        with pytest.raises(ConnectFailed):
            async with opened(client):
                pass
