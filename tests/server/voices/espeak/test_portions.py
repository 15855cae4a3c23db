from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.voices.espeak.speech import NATIVE, check_times, seconds, speak
from trio_cartesia.server.voices.espeak import portions as espeak_portions
from trio_cartesia.server.voices.espeak.portions import BUDGET, portions


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
