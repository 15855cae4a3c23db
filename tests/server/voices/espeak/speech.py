from __future__ import annotations

from typing import Any

import numpy as np
import trio

from trio_cartesia.server.catalogue.voices import VOICES
from trio_cartesia.server.text.markup import Sound, Span, find_markup
from trio_cartesia.server.voices.espeak.voice import Espeak
from trio_cartesia.server.voices.interface import Spoken, Timed, Utterance

PROSE = (
    "The sun had just begun to rise above the old harbour, and the first boats were already on "
    "their way out. Nobody spoke; there was nothing to say. A gull followed them for a while, "
    "then it turned back towards the land, where the bakers were opening their doors."
)
SENTENCES = {
    "en": "On 12/05/2024 we paid $3,456.78 to Dr. O'Neil (a.b@c.org), then left 😀 — at last.",
    "de": "Am 3.5.2024 kosten 1.234,56 € etwa 99% mehr als früher, oder?",
    "fr": "Je ne sais pas ce que c'est, mais il y a quelqu'un !",
    "it": "Non lo so di che cosa parli.",
    "es": "¿Qué tal? ¡Muy bien, gracias!",
    "ru": "Быстрая лиса прыгает через ленивую собаку в 12 часов.",
    "ko": "오늘은 날씨가 아주 좋아서 공원에 갑니다.",
    "hi": "वह 12 बजे आया था, और फिर चला गया।",
    "ar": "الطقس جميل جدا اليوم.",
    "th": "วันนี้อากาศดีมาก เราไปเดินเล่นกัน",
}
NATIVE = 22050
IDS = {voice.name: voice.id for voice in VOICES}


def utterance(text: str, **settings: Any) -> Utterance:
    return Utterance(**{"text": text, "voice_id": "a", "sample_rate": NATIVE, **settings})


def speak(text: str, **settings: Any) -> Spoken:
    return trio.run(Espeak().speak, utterance(text, **settings))


def seconds(speech: Spoken, sample_rate: int = NATIVE) -> float:
    return len(speech.samples) / 2 / sample_rate


def words_of(speech: Spoken) -> list[str]:
    return [word.text for word in speech.words]


def loudness(speech: Spoken) -> float:
    return float(np.sqrt(np.mean(np.square(np.frombuffer(speech.samples, "<i2"), dtype=float))))


def check_times(speech: Spoken) -> None:
    size = len(speech.samples) // 2
    for times in (speech.words, speech.phonemes):
        edges = [0, *(edge for timed in times for edge in (timed.start, timed.end)), size]
        assert edges == sorted(edges)


def marked(text: str, **settings: Any) -> Utterance:
    """An utterance of a text that has laughter and phonemes in it."""
    spans, start = [], 0
    while markup := find_markup(text, start, len(text)):
        assert isinstance(markup.effect, Sound)
        spans.append(Span(markup.start, markup.end, markup.effect))
        start = markup.end
    return utterance(text, spans=tuple(spans), **settings)


def sounds_in(speech: Spoken, word: Timed) -> str:
    inside = (sound for sound in speech.phonemes if word.start <= sound.start < word.end)
    return "".join(sound.text for sound in inside)
