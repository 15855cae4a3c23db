"""The agent against the local service, in memory and on virtual time."""

from __future__ import annotations

import pytest
import trio
from agent import FILLER, SETTINGS, Agent

from trio_cartesia.server import Plan

BYTES_PER_SECOND = 48_000
ANSWER = ["It is ", "a long ", "story, ", "and I ", "am not ", "sure that ", "I know ", "it all."]


class Room:
    """A model with fixed lines, a loudspeaker that takes its time, and a screen."""

    def __init__(self, pauses=None):
        self.pauses = pauses or {}
        self.heard = bytearray()
        self.shown = []

    async def think(self, question):
        for number, token in enumerate(ANSWER):
            await trio.sleep(self.pauses.get(number, 0.05))
            yield token

    async def play(self, audio):
        await trio.sleep(len(audio) / BYTES_PER_SECOND)
        self.heard += audio

    def agent(self, connection):
        return Agent(connection, think=self.think, play=self.play, show=self.shown.append)


async def test_the_answer_is_heard_after_the_filler(cartesia, cartesia_server, autojump_clock):
    """
    Everything that the model writes is heard, after a filler, while both are made at once.
    """
    room = Room()
    async with cartesia.tts.websocket_connect() as connection:
        assert await room.agent(connection).answer("Why?")
    filler, answer = cartesia_server.journal.contexts
    assert (filler.transcript, answer.transcript) == (FILLER, "".join(ANSWER))
    assert room.heard == filler.audio + answer.audio


async def test_an_interruption_is_silence_at_once(cartesia, cartesia_server, autojump_clock):
    """
    After an interruption nothing more is played, the service stops, and the next turn is whole.
    """
    room = Room()
    async with cartesia.tts.websocket_connect() as connection, trio.open_nursery() as nursery:
        agent = room.agent(connection)
        nursery.start_soon(agent.answer, "Why?")
        await trio.sleep(1.0)
        agent.interrupt()
        heard_bytes = len(room.heard)
        assert 0 < heard_bytes <= BYTES_PER_SECOND
        await trio.sleep(10)
        assert len(room.heard) == heard_bytes
        assert connection.statistics().contexts_draining == 0
        assert all(context.ended for context in cartesia_server.journal.contexts)
        assert await agent.answer("And now?")
    assert room.heard.endswith(cartesia_server.journal.contexts[-1].audio)


@pytest.mark.cartesia(plan=Plan(name="one at a time", tts_concurrency=1, stt_concurrency=1))
async def test_one_voice_at_a_time_is_enough(cartesia, cartesia_server, autojump_clock):
    """
    Where the plan allows one context at once, the answer is spoken after the filler.
    """
    room = Room()
    async with cartesia.tts.websocket_connect() as connection:
        assert await room.agent(connection).answer("Why?")
    assert cartesia_server.journal.contexts[-1].transcript == "".join(ANSWER)
    assert room.heard.endswith(cartesia_server.journal.contexts[-1].audio)
    assert room.shown == []


@pytest.mark.cartesia(plan=Plan(name="one at a time", tts_concurrency=1, stt_concurrency=1))
async def test_without_a_voice_the_answer_is_shown(cartesia, autojump_clock):
    """
    Where somebody else has the only voice for too long, the answer is shown.
    """
    room = Room()
    async with (
        cartesia.tts.websocket_connect() as connection,
        connection.context(**SETTINGS) as other,
    ):
        await other.push("Somebody else talks, on and on. " * 1000)
        assert await room.agent(connection).answer("Why?")
    assert room.shown == ["".join(ANSWER)]
    assert not room.heard


@pytest.mark.parametrize("pauses", [{3: 5}, {2: 3, 6: 4}, {7: 60}])
async def test_a_model_may_pause(pauses, cartesia, cartesia_server, autojump_clock):
    """
    However long the model pauses, nothing is left out, and nothing is said twice.
    """
    room = Room(pauses)
    async with cartesia.tts.websocket_connect() as connection:
        assert await room.agent(connection).answer("Why?")
    _, *answers = cartesia_server.journal.contexts
    assert len(answers) > 1
    assert "".join(answer.transcript for answer in answers) == "".join(ANSWER)


@pytest.mark.cartesia(link={"latency_seconds": 0.1, "bytes_per_second": 50_000})
async def test_a_slow_network_is_heard_as_it_comes(cartesia, autojump_clock):
    """
    With a tenth of a second to the service and back, the first sound comes soon all the same.
    """
    room, started = Room(), []

    async def play(audio):
        started.append(trio.current_time())
        await trio.sleep(len(audio) / BYTES_PER_SECOND)

    room.play = play
    async with cartesia.tts.websocket_connect() as connection:
        begun = trio.current_time()
        assert await room.agent(connection).answer("Why?")
    assert 0.2 < started[0] - begun < 1


@pytest.mark.cartesia(loopback=True)
async def test_over_a_real_socket(cartesia, cartesia_server):
    """
    The same over loopback, where time is real.
    """
    room = Room()

    async def play(audio):
        room.heard += audio
        await trio.lowlevel.checkpoint()

    room.play = play
    with trio.fail_after(10):
        async with cartesia.tts.websocket_connect() as connection:
            assert await room.agent(connection).answer("Why?")
    assert room.heard == b"".join(context.audio for context in cartesia_server.journal.contexts)
