"""Subtitles of speech, at once or while it arrives."""

from __future__ import annotations

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.text.cues import Cue, CueBuilder
from trio_cartesia._protocol.text.letters import without_markup
from trio_cartesia._protocol.text.line_breaks import joins_without_blank, tidy
from trio_cartesia._protocol.text.subtitle_formats import (
    FORMATS,
    SubtitleFormat,
    json_document,
    srt_cue,
    text_grid,
    vtt_cue,
)
from trio_cartesia._protocol.text.timeline import TimedWord, Timeline
from trio_cartesia._protocol.tts.messages import Chunk, Event, WordTimes, WordTimestamps

__all__ = ["SubtitleWriter", "subtitles_at_once"]


@attrs.define(eq=False)
class SubtitleWriter:
    """Writes subtitles while speech arrives: SubRip, WebVTT, Praat's TextGrid or JSON.

    Give it each piece of the text before its words arrive, and every event; append what the
    methods return to a file. A cue is written once the word after it is known. TextGrid and JSON
    say at their start how much follows, so all of them comes from `finish`.

    Cues have at most two lines of 42 characters (Chinese, Japanese and Korean: 16), last at least
    a second and 20 characters a second where the speech allows, 7 seconds at most, and end with
    sentences and clauses where they can. Markup is left out, and so is text at the end that no word
    stands for. Where no text is given, the words are written as the service sent them. Words, text
    and cues are kept, some hundred bytes a word.

    Attributes:
        format: ``"srt"``, ``"vtt"``, ``"textgrid"`` or ``"json"``.

    Raises:
        LocalProtocolError: The format is another one.

    Example::

        import trio
        from trio_cartesia import Cartesia, SubtitleWriter

        async def main():
            writer, text = SubtitleWriter("vtt"), "Good morning. How are you?"
            async with (
                Cartesia() as client,
                client.tts.websocket_connect() as connection,
                connection.speak(
                    text,
                    model_id="sonic-latest",
                    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                    output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
                    add_timestamps=True,
                ) as context,
            ):
                writer.add_text(text)
                async for event in context.receive():
                    print(writer.add_event(event), end="")
            print(writer.finish(), end="")

        trio.run(main)
    """

    format: SubtitleFormat = attrs.field()
    _timeline: Timeline = attrs.field(factory=Timeline, init=False, repr=False)
    _builder: CueBuilder = attrs.field(factory=CueBuilder, init=False, repr=False)
    _cues: list[Cue] = attrs.field(factory=list, init=False, repr=False)
    _parts: list[tuple[TimedWord, str]] = attrs.field(factory=list, init=False, repr=False)
    _has_text: bool = attrs.field(default=False, init=False)
    _last_word: str = attrs.field(default="", init=False, repr=False)  # where no text is given
    _has_audio: bool = attrs.field(default=False, init=False)
    _has_begun: bool = attrs.field(default=False, init=False)
    _end: int = attrs.field(default=0, init=False)  # of the text that is in cues

    @format.validator  # noqa: A003  # the field
    def _check_format(self, _: object, value: object) -> None:
        checks.choice(value, "format", FORMATS)

    def add_text(self, piece: str) -> None:
        """Take the next piece of the text, verbatim, as it is pushed."""
        self._has_text = self._has_text or bool(piece)
        self._timeline.add_text(checks.text(piece, "piece"))

    def add_event(self, event: Event) -> str:
        """Take the next event, and return what is to be appended to the file."""
        if isinstance(event, Chunk):
            self._has_audio = self._has_audio or bool(event.audio)
        if not isinstance(event, WordTimestamps):
            return ""
        return self._add_words(event.from_start())

    def finish(self, *, complete: bool = True, duration_seconds: float = 0.0) -> str:
        """Return the rest of the file.

        Args:
            complete: True if all of the text was spoken (`Speech.complete`).
            duration_seconds: Of the audio, for TextGrid; the last word's end if it is less.

        Raises:
            LocalProtocolError: There was audio but no word times: the context lacks
                ``add_timestamps=True``.
        """
        self._timeline.finish(complete=complete)
        cues = self._take_settled()
        if self._has_audio and not self._parts:
            raise LocalProtocolError(
                "subtitles need word times: give the context add_timestamps=True"
            )
        rest = self._timeline.text[self._end :] if complete and self._parts else ""
        if rest and not any(map(str.isalnum, without_markup(rest))):  # a mark that stands apart
            word, part = self._parts[-1]
            self._parts[-1] = (word, part + rest)
            cues += self._builder.finish(rest)
        else:
            cues += self._builder.finish()
        written = self._write(cues)
        if self.format == "textgrid":
            return text_grid([(word, _shown(part)) for word, part in self._parts], duration_seconds)
        if self.format == "json":
            return json_document(self._timeline.text, self._cues)
        return written or self._head()

    def _add_words(self, times: WordTimes) -> str:
        if not self._has_text:
            for word in times.words:
                is_joined = not self._last_word or joins_without_blank(self._last_word, word)
                self._timeline.add_text(word if is_joined else f" {word}")
                self._last_word = word
        self._timeline.add_words(times.words, times.start, times.end)
        return self._write(self._take_settled())

    def _take_settled(self) -> list[Cue]:
        cues: list[Cue] = []
        for word in self._timeline.settled_words(len(self._parts)):
            part = self._timeline.text_between(self._end, word.text_end)
            self._end = word.text_end
            self._parts.append((word, part))
            cues += self._builder.add(word, part)
        return cues

    def _write(self, cues: list[Cue]) -> str:
        first = len(self._cues) + 1
        self._cues += cues
        if not cues or self.format in ("textgrid", "json"):
            return ""
        if self.format == "vtt":
            return self._head() + "".join(map(vtt_cue, cues))
        return "".join(srt_cue(number, cue) for number, cue in enumerate(cues, first))

    def _head(self) -> str:
        if self.format != "vtt" or self._has_begun:
            return ""
        self._has_begun = True
        return "WEBVTT\n\n"


def subtitles_at_once(
    kind: SubtitleFormat,
    text: str,
    times: WordTimes,
    *,
    complete: bool,
    duration_seconds: float,
) -> str:
    """Return the subtitles of speech that is whole; see `Speech.subtitles`.

    Args:
        kind: The format.
        text: What was pushed.
        times: The words and their times.
        complete: As in `SubtitleWriter.finish`.
        duration_seconds: Likewise.
    """
    writer = SubtitleWriter(kind)
    writer.add_text(text)
    writer._has_audio = duration_seconds > 0
    return writer._add_words(times) + writer.finish(
        complete=complete, duration_seconds=duration_seconds
    )


def _shown(part: str) -> str:
    return tidy(without_markup(part))
