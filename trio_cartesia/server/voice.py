"""
What a voice is: text goes in, samples and the times of words and phonemes come out.

A voice speaks one piece of text at a time, a sentence or part of one. ``tones`` is here: it needs
nothing but Python, and plays a note for each letter. ``espeak`` is real speech, and an extra.
"""

from __future__ import annotations

import array
import functools
import math
import re
import sys
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

import attrs
import trio
from attrs.validators import ge, le

from .markup import Sound, Span, blank_laughter

__all__ = ["Spoken", "Timed", "Tones", "Utterance", "Voice", "default_voice", "open_voice"]

LETTERS_PER_SECOND: Final = 15  # of tones at speed 1, and about what people read aloud
LOWEST_HERTZ: Final = 135
PITCHES: Final = 32
PITCH_HERTZ: Final = 15  # from one pitch to the next: one wave more in a note
LOUDNESS: Final = 8000  # the peak at volume 1, of 32767
LAUGHTER: Final = "h h h"  # three notes; no word has blanks
RAMP: Final = 0.1  # of a note, at either end: without it each one would click

# Chinese and Japanese put no blanks between words, so there each character is a word of its own.
_CJK: Final = "\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff0f\uff1a-\uff1f"
_WORD: Final = re.compile(rf"(?!\s)[{_CJK}]|[^\s{_CJK}]+")


def _size(speech: str) -> str:
    return f"<{len(speech)} characters>"


@attrs.frozen(kw_only=True)
class Utterance:
    """
    A piece of text to be spoken at once, and how.

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
    """
    A word or a phoneme, and where it is in the audio.

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
    """
    How an utterance sounds.

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
    """
    Whatever turns text into speech.
    """

    @property
    def name(self) -> str:
        """What `open_voice` knows the voice by."""

    async def speak(self, utterance: Utterance) -> Spoken:
        """
        Speak *utterance*, without keeping other tasks waiting for more than a few milliseconds.

        If cancelled, nothing is left behind.
        """


class Tones:
    """
    A voice of plain tones, one for each letter and a pitch for each word.

    It is deterministic, and stays in its task: under an autojumping clock a worker thread would
    count as idle. A word sounds the same wherever it stands and brings its own pause, so text may
    be cut at blanks without a change to what is heard.

    Speed and volume are exact. Emotions are ignored, and words are reported as they were written.
    Spelled letters have a pause each, phonemes are played as letters, and laughter is three notes.
    """

    name: Final = "tones"

    async def speak(self, utterance: Utterance) -> Spoken:
        """
        Play *utterance*; this takes a moment of its own task, and no virtual time.
        """
        await trio.lowlevel.checkpoint()
        frames = round(utterance.sample_rate / (LETTERS_PER_SECOND * utterance.speed))
        amplitude = round(LOUDNESS * utterance.volume)
        parts: list[bytes] = []
        words: list[Timed] = []
        phonemes: list[Timed] = []
        position = 0
        for word in _played(utterance):
            letters = list(filter(str.isalnum, word)) or [word]
            cycles = round(_hertz(utterance.voice_id, word) * frames / utterance.sample_rate)
            note = _note(frames, cycles, amplitude) + bytes(2 * frames * utterance.spelled)
            parts += [note] * len(letters) + [bytes(2 * frames)]
            step = len(note) // 2
            starts = range(position, position + len(letters) * step, step)
            if word != LAUGHTER:
                phonemes += _letters(letters, starts)
                words.append(Timed(text=word, start=position, end=starts.stop))
            position = starts.stop + frames
        return Spoken(samples=b"".join(parts), words=tuple(words), phonemes=tuple(phonemes))


def written_words(text: str) -> Iterator[tuple[int, str]]:
    """
    Find the words of *text* as they are written, each with its position.

    Words are what stands between blanks, with punctuation; a Chinese or Japanese character is one.
    """
    return ((match.start(), match.group()) for match in _WORD.finditer(text))


def words_of(utterance: Utterance) -> Iterator[tuple[int, str]]:
    """
    Find the words of an utterance, each with its position; laughter is none.
    """
    return written_words(blank_laughter(utterance.text, utterance.spans))


def _played(utterance: Utterance) -> Iterator[str]:
    """
    Return what tones are made of: the words, and laughter as itself.
    """
    laughs = (span.start for span in utterance.spans if span.sound is Sound.LAUGHTER)
    units = sorted([*words_of(utterance), *((start, LAUGHTER) for start in laughs)])
    return (unit for _, unit in units)


def open_voice(name: str) -> Voice:
    """
    Open the voice called *name*.

    Args:
        name: ``espeak`` or ``tones``.

    Raises:
        ValueError: There is no such voice, or what it needs is not installed.
    """
    if name == "tones":
        return Tones()
    if name != "espeak":
        raise ValueError(f"no voice is called {name!r}; there are 'espeak' and 'tones'")
    try:
        from .espeak import Espeak  # here, since it is an extra and takes a while to import
    except ImportError as error:
        raise ValueError("the voice 'espeak' comes with 'trio-cartesia[local]'") from error
    return Espeak()


def default_voice() -> Voice:
    """
    Open ``espeak`` where it is installed, and ``tones`` elsewhere.
    """
    try:
        return open_voice("espeak")
    except ValueError:
        return Tones()


def _hertz(voice_id: str, word: str) -> int:
    """
    Return the pitch of *word*; two words, or two voices, seldom share one.
    """
    voice, step = (zlib.crc32(text.encode("utf-8", "replace")) for text in (voice_id, word))
    return LOWEST_HERTZ + PITCH_HERTZ * ((voice + step) % PITCHES)


def _letters(letters: list[str], starts: range) -> Iterator[Timed]:
    for letter, start in zip(letters, starts, strict=True):
        yield Timed(text=letter, start=start, end=start + starts.step)


@functools.lru_cache(maxsize=256)
def _note(frames: int, cycles: int, amplitude: int) -> bytes:
    """
    Return *cycles* whole waves in *frames* frames, which therefore join without a click.
    """
    turn = 2 * math.pi * cycles / frames
    half = [amplitude * math.sin(turn * index) for index in range(frames // 2 + 1)]
    ramp = math.ceil(frames * RAMP)
    for index in range(ramp):
        half[index] *= index / ramp
    other = [-value for value in half[(frames - 1) // 2 : 0 : -1]]  # waves end as they started
    wave = array.array("h", map(round, half + other))
    if sys.byteorder == "big":
        wave.byteswap()
    return wave.tobytes()
