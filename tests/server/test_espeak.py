# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import itertools
import statistics
import unicodedata
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_cartesia._protocol.audio import SAMPLE_RATES
from trio_cartesia.server import espeak
from trio_cartesia.server.espeak import LANGUAGES, Espeak
from trio_cartesia.server.espeak_process import EspeakCrashed
from trio_cartesia.server.libespeak import engine
from trio_cartesia.server.voice import Spoken, Utterance

ALL = "en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu no vi"
ALL += " bn th he ka id te gu kn ml mr pa or ur"
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


@pytest.mark.parametrize("language", SENTENCES)
def test_every_word_has_its_time(language: str) -> None:
    """
    The words are those written, in order, in every language; their times are inside the audio.
    """
    text = SENTENCES[language]
    speech = speak(text, language=language)
    assert words_of(speech) == text.split()
    check_times(speech)
    spoken = [word for word in speech.words if any(map(str.isalnum, word.text))]
    assert all(word.start < word.end for word in spoken)


def test_words_are_where_they_sound() -> None:
    """
    A word's time covers its own sounds: it is loud inside, and silent in the pause after it.
    """
    speech = speak("Seven. Seven, seven!")
    wave = np.abs(np.frombuffer(speech.samples, "<i2").astype(int))
    for word, following in itertools.pairwise(speech.words):
        assert wave[word.start : word.end].max() > 3000
        assert following.start - word.end > 0.05 * NATIVE
        assert wave[word.end + NATIVE // 100 : following.start].max() < 600


@pytest.mark.parametrize(
    "text", ["今天天气很好，我们去公园散步。", "きょうはとてもいいてんきですね。"]
)
def test_characters_share_their_word(text: str) -> None:
    """
    In Chinese and Japanese each character has a time, and only punctuation has an empty one.
    """
    speech = speak(text, language="zh" if "今" in text else "ja")
    assert words_of(speech) == list(text)
    check_times(speech)
    for word in speech.words:
        assert (word.start < word.end) == word.text.isalnum()


def test_it_is_speech() -> None:
    """
    Prose is loud enough without clipping, and 150 to 200 words of it take a minute.
    """
    speech = speak(PROSE)
    assert 800 < loudness(speech) < 4000
    assert np.abs(np.frombuffer(speech.samples, "<i2").astype(int)).max() < 26000
    assert 150 < len(PROSE.split()) / seconds(speech) * 60 < 200
    assert len(speech.phonemes) > len(PROSE) / 2


@pytest.mark.parametrize("language", ALL.split())
def test_every_language_has_its_voice(language: str) -> None:
    """
    The library has what each language of the service is mapped to, and says something in it.
    """
    assert LANGUAGES[language] in engine().voices()
    assert loudness(speak("a i o 1 2 3", language=language)) > 300


def test_there_are_no_other_languages() -> None:
    """
    The languages are those of the service; another is read as English, and a region is ignored.
    """
    assert set(LANGUAGES) == set(ALL.split())
    manners = {espeak._manner(utterance("a", language=code)) for code in ("en", "xx", "en-GB", "")}
    assert len(manners) == 1


@pytest.mark.parametrize("sample_rate", SAMPLE_RATES)
def test_rates_only_change_the_frames(sample_rate: int) -> None:
    """
    At every rate an utterance lasts as long, and its words are where they were.
    """
    speech, native = (speak(PROSE, sample_rate=rate) for rate in (sample_rate, NATIVE))
    assert seconds(speech, sample_rate) == pytest.approx(seconds(native), rel=0.01)
    assert loudness(speech) == pytest.approx(loudness(native), rel=0.2)
    check_times(speech)
    for word, same in zip(speech.words, native.words, strict=True):
        assert word.start / sample_rate == pytest.approx(same.start / NATIVE, abs=0.2)


def test_speed_is_heard() -> None:
    """
    Faster speech is shorter, about as much as it should be.
    """
    slow, normal, fast = (seconds(speak(PROSE, speed=speed)) for speed in (0.6, 1.0, 1.5))
    assert slow / normal == pytest.approx(1 / 0.6, rel=0.15)
    assert fast / normal == pytest.approx(1 / 1.5, rel=0.15)


def test_volume_is_heard() -> None:
    """
    Volume is a factor, and even the largest one does not clip.
    """
    quiet, normal, loud = (speak(PROSE, volume=volume) for volume in (0.5, 1.0, 2.0))
    assert loudness(quiet) * 2 == pytest.approx(loudness(normal), rel=0.1)
    assert loudness(loud) == pytest.approx(loudness(normal) * 2, rel=0.1)
    wave = np.abs(np.frombuffer(loud.samples, "<i2").astype(int))
    assert np.count_nonzero(wave >= 32767) < len(wave) / 10_000


def test_voices_differ_and_stay() -> None:
    """
    A voice id always has the same settings, and few share theirs.
    """
    names = [str(number) for number in range(100)]
    manners = [espeak._manner(utterance("a", voice_id=name)) for name in [*names, *espeak.KNOWN]]
    again = [espeak._manner(utterance("a", voice_id=name)) for name in [*names, *espeak.KNOWN]]
    assert manners == again
    assert len(set(manners)) > 95


@pytest.mark.parametrize(
    ("unit", "language", "counts"),
    [
        ("banana", "en", (10, 850)),
        ("w", "en", (100, 1000)),
        ("xkcdw ", "en", (10, 200)),
        ("1", "en", (100, 1000)),
        ("8", "ru", (100, 1000)),
        ("1234567 ", "en", (10, 100)),
        ("$3,456.78 ", "en", (10, 100)),
        ("привет", "ru", (20, 200)),
        ("오늘은 날씨가 아주 좋아서 공원에 갑니다 ", "ko", (3, 20)),
        ("한", "ko", (100, 1000)),
        ("きょうはとてもいいてんきですね", "ja", (5, 50)),
        ("今天天气很好我们去公园散步", "zh", (5, 50)),
        ("漢", "ja", (50, 500)),
        ("สวัสดีครับ", "th", (20, 200)),
        ("വണക്കം", "ml", (20, 200)),
        ("the lazy dog ", "en", (10, 100)),
    ],
)
@pytest.mark.slow
def test_nothing_is_cut_short(unit: str, language: str, counts: tuple[int, int]) -> None:
    """
    However long a word or a sentence is, all of it is spoken: time and sounds grow with it.
    """
    few, many = (speak(unit * count, language=language) for count in counts)
    factor = counts[1] / counts[0]
    assert seconds(many) / seconds(few) == pytest.approx(factor, rel=0.2)
    assert len(many.phonemes) / len(few.phonemes) == pytest.approx(factor, rel=0.2)
    check_times(many)


@given(text=st.text(max_size=300))
@settings(max_examples=50)
def test_portions_are_the_text(text: str) -> None:
    """
    Portions leave out nothing but blanks at the end, and none costs more than the library bears.
    """
    portions = list(espeak._portions(text))
    assert text.startswith("".join(portions))
    assert not text[sum(map(len, portions)) :].strip()
    assert all(sum(map(espeak._cost, portion)) <= espeak.BUDGET for portion in portions)


@pytest.mark.parametrize(
    ("unit", "language"),
    [("a lazy dog ", "en"), ("वह आया था ", "hi"), ("오늘은 날씨가 ", "ko")],
)
def test_seams_are_closed(unit: str, language: str) -> None:
    """
    Where a long sentence is divided at a blank, there is no more of a pause than between words.
    """
    text = unit * 60
    speech = speak(text, language=language)
    assert len(list(espeak._portions(text))) > 1
    gaps = [second.start - first.end for first, second in itertools.pairwise(speech.words)]
    assert max(gaps) < 0.06 * NATIVE


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t \u3000", "\x01", "\0", "\ud83d", "?!", "...", "— –"]
)
def test_next_to_nothing_is_spoken_quickly(text: str) -> None:
    """
    Text without a letter is no error: its words, if any, are there, and it is soon over.
    """
    speech = speak(text)
    assert words_of(speech) == text.split()
    assert seconds(speech) < 1
    check_times(speech)


@given(
    text=st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(["😀", "\ud800", "\udfff", "\0", "\x01", "\x1b", "<break/>", "&", "[["])
        ).map(" a".join),
    ),
    language=st.sampled_from(ALL.split()),
)
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
def test_any_text_is_survived(text: str, language: str) -> None:
    """
    Whatever the text, its words are all there and their times are in order; or it fails alone.
    """
    try:
        speech = speak(text, language=language)
    except EspeakCrashed:
        text = "Hello world"
        speech = speak(text, language=language)
    assert "".join(words_of(speech)) == "".join(text.split())
    check_times(speech)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("(-nej)", "da"),
        ('"-nej', "da"),
        ("(-hai)", "vi"),
        ("'-\u1555", "hi"),
        ("}-ৱড়", "bn"),
        (".-w", "ml"),
        ("`", "vi"),
        ("\u28ff", "fi"),
        ("Ⓜɇ", "mr"),
        pytest.param("s'" * 220, "en", marks=pytest.mark.slow),
    ],
)
def test_what_would_crash_the_library_is_kept_from_it(text: str, language: str) -> None:
    """
    Text that is known to end the process, by errors in the library, is survived.
    """
    for _ in range(20):
        assert words_of(speak(text, language=language)) == [text]


@pytest.mark.parametrize(
    "text", ["<break time='1s'/> hi", "<spell>AB</spell>", "<prosody>", "a < b"]
)
def test_markup_is_only_text(text: str) -> None:
    """
    Text is never taken for SSML, of which the library drops in silence what it does not like.
    """
    speech = speak(text)
    assert words_of(speech) == text.split()
    assert all(word.start < word.end for word in speech.words if word.text.strip("<"))


async def test_every_task_gets_its_own_words() -> None:
    """
    Tasks that speak at the same time do not mix their words or their audio.
    """
    voice = Espeak()
    texts = [" ".join(["word"] * count) for count in range(1, 13)]
    spoken = {}

    async def speak_one(text: str) -> None:
        spoken[text] = await voice.speak(utterance(text))

    async with trio.open_nursery() as nursery:
        for text in texts:
            nursery.start_soon(speak_one, text)
    assert [words_of(spoken[text]) for text in texts] == [text.split() for text in texts]
    lengths = [len(spoken[text].samples) for text in texts]
    assert lengths == sorted(lengths)


async def test_other_tasks_run_meanwhile() -> None:
    """
    A long text leaves the loop to other tasks: they run many times before it ends.
    """
    ticks = []

    async def tick() -> None:
        while True:
            ticks.append(trio.current_time())
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        await Espeak().speak(utterance(PROSE * 5))
        nursery.cancel_scope.cancel()
    assert len(ticks) > 5
    lags = [after - before for before, after in itertools.pairwise(ticks)]
    assert statistics.median(lags) < 0.03


async def test_a_cancelled_voice_stops() -> None:
    """
    A cancelled text of minutes ends soon, and the voice speaks the next one as ever.
    """
    voice = Espeak()
    start = trio.current_time()
    with trio.move_on_after(0.02) as scope:
        await voice.speak(utterance(PROSE * 1000))
    assert scope.cancelled_caught
    assert trio.current_time() - start < 1  # it would take three
    assert words_of(await voice.speak(utterance("Hello world"))) == ["Hello", "world"]


def test_symbols_are_whole_letters() -> None:
    """
    Phonemes are IPA, without control characters or halves of letters.
    """
    for language, text in SENTENCES.items():
        for phoneme in speak(text, language=language).phonemes:
            assert "\ufffd" not in phoneme.text
            assert not any(unicodedata.category(letter) == "Cc" for letter in phoneme.text)
