"""The arguments of ``listen``, checked, and the audio that they name."""

from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager
from io import FileIO
from typing import Final

import attrs

from trio_cartesia import Microphone, Recording, open_microphone, open_recording
from trio_cartesia._cli.audio_options import Encoding, Pace, check_raw
from trio_cartesia._cli.console import UsageError

__all__ = ["Request", "Source", "check_request", "open_source"]

STANDARD: Final = "-"  # standard input
WHISPER: Final = "ink-whisper"  # and its versions
SAMPLE_RATE: Final = 16000  # of the microphone

Source = Microphone | Recording


@attrs.frozen(kw_only=True)
class Request:
    """The arguments of the command.

    Attributes:
        file: A path, ``-`` for standard input, or None.
        microphone: Transcribe the microphone in its place.
        encoding: Of samples without a header, else None.
        sample_rate: Likewise, or of the microphone.
        json: Write JSON.
        local: Use the local service.
        allow_insecure: Use plain http to other machines.
        debug: Show tracebacks.
    """

    file: str | None
    microphone: bool
    model: str
    language: str | None
    encoding: Encoding | None
    sample_rate: int | None
    pace: Pace
    json: bool
    local: bool
    allow_insecure: bool
    debug: bool

    @property
    def has_turns(self) -> bool:
        """Whether the service finds the turns: it does so without a language, in new models."""
        return self.language is None and not self.model.startswith(WHISPER)


def check_request(request: Request) -> None:
    """Check the arguments, before anything is opened or sent.

    Raises:
        UsageError: They make no sense.
    """
    if request.microphone:
        if request.file is not None:
            raise UsageError("give a FILE or --microphone, not both")
        if request.encoding is not None:
            raise UsageError("--encoding is for a FILE; the microphone has one of its own")
        return
    if request.file is None:
        raise UsageError("there is nothing to transcribe: give a FILE, -, or --microphone")
    check_raw(request.encoding, request.sample_rate)
    if request.file == STANDARD:
        if sys.stdin is None:
            raise UsageError("standard input is closed, so - has no audio")
        if sys.stdin.isatty():
            raise UsageError("standard input is a terminal, and - needs audio: pipe it from a file")


def open_source(request: Request) -> AbstractAsyncContextManager[Source]:
    """Open the audio for the block; raises as `open_microphone` and `open_recording`."""
    if request.microphone:
        return open_microphone(sample_rate=request.sample_rate or SAMPLE_RATE)
    assert request.file is not None
    is_standard = request.file == STANDARD
    # not sys.stdin.buffer: a read that is abandoned would hold the lock that the exit needs
    file = FileIO(sys.stdin.fileno(), closefd=False) if is_standard else request.file
    return open_recording(file, encoding=request.encoding, sample_rate=request.sample_rate)
