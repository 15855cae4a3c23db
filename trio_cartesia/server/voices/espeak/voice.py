"""Real speech, from eSpeak NG: how an `Utterance` becomes calls of the library, and `Spoken` again.

The library cuts long words and busy clauses short without notice, so it is given portions that it
can take whole. The seams between them are closed, and the times count from the utterance's start.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import unicodedata
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import soxr
import trio

from trio_cartesia.server.voices.espeak.client import espeak_client
from trio_cartesia.server.voices.espeak.input_text import EspeakInput, read
from trio_cartesia.server.voices.espeak.library import PHONEMES, SSML, Event, VoiceParameters
from trio_cartesia.server.voices.espeak.phonemes import LAUGHTER, mnemonics
from trio_cartesia.server.voices.espeak.portions import pauses, portions
from trio_cartesia.server.voices.espeak.timing import (
    Synthesis,
    end_of_sound,
    phoneme_times,
    sounds_of,
    word_times,
)
from trio_cartesia.server.voices.espeak.voices import language_of, manner_of, mood_of
from trio_cartesia.server.voices.interface import Spoken, Timed, Utterance

__all__ = ["Espeak"]

GAIN: Final = 0.55  # leaves room for twice the volume: the library peaks at 24,000 to 30,000
LOUDEST: Final = 2.0  # of the volume and the emotion together
SLOWEST, FASTEST = 80, 449  # words a minute; past them the library does something else
TRIES: Final = 3  # at a speed
CLOSE_ENOUGH: Final = 0.01  # of the length

_SPELL: Final = '<say-as interpret-as="characters">'
_SPELT: Final = "</say-as>"
_ESCAPES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_UNNAMED: Final = {"vi": "'()<[]{}", "mr": '"'}  # by language; in spellings they crash the library


class Espeak:
    """The voice ``espeak``: clear, quick and a bit of a robot, in all languages of the service.

    Voices of the catalogue differ in timbre, pitch and accent, by gender and locale; an id that is
    not in it always has the same voice, by chance. A language with a region is spoken as there,
    where eSpeak NG has that or something near; the speaker's own language is spoken with the
    speaker's own accent, and others as they are usually spoken, with the speaker's timbre. What it
    does not know is read as English.

    Speed is exact to about two percent of the length, and volume to the sample, until it clips.
    Emotions are approximate: nine groups of them (`espeak_voices`) change the pitch, its range, the
    pace and the loudness of the same voice. With an emotion, speed and volume are factors of that.

    Laughter is three syllables. Phonemes are approximate too: see `espeak_phonemes`. English
    figures are read by rules of our own (`normalize`), which is what normalised words are; in other
    languages eSpeak NG has its own, and words are reported as they were written. Without
    normalization digits are read one by one.

    The same utterance may differ a little from one time to the next, since the library remembers
    what it spoke before.
    """

    name: Final = "espeak"

    def __init__(self) -> None:
        self._turn = trio.CapacityLimiter(1)  # the library does one thing at a time
        espeak_client.start()

    async def speak(self, utterance: Utterance) -> Spoken:
        """Speak *utterance* in a worker thread; a sentence takes some milliseconds.

        If cancelled, the thread stops after at most one more second of audio, which takes about a
        millisecond; if the child process does not respond, after a tenth of a second.

        Raises:
            RuntimeError: The library cannot be started, gave up, crashed or did not respond.
        """
        return await trio.to_thread.run_sync(_speak, utterance, limiter=self._turn)


def _speak(utterance: Utterance) -> Spoken:
    parameters = manner_of(utterance)
    reading = _reading(utterance, parameters)
    take = _at_speed(utterance, reading, parameters)
    native = espeak_client.sample_rate
    volume = min(LOUDEST, utterance.volume * mood_of(utterance.emotion).volume)
    samples = _at_rate(take.samples, native, utterance.sample_rate, volume)

    def scaled(timed: Timed) -> Timed:
        start, end = (
            min(len(samples), round(frame * utterance.sample_rate / native))
            for frame in (timed.start, timed.end)
        )
        return Timed(text=timed.text, start=start, end=end)

    return Spoken(
        samples=samples.tobytes(),
        words=tuple(map(scaled, word_times(reading.words, take))),
        phonemes=tuple(map(scaled, phoneme_times(take))),
    )


def _reading(utterance: Utterance, parameters: VoiceParameters) -> EspeakInput:
    checkpoint = trio.from_thread.check_cancelled
    to_mnemonics = functools.partial(mnemonics, voice=parameters.voice, checkpoint=checkpoint)
    return read(
        utterance,
        language=language_of(utterance),
        laughter=to_mnemonics(LAUGHTER) if utterance.spans else "",
        mnemonics=to_mnemonics,
        checkpoint=checkpoint,
    )


def _at_speed(utterance: Utterance, reading: EspeakInput, parameters: VoiceParameters) -> Synthesis:
    """Speak at the speed asked for.

    The library's words a minute are only a hint, so the length is compared with that of the same
    text at speed 1, until it is about right.
    """
    take = _take(utterance, reading, parameters)
    goal = len(take.samples) / utterance.speed
    if utterance.speed == 1 or not goal:
        return take
    pace = parameters.words_per_minute * utterance.speed
    for _ in range(TRIES):
        words_per_minute = round(min(FASTEST, max(SLOWEST, pace)))
        take = _take(
            utterance, reading, attrs.evolve(parameters, words_per_minute=words_per_minute)
        )
        excess = len(take.samples) / goal
        if abs(excess - 1) < CLOSE_ENOUGH:
            break
        pace *= excess
    return take


def _take(utterance: Utterance, reading: EspeakInput, parameters: VoiceParameters) -> Synthesis:
    """Speak a text portion by portion, as if it were spoken in one go."""
    samples: list[npt.NDArray[np.int16]] = []
    events: list[Event] = []
    position = frames = 0
    stop = len(reading.text.rstrip())
    for portion in portions(reading.text, spelled=utterance.spelled, sounds=reading.sounds):
        data, heard = _synthesise(portion, parameters, utterance, reading)
        position_here = position
        position += len(portion)
        size = len(data) // 2
        is_last = position >= stop
        if not pauses(portion) and not (is_last and utterance.closes):
            size = end_of_sound(sounds_of(heard), 0, size)
        samples.append(np.frombuffer(data, np.int16)[:size])
        for event in heard:
            frame, place = frames + min(event.frame, size), position_here + event.position
            events.append(attrs.evolve(event, frame=frame, position=place))
        frames += size
    return Synthesis(samples=np.concatenate(samples or [np.empty(0, np.int16)]), events=events)


def _synthesise(
    portion: str, parameters: VoiceParameters, utterance: Utterance, reading: EspeakInput
) -> tuple[bytes, list[Event]]:
    """Speak a portion in the notation that it needs; nobody else's markup reaches the library."""
    checkpoint = trio.from_thread.check_cancelled
    if utterance.spelled:
        mute = _UNNAMED.get(language_of(utterance), "")
        escaped = [" " if letter in mute else _spelling(letter) for letter in portion]
        text = f"{_SPELL}{''.join(escaped)}{_SPELT}"
        parameters = attrs.evolve(parameters, flags=SSML)
        data, events = espeak_client.synthesise(text, parameters, checkpoint=checkpoint)
        places = list(itertools.accumulate(map(len, escaped), initial=len(_SPELL)))

        def unescaped(event: Event) -> Event:
            place = bisect.bisect_right(places, event.position) - 1
            return attrs.evolve(event, position=min(max(0, place), len(portion) - 1))

        return data, list(map(unescaped, events))
    if reading.sounds:
        parameters = attrs.evolve(parameters, flags=PHONEMES)
    return espeak_client.synthesise(portion, parameters, checkpoint=checkpoint)


def _spelling(character: str) -> str:
    """Return a character of a spelling as markup.

    Emoji and other symbols are spoken by their names, which in a spelling crashes the library.
    """
    if character.isascii() or unicodedata.category(character)[0] in "LMN":
        return _ESCAPES.get(character, character)
    return f"{_SPELT} {character} {_SPELL}"


def _at_rate(
    samples: npt.NDArray[np.int16], native: int, sample_rate: int, volume: float
) -> npt.NDArray[np.int16]:
    """Bring *samples* to another rate, and to the volume asked for.

    In between they are 32-bit floats: soxr would add noise to integers.
    """
    wave = samples.astype(np.float32) * np.float32(GAIN * volume)
    if native != sample_rate and len(wave):
        wave = soxr.resample(wave, native, sample_rate)
    clipped: npt.NDArray[np.int16] = np.clip(np.rint(wave), -32768, 32767).astype("<i2")
    return clipped
