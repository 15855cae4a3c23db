"""``trio-cartesia say``: speak texts into files, all at once on one connection."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

import attrs
import trio

from trio_cartesia import (
    Cartesia,
    Connection,
    ContextOptions,
    ContextSettings,
    LocalProtocolError,
    RawOutputFormat,
)
from trio_cartesia._cli.client import open_client
from trio_cartesia._cli.console import (
    EXPECTED,
    FAILED,
    PROGRAM,
    UsageError,
    print_message,
    print_result,
    report_error,
)
from trio_cartesia._cli.say.files import open_files
from trio_cartesia._cli.say.outputs import Beside, Target, choose, make_directory
from trio_cartesia._cli.say.progress import show_progress
from trio_cartesia._cli.say.recording import Recording
from trio_cartesia._cli.say.report import Report, State
from trio_cartesia._cli.say.speaking import TranscriptRecorder
from trio_cartesia._cli.say.standard_input import StandardInput
from trio_cartesia._cli.say.standard_output import (
    NAME,
    check_standard_output,
    open_standard_output,
)
from trio_cartesia._cli.say.transcript import Transcript

__all__ = ["STANDARD", "Request", "say"]

STANDARD: Final = "-"  # standard input as a text, standard output as a file
READER_GONE: Final = 141  # as a shell reports SIGPIPE
LINE_DELAY_MS: Final = 500  # for lines that are typed; the service's own delay is 3000


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
    local: bool
    allow_insecure: bool
    debug: bool

    @property
    def is_piped(self) -> bool:
        """Whether the audio goes to standard output."""
        return STANDARD in self.out


async def say(request: Request) -> int:
    """Speak all texts, and return the exit code.

    However it ends, standard output lists the files with speech, and standard error has a line
    about each text.

    Raises:
        UsageError: The arguments make no sense; nothing was sent or written.
    """
    _check(request)
    jobs = [Job(request, *each) for each in zip(request.texts, _targets(request), strict=True)]
    code: int | None = None
    try:
        if not request.is_piped:
            make_directory(request.out)
        async with open_client(
            local=request.local, allow_insecure=request.allow_insecure
        ) as client:
            await _speak_all(client, jobs, live=STANDARD not in request.texts)
        code = max(job.code for job in jobs)
    except EXPECTED as error:
        report_error(error, debug=request.debug)
        code = FAILED
    finally:
        if code is None:
            print_message(f"{PROGRAM}: stopped early; the speech so far is kept.")
        has_printed = _report_ends(jobs, debug=request.debug)
    return code if has_printed else FAILED


def _check(request: Request) -> None:
    if request.texts.count(STANDARD) > 1:
        raise UsageError("there is one standard input only: give - once")
    if STANDARD in request.texts and sys.stdin is None:
        raise UsageError("standard input is closed, so - has no text")
    for number, text in enumerate(request.texts, start=1):
        if not text.strip():
            raise UsageError(f"text {number} is empty: there is nothing to say")
    if request.is_piped:
        _check_piped(request)
    try:
        ContextSettings(**request.options)
    except LocalProtocolError as error:
        raise UsageError(str(error)) from error


def _check_piped(request: Request) -> None:
    if len(request.texts) > 1 or len(request.out) > 1:
        raise UsageError("standard output takes one text: give one TEXT with --out -")
    for option, is_given in (
        ("--words", request.beside.words),
        ("--subtitles", request.beside.subtitles),
    ):
        if is_given:
            raise UsageError(f"{option} writes a file beside the audio; --out - has none")
    check_standard_output()


def _targets(request: Request) -> Sequence[Target | None]:
    if request.is_piped:
        return [None]
    return choose(len(request.texts), request.out, request.beside, raw=request.raw)


async def _speak_all(client: Cartesia, jobs: Sequence[Job], *, live: bool) -> None:
    reports = [job.report for job in jobs]
    async with (
        client.tts.websocket_connect() as connection,
        show_progress(reports, live=live),  # ends before the goodbye, which may take a while
        trio.open_nursery() as nursery,
    ):
        for job in jobs:
            nursery.start_soon(job.run, client, connection)


def _report_ends(jobs: Sequence[Job], *, debug: bool) -> bool:
    """Report all ends, then list the files; return False if standard output fails."""
    for job in jobs:
        job.report_end()
    return all(print_result(job.report.name, debug=debug) for job in jobs if job.has_file)


@attrs.define(eq=False)
class Job:
    """One text, and its output.

    Attributes:
        report: Its progress.
        code: Its exit code.
        has_file: Whether there is a file to list.
    """

    _request: Request
    _text: str = attrs.field(repr=False)
    _target: Target | None
    report: Report = attrs.field(init=False)
    code: int = attrs.field(default=0, init=False)
    has_file: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.report = Report(NAME if self._target is None else str(self._target.audio))

    async def run(self, client: Cartesia, connection: Connection) -> None:
        """Speak the text; a failure is reported, and does not affect the other texts."""
        try:
            await self._record(client, connection)
            self.report.end(State.DONE)
        except BrokenPipeError:  # the reader of standard output has what it wants
            self.report.end(State.INTERRUPTED)
            self.code = READER_GONE
        except EXPECTED as error:
            self.report.end(State.FAILED, error)
            self.code = FAILED
        finally:
            if self.report.state is State.SPEAKING:
                self.report.end(State.INTERRUPTED)

    async def _record(self, client: Cartesia, connection: Connection) -> None:
        with self._open_recording() as recording:
            self.report.name = recording.name
            try:
                await self._recorder(recording).record_all(client, connection)
                recording.complete()
                await recording.flush()
            finally:
                self.has_file = recording.is_written and self._target is not None

    def _open_recording(self) -> AbstractContextManager[Recording]:
        sample_format, raw = self._request.output_format.sample_format, self._request.raw
        if self._target is None:
            return open_standard_output(sample_format, raw=raw)
        return open_files(self._target, sample_format, raw=raw)

    def _recorder(self, recording: Recording) -> TranscriptRecorder:
        transcript, options = Transcript.of(self._text), self._request.options
        if self._text == STANDARD:
            transcript = Transcript(StandardInput())
            options = {**options, "max_buffer_delay_ms": LINE_DELAY_MS}
        return TranscriptRecorder(
            transcript=transcript,
            recording=recording,
            report=self.report,
            options=options,
            overflow="block" if self._target is None else "fail",  # a player reads slowly
        )

    def report_end(self) -> None:
        """Print the error, or the summary of a text that was started."""
        if self.code == READER_GONE:
            return
        if self.report.error is not None:
            report_error(self.report.error, self.report.name, debug=self._request.debug)
        elif self.report.state is not State.WAITING:
            print_message(self.report.summary())
