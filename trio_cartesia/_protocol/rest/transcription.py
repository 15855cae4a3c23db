"""The text of a recording (protocol §4.1)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_cartesia._protocol.rest.records import extra, hidden
from trio_cartesia._protocol.stt.messages import TranscriptWord

__all__ = ["RecordingTranscript"]


@attrs.frozen(kw_only=True)
class RecordingTranscript:
    """The text of a recording.

    Attributes:
        text: The text; no ``repr`` shows it.
        language: The language that the request named, or None.
        duration: The seconds of the recording, or None.
        words: The words with their times, if they were requested; else None.
        request_id: The service's id of the request, or None.
        type: ``"transcript"``.
        is_final: Without meaning for a recording; deprecated.
        extra: Members that this version does not know.
    """

    text: str = hidden()
    language: str | None = None
    duration: float | None = None
    words: tuple[TranscriptWord, ...] | None = hidden(default=None)
    request_id: str | None = None
    type: str = "transcript"
    is_final: bool | None = None
    extra: Mapping[str, object] = extra()
