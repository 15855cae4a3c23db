"""The arguments of ``say``, checked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import attrs

from trio_cartesia import ContextOptions, ContextSettings, LocalProtocolError, RawOutputFormat
from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.say.outputs import Beside
from trio_cartesia._cli.say.standard_output import check_standard_output

__all__ = ["STANDARD", "Request", "check_request"]

STANDARD: Final = "-"  # standard input as a text, standard output as a file


@attrs.frozen(kw_only=True)
class Request:
    """The arguments of the command.

    Attributes:
        texts: The texts; ``-`` is standard input.
        out: As `outputs.choose` takes it; ``-`` alone is standard output.
        options: The settings of all contexts.
        output_format: The layout of the audio, as in *options*.
        raw: Write no headers.
        beside: The files of words that are written beside the audio.
        play: Play the texts; then files are written only if *out* names them.
        local: Use the local service.
        allow_insecure: Use plain http to other machines.
        debug: Show tracebacks.
    """

    texts: Sequence[str] = attrs.field(repr=False)
    out: Sequence[str]
    options: ContextOptions
    output_format: RawOutputFormat
    raw: bool
    beside: Beside
    play: bool
    local: bool
    allow_insecure: bool
    debug: bool

    @property
    def is_piped(self) -> bool:
        """Whether the audio goes to standard output."""
        return STANDARD in self.out

    @property
    def has_files(self) -> bool:
        """Whether the audio goes to files."""
        return not self.is_piped and (bool(self.out) or not self.play)


def check_request(request: Request) -> None:
    """Check the arguments, before anything is sent or written.

    Raises:
        UsageError: They make no sense.
    """
    if request.texts.count(STANDARD) > 1:
        raise UsageError("there is one standard input only: give - once")
    if STANDARD in request.texts and sys.stdin is None:
        raise UsageError("standard input is closed, so - has no text")
    for number, text in enumerate(request.texts, start=1):
        if not text.strip():
            raise UsageError(f"text {number} is empty: there is nothing to say")
    if request.is_piped:
        _check_piped(request)
    elif not request.has_files:
        _check_unsaved(request)
    try:
        ContextSettings(**request.options)
    except LocalProtocolError as error:
        raise UsageError(str(error)) from error


def _check_piped(request: Request) -> None:
    if request.play:
        raise UsageError(
            "--play plays the speech, and --out - sends it to another player: give one of them"
        )
    if len(request.texts) > 1 or len(request.out) > 1:
        raise UsageError("standard output takes one text: give one TEXT with --out -")
    for option, is_given in (
        ("--words", request.beside.words),
        ("--subtitles", request.beside.subtitles),
    ):
        if is_given:
            raise UsageError(f"{option} writes a file beside the audio; --out - has none")
    check_standard_output()


def _check_unsaved(request: Request) -> None:
    for option, is_given in (
        ("--raw", request.raw),
        ("--words", request.beside.words),
        ("--subtitles", request.beside.subtitles),
    ):
        if is_given:
            raise UsageError(f"{option} is for files, and --play alone writes none: add --out")
