"""The agent against the local service, in memory and on virtual time."""

from __future__ import annotations

import math

import pytest
import trio
from agent import FILLER, SETTINGS, Agent

from trio_cartesia.server import Plan

BYTES_PER_SECOND = 48_000
FRAME_BYTES = 960
ANSWER = ["It is ", "a long ", "story, ", "and I ", "am not ", "sure that ", "I know ", "it all."]
WHOLE = FILLER + "".join(ANSWER)


class Devices:
    """A model with a fixed answer, a loudspeaker that plays in real time, and a screen."""

    def __init__(self, pauses=None, answer=ANSWER):
        self.pauses, self.tokens = pauses or {}, answer
        self.frames = []
        self.cleared_at = math.inf
        self.shown = []
        self.histories = []

    async def think(self, history):
        self.histories.append(list(history))
        for number, token in enumerate(self.tokens):
            await trio.sleep(self.pauses.get(number, 0.05))
            yield token

    async def play(self, frame):
        await trio.lowlevel.checkpoint()
        self.frames.append((trio.current_time(), frame))

    def clear(self):
        self.cleared_at = trio.current_time()

    def played_seconds(self):
        """Return how much was played since it was last cleared, or until it was."""
        free_at, seconds = -math.inf, 0.0
        for received_at, frame in self.frames:
            began_at = max(free_at, received_at)
            free_at = began_at + len(frame) / BYTES_PER_SECOND
            until = min(trio.current_time(), self.cleared_at, free_at)
            seconds += max(0.0, until - began_at)
        return seconds

    def agent(self, connection):
        return Agent(connection, think=self.think, output=self, show=self.shown.append)


async def test_the_answer_is_played_after_the_filler(cartesia, cartesia_server, autojump_clock):
    """
    The whole answer is heard after the filler, although both are generated at once.
    """
    devices = Devices()
    async with cartesia.tts.websocket_connect() as connection:
        agent = devices.agent(connection)
        assert await agent.answer("Why?")
    filler, answer = cartesia_server.journal.contexts
    assert (filler.transcript, answer.transcript) == (FILLER, "".join(ANSWER))
    assert agent.history == [
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": WHOLE},
    ]
    audio = filler.audio + answer.audio
    assert 0 <= devices.played_seconds() - len(audio) / BYTES_PER_SECOND < 0.1


LATENCY = 0.03


@pytest.mark.cartesia(link={"latency_seconds": LATENCY})
@pytest.mark.parametrize("seconds", [0.9, 1.777, 3.01, 5.9])
async def test_barge_in(seconds, cartesia, cartesia_server, autojump_clock):
    """
    At an interruption the service is told at once, the history ends with the last word that the
    output had played, and the next answer is played after one round trip.
    """
    devices = Devices(answer=["One word ", "after the other. "] * 100)
    async with cartesia.tts.websocket_connect() as connection, trio.open_nursery() as nursery:
        agent = devices.agent(connection)
        nursery.start_soon(agent.answer, "Why?")
        await trio.sleep(seconds)
        filler, answer = cartesia_server.journal.contexts
        assert answer.cancels == 0
        agent.interrupt()
        played_seconds = devices.played_seconds()
        await trio.sleep(LATENCY + 0.001)
        assert answer.cancels == 1
        heard = []
        for record in (filler, answer):
            heard += [word.text for word in record.words if word.end <= played_seconds]
            frames = math.ceil(len(record.audio) / FRAME_BYTES)
            played_seconds -= frames * FRAME_BYTES / BYTES_PER_SECOND
        assert agent.history[-1]["content"].split() == heard

        nursery.start_soon(agent.answer, "And now?")
        asked_at, count = trio.current_time(), len(devices.frames)
        await trio.sleep(3 * LATENCY)
        first_frame_at, _ = devices.frames[count]
        assert first_frame_at - asked_at == pytest.approx(2 * LATENCY)
        agent.interrupt()
    assert devices.histories[1] == agent.history[:3]


async def test_an_interruption_is_silence_at_once(cartesia, cartesia_server, autojump_clock):
    """
    After an interruption nothing more is played, and the service stops.
    """
    devices = Devices()
    async with cartesia.tts.websocket_connect() as connection, trio.open_nursery() as nursery:
        agent = devices.agent(connection)
        nursery.start_soon(agent.answer, "Why?")
        await trio.sleep(1.0)
        agent.interrupt()
        played_seconds, frames = devices.played_seconds(), len(devices.frames)
        assert 0 < played_seconds <= 1
        await trio.sleep(10)
        assert devices.played_seconds() == played_seconds
        assert len(devices.frames) == frames
        assert connection.statistics().contexts_draining == 0
        assert all(context.ended for context in cartesia_server.journal.contexts)


@pytest.mark.cartesia(plan=Plan(name="one at a time", tts_concurrency=1, stt_concurrency=1))
async def test_one_context_at_a_time_is_enough(cartesia, cartesia_server, autojump_clock):
    """
    If the plan allows one context at once, the answer is spoken after the filler.
    """
    devices = Devices()
    async with cartesia.tts.websocket_connect() as connection:
        agent = devices.agent(connection)
        assert await agent.answer("Why?")
    assert cartesia_server.journal.contexts[-1].transcript == "".join(ANSWER)
    assert agent.history[-1]["content"] == WHOLE
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
        agent = devices.agent(connection)
        assert await agent.answer("Why?")
    assert devices.shown == ["".join(ANSWER)]
    assert agent.history[-1]["content"] == "".join(ANSWER)
    assert not devices.frames


@pytest.mark.parametrize("pauses", [{3: 5}, {2: 3, 6: 4}, {7: 60}])
async def test_a_model_may_pause(pauses, cartesia, cartesia_server, autojump_clock):
    """
    However long the model pauses, no part of the answer is missing or spoken twice.
    """
    devices = Devices(pauses)
    async with cartesia.tts.websocket_connect() as connection:
        agent = devices.agent(connection)
        assert await agent.answer("Why?")
    assert agent.history[-1]["content"] == WHOLE
    _, *answers = cartesia_server.journal.contexts
    assert len(answers) > 1
    assert "".join(answer.transcript for answer in answers) == "".join(ANSWER)


@pytest.mark.cartesia(link={"latency_seconds": 0.1, "bytes_per_second": 50_000})
async def test_a_slow_network_delays_the_first_sound_a_little(cartesia, autojump_clock):
    """
    With a tenth of a second of latency, the first sound is played within a second.
    """
    devices = Devices()
    async with cartesia.tts.websocket_connect() as connection:
        begun = trio.current_time()
        assert await devices.agent(connection).answer("Why?")
    assert 0.2 < devices.frames[0][0] - begun < 1


@pytest.mark.cartesia(loopback=True)
async def test_over_a_real_socket(cartesia, cartesia_server):
    """
    The agent works over loopback, on real time.
    """
    devices = Devices(answer=["Yes. "])
    with trio.fail_after(10):
        async with cartesia.tts.websocket_connect() as connection:
            agent = devices.agent(connection)
            assert await agent.answer("Why?")
    assert agent.history[-1]["content"] == f"{FILLER}Yes."


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
