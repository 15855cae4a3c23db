# ruff: noqa: RUF001 - the letters of other scripts look like ours, and are meant

"""
How far the times of words are from the sound of them.

Where a text pauses, its audio is silent, so that the start of the next word shows in the samples.
"""

from __future__ import annotations

import statistics

import numpy as np
import numpy.typing as npt
import pytest
import trio

from trio_cartesia.server.catalogue.voices import VOICES
from trio_cartesia.server.voices.espeak.voice import Espeak
from trio_cartesia.server.voices.interface import Spoken, Utterance

SAMPLE_RATE = 22050
FRAME = SAMPLE_RATE // 200  # 5 ms
SILENCE_FRAMES = 30  # 150 ms: more than a stop, if not a long one such as a slow Finnish tt
QUIET = 0.01  # of the peak
TEXTS = {
    "en": "Yes, we can. Later, however, the boats left; nobody spoke. A gull followed them, alone.",
    "de": "Ja, gerne. Morgen, sagte er, wird es regnen; bleib lieber hier. Wir reden, dann essen.",
    "fr": "Oui, bien sûr. Demain, peut-être, nous verrons; restez ici. La mer, dit-on, est calme.",
    "es": "Sí, claro. Mañana, quizás, lloverá; quédate aquí. La casa, el perro, y la luna.",
    "pt": "Sim, claro. Amanhã, talvez, vai chover; fique aqui. A casa, o mar, e a lua.",
    "it": "Sì, certo. Domani, forse, pioverà; resta qui. La casa, il cane, e la luna.",
    "nl": "Ja, graag. Morgen, zei hij, gaat het regenen; blijf hier. Wij praten, dan eten we.",
    "pl": "Tak, jasne. Jutro, może, będzie padać; zostań tutaj. Dom, pies, i woda.",
    "ru": "Да, конечно. Завтра, говорят, будет дождь; оставайся. Дом, лес, и река.",
    "tr": "Evet, tabii. Yarın, belki, yağmur yağacak; burada kal. Ev, deniz, ve ay.",
    "sv": "Ja, visst. Imorgon, kanske, regnar det; stanna här. Huset, skogen, och sjön.",
    "hi": "हाँ, ज़रूर। कल, शायद, बारिश होगी; यहीं रहो। घर, नदी, और चाँद।",
    "id": "Ya, tentu. Besok, mungkin, akan hujan; tinggal di sini. Rumah, laut, dan bulan.",
    "fi": "Kyllä, tietysti. Huomenna, ehkä, sataa; jää tänne. Talo, metsä, ja järvi.",
}


def onsets(speech: Spoken) -> list[int]:
    """Return where sound begins after silence, in samples."""
    wave = np.frombuffer(speech.samples, "<i2").astype(float)
    count = len(wave) // FRAME
    peaks: npt.NDArray[np.float64] = np.abs(wave[: count * FRAME].reshape(-1, FRAME)).max(axis=1)
    loud = np.flatnonzero(peaks > QUIET * peaks.max())
    gaps = np.diff(loud, prepend=-SILENCE_FRAMES - 1)
    return [int(index) * FRAME for index in loud[gaps > SILENCE_FRAMES]]


def errors_ms(speech: Spoken) -> list[float]:
    """Return how far the nearest word's start is from each onset, negative where it is early."""
    starts = [word.start for word in speech.words if word.end > word.start]
    nearest = [(min(starts, key=lambda start: abs(start - at)), at) for at in onsets(speech)]
    return [1000 * (start - at) / SAMPLE_RATE for start, at in nearest]


async def word_errors_ms(language: str, speakers: int) -> list[float]:
    """Return the errors of a language's text, in several voices and at three speeds."""
    found: list[float] = []
    voices = [voice for voice in VOICES if voice.language == language][:speakers]
    for voice in voices:
        for speed in (0.75, 1.0, 1.3):
            utterance = Utterance(
                text=TEXTS[language], voice_id=voice.id, sample_rate=SAMPLE_RATE, speed=speed
            )
            found += errors_ms(await Espeak().speak(utterance))
    return found


@pytest.mark.slow
def test_words_begin_where_their_sound_begins() -> None:
    """
    Where sound begins after a pause, a word begins within 60 ms, in 14 languages and all speeds.
    """
    for language in TEXTS:
        errors = list(map(abs, trio.run(word_errors_ms, language, 2)))
        assert len(errors) >= 10
        assert max(errors) <= 60
        assert statistics.median(errors) <= 10
