"""One recording of ``transcribe``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs

from trio_cartesia import (
    AuthenticationFailed,
    Cartesia,
    ConnectFailed,
    LocalProtocolError,
    PermissionDenied,
    QuotaExceeded,
)
from trio_cartesia._cli.account.running import record_members
from trio_cartesia._cli.console import Expected, audio_step, describe_error
from trio_cartesia._cli.transcribe.request import Request
from trio_cartesia.types import RecordingTranscript

__all__ = ["Job", "concerns_all"]

OF_ALL: Final = (AuthenticationFailed, ConnectFailed, PermissionDenied, QuotaExceeded)


@attrs.define(eq=False)
class Job:
    """One recording, and its text.

    Attributes:
        file: The path of the recording.
        path: The file that is written, or None.
        transcript: The text, once it is there and written.
        error: Why there is none.
    """

    file: str
    path: Path | None
    transcript: RecordingTranscript | None = attrs.field(default=None, init=False, repr=False)
    error: Expected | None = attrs.field(default=None, init=False)

    @property
    def has_ended(self) -> bool:
        """Whether there is a text or an error."""
        return self.transcript is not None or self.error is not None

    async def run(self, client: Cartesia, request: Request) -> None:
        """Transcribe the recording, and write its file if it has one.

        Raises:
            CartesiaError: The service refused it, or cannot be reached.
            OSError: The recording cannot be read, or the file not written.
        """
        _check_readable(self.file)
        needs_words = request.json or request.subtitles is not None
        transcript = await client.stt.transcribe(
            self.file,
            model=request.model,
            language=request.language,
            encoding=request.encoding,
            sample_rate=request.sample_rate,
            timestamp_granularities=["word"] if needs_words else None,
        )
        if self.path is not None:
            kind = request.subtitles
            text = f"{transcript.text}\n" if kind is None else transcript.subtitles(kind)
            self.path.write_text(text, encoding="utf-8", errors="replace")
        self.transcript = transcript

    def members(self) -> dict[str, Any]:
        """Return what is known of it, for JSON."""
        if self.transcript is not None:
            return {"file": self.file, **record_members(self.transcript)}
        reason = "Nothing was sent."
        if self.error is not None:
            reason = describe_error(self.error, audio_step(self.error))
        return {"file": self.file, "error": reason}


def _check_readable(file: str) -> None:
    """Raise the error of the system, which is shorter than that of a request."""
    with Path(file).open("rb"):
        pass


def concerns_all(error: Expected) -> bool:
    """Return whether an error of one recording is one of all others, too."""
    if isinstance(error, LocalProtocolError):  # the options, unless a part was sent
        return error.next_step == LocalProtocolError.next_step
    return isinstance(error, OF_ALL)
