"""All of ``say`` but the process around it, on virtual time."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.cli.support import FORMAT, NO_VOICE, OPTIONS, full_output, read_wav, served
from trio_cartesia import Cartesia, ContextOptions
from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.say import command as module
from trio_cartesia._cli.say import job
from trio_cartesia._cli.say.command import say
from trio_cartesia._cli.say.outputs import Beside
from trio_cartesia._cli.say.request import Request

HELLO = Request(
    texts=("Hello.",),
    out=(),
    options=OPTIONS,
    output_format=FORMAT,
    raw=False,
    beside=Beside(),
    play=False,
    local=True,
    allow_insecure=False,
    debug=False,
)


@pytest.fixture(autouse=True)
def in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def open_client(*, local: bool, allow_insecure: bool) -> AsyncIterator[Cartesia]:
        async with served() as service:
            yield service.client

    monkeypatch.setattr(module, "open_client", open_client)
    monkeypatch.chdir(tmp_path)


async def test_files_are_given_in_the_order_of_texts(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A long first text ends after the others, and is given first all the same."""
    texts = ("A much longer text. " * 50, "One.", "Two.")
    assert await say(attrs.evolve(HELLO, texts=texts, out=["new"])) == 0
    out, err = capfd.readouterr()
    assert out.splitlines() == [f"new/speech-{number}.wav" for number in (1, 2, 3)]
    assert err.count("s of audio") == 3
    for path in out.splitlines():
        assert read_wav((tmp_path / path).read_bytes()).audio


async def test_a_failure_gives_no_file(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """What the service refuses is one line, and nothing is written."""
    options = ContextOptions(**{**OPTIONS, "voice": NO_VOICE})
    assert await say(attrs.evolve(HELLO, options=options)) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("trio-cartesia: speech-1.wav: ")
    assert err.count("\n") == 1
    assert os.listdir() == []


async def test_paths_that_are_lost_are_a_failure(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """The speech is there, but whoever waits for its path hears that something is wrong, once."""
    with full_output():
        assert await say(attrs.evolve(HELLO, texts=("One.", "Two."))) == 1
    err = capfd.readouterr().err
    assert err.count("standard output: No space left on device.") == 1
    assert len(os.listdir()) == 2


async def test_runs_at_the_same_time_share_a_directory(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each writes and names files of its own, although all chose the same names."""
    request = attrs.evolve(HELLO, texts=("One.", "Two."), beside=Beside(words=True))
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(say, request)
    out, err = capfd.readouterr()
    assert sorted(out.splitlines()) == [f"speech-{number}.wav" for number in range(1, 7)]
    assert "trio-cartesia:" not in err
    assert len(os.listdir()) == 12


async def test_what_is_stopped_is_given(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """If cancelled, there is a line that says so, and the files that hold speech."""
    texts = ("Hello.", "-")
    with trio.move_on_after(100), pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "StandardInput", Never)
        await say(attrs.evolve(HELLO, texts=texts))
    out, err = capfd.readouterr()
    assert out == "speech-1.wav\n"
    assert "stopped early" in err
    assert os.listdir() == ["speech-1.wav"]


class Never(AsyncIterator[str]):
    async def __anext__(self) -> str:
        await trio.sleep_forever()
        raise AssertionError


async def test_speech_that_is_stopped_is_interrupted(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """The summary says of which texts there is a part only."""

    class Endless(AsyncIterator[str]):
        async def __anext__(self) -> str:
            await trio.sleep(0.5)
            return "And so on. "

    with trio.move_on_after(10), pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "StandardInput", Endless)
        await say(attrs.evolve(HELLO, texts=("-",)))
    out, err = capfd.readouterr()
    assert out == "speech-1.wav\n"
    assert "speech-1.wav: interrupted, " in err


async def test_input_without_text_is_an_error(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """An empty standard input is nothing to say."""
    assert await say(attrs.evolve(HELLO, texts=("-",))) == 1
    assert "standard input had no text" in capfd.readouterr().err
    assert os.listdir() == []


async def test_input_that_is_closed_is_a_wrong_call(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the shell has closed standard input, there is no use in starting."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="closed"):
        await say(attrs.evolve(HELLO, texts=("-",)))


async def test_a_directory_that_cannot_be_made_is_an_error(
    autojump_clock: MockClock, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is reported once, before anything is sent."""
    (tmp_path / "file").touch()
    assert await say(attrs.evolve(HELLO, texts=("a", "b"), out=["file/new"])) == 1
    assert capfd.readouterr().err == (
        "trio-cartesia: file/new: Not a directory. Choose another place with --out.\n"
    )
