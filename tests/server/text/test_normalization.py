from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia.server.text.normalization import read_aloud, read_by_digits


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("$20", "twenty dollars"),
        ("($20),", "(twenty dollars),"),
        ("$1", "one dollar"),
        ("$3,456.78", "three thousand four hundred fifty-six dollars and seventy-eight cents"),
        ("$0.05", "five cents"),
        ("£1.01!", "one pound and one penny!"),
        ("€2.5", "two point five euros"),
        ("¥300", "three hundred yen"),
        ("99%", "ninety-nine percent"),
        ("3.14", "three point one four"),
        ("0", "zero"),
        ("-5", "minus five"),
        ("1st", "first"),
        ("22nd", "twenty-second"),
        ("113th", "one hundred thirteenth"),
        ("20th.", "twentieth."),
        ("007", "zero zero seven"),
        ("1,000,000", "one million"),
        ("2000000015", "two billion fifteen"),
        ("“12”", "“twelve”"),
    ],
)
def test_figures_are_read(written: str, read: str) -> None:
    """Numbers, money, percentages and ordinals become the words that people say."""
    assert " ".join(read_aloud(written)) == read


@pytest.mark.parametrize(
    "written",
    [
        *("Hello,", "12/05/2024", "10:30", "5-6", "a1", "$5%", "3.5th", "1,23", "1.2.3", "№5", "$"),
        *("1" * 16, "½", "٣", "2x", ""),
    ],
)
def test_the_rest_is_left_alone(written: str) -> None:
    """What is not surely a figure stays what it is, and the voice reads it by its own rules."""
    assert read_aloud(written) == [written]


def test_an_amount_may_go_on() -> None:
    """ "$5 million" is not "five dollars million"."""
    assert read_aloud("$5", "million") == ["$5"]
    assert read_aloud("5", "million") == ["five"]


@given(st.text(max_size=12))
def test_no_word_is_lost(word: str) -> None:
    """Whatever is written, something is read, without blanks that were not there."""
    read = read_aloud(word)
    assert read
    assert read == [word] or not any(map(str.isspace, "".join(read)))


@given(st.integers(0, 10**15 - 1))
def test_numbers_are_whole(number: int) -> None:
    """With separators or without, a number is read alike, and different ones
    are read differently.
    """
    assert read_aloud(str(number)) == read_aloud(f"{number:,}")
    assert read_aloud(str(number)) != read_aloud(str(number + 1))


@given(st.text(st.sampled_from("019ax.,$ "), max_size=12))
def test_digits_may_be_read_one_by_one(word: str) -> None:
    """Digits are set apart, and nothing else is changed."""
    read = read_by_digits(word)
    assert read.replace(" ", "") == word.replace(" ", "")
    assert not any(a.isdigit() and b.isdigit() for a, b in itertools.pairwise(read))
