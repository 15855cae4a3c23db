"""``--out -``: audio on standard output, for a pipe to a player or another program."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from typing import Final

import attrs
import trio

from trio_cartesia import SampleFormat, WordTimes
from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.say.recording import Recording
from trio_cartesia._cli.say.wav import AudioFile, RawFile, WavFile, WavStream

__all__ = ["NAME", "StandardOutput", "check_standard_output", "open_standard_output"]

NAME: Final = "standard output"
TERMINAL: Final = (
    "standard output is a terminal, and audio is not text: pipe it into a player, such as "
    "`| aplay`, or redirect it with `> speech.wav`"
)


def check_standard_output() -> None:
    """Check that standard output can take audio.

    Raises:
        UsageError: It is closed or a terminal.
    """
    if sys.stdout is None:
        raise UsageError("standard output is closed, so --out - cannot write to it")
    if sys.stdout.isatty():
        raise UsageError(TERMINAL)


@contextmanager
def open_standard_output(sample_format: SampleFormat, *, raw: bool) -> Iterator[StandardOutput]:
    """Write audio to standard output for the block, and leave it open."""
    with FileIO(sys.stdout.fileno(), "wb", closefd=False) as file:
        yield StandardOutput(sample_format, file, raw)


@attrs.define(eq=False)
class StandardOutput(Recording):
    """A recording on standard output.

    `write` keeps the audio, and `flush` writes it in a thread: a pipe may block for as long as a
    player plays.
    """

    _output: FileIO
    _is_raw: bool
    _waiting: list[bytes] = attrs.field(factory=list, init=False, repr=False)

    @property
    def name(self) -> str:
        """Its name in messages."""
        return NAME

    def write(self, audio: bytes) -> None:
        """Append audio, which may end within a frame."""
        self._waiting.append(audio)

    def add_words(self, times: WordTimes) -> None:
        """Do nothing: there is no file beside it."""

    def complete(self) -> None:
        """End the recording; `flush` writes what is left of it."""
        self.is_complete = True

    async def flush(self) -> None:
        """Wait until the reader has taken everything. If cancelled, a part may have been written.

        Raises:
            BrokenPipeError: The reader has gone.
            OSError: The write failed.
        """
        audio = b"".join(self._waiting)
        self._waiting.clear()
        await trio.to_thread.run_sync(self._write, audio, abandon_on_cancel=True)

    def _write(self, audio: bytes) -> None:
        super().write(audio)
        if self.is_complete:
            super().complete()

    def _open(self) -> AudioFile:
        if self._is_raw:
            return RawFile(self._output)
        if _is_new_file(self._output):
            return WavFile(self._output, self.sample_format)
        return WavStream(self._output, self.sample_format)


def _is_new_file(file: FileIO) -> bool:
    """Return whether it is a file made by ``>``, in whose header sizes can be updated."""
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or file.tell() > 0:
        return False
    if sys.platform == "win32":
        return True
    import fcntl

    return not fcntl.fcntl(file, fcntl.F_GETFL) & os.O_APPEND  # ``>>`` cannot overwrite
