"""The voice ``espeak``: real speech from eSpeak NG.

An utterance is synthesised in portions that the library does not truncate. Pauses at the seams are
removed, and times count from the start of the utterance.
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
from trio_cartesia.server.voices.espeak.input_text import EspeakInput, prepare_input
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
from trio_cartesia.server.voices.espeak.voices import emotion_profile, language_of, voice_parameters
from trio_cartesia.server.voices.interface import Spoken, Timed, Utterance

__all__ = ["Espeak"]

GAIN: Final = 0.55  # so that twice the volume does not clip: peaks are at 24,000 to 30,000
LOUDEST: Final = 2.0  # of the volume and the emotion together
SLOWEST, FASTEST = 80, 449  # words per minute; the library does not support others
TRIES: Final = 3  # at a speed
CLOSE_ENOUGH: Final = 0.01  # of the length

_SPELL: Final = '<say-as interpret-as="characters">'
_SPELT: Final = "</say-as>"
_ESCAPES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_UNNAMED: Final = {"vi": "'()<[]{}", "mr": '"'}  # by language; in spellings they crash the library


class Espeak:
    """The voice ``espeak``: synthetic but clear speech, in all languages of the service.

    Voices of the catalogue differ in timbre, pitch and accent, by gender and locale. For any other
    id, the voice is derived from the id. A language with a region has the accent of that region, if
    eSpeak NG has it or a similar one. A voice speaks its own language with its own accent, and
    others with the usual accent and its own timbre. Unknown languages are read as English.

    The length is exact to about two percent of the speed, and the volume is exact until samples
    clip. Emotions are approximate: nine groups of them (`espeak.voices`) change the pitch, its
    range, the speed and the volume. The speed and volume of the emotion are multiplied with those
    of the request.

    Laughter is three syllables. Phonemes are approximate (`espeak.phonemes`). English figures are
    read by rules of this package (`text.normalization`), which also give the normalised words. In
    other languages eSpeak NG applies its own rules, and words are reported as they were written.
    Without normalization, digits are read one by one.

    Repeated utterances may differ slightly, because the library keeps state between texts.
    """

    name: Final = "espeak"

    def __init__(self) -> None:
        self._turn = trio.CapacityLimiter(1)  # the library does one thing at a time
        espeak_client.start()

    async def speak(self, utterance: Utterance) -> Spoken:
        """Speak *utterance* in a worker thread; a sentence takes some milliseconds.

        If cancelled, the thread stops after at most one more second of audio, which takes about a
        millisecond; if the child does not respond, after a tenth of a second.

        Raises:
            RuntimeError: The library cannot be started, failed, crashed or did not respond.
        """
        return await trio.to_thread.run_sync(_speak, utterance, limiter=self._turn)


def _speak(utterance: Utterance) -> Spoken:
    parameters = voice_parameters(utterance)
    espeak_input = _input_for(utterance, parameters)
    synthesis = _synthesise_at_speed(utterance, espeak_input, parameters)
    native = espeak_client.sample_rate
    volume = min(LOUDEST, utterance.volume * emotion_profile(utterance.emotion).volume)
    samples = _at_rate(synthesis.samples, native, utterance.sample_rate, volume)

    def scaled(timed: Timed) -> Timed:
        start, end = (
            min(len(samples), round(frame * utterance.sample_rate / native))
            for frame in (timed.start, timed.end)
        )
        return Timed(text=timed.text, start=start, end=end)

    return Spoken(
        samples=samples.tobytes(),
        words=tuple(map(scaled, word_times(espeak_input.words, synthesis))),
        phonemes=tuple(map(scaled, phoneme_times(synthesis))),
    )


def _input_for(utterance: Utterance, parameters: VoiceParameters) -> EspeakInput:
    checkpoint = trio.from_thread.check_cancelled
    to_mnemonics = functools.partial(mnemonics, voice=parameters.voice, checkpoint=checkpoint)
    return prepare_input(
        utterance,
        language=language_of(utterance),
        laughter=to_mnemonics(LAUGHTER) if utterance.spans else "",
        mnemonics=to_mnemonics,
        checkpoint=checkpoint,
    )


def _synthesise_at_speed(
    utterance: Utterance, espeak_input: EspeakInput, parameters: VoiceParameters
) -> Synthesis:
    """Synthesise at the requested speed.

    The library treats words per minute only as a hint, so the text is synthesised again until its
    length is about right, compared with that at speed 1.
    """
    synthesis = _synthesise_portions(utterance, espeak_input, parameters)
    goal = len(synthesis.samples) / utterance.speed
    if utterance.speed == 1 or not goal:
        return synthesis
    pace = parameters.words_per_minute * utterance.speed
    for _ in range(TRIES):
        words_per_minute = round(min(FASTEST, max(SLOWEST, pace)))
        synthesis = _synthesise_portions(
            utterance, espeak_input, attrs.evolve(parameters, words_per_minute=words_per_minute)
        )
        excess = len(synthesis.samples) / goal
        if abs(excess - 1) < CLOSE_ENOUGH:
            break
        pace *= excess
    return synthesis


def _synthesise_portions(
    utterance: Utterance, espeak_input: EspeakInput, parameters: VoiceParameters
) -> Synthesis:
    """Synthesise the portions of a text, and join them."""
    samples: list[npt.NDArray[np.int16]] = []
    events: list[Event] = []
    position = frames = 0
    stop = len(espeak_input.text.rstrip())
    for portion in portions(
        espeak_input.text, spelled=utterance.spelled, sounds=espeak_input.sounds
    ):
        data, found = _synthesise(portion, parameters, utterance, espeak_input)
        position_here = position
        position += len(portion)
        size = len(data) // 2
        is_last = position >= stop
        if not pauses(portion) and not (is_last and utterance.closes):
            size = end_of_sound(sounds_of(found), 0, size)
        samples.append(np.frombuffer(data, np.int16)[:size])
        for event in found:
            frame, place = frames + min(event.frame, size), position_here + event.position
            events.append(attrs.evolve(event, frame=frame, position=place))
        frames += size
    return Synthesis(samples=np.concatenate(samples or [np.empty(0, np.int16)]), events=events)


def _synthesise(
    portion: str, parameters: VoiceParameters, utterance: Utterance, espeak_input: EspeakInput
) -> tuple[bytes, list[Event]]:
    """Synthesise a portion in the notation it needs; markup in the text is escaped."""
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
    if espeak_input.sounds:
        parameters = attrs.evolve(parameters, flags=PHONEMES)
    return espeak_client.synthesise(portion, parameters, checkpoint=checkpoint)


def _spelling(character: str) -> str:
    """Return the markup for one character of a spelling.

    The names of emoji and other symbols would crash the library within a spelling.
    """
    if character.isascii() or unicodedata.category(character)[0] in "LMN":
        return _ESCAPES.get(character, character)
    return f"{_SPELT} {character} {_SPELL}"


def _at_rate(
    samples: npt.NDArray[np.int16], native: int, sample_rate: int, volume: float
) -> npt.NDArray[np.int16]:
    """Resample *samples* and apply the volume.

    Intermediate samples are 32-bit floats, because soxr would add noise to integers.
    """
    wave = samples.astype(np.float32) * np.float32(GAIN * volume)
    if native != sample_rate and len(wave):
        wave = soxr.resample(wave, native, sample_rate)
    clipped: npt.NDArray[np.int16] = np.clip(np.rint(wave), -32768, 32767).astype("<i2")
    return clipped
