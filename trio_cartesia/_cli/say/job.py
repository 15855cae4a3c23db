"""One text of ``say``, from its first word to the line that reports its end."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Final

import attrs

from trio_cartesia import Cartesia, Connection, Speaker
from trio_cartesia._cli.console import (
    EXPECTED,
    FAILED,
    READER_GONE,
    print_note,
    report_error,
)
from trio_cartesia._cli.say.files import open_files
from trio_cartesia._cli.say.outputs import Target
from trio_cartesia._cli.say.recording import Recording
from trio_cartesia._cli.say.report import Report, State
from trio_cartesia._cli.say.request import STANDARD, Request
from trio_cartesia._cli.say.speaking import TranscriptRecorder
from trio_cartesia._cli.say.standard_input import StandardInput
from trio_cartesia._cli.say.standard_output import NAME, open_standard_output
from trio_cartesia._cli.say.transcript import Transcript
from trio_cartesia._cli.say.unsaved import UnsavedRecording

__all__ = ["Job"]

LINE_DELAY_MS: Final = 500  # for lines that are typed; the service's own delay is 3000


@attrs.define(eq=False)
class Job:
    """One text, and its output.

    Attributes:
        report: Its progress.
        code: Its exit code.
        has_file: Whether there is a file to list.
    """

    _request: Request
    _number: int
    _text: str = attrs.field(repr=False)
    _target: Target | None
    report: Report = attrs.field(init=False)
    code: int = attrs.field(default=0, init=False)
    has_file: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        if self._target is not None:
            name = str(self._target.audio)
        else:
            name = NAME if self._request.is_piped else f"text {self._number}"
        self.report = Report(name)

    async def run(
        self, client: Cartesia, connection: Connection, speaker: Speaker | None = None
    ) -> None:
        """Speak the text; a failure is reported, and does not affect the other texts."""
        try:
            await self._record(client, connection, speaker)
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

    async def _record(
        self, client: Cartesia, connection: Connection, speaker: Speaker | None
    ) -> None:
        with self._open_recording() as recording:
            self.report.name = recording.name
            try:
                await self._recorder(recording, speaker).record_all(client, connection)
                recording.complete()
                await recording.flush()
            finally:
                self.has_file = recording.is_written and self._target is not None

    def _open_recording(self) -> AbstractContextManager[Recording]:
        sample_format, raw = self._request.output_format.sample_format, self._request.raw
        if self._target is not None:
            return open_files(self._target, sample_format, raw=raw)
        if self._request.is_piped:
            return open_standard_output(sample_format, raw=raw)
        return nullcontext(UnsavedRecording(sample_format, self.report.name))

    def _recorder(self, recording: Recording, speaker: Speaker | None) -> TranscriptRecorder:
        transcript, options = Transcript.of(self._text), self._request.options
        if self._text == STANDARD:
            transcript = Transcript(StandardInput())
            options = {**options, "max_buffer_delay_ms": LINE_DELAY_MS}
        is_slow = self._target is None or speaker is not None  # as players are
        return TranscriptRecorder(
            transcript=transcript,
            recording=recording,
            report=self.report,
            options=options,
            overflow="block" if is_slow else "fail",
            speaker=speaker,
        )

    def report_end(self) -> None:
        """Print the error, or the summary of a text that was started."""
        if self.code == READER_GONE:
            return
        if self.report.error is not None:
            report_error(self.report.error, self.report.name, debug=self._request.debug)
        elif self.report.state is not State.WAITING:
            print_note(self.report.summary())
