"""The voice ``tones``: a note for each letter, in plain Python and deterministic."""

from __future__ import annotations

import array
import functools
import math
import sys
import zlib
from collections.abc import Iterator
from typing import Final

import trio

from trio_cartesia.server.text.markup import Sound
from trio_cartesia.server.voices.interface import Spoken, Timed, Utterance, words_of

__all__ = ["Tones"]

LETTERS_PER_SECOND: Final = 15  # at speed 1; people read aloud at about this speed
LOWEST_HERTZ: Final = 135
PITCHES: Final = 32
CLONE_PITCHES: Final = 5
PITCH_HERTZ: Final = 15  # from one pitch to the next: one wave more in a note
LOUDNESS: Final = 8000  # the peak at volume 1, of 32767
LAUGHTER: Final = "h h h"  # three notes; no word has blanks
RAMP: Final = 0.1  # of a note, at either end, to prevent clicks


class Tones:
    """A voice of plain tones: a note for each letter, and a pitch for each word.

    It is deterministic and uses no thread, because an autojumping clock does not wait for threads.
    A word sounds the same at every place and includes its own pause, so cutting a text at blanks
    does not change its audio.

    Speed and volume are exact. Emotions are ignored, and words are reported as they were written.
    Each spelled letter is followed by a pause, phonemes are played as letters, and laughter is
    three notes.
    """

    name: Final = "tones"

    async def speak(self, utterance: Utterance) -> Spoken:
        """Generate the notes of *utterance*, without waiting; it takes no virtual time."""
        await trio.lowlevel.checkpoint()
        frames = round(utterance.sample_rate / (LETTERS_PER_SECOND * utterance.speed))
        amplitude = round(LOUDNESS * utterance.volume)
        parts: list[bytes] = []
        words: list[Timed] = []
        phonemes: list[Timed] = []
        position = 0
        for word in _played(utterance):
            letters = list(filter(str.isalnum, word)) or [word]
            cycles = round(_hertz(utterance, word) * frames / utterance.sample_rate)
            note = _note(frames, cycles, amplitude) + bytes(2 * frames * utterance.spelled)
            parts += [note] * len(letters) + [bytes(2 * frames)]
            step = len(note) // 2
            starts = range(position, position + len(letters) * step, step)
            if word != LAUGHTER:
                phonemes += _letters(letters, starts)
                words.append(Timed(text=word, start=position, end=starts.stop))
            position = starts.stop + frames
        return Spoken(samples=b"".join(parts), words=tuple(words), phonemes=tuple(phonemes))


def _played(utterance: Utterance) -> Iterator[str]:
    """Return the words of the utterance, and `LAUGHTER` for each laugh, in order."""
    laughs = (span.start for span in utterance.spans if span.sound is Sound.LAUGHTER)
    units = sorted([*words_of(utterance), *((start, LAUGHTER) for start in laughs)])
    return (unit for _, unit in units)


def _hertz(utterance: Utterance, word: str) -> float:
    """Return the pitch of *word*; different words and voices usually have different ones.

    A clone plays few notes, the lowest of which has the pitch of its clip.
    """
    texts = utterance.timbre_id, word
    voice, step = (zlib.crc32(text.encode("utf-8", "replace")) for text in texts)
    clip_hertz = utterance.voice.pitch_hertz if utterance.voice else None
    if clip_hertz is not None:
        return clip_hertz + PITCH_HERTZ * ((voice + step) % CLONE_PITCHES)
    return LOWEST_HERTZ + PITCH_HERTZ * ((voice + step) % PITCHES)


def _letters(letters: list[str], starts: range) -> Iterator[Timed]:
    for letter, start in zip(letters, starts, strict=True):
        yield Timed(text=letter, start=start, end=start + starts.step)


@functools.lru_cache(maxsize=256)
def _note(frames: int, cycles: int, amplitude: int) -> bytes:
    """Return *cycles* whole waves in *frames* frames, so that notes join without a click."""
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
