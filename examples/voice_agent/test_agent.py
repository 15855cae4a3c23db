"""The agent against the local service, in memory and on virtual time."""

from __future__ import annotations

import pytest
import trio
from agent import FILLER, SETTINGS, Agent

from trio_cartesia.server import Plan

BYTES_PER_SECOND = 48_000
ANSWER = ["It is ", "a long ", "story, ", "and I ", "am not ", "sure that ", "I know ", "it all."]


class Devices:
    """A model with a fixed answer, a loudspeaker that plays in real time, and a screen."""

    def __init__(self, pauses=None):
        self.pauses = pauses or {}
        self.played = bytearray()
        self.shown = []

    async def think(self, question):
        for number, token in enumerate(ANSWER):
            await trio.sleep(self.pauses.get(number, 0.05))
            yield token

    async def play(self, audio):
        await trio.sleep(len(audio) / BYTES_PER_SECOND)
        self.played += audio

    def agent(self, connection):
        return Agent(connection, think=self.think, play=self.play, show=self.shown.append)


async def test_the_answer_is_played_after_the_filler(cartesia, cartesia_server, autojump_clock):
    """
    The whole answer is played after the filler, although both are generated at once.
    """
    devices = Devices()
    async with cartesia.tts.websocket_connect() as connection:
        assert await devices.agent(connection).answer("Why?")
    filler, answer = cartesia_server.journal.contexts
    assert (filler.transcript, answer.transcript) == (FILLER, "".join(ANSWER))
    assert devices.played == filler.audio + answer.audio


async def test_an_interruption_is_silence_at_once(cartesia, cartesia_server, autojump_clock):
    """
    After an interruption nothing more is played, the service stops, and the next answer is whole.
    """
    devices = Devices()
    async with cartesia.tts.websocket_connect() as connection, trio.open_nursery() as nursery:
        agent = devices.agent(connection)
        nursery.start_soon(agent.answer, "Why?")
        await trio.sleep(1.0)
        agent.interrupt()
        played_bytes = len(devices.played)
        assert 0 < played_bytes <= BYTES_PER_SECOND
        await trio.sleep(10)
        assert len(devices.played) == played_bytes
        assert connection.statistics().contexts_draining == 0
        assert all(context.ended for context in cartesia_server.journal.contexts)
        assert await agent.answer("And now?")
    assert devices.played.endswith(cartesia_server.journal.contexts[-1].audio)


@pytest.mark.cartesia(plan=Plan(name="one at a time", tts_concurrency=1, stt_concurrency=1))
async def test_one_context_at_a_time_is_enough(cartesia, cartesia_server, autojump_clock):
    """
    If the plan allows one context at once, the answer is spoken after the filler.
    """
    devices = Devices()
    async with cartesia.tts.websocket_connect() as connection:
        assert await devices.agent(connection).answer("Why?")
    assert cartesia_server.journal.contexts[-1].transcript == "".join(ANSWER)
    assert devices.played.endswith(cartesia_server.journal.contexts[-1].audio)
    assert devices.shown == []


@pytest.mark.cartesia(plan=Plan(name="one at a time", tts_concurrency=1, stt_concurrency=1))
async def test_without_a_context_the_answer_is_shown(cartesia, autojump_clock):
    """
    If another context takes the only place for too long, the answer is shown.
    """
    devices = Devices()
    async with (
        cartesia.tts.websocket_connect() as connection,
        connection.context(**SETTINGS) as other,
    ):
        await other.push("Another context talks, on and on. " * 1000)
        assert await devices.agent(connection).answer("Why?")
    assert devices.shown == ["".join(ANSWER)]
    assert not devices.played


@pytest.mark.parametrize("pauses", [{3: 5}, {2: 3, 6: 4}, {7: 60}])
async def test_a_model_may_pause(pauses, cartesia, cartesia_server, autojump_clock):
    """
    However long the model pauses, no part of the answer is missing or spoken twice.
    """
    devices = Devices(pauses)
    async with cartesia.tts.websocket_connect() as connection:
        assert await devices.agent(connection).answer("Why?")
    _, *answers = cartesia_server.journal.contexts
    assert len(answers) > 1
    assert "".join(answer.transcript for answer in answers) == "".join(ANSWER)


@pytest.mark.cartesia(link={"latency_seconds": 0.1, "bytes_per_second": 50_000})
async def test_a_slow_network_delays_the_first_sound_a_little(cartesia, autojump_clock):
    """
    With a tenth of a second of latency, the first sound is played within a second.
    """
    devices, started = Devices(), []

    async def play(audio):
        started.append(trio.current_time())
        await trio.sleep(len(audio) / BYTES_PER_SECOND)

    devices.play = play
    async with cartesia.tts.websocket_connect() as connection:
        begun = trio.current_time()
        assert await devices.agent(connection).answer("Why?")
    assert 0.2 < started[0] - begun < 1


@pytest.mark.cartesia(loopback=True)
async def test_over_a_real_socket(cartesia, cartesia_server):
    """
    The agent works over loopback, on real time.
    """
    devices = Devices()

    async def play(audio):
        devices.played += audio
        await trio.lowlevel.checkpoint()

    devices.play = play
    with trio.fail_after(10):
        async with cartesia.tts.websocket_connect() as connection:
            assert await devices.agent(connection).answer("Why?")
    assert devices.played == b"".join(context.audio for context in cartesia_server.journal.contexts)


@pytest.mark.cartesia(plan=Plan(name="one at a time", tts_concurrency=1, stt_concurrency=1))
async def test_a_pause_and_a_full_plan_repeat_nothing(cartesia, cartesia_server, autojump_clock):
    """
    If the plan is full after a pause of the model, the part that was spoken is not spoken again.
    """
    devices = Devices({4: 5})

    async def take_the_place():
        await trio.sleep(4.8)
        async with connection.context(**SETTINGS) as other:
            await other.push("Another context talks, on and on. " * 1000)
            await trio.sleep(1.5)

    async with cartesia.tts.websocket_connect() as connection, trio.open_nursery() as nursery:
        nursery.start_soon(take_the_place)
        assert await devices.agent(connection).answer("Why?")
    spoken = "".join(
        context.transcript
        for context in cartesia_server.journal.contexts
        if context.transcript != FILLER and not context.transcript.startswith("Another")
    )
    assert spoken == "".join(ANSWER)
