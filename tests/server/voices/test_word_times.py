# ruff: noqa: RUF001 - the letters of other scripts look like ours, and are meant

from __future__ import annotations

import itertools
from typing import Any

import pytest
import trio

from trio_cartesia.server.catalogue.models import LANGUAGES
from trio_cartesia.server.catalogue.voices import VOICES, VoiceEntry
from trio_cartesia.server.messages.inputs import Delivery
from trio_cartesia.server.tts.text_queue import Mark, Sentence, TextQueue
from trio_cartesia.server.voices.espeak.voice import Espeak
from trio_cartesia.server.voices.interface import Spoken, Utterance, Voice
from trio_cartesia.server.voices.tones import Tones

ENDS = ["", ".", "?", "! ", "… ", ", 1,234.50 ", " — ", " (A-1) ", ' "x"', "; 3% ", "\n\n", " 😀 "]
TAGS = ["", '<break time="1s"/>', '<speed ratio="0.8"/>', '<emotion value="sad"/> ', "[laughter] "]
SAMPLES = {
    "en": "The sun rose above the old harbour, and nobody spoke of the storm",
    "fr": "Je ne sais pas ce que c'est, mais il y a quelqu'un à la porte",
    "de": "Die Donaudampfschifffahrtsgesellschaft fährt am 3.5. um 12:30 Uhr ab",
    "es": "¿Qué tal estás hoy? ¡Muy bien, gracias! Vamos a la playa",
    "pt": "Amanhã vamos à praia, se não chover, com os avós",
    "zh": "今天天气很好，我们去公园散步，然后回家吃饭",
    "ja": "きょうはとてもいいてんきですね、さんぽにいきましょう",
    "hi": "वह 12 बजे आया था, और फिर चला गया। हम बाद में मिलेंगे",
    "it": "Non lo so di che cosa parli, ma ti ascolto volentieri",
    "ko": "오늘은 날씨가 아주 좋아서 공원에 갑니다, 같이 갈까요",
    "nl": "Morgen gaat het regenen, dus blijven we lekker thuis",
    "pl": "Chrząszcz brzmi w trzcinie, a pies śpi pod stołem",
    "ru": "Быстрая лиса прыгает через ленивую собаку в 12 часов",
    "tr": "Yarın sabah erken kalkıp denize gideceğiz, sen de gel",
    "ar": "الطقس جميل جدا اليوم، سنذهب إلى الحديقة",
    "el": "Ο ήλιος ανατέλλει πάνω από τη θάλασσα, και όλα είναι ήσυχα",
    "fi": "Huomenna ehkä sataa, mutta lähdemme silti metsään",
    "ta": "இன்று வானிலை நன்றாக இருக்கிறது, வெளியே போகலாம்",
    "vi": "Hôm nay trời đẹp, chúng ta đi dạo ở công viên nhé",
    "th": "วันนี้อากาศดีมาก เราไปเดินเล่นกัน แล้วกลับบ้าน",
    "he": "היום מזג האוויר יפה, ונלך לטייל בפארק",
}
TEXTS = [  # more than 200, in 21 languages
    (language, f"{text[: len(text) * part // 3]}{tag}{text[len(text) * part // 3 :]}{end}")
    for number, (language, text) in enumerate(SAMPLES.items())
    for part, tag, end in (
        (index % 4, TAGS[(number + index) % len(TAGS)], ENDS[(number + 7 * index) % len(ENDS)])
        for index in range(10)
    )
]


def voices_of(language: str) -> list[VoiceEntry]:
    return [voice for voice in VOICES if voice.language == language]


def pieces(*inputs: str) -> list[Sentence]:
    """What a context would have spoken."""
    queue = TextQueue(3.0)
    for text in inputs:
        queue.write(text, Delivery(), 0.0)
    queue.mark(Mark.END)
    items = iter(lambda: queue.take(0.0), Mark.END)
    return [item for item in items if isinstance(item, Sentence)]


def utterance(sentence: Sentence, voice: VoiceEntry, **settings: Any) -> Utterance:
    return Utterance(
        text=sentence.text,
        voice_id=voice.id,
        sample_rate=22050,
        speed=sentence.delivery.speed,
        emotion=sentence.delivery.emotion,
        spelled=sentence.spelled,
        closes=sentence.closes,
        spans=sentence.spans,
        **settings,
    )


def spoken(espeak_client: Voice, text: str, voice: VoiceEntry) -> list[Spoken]:
    async def speak() -> list[Spoken]:
        return [await espeak_client.speak(utterance(piece, voice)) for piece in pieces(text)]

    return trio.run(speak)


def check(text: str, speeches: list[Spoken]) -> None:
    """Words are monotone, inside the audio, and make the text but for blanks and tags."""
    for speech in speeches:
        size = len(speech.samples) // 2
        edges = [0, *(edge for word in speech.words for edge in (word.start, word.end)), size]
        assert edges == sorted(edges)
    for tag in TAGS:
        text = text.replace(tag.strip() or " ", " ")
    words = "".join(word.text for speech in speeches for word in speech.words)
    assert words == "".join(text.split())


def test_tones_have_every_word_of_many_texts() -> None:
    """For 200 texts in 21 languages, the words of tones are those of the text, and inside the
    audio.
    """
    assert len(set(TEXTS)) >= 200
    for language, text in TEXTS:
        check(text, spoken(Tones(), text, voices_of(language)[0]))


@pytest.mark.parametrize("language", sorted(SAMPLES))
@pytest.mark.slow
def test_speech_has_every_word_of_many_texts(language: str) -> None:
    """For 200 texts in 21 languages, the words of speech are those of the text,
    inside the audio.
    """
    voices = itertools.cycle(voices_of(language))
    for text in (text for code, text in TEXTS if code == language):
        check(text, spoken(Espeak(), text, next(voices)))


@pytest.mark.parametrize("language", sorted(SAMPLES))
def test_any_split_gives_the_same_words(language: str) -> None:
    """Wherever a text is split over two inputs, it is spoken in the same pieces."""
    text = f"{SAMPLES[language]}. {SAMPLES[language]}!"
    assert all(pieces(text[:place], text[place:]) == pieces(text) for place in range(1, len(text)))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_long_text_is_spoken_to_its_end(language: str) -> None:
    """In every language, ten times the text without a stop takes ten times as long."""
    sample = SAMPLES.get(language, "a la casa i otra mina to sola")
    sample = "".join(letter for letter in sample if letter not in ".,?!;:।،，、¿¡")
    voice = voices_of(language)[0]
    one, ten = (spoken(Espeak(), f"{sample} " * count, voice) for count in (1, 10))
    assert seconds(ten) == pytest.approx(10 * seconds(one), rel=0.25)
    words = [word.text for speech in ten for word in speech.words]
    assert "".join(words) == "".join(sample.split()) * 10
    unvoiced = [word for speech in ten for word in speech.words if word.start == word.end]
    assert len(unvoiced) <= len(words) * 0.05


def seconds(speeches: list[Spoken]) -> float:
    """Of sound: pauses at the ends of pieces do not count."""
    return sum(speech.words[-1].end for speech in speeches) / 22050
