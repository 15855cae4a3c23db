from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.cli.support import FORMAT, NO_VOICE, OPTIONS, read_wav, served
from trio_cartesia import (
    ConnectionLost,
    ContextExpired,
    ContextOptions,
    Event,
    LocalProtocolError,
    UnknownEvent,
    VoiceNotFound,
)
from trio_cartesia._cli.say.files import open_files
from trio_cartesia._cli.say.outputs import Beside, Target
from trio_cartesia._cli.say.report import Report
from trio_cartesia._cli.say.speaking import TranscriptRecorder
from trio_cartesia._cli.say.transcript import Transcript

SOME_TEXT = "Good morning, dear all. " * 20
NOTES = ContextOptions(**OPTIONS, add_timestamps=True, max_buffer_delay_ms=500)


@attrs.define(eq=False)
class Typist(AsyncIterator[str]):
    """Somebody who types a line, pauses, and goes on."""

    script: list[tuple[float, str]]

    async def __anext__(self) -> str:
        if not self.script:
            raise StopAsyncIteration
        pause, line = self.script.pop(0)
        await trio.sleep(pause)
        return line


@contextmanager
def recorder_of(
    transcript: Transcript, path: Path, options: ContextOptions = NOTES
) -> Iterator[TranscriptRecorder]:
    target = Target(path, Beside(words=True))
    with open_files(target, FORMAT.sample_format, raw=False) as recording:
        yield TranscriptRecorder(
            transcript=transcript,
            recording=recording,
            report=Report(str(path)),
            options=options,
        )


async def test_who_types_slowly_loses_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Lines that come after the service has ended a context are spoken in
    another, into one file.
    """
    path = tmp_path / "a.wav"
    transcript = Transcript(Typist([(0, "One two.\n"), (30, "Three.\n"), (2.5, "Four.\n")]))
    async with served() as service, service.client.tts.websocket_connect() as connection:
        with recorder_of(transcript, path) as recorder:
            assert await recorder.record(connection)
            recorder.recording.complete()
    spoken = service.server.journal.contexts
    assert "".join(record.transcript for record in spoken) == "One two.\nThree.\nFour.\n"
    assert [record.ended for record in spoken] == ["expired", "expired", "done"]
    audio = read_wav(path.read_bytes()).audio
    assert audio == b"".join(bytes(record.audio) for record in spoken)
    words = json.loads(path.with_suffix(".words.json").read_text())
    assert [word["word"] for word in words] == ["One", "two.", "Three.", "Four."]
    starts = [word["start"] for word in words]
    assert starts == sorted(starts)
    assert words[2]["start"] == pytest.approx(FORMAT.sample_format.seconds(len(spoken[0].audio)))
    assert words[-1]["end"] <= FORMAT.sample_format.seconds(len(audio)) + 1e-6


@pytest.mark.parametrize("first", [0, 1000])
async def test_a_connection_that_ends_idle_is_replaced(
    autojump_clock: MockClock, tmp_path: Path, first: float
) -> None:
    """Where the service closes a connection that had nothing to say, the rest takes another."""
    transcript = Transcript(Typist([(first, "One.\n"), (1000, "Two.\n")]))
    async with served() as service, service.client.tts.websocket_connect() as connection:
        with recorder_of(transcript, tmp_path / "a.wav") as recorder:
            await recorder.record_all(service.client, connection)
    journal = service.server.journal
    assert len(journal.connections) == (3 if first else 2)
    assert [record.transcript for record in journal.contexts] == ["One.\n", "Two.\n"]


async def test_the_end_of_the_text_needs_no_connection(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """If all was spoken when the idle connection ended, that is the end."""

    class Slow(Typist):
        async def __anext__(self) -> str:
            if not self.script:
                await trio.sleep(1000)
            return await super().__anext__()

    async with served() as service, service.client.tts.websocket_connect() as connection:
        with recorder_of(Transcript(Slow([(0, "One.\n")])), tmp_path / "a.wav") as recorder:
            assert await recorder.record(connection)
            assert connection.statistics().is_lost


async def test_a_service_that_hears_nothing_is_not_asked_for_ever(tmp_path: Path) -> None:
    """Where a further context speaks no more of the same text than the one before, that is an
    error.
    """
    connection = EndingAtOnce()
    with recorder_of(Transcript.of("One."), tmp_path / "a.wav") as recorder:
        with pytest.raises(ContextExpired):
            await recorder.record(connection)
    assert connection.contexts == 1


@attrs.define(eq=False)
class EndingAtOnce:
    """A connection, and its contexts: the service ends each of them before it has said anything."""

    contexts: int = 0
    is_lost: bool = False
    end: str = "expired"

    def statistics(self) -> EndingAtOnce:
        return self

    @asynccontextmanager
    async def context(self, **_: object) -> AsyncIterator[EndingAtOnce]:
        self.contexts += 1
        yield self

    async def push(self, _: str) -> None:
        await trio.lowlevel.checkpoint()

    async def no_more_inputs(self) -> None:
        raise ContextExpired("the service ended the context", unspoken=("One.",))

    async def receive(self) -> AsyncIterator[Event]:
        for _ in ():
            yield UnknownEvent(context_id=None, wire_type="", fields={})


async def test_what_the_service_refuses_is_raised_bare(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """The reason comes as it is, not in a group, and no file is left behind."""
    path = tmp_path / "a.wav"
    options = ContextOptions(**{**OPTIONS, "voice": NO_VOICE})
    async with served() as service, service.client.tts.websocket_connect() as connection:
        with pytest.raises(VoiceNotFound), recorder_of(Transcript.of("One."), path, options) as one:
            await one.record(connection)
    assert os.listdir(tmp_path) == []


async def test_text_that_cannot_be_sent_is_raised_bare(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """What the feeding task meets is raised where the speech is waited for."""
    async with served() as service, service.client.tts.websocket_connect() as connection:
        with recorder_of(Transcript.of("One \udcff."), tmp_path / "a.wav") as recorder:
            with pytest.raises(LocalProtocolError):
                await recorder.record(connection)


@attrs.define(eq=False)
class ActingReport(Report):
    """Does something as soon as there are three seconds of audio."""

    act: Callable[[], object] = attrs.field(kw_only=True)

    def receive(self, audio_seconds: float) -> None:
        super().receive(audio_seconds)
        if audio_seconds > 3:
            self.act()


async def test_a_connection_that_is_lost_within_speech_is_an_error(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """What came before it is kept, and is not taken for the whole."""
    path = tmp_path / "a.wav"
    async with served() as service, service.client.tts.websocket_connect() as connection:
        with recorder_of(Transcript.of(SOME_TEXT), path) as recorder:
            recorder.report = ActingReport("a", act=service.wire.cancel)
            with pytest.raises(ConnectionLost):
                await recorder.record(connection)
    assert read_wav(path.read_bytes()).audio


async def test_leaving_tells_the_service_and_keeps_what_came(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """If cancelled, one cancel is heard, and the file holds what had come."""
    path = tmp_path / "a.wav"
    async with served() as service, service.client.tts.websocket_connect() as connection:
        with trio.CancelScope() as scope, recorder_of(Transcript.of(SOME_TEXT), path) as recorder:
            recorder.report = ActingReport("a", act=scope.cancel)
            await recorder.record(connection)
        await trio.sleep(1)
        (record,) = service.server.journal.contexts
        assert (record.cancels, record.ended) == (1, "cancelled")
    audio = read_wav(path.read_bytes()).audio
    assert record.audio.startswith(audio)
    words = json.loads(path.with_suffix(".words.json").read_text())
    assert words
    assert words[-1]["start"] < FORMAT.sample_format.seconds(len(audio))
