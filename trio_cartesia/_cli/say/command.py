"""
``trio-cartesia say``: texts become files, all at once on one connection.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
from trio_cartesia._cli.console import EXPECTED, FAILED, PROGRAM, UsageError, complain, give, tell
from trio_cartesia._cli.say.outputs import Target, choose, make_directory
from trio_cartesia._cli.say.progress import show_progress
from trio_cartesia._cli.say.recording import Recording, open_recording
from trio_cartesia._cli.say.report import Report, State
from trio_cartesia._cli.say.speaking import Speaker
from trio_cartesia._cli.say.standard_input import StandardInput
from trio_cartesia._cli.say.transcript import Transcript

__all__ = ["STANDARD_INPUT", "Request", "say"]

STANDARD_INPUT: Final = "-"
LINE_DELAY_MS: Final = 500  # whoever types a line wants to hear it; the service's own are 3000


@attrs.frozen(kw_only=True)
class Request:
    """
    What was asked for.

    Attributes:
        texts: The texts; ``-`` stands for standard input.
        out: As `outputs.choose` takes it.
        options: The settings of all contexts.
        output_format: The layout of the audio, as it is in *options*.
        raw: Write no headers.
        words: Write word times.
        local: Ask the local service.
        debug: Show tracebacks.
    """

    texts: Sequence[str] = attrs.field(repr=False)
    out: Sequence[str]
    options: ContextOptions
    output_format: RawOutputFormat
    raw: bool
    words: bool
    local: bool
    debug: bool


async def say(request: Request) -> int:
    """
    Speak all texts, and return the exit code.

    Whatever happens, standard output names the files that hold speech, and standard error says
    how each text went.

    Raises:
        UsageError: The request makes no sense; nothing was sent or written.
    """
    _check(request)
    targets = choose(len(request.texts), request.out, raw=request.raw, words=request.words)
    jobs = [Job(request, *each) for each in zip(request.texts, targets, strict=True)]
    code: int | None = None
    try:
        make_directory(request.out)
        async with open_client(local=request.local) as client:
            await _speak_all(client, jobs, live=STANDARD_INPUT not in request.texts)
        code = FAILED if any(job.report.error for job in jobs) else 0
    except EXPECTED as error:
        complain(error, debug=request.debug)
        code = FAILED
    finally:
        if code is None:
            tell(f"{PROGRAM}: stopped early; what was spoken until then is kept.")
        is_given = _tell_ends(jobs, debug=request.debug)
    return code if is_given else FAILED


def _check(request: Request) -> None:
    if request.texts.count(STANDARD_INPUT) > 1:
        raise UsageError("there is one standard input only: give - once")
    if STANDARD_INPUT in request.texts and sys.stdin is None:
        raise UsageError("standard input is closed, so - has nothing to say")
    for number, text in enumerate(request.texts, start=1):
        if not text.strip():
            raise UsageError(f"text {number} is empty: there is nothing to say")
    try:
        ContextSettings(**request.options)
    except LocalProtocolError as error:
        raise UsageError(str(error)) from error


async def _speak_all(client: Cartesia, jobs: Sequence[Job], *, live: bool) -> None:
    reports = [job.report for job in jobs]
    async with (
        client.tts.websocket_connect() as connection,
        show_progress(reports, live=live),  # over before the goodbye, which may take a while
        trio.open_nursery() as nursery,
    ):
        for job in jobs:
            nursery.start_soon(job.run, client, connection)


def _tell_ends(jobs: Sequence[Job], *, debug: bool) -> bool:
    """Say how all went, and then give the files' names; return False if these are lost."""
    for job in jobs:
        job.tell_end()
    return all(give(job.report.name, debug=debug) for job in jobs if job.is_written)


@attrs.define(eq=False)
class Job:
    """
    One text, on its way to its files.

    Attributes:
        report: How far it is.
        is_written: True if there is a file to be shown.
    """

    _request: Request
    _text: str = attrs.field(repr=False)
    _target: Target
    report: Report = attrs.field(init=False)
    is_written: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.report = Report(str(self._target.audio))

    async def run(self, client: Cartesia, connection: Connection) -> None:
        """Speak the text; what goes wrong is reported, and stops no other text."""
        try:
            await self._record(client, connection)
            self.report.end(State.DONE)
        except EXPECTED as error:
            self.report.end(State.FAILED, error)
        finally:
            if self.report.state is State.SPEAKING:
                self.report.end(State.INTERRUPTED)

    async def _record(self, client: Cartesia, connection: Connection) -> None:
        request = self._request
        with open_recording(self._target, request.output_format, raw=request.raw) as recording:
            self.report.name = str(recording.target.audio)
            try:
                await self._speaker(recording).speak_on(client, connection)
                recording.complete()
            finally:
                self.is_written = recording.is_written

    def _speaker(self, recording: Recording) -> Speaker:
        transcript, options = Transcript.of(self._text), self._request.options
        if self._text == STANDARD_INPUT:
            transcript = Transcript(StandardInput())
            options = {**options, "max_buffer_delay_ms": LINE_DELAY_MS}
        return Speaker(
            transcript=transcript, recording=recording, report=self.report, options=options
        )

    def tell_end(self) -> None:
        """Say how it went."""
        if self.report.error is not None:
            complain(self.report.error, self.report.name, debug=self._request.debug)
        elif self.report.state is not State.WAITING:
            tell(self.report.summary())
