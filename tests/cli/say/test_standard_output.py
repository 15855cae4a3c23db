"""``say --out -``: audio on standard output."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

import attrs
import pytest
import trio

from tests.cli.say.test_in_memory import HELLO
from tests.cli.support import COMMAND, LONG_TEXT, NO_VOICE, OPTIONS, SAMPLES, environment, served
from trio_cartesia import Cartesia, ContextOptions
from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.main import main
from trio_cartesia._cli.say import command as module
from trio_cartesia._cli.say.command import say
from trio_cartesia._cli.say.outputs import Beside
from trio_cartesia.server import Server

PIPED = attrs.evolve(HELLO, out=["-"])
PIPE_BYTES = 60_000  # a pipe holds 65,536 bytes, and takes no part of a page
SIZE_UNKNOWN = b"\xff" * 4


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """Serve in memory; the list gets the server once there is one."""
    servers: list[Server] = []

    @asynccontextmanager
    async def open_client(*, local: bool, allow_insecure: bool) -> AsyncIterator[Cartesia]:
        async with served() as service:
            servers.append(service.server)
            yield service.client

    monkeypatch.setattr(module, "open_client", open_client)
    monkeypatch.chdir(tmp_path)
    return servers


@contextmanager
def standard_output(path: str | int, mode: str = "wb") -> Iterator[None]:
    """Standard output goes to a file or a descriptor."""
    with pytest.MonkeyPatch.context() as patch, open(path, mode) as file:
        patch.setattr(sys, "stdout", file)
        yield


async def test_a_pipe_gets_the_whole_audio(server: list[Server], capfd) -> None:
    """What the reader gets is a WAV header and the audio that the service
    spoke, and nothing else.
    """
    reader, writer = os.pipe()
    with opened(reader) as source:
        with standard_output(writer):
            assert await say(PIPED) == 0
        data = source.read()
    (record,) = server[0].journal.contexts
    assert data == SAMPLES.wav_header() + record.audio
    assert os.listdir() == []
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("standard output: ")


async def test_raw_audio_has_no_header(server: list[Server]) -> None:
    """With --raw the reader gets samples alone."""
    with standard_output("a.pcm"):
        assert await say(attrs.evolve(PIPED, raw=True)) == 0
    (record,) = server[0].journal.contexts
    assert contents("a.pcm") == record.audio


async def test_a_redirect_makes_a_file_with_exact_sizes(server: list[Server]) -> None:
    """Where the shell has made the file, its header has the size of the audio."""
    with standard_output("a.wav"):
        assert await say(PIPED) == 0
    (record,) = server[0].journal.contexts
    with wave.open("a.wav") as file:
        assert file.getnframes() == len(record.audio) // 2


@pytest.mark.parametrize("before", [b"", b"something else"])
async def test_what_is_appended_overwrites_nothing(server: list[Server], before: bytes) -> None:
    """Behind ``>>`` the audio follows what is there, with a header that leaves the size open."""
    with standard_output("a.wav"):
        os.write(sys.stdout.fileno(), before)
    with standard_output("a.wav", "ab"):
        assert await say(PIPED) == 0
    (record,) = server[0].journal.contexts
    assert contents("a.wav") == before + SAMPLES.wav_header() + record.audio


async def test_a_reader_that_goes_ends_it_quietly(server: list[Server], capfd) -> None:
    """The service is sent a cancel, no line complains, and the exit code is that of SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    with standard_output(writer):
        assert await say(attrs.evolve(PIPED, texts=(LONG_TEXT,))) == 141
    assert capfd.readouterr() == ("", "")
    (record,) = server[0].journal.contexts
    assert record.cancels == 1


async def test_a_reader_that_waits_blocks_nothing_else(server: list[Server]) -> None:
    """While a player does not read, other tasks run, and the command can be cancelled."""
    reader, writer = os.pipe()
    with standard_output(writer), opened(reader):
        with trio.move_on_after(0.1) as scope:
            await say(attrs.evolve(PIPED, texts=(LONG_TEXT,)))
        assert scope.cancelled_caught
    (record,) = server[0].journal.contexts
    assert record.ended in ("cancelled", "lost")  # the service was cancelled with it


async def test_a_failure_writes_nothing(capfd) -> None:
    """Where the service refuses the text, there is an error and not even a header."""
    options = ContextOptions(**{**OPTIONS, "voice": NO_VOICE})
    with standard_output("a.wav"):
        assert await say(attrs.evolve(PIPED, options=options)) == 1
    assert contents("a.wav") == b""
    assert capfd.readouterr().err.startswith("trio-cartesia: standard output: ")


def contents(name: str) -> bytes:
    return Path(name).read_bytes()


def opened(descriptor: int) -> BinaryIO:
    return os.fdopen(descriptor, "rb")


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("changes", "stdout", "why"),
    [
        ({}, Terminal(), "a terminal.*aplay.*> speech.wav"),
        ({}, None, "standard output is closed"),
        ({"texts": ("a", "b")}, sys.stdout, "one TEXT"),
        ({"out": ["-", "b.wav"]}, sys.stdout, "one TEXT"),
        ({"beside": Beside(words=True)}, sys.stdout, "--words"),
    ],
)
async def test_what_cannot_be_piped_is_refused(
    changes: dict[str, object], stdout: object, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal, several texts and word times are errors of usage that say what to do."""
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(UsageError, match=why):
        await say(attrs.evolve(PIPED, **changes))
    await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("value", ["--raw", "-x", "--loud=3"])
def test_an_option_is_no_file(value: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Although ``-`` is a value of --out, an option behind it is a mistake."""
    assert main(["say", "a", "--out", value]) == 2
    assert f"--out needs a file or a directory, not {value}" in capfd.readouterr().err


def run_piped(command: list[str], **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *command],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.mark.slow
def test_a_process_fills_a_pipe(tmp_path: Path) -> None:
    """The command, with text from standard input, is a filter: text in, WAV out, messages aside."""
    done = subprocess.run(
        [*COMMAND, "say", "-", "--local", "--out", "-"],
        cwd=tmp_path,
        env=environment(),
        input=b"Hello there.\nAnd more.",
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"RIFF" + SIZE_UNKNOWN)
    assert len(done.stdout) > 44_100
    assert b"using a local service" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_process_whose_reader_goes_has_the_code_of_sigpipe(tmp_path: Path) -> None:
    """As behind ``| head``, there is no traceback and no error, and the exit code is 141."""
    process = run_piped(["say", LONG_TEXT, "--local", "--out", "-"], cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(4) == b"RIFF"
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) == 141
    assert "rror" not in err
    assert "trio-cartesia:" not in err


@pytest.mark.slow
def test_ctrl_c_ends_a_process_that_waits_for_its_reader(tmp_path: Path) -> None:
    """A player that has stopped reading does not keep the command from ending."""
    process = run_piped(["say", LONG_TEXT, "--local", "--out", "-"], cwd=tmp_path)
    assert process.stdout is not None
    while waiting_bytes(process.stdout.fileno()) < PIPE_BYTES:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    out, err = process.communicate(timeout=30)
    assert out.startswith(b"RIFF")
    assert b"Traceback" not in err


def waiting_bytes(pipe: int) -> int:
    """Return how many bytes a pipe holds."""
    size = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, size)
    return size[0]
