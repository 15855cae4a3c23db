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

from trio_cartesia._protocol.base.audio import SAMPLE_RATES
from trio_cartesia.server.catalogue.voices import VOICES
from trio_cartesia.server.text.markup import Sound, Span, find_markup
from trio_cartesia.server.voices.espeak import portions as espeak_portions
from trio_cartesia.server.voices.espeak.client import EspeakCrashed
from trio_cartesia.server.voices.espeak.portions import BUDGET, portions
from trio_cartesia.server.voices.espeak.voice import Espeak
from trio_cartesia.server.voices.interface import Spoken, Timed, Utterance

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


@pytest.mark.parametrize("language", SENTENCES)
def test_every_word_has_its_time(language: str) -> None:
    """The words are those written, in order, in every language; their times are
    inside the audio.
    """
    text = SENTENCES[language]
    speech = speak(text, language=language)
    assert words_of(speech) == text.split()
    check_times(speech)
    spoken = [word for word in speech.words if any(map(str.isalnum, word.text))]
    assert all(word.start < word.end for word in spoken)


def test_words_are_where_they_sound() -> None:
    """A word's time covers its own sounds: it is loud inside, and silent in the pause after it."""
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
    """In Chinese and Japanese each character has a time, and only punctuation has an empty one."""
    speech = speak(text, language="zh" if "今" in text else "ja")
    assert words_of(speech) == list(text)
    check_times(speech)
    for word in speech.words:
        assert (word.start < word.end) == word.text.isalnum()


def test_it_is_speech() -> None:
    """Prose is loud enough without clipping, and 150 to 200 words of it take a minute."""
    speech = speak(PROSE)
    assert 800 < loudness(speech) < 4000
    assert np.abs(np.frombuffer(speech.samples, "<i2").astype(int)).max() < 26000
    assert 150 < len(PROSE.split()) / seconds(speech) * 60 < 200
    assert len(speech.phonemes) > len(PROSE) / 2


@pytest.mark.parametrize("sample_rate", SAMPLE_RATES)
def test_rates_only_change_the_frames(sample_rate: int) -> None:
    """At every rate an utterance lasts as long, and its words are where they were."""
    speech, native = (speak(PROSE, sample_rate=rate) for rate in (sample_rate, NATIVE))
    assert seconds(speech, sample_rate) == pytest.approx(seconds(native), rel=0.01)
    assert loudness(speech) == pytest.approx(loudness(native), rel=0.2)
    check_times(speech)
    for word, same in zip(speech.words, native.words, strict=True):
        assert word.start / sample_rate == pytest.approx(same.start / NATIVE, abs=0.2)


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("speed", [0.6, 0.8, 1.25, 1.5])
def test_speed_is_exact(language: str, speed: float) -> None:
    """Speech is as much shorter as it is faster, to four percent: how long eSpeak NG makes a text
    depends a little on what it spoke before.
    """
    normal, other = (
        seconds(speak(SENTENCES[language], language=language, speed=factor))
        for factor in (1.0, speed)
    )
    assert other * speed == pytest.approx(normal, rel=0.04)


@pytest.mark.parametrize("name", ["Clara", "Owen", "Robin"])
@pytest.mark.parametrize("volume", [0.5, 0.8, 1.5, 2.0])
def test_volume_is_exact(name: str, volume: float) -> None:
    """Volume is a factor, to two percent, and even the largest one hardly clips."""
    normal, other = (speak(PROSE, voice_id=IDS[name], volume=factor) for factor in (1.0, volume))
    assert loudness(other) == pytest.approx(loudness(normal) * volume, rel=0.02)
    wave = np.abs(np.frombuffer(other.samples, "<i2").astype(int))
    assert np.count_nonzero(wave >= 32767) < len(wave) / 10_000


def test_emotions_are_heard() -> None:
    """Anger is fast and loud, sadness slow and low, and neither touches the words."""
    neutral, angry, sad = (speak(PROSE, emotion=name) for name in (None, "angry", "sad"))
    assert seconds(angry) < 0.95 * seconds(neutral) < 0.85 * seconds(sad)
    assert loudness(angry) > 1.15 * loudness(neutral) > 1.3 * loudness(sad)
    assert words_of(angry) == words_of(neutral) == words_of(sad)


def test_an_emotion_has_speeds_too() -> None:
    """With an emotion, speed is a factor of that emotion's pace, and volume
    never exceeds the most.
    """
    normal, fast = (seconds(speak(PROSE, emotion="sad", speed=speed)) for speed in (1.0, 1.5))
    assert fast * 1.5 == pytest.approx(normal, rel=0.03)
    loud, louder = (speak(PROSE, volume=2.0, emotion=name) for name in ("neutral", "angry"))
    assert loudness(louder) == pytest.approx(loudness(loud), rel=0.1)


def marked(text: str, **settings: Any) -> Utterance:
    """An utterance of a text that has laughter and phonemes in it."""
    spans, start = [], 0
    while markup := find_markup(text, start, len(text)):
        assert isinstance(markup.effect, Sound)
        spans.append(Span(markup.start, markup.end, markup.effect))
        start = markup.end
    return utterance(text, spans=tuple(spans), **settings)


def test_spelling_reads_every_character() -> None:
    """What is spelled is spoken letter by letter, in its own words, and it takes longer."""
    plain, spelled = (speak("ABBA 12 <&>.", spelled=spelled) for spelled in (False, True))
    assert words_of(spelled) == words_of(plain) == ["ABBA", "12", "<&>."]
    sounds = "".join(phoneme.text for phoneme in spelled.phonemes).replace("ˈ", "").replace("ˌ", "")
    assert sounds.startswith("eɪbiːbiːeɪwʌntuː")
    assert "æmpəsænd" in sounds
    assert seconds(spelled) > seconds(plain)
    check_times(spelled)


def test_symbols_are_spelled_by_their_names() -> None:
    """An emoji in a spelling is named, which would crash some languages if it were a letter."""
    for language in ("en", "te", "mr", "vi", "ka"):
        speech = speak('A😀"(1) B', language=language, spelled=True)
        assert words_of(speech) == ['A😀"(1)', "B"]
        check_times(speech)


def test_phonemes_are_in_one_portion() -> None:
    """Phonemes are never divided, wherever a portion ends."""
    text = "word " * 60 + "[[" + "a" * 150 + "]]" + "1" * 60
    for start in range(0, 300, 5):
        place = (300 - start, 300 - start + 154)
        found = list(portions(text[start:], sounds=[place]))
        assert "".join(found) == text[start:]
        assert any("[[" in portion and "]]" in portion for portion in found)


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_a_long_spelling_is_read_to_its_end(language: str) -> None:
    """A spelling takes as long as it has letters, in every language."""
    few, many = (speak("AB12 " * count, language=language, spelled=True) for count in (5, 40))
    assert seconds(many) / seconds(few) == pytest.approx(8, rel=0.2)
    assert words_of(many) == ["AB12"] * 40
    check_times(many)


def test_phonemes_are_spoken_as_they_are() -> None:
    """A word in phonemes sounds like them, in one time, and is reported as it was written."""
    text = "I said <<p|ə|ˈk|ɑː|n>>, not <<ʃ|iː>>."
    speech = trio.run(Espeak().speak, marked(text, voice_id=IDS["Clara"]))
    assert words_of(speech) == text.split()
    sounds = {word.text: sounds_in(speech, word) for word in speech.words}
    assert sounds["<<p|ə|ˈk|ɑː|n>>,"] == "pəkˈɑːn"
    assert sounds["<<ʃ|iː>>."] == "ʃiː"


def sounds_in(speech: Spoken, word: Timed) -> str:
    inside = (sound for sound in speech.phonemes if word.start <= sound.start < word.end)
    return "".join(sound.text for sound in inside)


@pytest.mark.parametrize("text", ["<<☃>>", "a<<☃|ə>>b.", "[[<<ə>>]]", "<<]]|ə>> [["])
def test_unknown_phonemes_are_left_out(text: str) -> None:
    """A symbol that nobody knows makes no sound and no error, and double brackets are only text."""
    speech = trio.run(Espeak().speak, marked(text))
    assert words_of(speech) == text.split()
    check_times(speech)


def test_laughter_is_heard_and_is_no_word() -> None:
    """Laughter takes a short time between the words around it, and is not reported."""
    speech = trio.run(Espeak().speak, marked("That is [laughter] very funny."))
    assert words_of(speech) == ["That", "is", "very", "funny."]
    before, after = speech.words[1].end, speech.words[2].start
    assert 0.3 * NATIVE < after - before < 1.5 * NATIVE
    laugh = np.frombuffer(speech.samples, "<i2")[before:after]
    assert np.abs(laugh.astype(int)).max() > 1000
    alone = trio.run(Espeak().speak, marked("[laughter]"))
    assert words_of(alone) == []
    assert seconds(alone) > 0.3


def test_a_sentence_that_goes_on_has_no_pause_after_it() -> None:
    """The end of an utterance that does not close is where its last word ends."""
    closed, open_ = (speak("Hello there", closes=closes) for closes in (True, False))
    assert len(open_.samples) // 2 == open_.words[-1].end
    assert seconds(closed) > seconds(open_) + 0.1
    same = speak("Hello there.", closes=False)
    assert len(same.samples) // 2 > same.words[-1].end


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "It costs $20, or 3.5% more."),
        ({"normalized": True}, "It costs twenty dollars, or three point five percent more."),
        ({"normalized": True, "normalization": "off"}, "It costs $20, or 3.5% more."),
        ({"normalized": True, "normalization": "de"}, "It costs $20, or 3.5% more."),
        ({"normalized": True, "language": "de"}, "It costs $20, or 3.5% more."),
        (
            {"normalized": True, "language": "de", "normalization": "en-US"},
            "It costs twenty dollars, or three point five percent more.",
        ),
    ],
)
def test_words_are_reported_as_asked(settings: dict[str, Any], words: str) -> None:
    """Words are those that were written, or those that are read where there are rules for that."""
    speech = speak("It costs $20, or 3.5% more.", **settings)
    assert words_of(speech) == words.split()
    check_times(speech)
    assert all(word.start < word.end for word in speech.words)


def test_how_words_are_reported_is_not_heard() -> None:
    """Normalised times change nothing of the audio."""
    texts = [speak("I paid $20.50.", normalized=normalized) for normalized in (False, True)]
    assert seconds(texts[0]) == pytest.approx(seconds(texts[1]), rel=0.02)


def test_digits_are_read_one_by_one_without_normalization() -> None:
    """Without normalization "21" is "two one"."""
    speech = speak("21", normalization="off", language="en")
    sounds = "".join(phoneme.text for phoneme in speech.phonemes)
    assert sounds.startswith("tˈuː")
    assert "w" in sounds


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
    """However long a word or a sentence is, all of it is spoken: time and sounds grow with it."""
    few, many = (speak(unit * count, language=language) for count in counts)
    factor = counts[1] / counts[0]
    assert seconds(many) / seconds(few) == pytest.approx(factor, rel=0.2)
    assert len(many.phonemes) / len(few.phonemes) == pytest.approx(factor, rel=0.2)
    check_times(many)


@given(text=st.text(max_size=300))
@settings(max_examples=50)
def test_portions_are_the_text(text: str) -> None:
    """Portions leave out nothing but blanks at the end, and none costs more
    than the library bears.
    """
    found = list(portions(text))
    assert text.startswith("".join(found))
    assert not text[sum(map(len, found)) :].strip()
    assert all(sum(map(espeak_portions._cost, portion)) <= BUDGET for portion in found)


@pytest.mark.parametrize(
    ("unit", "language"),
    [("a lazy dog ", "en"), ("वह आया था ", "hi"), ("오늘은 날씨가 ", "ko")],
)
def test_seams_are_closed(unit: str, language: str) -> None:
    """Where a long sentence is divided at a blank, there is no more of a pause
    than between words.
    """
    text = unit * 60
    speech = speak(text, language=language)
    assert len(list(portions(text))) > 1
    gaps = [second.start - first.end for first, second in itertools.pairwise(speech.words)]
    assert max(gaps) < 0.06 * NATIVE


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t \u3000", "\x01", "\0", "\ud83d", "?!", "...", "— –"]
)
def test_next_to_nothing_is_spoken_quickly(text: str) -> None:
    """Text without a letter is no error: its words, if any, are there, and it is soon over."""
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
    """Whatever the text, its words are all there and their times are in order;
    or it fails alone.
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
    """Text that is known to end the process, by errors in the library, is survived."""
    for _ in range(20):
        assert words_of(speak(text, language=language)) == [text]


@pytest.mark.parametrize(
    "text", ["<break time='1s'/> hi", "<spell>AB</spell>", "<prosody>", "a < b"]
)
def test_markup_is_only_text(text: str) -> None:
    """Text is never taken for SSML, of which the library drops in silence what it does not like."""
    speech = speak(text)
    assert words_of(speech) == text.split()
    assert all(word.start < word.end for word in speech.words if word.text.strip("<"))


async def test_every_task_gets_its_own_words() -> None:
    """Tasks that speak at the same time do not mix their words or their audio."""
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
    """A long text leaves the loop to other tasks: they run many times before it ends."""
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


@pytest.mark.slow
async def test_a_cancelled_voice_stops() -> None:
    """A cancelled text of minutes ends soon, and the voice speaks the next one as ever."""
    voice = Espeak()
    start = trio.current_time()
    with trio.move_on_after(0.02) as scope:
        await voice.speak(utterance(PROSE * 1000))
    assert scope.cancelled_caught
    assert trio.current_time() - start < 1  # it would take three
    assert words_of(await voice.speak(utterance("Hello world"))) == ["Hello", "world"]


def test_symbols_are_whole_letters() -> None:
    """Phonemes are IPA, without control characters or halves of letters."""
    for language, text in SENTENCES.items():
        for phoneme in speak(text, language=language).phonemes:
            assert "\ufffd" not in phoneme.text
            assert not any(unicodedata.category(letter) == "Cc" for letter in phoneme.text)
