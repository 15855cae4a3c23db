"""The interface of a voice: text to samples, and the times of words and phonemes.

A voice speaks one piece of text at a time, a sentence or a part of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

import attrs
from attrs.validators import ge, le

from trio_cartesia.server.catalogue.voices import VoiceEntry
from trio_cartesia.server.text.markup import Span, blank_laughter

__all__ = ["Spoken", "Timed", "Utterance", "Voice", "words_of", "written_words"]

# Chinese and Japanese put no blanks between words, so there each character is a word of its own.
_CJK: Final = "\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff0f\uff1a-\uff1f"
_WORD: Final = re.compile(rf"(?!\s)[{_CJK}]|[^\s{_CJK}]+")


def _size(speech: str) -> str:
    return f"<{len(speech)} characters>"


@attrs.frozen(kw_only=True)
class Utterance:
    """A piece of text to speak at once, and its settings.

    Attributes:
        text: The text; only its length appears in reprs.
        voice_id: The id of the voice, any text; different ids should sound different.
        voice: The voice with that id, of the catalogue or of an account; None if there is none.
        language: A language such as ``en``, or ``en-GB`` with a region; None for the voice's own.
        sample_rate: The frames per second of the samples, 8000 to 48000.
        speed: 0.6 to 1.5; 1 is the voice's own.
        volume: 0.5 to 2; 1 is the voice's own.
        emotion: Any text; a voice may ignore it.
        spelled: Whether the text is read character by character.
        closes: False if the sentence continues after the text, so that no pause should follow.
        spans: The places of phonemes and laughter in the text (protocol §2.14).
        normalized: Whether words are reported as they are read, rather than as they were written.
        normalization: The rules that turn "$20" into words: ``auto``, ``off``, or those of a
            language, with or without a region.
    """

    text: str = attrs.field(repr=_size)
    voice_id: str
    voice: VoiceEntry | None = None
    language: str | None = None
    sample_rate: int = attrs.field(validator=[ge(8000), le(48000)])
    speed: float = attrs.field(default=1.0, validator=[ge(0.6), le(1.5)])
    volume: float = attrs.field(default=1.0, validator=[ge(0.5), le(2.0)])
    emotion: str | None = None
    spelled: bool = False
    closes: bool = True
    spans: tuple[Span, ...] = ()
    normalized: bool = False
    normalization: str = "auto"

    @property
    def timbre_id(self) -> str:
        """The id that decides how the voice sounds: equal ids sound the same."""
        return (self.voice and self.voice.timbre_id) or self.voice_id


@attrs.frozen(kw_only=True)
class Timed:
    """A word or a phoneme, and its place in the audio.

    Attributes:
        text: A word as it was written, or a phoneme's symbol.
        start: Its first frame, counted from the start of the utterance.
        end: The frame after its last one; equal to *start* if it has no sound.
    """

    text: str = attrs.field(repr=_size)
    start: int
    end: int


@attrs.frozen(kw_only=True)
class Spoken:
    """The speech of an utterance.

    Attributes:
        samples: Mono ``pcm_s16le`` at the utterance's rate.
        words: Every word of the text, in order and with its punctuation; a Chinese or Japanese
            character counts as a word, and laughter does not.
        phonemes: The sounds, in order.
    """

    samples: bytes = attrs.field(repr=lambda samples: f"<{len(samples)} bytes>")
    words: tuple[Timed, ...] = attrs.field(repr=lambda words: f"<{len(words)}>")
    phonemes: tuple[Timed, ...] = attrs.field(repr=lambda phonemes: f"<{len(phonemes)}>")


class Voice(Protocol):
    """Turns text into speech; implement it to give the local service a voice of your own."""

    @property
    def name(self) -> str:
        """The name in ``/_local/state``."""

    async def speak(self, utterance: Utterance) -> Spoken:
        """Speak *utterance*, without delaying other tasks by more than a few milliseconds.

        An exception fails the context with status 500. If cancelled, it must leave no task or
        thread behind.
        """


def written_words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the words of *text* as they are written, each with its position.

    A word extends from blank to blank, with its punctuation; a Chinese or Japanese character is a
    word of its own.
    """
    return ((match.start(), match.group()) for match in _WORD.finditer(text))


def words_of(utterance: Utterance) -> Iterator[tuple[int, str]]:
    """Yield the words of an utterance, each with its position; laughter is not a word."""
    return written_words(blank_laughter(utterance.text, utterance.spans))
