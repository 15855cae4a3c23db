"""``say --play`` on miniaudio's null backend, which plays in silence and in real time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import ClassVar

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.cli.support import FORMAT, OPTIONS, environment, read_all, read_wav, served
from trio_cartesia import ContextOptions, Heard, open_speaker
from trio_cartesia._cli.main import main
from trio_cartesia._cli.say import command as module
from trio_cartesia._cli.say import job
from trio_cartesia._cli.say.command import say
from trio_cartesia._cli.say.outputs import Beside
from trio_cartesia._cli.say.report import Report, State
from trio_cartesia._cli.say.request import Request
from trio_cartesia._cli.say.speaking import TranscriptRecorder
from trio_cartesia._cli.say.transcript import Transcript
from trio_cartesia._cli.say.unsaved import UnsavedRecording
from trio_cartesia.playback import device
from trio_cartesia.server import Tones, open_server

PLAYED = Request(
    texts=("One.", "Two."),
    out=(),
    options=ContextOptions(**OPTIONS, add_timestamps=True),
    output_format=FORMAT,
    raw=False,
    beside=Beside(),
    play=True,
    local=True,
    allow_insecure=False,
    debug=False,
)
ON_NULL = """
import sys
from functools import partial
from trio_cartesia import open_speaker
from trio_cartesia._cli.say import command
from trio_cartesia._cli.start import main

command.open_speaker = partial(open_speaker, backend="null")
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "open_speaker", partial(open_speaker, backend="null"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("out", [(), ("one.wav", "two.wav")])
async def test_texts_are_played_one_after_the_other(
    out: Sequence[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A text is played once the one before it was heard; the files are those of --out alone."""
    async with served() as service:
        monkeypatch.setattr(module, "open_client", lambda **_: nullcontext(service.client))
        began_at = trio.current_time()
        assert await say(attrs.evolve(PLAYED, out=out)) == 0
        took_seconds = trio.current_time() - began_at
        records = service.server.journal.contexts
    one, two = records
    assert (one.transcript, two.transcript) == PLAYED.texts
    assert two.opened_at - one.opened_at >= FORMAT.sample_format.seconds(len(one.audio))
    assert took_seconds >= FORMAT.sample_format.seconds(len(one.audio) + len(two.audio))
    printed, messages = capfd.readouterr()
    assert printed.splitlines() == sorted(os.listdir()) == list(out)
    for name, record in zip(out, records, strict=False):
        assert read_wav((tmp_path / name).read_bytes()).audio == record.audio
    names = out or ("text 1", "text 2")
    assert [line.split(":")[0] for line in messages.splitlines()[-2:]] == list(names)
    assert "were heard" not in messages


@pytest.mark.slow
async def test_lines_are_played_as_they_arrive(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that comes after the service has ended the context is played in another one."""

    class Typist(AsyncIterator[str]):
        script: ClassVar = [(0, "One.\n"), (3, "Two.\n")]

        async def __anext__(self) -> str:
            if not self.script:
                raise StopAsyncIteration
            pause, line = self.script.pop(0)
            await trio.sleep(pause)
            return line

    monkeypatch.setattr(job, "StandardInput", Typist)
    async with served() as service:
        monkeypatch.setattr(module, "open_client", lambda **_: nullcontext(service.client))
        assert await say(attrs.evolve(PLAYED, texts=("-",))) == 0
        records = service.server.journal.contexts
    assert [record.transcript for record in records] == ["One.\n", "Two.\n"]
    assert capfd.readouterr().err.splitlines()[-1].startswith("text 1: ")


@pytest.mark.slow
async def test_ctrl_c_stops_the_sound_and_reports_what_was_heard(tmp_path: Path) -> None:
    """The service gets a cancel at once, and the last words that were heard are printed."""
    text = "Good morning, dear all. " * 50
    async with open_server(voice=Tones()) as server, trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            partial(
                trio.run_process,
                [sys.executable, "-c", ON_NULL, "say", "--play", text, "Never."],
                env=environment(CARTESIA_BASE_URL=server.url),
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
        while not server.journal.contexts:  # noqa: ASYNC110  # another process makes it
            await trio.sleep(0.01)
        await trio.sleep(1.5)
        process.send_signal(signal.SIGINT)
        with trio.fail_after(5):
            assert await process.wait() == 130
        printed, messages = await read_all(process.stdout), await read_all(process.stderr)
        (record,) = server.journal.contexts
    assert record.cancels == 1 or record.ended in ("done", "lost")
    assert printed == ""
    *_, stopped, heard = messages.splitlines()
    assert stopped == "trio-cartesia: stopped early."
    found = re.match(r'text 1: interrupted, (\d\.\d) s were heard, to "(.+)", ', heard)
    assert found is not None, heard
    assert 0.3 < float(found[1]) < 3
    assert text.startswith(found[2])


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("device", "no sound device was found: connect one"),
        ("miniaudio", "playing speech needs miniaudio: run pip install"),
    ],
)
def test_without_a_device_one_line_says_what_to_do(
    missing: str,
    reason: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is sent or written, and the exit code is that of a failure."""
    monkeypatch.setattr(device, "_has_device", lambda *_: False)
    if missing == "miniaudio":
        monkeypatch.setitem(sys.modules, "miniaudio", None)
    assert main(["say", "--play", "--local", "Hello."]) == 1
    printed, messages = capfd.readouterr()
    assert printed == ""
    (line,) = messages.splitlines()
    assert line.startswith(f"trio-cartesia: {reason}")
    assert line.endswith("Or write files instead: omit --play.")
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--out", "-"], "--out - sends it to another player: give one of them"),
        (["--raw"], "--raw is for files"),
        (["--words"], "--words is for files"),
        (["--subtitles", "srt"], "--subtitles is for files"),
    ],
)
def test_options_of_files_need_files(
    arguments: list[str], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What would have no effect is wrong usage."""
    assert main(["say", "--play", "--local", "Hello.", *arguments]) == 2
    assert reason in capfd.readouterr().err
    assert os.listdir() == []


async def test_a_connection_that_ends_while_a_text_is_played_is_replaced(
    autojump_clock: MockClock,
) -> None:
    """The text after one that was played for longer than a connection lasts has another one."""
    report = Report("text 2")
    async with served() as service, service.client.tts.websocket_connect() as connection:
        await trio.sleep(1000)
        assert connection.statistics().is_lost
        recorder = TranscriptRecorder(
            transcript=Transcript.of("Two."),
            recording=UnsavedRecording(FORMAT.sample_format, "text 2"),
            report=report,
            options=OPTIONS,
        )
        await recorder.record_all(service.client, connection)
        (record,) = service.server.journal.contexts
    assert report.audio_seconds == FORMAT.sample_format.seconds(len(record.audio)) > 0


def test_the_end_of_what_was_heard_is_reported() -> None:
    """Of a text that was interrupted, the last words that were heard are shown, on one line and
    without control characters, over all of its contexts.
    """
    report = Report("text 1")
    report.end(State.INTERRUPTED)
    report.add_heard(Heard(text="", words=(), seconds=0.1, cut_word=None, unheard_text=""))
    assert report.summary().startswith("text 1: interrupted, 0.1 s were heard, 0.0 s of audio")
    for text in ("word " * 30, "and a \x1b[31mlast\n one "):
        report.add_heard(Heard(text=text, words=(), seconds=1.0, cut_word=None, unheard_text=""))
    summary = report.summary()
    assert summary.startswith('text 1: interrupted, 2.1 s were heard, to "...')
    assert 'and a  [31mlast  one", ' in summary
