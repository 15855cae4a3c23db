"""What a voice is: text goes in, samples and the times of words and phonemes come out.

A voice speaks one piece of text at a time, a sentence or part of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

import attrs
from attrs.validators import ge, le

from trio_cartesia.server.text.markup import Span, blank_laughter

__all__ = ["Spoken", "Timed", "Utterance", "Voice", "words_of", "written_words"]

# Chinese and Japanese put no blanks between words, so there each character is a word of its own.
_CJK: Final = "\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff0f\uff1a-\uff1f"
_WORD: Final = re.compile(rf"(?!\s)[{_CJK}]|[^\s{_CJK}]+")


def _size(speech: str) -> str:
    return f"<{len(speech)} characters>"


@attrs.frozen(kw_only=True)
class Utterance:
    """A piece of text to be spoken at once, and how.

    Attributes:
        text: What to speak; only its length appears in reprs.
        voice_id: Whose voice it is; any text, and different ones should sound different.
        language: A language such as ``en``, or ``en-GB`` with a region; None for the voice's own.
        sample_rate: Frames a second that the samples must have.
        speed: 0.6 to 1.5, and 1 is the voice's own.
        volume: 0.5 to 2, and 1 is the voice's own.
        emotion: Anything; a voice may ignore it.
        spelled: Whether the text is read character by character.
        closes: False if the sentence goes on after this, so that no pause should follow.
        spans: Where in the text there are phonemes and laughter (protocol §2.14).
        normalized: Whether words are reported as they are read, and not as they were written.
        normalization: What turns "$20" into words: ``auto``, ``off``, or a language (with a
            region, or without) whose rules shall be used.
    """

    text: str = attrs.field(repr=_size)
    voice_id: str
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


@attrs.frozen(kw_only=True)
class Timed:
    """A word or a phoneme, and where it is in the audio.

    Attributes:
        text: A word as it was written, or a phoneme's symbol.
        start: The first of its frames, counted from the start of the utterance.
        end: The frame after its last; *start* again for what makes no sound.
    """

    text: str = attrs.field(repr=_size)
    start: int
    end: int


@attrs.frozen(kw_only=True)
class Spoken:
    """How an utterance sounds.

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
    """Whatever turns text into speech."""

    @property
    def name(self) -> str:
        """What `open_voice` knows the voice by."""

    async def speak(self, utterance: Utterance) -> Spoken:
        """Speak *utterance*, without keeping other tasks waiting for more than a few milliseconds.

        If cancelled, nothing is left behind.
        """


def written_words(text: str) -> Iterator[tuple[int, str]]:
    """Find the words of *text* as they are written, each with its position.

    Words are what stands between blanks, with punctuation; a Chinese or Japanese character is one.
    """
    return ((match.start(), match.group()) for match in _WORD.finditer(text))


def words_of(utterance: Utterance) -> Iterator[tuple[int, str]]:
    """Find the words of an utterance, each with its position; laughter is none."""
    return written_words(blank_laughter(utterance.text, utterance.spans))
