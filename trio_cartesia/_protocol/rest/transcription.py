"""The text of a recording (protocol §4.1)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.rest.records import extra, hidden
from trio_cartesia._protocol.stt.messages import TranscriptWord
from trio_cartesia._protocol.text.subtitle_formats import SubtitleFormat
from trio_cartesia._protocol.tts.messages import WordTimes, WordTimestamps
from trio_cartesia._protocol.tts.subtitles import SubtitleWriter

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
        extra: Members that this version does not know, but for those of a word.
    """

    text: str = hidden()
    language: str | None = None
    duration: float | None = None
    words: tuple[TranscriptWord, ...] | None = hidden(default=None)
    request_id: str | None = None
    type: str = "transcript"
    is_final: bool | None = None
    extra: Mapping[str, object] = extra()

    def subtitles(self, format: SubtitleFormat) -> str:  # noqa: A002  # as of `Speech.subtitles`
        """Return the recording's subtitles, as `SubtitleWriter` writes them.

        Args:
            format: ``"srt"``, ``"vtt"``, ``"textgrid"`` or ``"json"``.

        Raises:
            LocalProtocolError: The format is another one, or the words have no times: the request
                lacks ``timestamp_granularities=["word"]``.
        """
        words = self.words or ()
        if self.text.strip() and not words:
            raise LocalProtocolError(
                'subtitles need word times: request timestamp_granularities=["word"]'
            )
        times = WordTimes(
            words=tuple(each.word for each in words),
            start=tuple(each.start for each in words),
            end=tuple(each.end for each in words),
        )
        writer = SubtitleWriter(format)
        writer.add_text(self.text)
        text = writer.add_event(WordTimestamps(context_id="", word_timestamps=times))
        return text + writer.finish(duration_seconds=self.duration or 0.0)
