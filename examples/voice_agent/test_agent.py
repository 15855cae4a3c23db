"""Whole dialogues with the local service, in memory and on virtual time."""

from __future__ import annotations

import os
import wave
from functools import partial

import attrs
import pytest
import trio
from agent import talk
from demo import BYTES_PER_SECOND, LINES, RATE, TOUR, Call, make_user, read_user, think
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_cartesia import Cartesia
from trio_cartesia.server import Behaviour, open_server
from trio_cartesia.testing import Link, connect_in_memory, on_virtual_time

EXAMPLES = int(os.environ.get("VOICE_AGENT_EXAMPLES", "25"))
LATENCY = 0.03
REACTION_SECONDS = LATENCY + 0.001  # from turn.start here to the cancel there
DETECTION_SECONDS = 0.25  # 0.1 for a piece of audio, and the rest for the score of the service
NOISE = b"\0\x40\0\xc0" * 4000  # half a second
QUESTION, WHERE = "What do we see on the tour?", "Sorry, where are we now?"


class Telephone(Call):
    """Notes how much of each context was played, and when it was cut short."""

    def __init__(self, user, journal):
        super().__init__(user)
        self.journal = journal
        self.record = None  # of the context that is played
        self.played = []

    async def play(self, frame):
        await super().play(frame)
        if self.record is None:
            self.record = self.journal.contexts[-1]
            self.start = len(self.agent) - len(frame)

    def clear(self):
        is_cut = self.position < len(self.agent)
        super().clear()
        if self.record is not None:
            self.played.append(Played(self.record, self.start, len(self.agent), is_cut))
            self.record = None


@attrs.frozen
class Played:
    """A part of the agent's channel."""

    record: object
    start: int
    end: int
    is_cut: bool

    def words(self, tolerance_seconds):
        """Return how many words of the context have been played whole."""
        seconds = (self.end - self.start) / BYTES_PER_SECOND + tolerance_seconds
        return sum(word.end <= seconds for word in self.record.words)


@attrs.define(eq=False)
class Wire:
    """Notes when ``turn.start`` arrives, and whether the service then gets a cancel in time."""

    nursery: trio.Nursery
    call: Telephone | None = None
    starts: list[tuple[int, object]] = attrs.field(factory=list)  # where in the call; what plays
    cancels: list[int] = attrs.field(factory=list)  # of each context that was open at a start

    async def open(self, open_stream, host, port):
        return WatchedStream(await open_stream(host, port), self)

    def note_start(self):
        record = self.call.record
        self.starts.append((self.call.position, record))
        if record is not None and record.ended is None:
            self.nursery.start_soon(self.count_cancels, record)

    async def count_cancels(self, record):
        before = record.cancels
        await trio.sleep(REACTION_SECONDS)
        self.cancels.append(record.cancels - before)


@attrs.define(eq=False)
class WatchedStream(trio.abc.Stream):
    inner: trio.abc.Stream
    wire: Wire

    async def receive_some(self, max_bytes=None):
        data = await self.inner.receive_some(max_bytes)
        if b'"turn.start"' in data:
            self.wire.note_start()
        return data

    async def send_all(self, data):
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self):
        await self.inner.wait_send_all_might_not_block()

    async def aclose(self):
        await self.inner.aclose()


@attrs.frozen
class Dialogue:
    """A dialogue that is over."""

    call: Telephone
    wire: Wire
    lines: list[str]
    history: list[dict[str, str]]
    contexts: list[object]

    def said(self, role):
        return [message["content"] for message in self.history if message["role"] == role]


async def hold(*user, think=think, times_real_time=1.5, noise_at=None):
    """Hold a dialogue, whose speech takes its time to be generated; at its end nothing is open."""
    lines = []
    async with (
        open_server(
            port=None,
            voice="tones",
            recognizer="own",
            behaviour=Behaviour(times_real_time=times_real_time),
        ) as server,
        connect_in_memory(server, link=Link(latency_seconds=LATENCY)) as open_stream,
        trio.open_nursery() as nursery,
    ):
        wire = Wire(nursery)
        opened = partial(wire.open, open_stream)
        async with Cartesia("key", base_url=server.url, open_stream=opened) as client:
            audio = await make_user(client, user)
            if noise_at is not None:
                at = int(noise_at * RATE) * 2
                audio = audio[:at] + NOISE + audio[at + len(NOISE) :]
            users_contexts = len(server.journal.contexts)
            call = wire.call = Telephone(audio, server.journal)
            history = await talk(client, call, think, lines.append)
        await trio.sleep(1)  # what the service has to send is sent
        assert not server.journal.open_connections
        contexts = server.journal.contexts[users_contexts:]
        assert all(context.ended for context in contexts)
        assert [stream.ended for stream in server.journal.transcriptions] == ["done"]
    return Dialogue(call, wire, lines, history, contexts)


def check_heard(dialogue):
    """The audio is that of the service, and the history has it up to the last whole word."""
    answers = iter(dialogue.said("assistant"))
    for played in dialogue.call.played:
        audio = dialogue.call.agent[played.start : played.end]
        assert played.record.audio.ljust(len(audio), b"\0").startswith(audio)
        if not played.words(0.001):
            continue
        answer = next(answers)
        assert played.record.transcript.startswith(answer)
        assert played.words(-0.001) <= len(answer.split()) <= played.words(0.001)
    assert not list(answers)


def check_silence(dialogue):
    """Whatever plays when a turn starts ends there, nothing else does, and it is cancelled."""
    interrupted = [start for start in dialogue.wire.starts if start[1] is not None]
    cut = [(played.end, played.record) for played in dialogue.call.played if played.is_cut]
    assert cut == interrupted
    for end, _ in cut:
        assert not any(dialogue.call.agent[end : end + BYTES_PER_SECOND // 2])
    assert dialogue.wire.cancels == [1] * len(dialogue.wire.cancels)


async def test_the_dialogue(autojump_clock):
    """
    The agent is interrupted twice. It knows each time what was heard: it says where it was, and
    goes on from there.
    """
    dialogue = await hold(*LINES)
    assert dialogue.said("user") == [
        "I would like to know what we see on the walking tour.",
        *[line for line, _ in LINES[2:]],
    ]
    told, where, more, goodbye = dialogue.said("assistant")
    assert TOUR.startswith(told)
    assert " ".join(told.split()[-3:]) in where
    assert TOUR.removeprefix(told).strip().startswith(more)
    assert goodbye == "You are welcome. Goodbye!"
    assert [played.is_cut for played in dialogue.call.played] == [True, False, True, False]
    assert dialogue.wire.cancels == [1, 1]
    assert [line.startswith("agent: ") for line in dialogue.lines].count(True) == 4
    assert [line.endswith(" (interrupted)") for line in dialogue.lines].count(True) == 2
    check_heard(dialogue)
    check_silence(dialogue)


async def test_an_interruption(autojump_clock):
    """
    The agent is silent as soon as the user is detected, and the service gets the cancel one way
    later.
    """
    dialogue = await hold((QUESTION, 4.0), (WHERE, 1.0))
    check_silence(dialogue)
    assert dialogue.wire.cancels == [1]
    cut, _ = dialogue.call.played
    assert (cut.record.ended, cut.record.cancels) == ("cancelled", 1)
    user = dialogue.call.user
    spoken_at = next(at for at in range(cut.start + 32000, len(user)) if user[at])
    silent_after_seconds = (cut.end - spoken_at) / BYTES_PER_SECOND
    assert 0 < silent_after_seconds <= DETECTION_SECONDS + 2 * LATENCY


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    pause_seconds=st.floats(0, 14),
    times_real_time=st.sampled_from([1.2, 3, 100]),
)
@on_virtual_time
async def test_an_interruption_at_any_moment(pause_seconds, times_real_time):
    """
    Whenever the user speaks again, be it before, during or after the answer, the history has what
    was heard of it, the agent goes by that, and it is silent at once.
    """
    user = [(QUESTION, pause_seconds), (WHERE, 1.0)]
    dialogue = await hold(*user, times_real_time=times_real_time)
    check_heard(dialogue)
    check_silence(dialogue)
    if len(dialogue.said("assistant")) == 2:
        told, where = dialogue.said("assistant")
        assert " ".join(told.split()[-3:]) in where


async def test_work_that_was_too_early(autojump_clock):
    """
    The answer to half a sentence is spoken by the service, and cancelled; no part of it is played.
    """

    async def answer_at_once(history):
        await trio.lowlevel.checkpoint()
        yield TOUR

    lines = ("I would like to know", 0.45), ("about the tour.", 20)
    dialogue = await hold(*lines, think=answer_at_once)
    early, answer = dialogue.contexts
    assert (early.ended, early.cancels) == ("cancelled", 1)
    assert early.audio
    assert [played.record for played in dialogue.call.played] == [answer]
    assert dialogue.said("user") == ["I would like to know about the tour."]
    assert dialogue.said("assistant") == [TOUR]


@pytest.mark.parametrize("pauses", [{3: 5}, {3: 5, 9: 8}, {7: 60}])
async def test_a_model_may_pause(pauses, autojump_clock):
    """
    However long the model pauses, no part of the answer is missing or spoken twice.
    """

    async def hesitate(history):
        for number, word in enumerate(TOUR.split()):
            await trio.sleep(pauses.get(number, 0.02))
            yield f"{word} "

    dialogue = await hold((QUESTION, 1.0), think=hesitate)
    assert len(dialogue.contexts) == len(pauses) + 1
    assert "".join(context.transcript for context in dialogue.contexts).strip() == TOUR
    assert dialogue.said("assistant") == [TOUR]


async def test_a_noise_is_not_answered(autojump_clock):
    """
    A noise stops the answer, too, but it is no question.
    """
    dialogue = await hold((QUESTION, 10), (WHERE, 1), noise_at=6)
    (told, where) = dialogue.said("assistant")
    assert TOUR.startswith(told)
    assert len(told) < len(TOUR) / 2
    assert " ".join(told.split()[-3:]) in where
    assert dialogue.said("user") == [QUESTION, WHERE]
    assert len(dialogue.wire.starts) == 3


async def test_recordings(tmp_path, autojump_clock):
    """
    A user can be read from a WAV; both channels of a dialogue are written to one, in step.
    """
    user, frame = bytes(range(250)) * 8, b"\1\2" * 320
    with wave.open(str(tmp_path / "user.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(user)
    call = Call(read_user(tmp_path / "user.wav"))
    await trio.sleep(0.05)
    await call.play(frame)
    call.save(tmp_path / "dialogue.wav")
    with wave.open(str(tmp_path / "dialogue.wav")) as file:
        assert file.getparams()[:4] == (2, 2, 16000, 800 + 320)
        stereo = file.readframes(2000)
    left, right = (b"".join(stereo[at : at + 2] for at in range(i, len(stereo), 4)) for i in (0, 2))
    assert left == user.ljust(2 * 1120, b"\0")
    assert right == bytes(2 * 800) + frame
    with pytest.raises(SystemExit, match="one channel"):
        read_user(tmp_path / "dialogue.wav")
