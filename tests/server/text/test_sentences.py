# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import one_in
from trio_cartesia.server.text import sentences
from trio_cartesia.server.text.sentences import AHEAD, LONGEST, cut, first_piece, join_halves, split

BITS = st.sampled_from(
    [
        *("a", "b", " ", "  ", "\n", ".", "...", "!", "?", ",", ";", '"', ")"),
        *("1", "Dr", "J", "e.g"),
        *("。", "，", "」", "天", "\u0301", "\u200d", "\ud83d", "\ude00", "👍", "🏽"),
        *("<", ">", "/", "<b/>", "<break time='1s'/>", "<spell>", "</spell>", "\u3000", "\u2028"),
    ]
)
TEXTS = st.one_of(
    st.lists(BITS, max_size=60).map("".join),
    st.builds(str.__mul__, st.lists(BITS, min_size=1, max_size=9).map("".join), st.integers(1, 60)),
    st.text(max_size=60),
)
LIMITS = st.sampled_from([12, 13, 30, LONGEST])  # short ones make long texts of short ones


@contextmanager
def at_most(longest: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentences, "LONGEST", longest)
        yield


def take_complete(text: str) -> tuple[list[str], str]:
    """The pieces of *text* that stay as they are, whatever may follow, and the rest."""
    pieces = []
    while size := first_piece(text, whole=False):
        pieces.append(text[:size])
        text = text[size:]
    return pieces, text


def streamed(inputs: Iterable[str]) -> list[str]:
    """Cut text as it arrives, as a context does."""
    buffer, pieces = "", []
    for text in inputs:
        complete, buffer = take_complete(buffer + text)
        pieces += complete
    return pieces + split(buffer)


@given(longest=LIMITS, text=TEXTS)
def test_nothing_is_lost_or_too_long(longest: int, text: str) -> None:
    """Pieces are never empty or too long, and make the text again when joined."""
    with at_most(longest):
        pieces = split(text)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= longest for piece in pieces)


@given(longest=LIMITS, inputs=st.lists(TEXTS, max_size=6))
def test_streamed_text_is_cut_like_text_at_once(longest: int, inputs: list[str]) -> None:
    """However text is divided into inputs, it is cut into the pieces it would
    be cut into at once.
    """
    with at_most(longest):
        assert streamed(inputs) == split("".join(inputs))


@given(longest=LIMITS, text=TEXTS)
def test_text_may_come_letter_by_letter(longest: int, text: str) -> None:
    """Text that comes a letter at a time is cut into the pieces it would be cut into at once."""
    with at_most(longest):
        assert streamed(text) == split(text)


@given(longest=LIMITS, text=TEXTS)
def test_what_is_held_back_is_short(longest: int, text: str) -> None:
    """Never more than one piece is held back, and only as long as more text could change it."""
    with at_most(longest):
        complete, rest = take_complete(text)
        assert "".join([*complete, rest]) == text
        half = "\ud800" <= rest[-1:] <= "\udbff"
        assert len(rest) <= longest + half


@pytest.mark.parametrize(
    "pieces",
    [
        ["Hello world. ", "How are you?  ", "Fine!"],
        ["He said “Stop!” ", "Then he left… ", "(So it goes.) ", "The end"],
        ["Dr. Smith paid $3.14, e.g. for tea. ", "Mr. J. Doe did not. ", "Neither did I. ", "No."],
        ["1. Wash your hands. ", "It was 2024. ", "2. Dry them."],
        ["One line\n", "another line\n\n  ", "a third.\r\n", "Dr.\n", "Who"],
        ["今天天气很好。", "我们去公园吗？", "「好！」", "走吧"],
        ["क्या हाल है। ", "ठीक है।"],
        ["   Blanks before. ", "And after.   "],
        ["a.b.c and www.example.com/x.html?y=z! "],
        [" \n "],
        [],
    ],
)
def test_sentences_are_found(pieces: list[str]) -> None:
    """Text is cut after its sentences, and neither after abbreviations nor inside numbers."""
    assert split("".join(pieces)) == pieces


@pytest.mark.parametrize("text", ["Hello", "Hello.", "Hello. ", "Hello.\n", "你好", "Dr. Who", ""])
def test_a_sentence_waits_for_what_follows(text: str) -> None:
    """Nothing is complete before something other than a blank follows the end of a sentence."""
    assert first_piece(text, whole=False) == 0
    assert first_piece(text, whole=True) == len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. W", (["Hello. "], "W")),
        ("你好。世", (["你好。"], "世")),
        ("A b! C? D", (["A b! ", "C? "], "D")),
        ("Hello. \ud83d", ([], "Hello. \ud83d")),
    ],
)
def test_complete_sentences_are_taken(text: str, expected: tuple[list[str], str]) -> None:
    """All complete sentences are taken at once, and the start of the next one is left."""
    assert take_complete(text) == expected


@pytest.mark.parametrize(
    ("text", "longest", "size"),
    [
        ("aaa bbb, ccc ddd eee", 14, 9),  # at a pause
        ("a, bbb ccc ddd eee", 12, 11),  # at a blank: the pause comes too early
        ("天天天天，天天天天天", 8, 5),
        ("aaaaaaaaaaaaaaa", 10, 10),
        ("aaaaaaaa\u0301\u0301\u0301aaaa", 10, 7),
        ("aaaaaa👍🏽aaa", 7, 6),
        ("aaa👩\u200d👩\u200d👧aaaaa", 6, 6),
        ("\u0301" * 20, 10, 10),
    ],
)
def test_long_sentences_are_cut_with_care(text: str, longest: int, size: int) -> None:
    """Pauses come before blanks and blanks before letters, and nothing that belongs together is
    cut.
    """
    assert cut(text, longest) == size


@given(longest=LIMITS, text=TEXTS)
def test_what_follows_the_first_piece_does_not_matter(longest: int, text: str) -> None:
    """A piece's end is known from so many characters, and no more are looked at."""
    with at_most(longest):
        size = first_piece(text, whole=False)
        assert size == first_piece(text[:AHEAD], whole=False)
        if size:
            assert size == first_piece(text[: longest + 2], whole=False)


def test_halves_make_one_character() -> None:
    """A high surrogate and a low one behind it become one character, and others
    stay as they are.
    """
    assert join_halves("a\ud83d\ude00\ud83d") == "a😀\ud83d"
    assert join_halves("\ude00\ud83d") == "\ude00\ud83d"


BITS = [
    "Dr. ",
    "A. ",
    "1. ",
    "<a ",
    "<a. ",
    ". ",
    " ",
    "\n",
    ".",
    ".)",
    ",",
    "</spell>",
    "a",
    "\u0301",
]
STARTS = ["", "<spell>", "x", ".....", "   "]


@pytest.mark.parametrize(("bits", "start"), one_in(3, product(BITS, STARTS)))
def test_a_piece_costs_what_its_length_does(bits: str, start: str) -> None:
    """Four times the text takes about four times as long to cut, and not sixteen times."""
    few, many = (seconds_to_cut(start, bits, size) for size in (1000, 4000))
    assert many < 9 * few


def seconds_to_cut(start: str, bits: str, size: int) -> float:
    """The best of many: the time of this thread alone, for a piece of that length."""
    text = start + bits * (2 * size // len(bits))
    best = math.inf
    with at_most(size):
        for _ in range(15):
            before = time.thread_time()
            first_piece(text[: size + 2], whole=False)
            best = min(best, time.thread_time() - before)
    return best
