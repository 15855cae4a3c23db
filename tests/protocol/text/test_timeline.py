"""Word times, aligned with the text that was pushed."""

from __future__ import annotations

import sys
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._protocol.text.timeline import Timeline
from trio_cartesia.server.text.normalization import read_aloud
from trio_cartesia.server.voices.interface import written_words

TAGS = ('<break time="1s"/>', "<spell>", "</spell>", "[laughter]", '<speed ratio="1.2"/>')
ATOMS = st.sampled_from(
    [
        *"aB1ßé,.!\"'(-—$ \n",
        *("the ", "one ", "two", " three", "don\u2019t ", "e\u0301", "½", "$5 ", "<bre", "["),
        *"日本。「、ไก่ทคुि",
        *("かな", "שלום ", "مَرْحَبا ", "नमस्ते ", "👩\u200d👧 ", "\ud800"),
        *TAGS,
        *("<bre", "["),
    ]
)
TEXTS = st.lists(ATOMS, max_size=40).map("".join)
WORDS = st.lists(st.lists(ATOMS, max_size=2).map("".join), max_size=20)


def timed(words):
    """Return the lists of a timestamps event: a word a second, each half a second long."""
    return words, [float(n) for n in range(len(words))], [n + 0.5 for n in range(len(words))]


def aligned(text, words, *, complete=True):
    timeline = Timeline()
    timeline.add_text(text)
    timeline.add_words(*timed(words))
    timeline.finish(complete=complete)
    return timeline


def spans(timeline):
    return [timeline.text[word.text_start : word.text_end] for word in timeline.words]


def check_order(timeline):
    edges = [0, *(e for w in timeline.words for e in (w.text_start, w.text_end))]
    assert all(a <= b for a, b in pairwise([*edges, len(timeline.text)]))


@st.composite
def deliveries(draw, text, words):
    """Cut a text and words into events, in any order of the two."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
    cuts = sorted(draw(st.lists(st.integers(0, len(words)), max_size=8)))
    groups = [slice(a, b) for a, b in pairwise([0, *cuts, len(words)])]
    turns = draw(st.permutations([True] * len(pieces) + [False] * len(groups)))
    texts, times = iter(pieces), iter(groups)
    return [next(texts) if is_text else next(times) for is_text in turns]


@given(st.data(), TEXTS, WORDS, st.booleans())
def test_the_alignment_does_not_depend_on_how_things_come(data, text, words, complete):
    """
    In whatever pieces and order a text and any words come, the result is that of all at once; at
    each moment spans are in order, and what is heard and unheard makes the text.
    """
    rows = timed(words)
    timeline = Timeline()
    for event in data.draw(deliveries(text, words)):
        if isinstance(event, str):
            timeline.add_text(event)
        else:
            timeline.add_words(*(row[event] for row in rows))
        check_order(timeline)
        heard = timeline.heard(data.draw(st.floats(0, 20)))
        assert heard.text + heard.unheard_text == timeline.text
        assert heard.words == timeline.words[: len(heard.words)]
        assert heard.text == timeline.text[: heard.words[-1].text_end if heard.words else 0]
    timeline.finish(complete=complete)
    whole = aligned(text, words, complete=complete)
    assert timeline.text == text
    assert timeline.words == whole.words
    check_order(timeline)


@given(TEXTS)
def test_written_words_stand_for_themselves(text):
    """
    Words that are sent as they were written, as the local service does, stand for the characters
    that they consist of; what lies between has no letters and digits.
    """
    written = list(written_words(text))
    timeline = aligned(text, [word for _, word in written])
    if any(tag in text for tag in ("<", "[", "]", ">")):
        return
    for (start, word), placed in zip(written, timeline.words, strict=True):
        if any(map(str.isalnum, word)):
            letters = [at for at, letter in enumerate(word, start) if letter.isalnum()]
            assert placed.text_start <= letters[0] < letters[-1] + 1 <= placed.text_end
    last = 0
    for placed in timeline.words:
        assert not any(map(str.isalnum, text[last : placed.text_start]))
        last = placed.text_end
    assert not any(map(str.isalnum, text[last:]))


@given(st.lists(st.sampled_from(["pay", "$5", "then", "1,234.50", "Ann", "3rd", "20%"])))
def test_words_as_they_are_read_stand_for_what_was_written(tokens):
    """
    Where "$5" is sent as "five", "dollars", the last one stands for "$5".
    """
    text, read = " ".join(tokens), [read_aloud(token) for token in tokens]
    timeline = aligned(text, [word for words in read for word in words])
    ends = [0]
    for words in read:
        ends.append(ends[-1] + len(words))
    if all(token.isalpha() or other.isalpha() for token, other in pairwise(tokens)):
        stand_for = ["".join(spans(timeline)[a:b]) for a, b in pairwise(ends)]
        assert stand_for == tokens
    assert "".join(spans(timeline)) == "".join(tokens)


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("Good morning, all.", "Good morning, all.", ["Good", "morning,", "all."]),
        ("It\u2019s “fine” (really)!", "it's fine really", ["It\u2019s", "“fine”", "(really)!"]),
        ("Dr. Who paid $5.", "Doctor Who paid five dollars.", ["Dr.", "Who", "paid", "", "$5."]),
        ("well-known", "well known", ["well-", "known"]),
        ("New York!", ["New York!"], ["New York!"]),
        ("日本「語」。", [*"日本「語」。"], ["日", "本", "", "「語」。", "", ""]),
        ("日本語です。", ["日本語", "です。"], ["日本語", "です。"]),
        ('Hi <break time="1s"/>you', "Hi you", ["Hi", "you"]),
        ("<spell>AB1</spell>, ok", "A B 1 ok", ["A", "B", "1</spell>,", "ok"]),
        ("Call <spell>AB</spell> now", "Call <spell>AB</spell> now", ["Call", "AB</spell>", "now"]),
        ("well [laughter] so", "well so", ["well", "so"]),
        ("ÉCOLE STRASSE", "e\u0301cole Straße", ["ÉCOLE", "STRASSE"]),
        ("مَرْحَبا بك", "مرحبا بك", ["مَرْحَبا", "بك"]),
        (
            "see http://x.y now, all of you",
            "see now, all of you",
            ["see", "now,", "all", "of", "you"],
        ),
        ("one two", "one um two", ["one", "", "two"]),
        ("costs 5€ now", "costs five euros now", ["costs", "", "5€", "now"]),
    ],
)
def test_a_word_stands_for_its_characters(text, words, expected):
    """
    Each word has its characters with the punctuation beside them, and markup is left out.
    """
    words = words.split() if isinstance(words, str) else words
    assert spans(aligned(text, words)) == expected


def test_what_was_heard_ends_with_the_last_whole_word():
    """
    The text ends behind the last word that was played whole; the one under way is named.
    """
    timeline = aligned("Well, hello there. ", ["Well,", "hello", "there."])
    heard = timeline.heard(1.2)
    assert (heard.text, heard.unheard_text) == ("Well,", " hello there. ")
    assert [word.word for word in heard.words] == ["Well,"]
    assert heard.cut_word.word == "hello"
    assert timeline.heard(0.0).cut_word is None
    assert timeline.heard(0.7).cut_word is None
    assert timeline.heard(9).text == "Well, hello there."
    assert timeline.heard(2.5, ended=True).unheard_text == ""


def test_without_word_times_nothing_is_known_before_the_end():
    """
    Without word times the text counts as unheard until all of the audio was played.
    """
    timeline = Timeline()
    timeline.add_text("Hello.")
    assert timeline.heard(60).unheard_text == "Hello."
    assert timeline.heard(60, ended=True).text == "Hello."


def test_words_that_were_heard_are_not_made_again():
    """
    While nothing new is heard, text and words are those of the last call; with each word that is
    heard, it and the open word before it are made, however many came before.
    """
    words = [f"word{number}," for number in range(1000)]
    timeline = aligned(" ".join(words), words, complete=False)
    heard = timeline.heard(900)
    same, later = timeline.heard(900.2), timeline.heard(901)
    assert same.text is heard.text
    assert same.unheard_text is heard.unheard_text
    assert same.words is heard.words
    assert len(later.words) == len(heard.words) + 1
    assert all(new is old for new, old in zip(later.words, heard.words, strict=False))


def test_words_that_are_not_in_the_text_are_not_heard_before_the_text_goes_on():
    """
    While it is open what "five dollars" stands for, none of it counts as heard.
    """
    timeline = Timeline()
    timeline.add_text("I pay $5 now, or never.")
    timeline.add_words(*timed(["I", "pay", "five", "dollars"]))
    assert timeline.heard(9).text == "I pay"
    timeline.add_words(["now,"], [4.0], [4.5])
    assert timeline.heard(3.5).text == "I pay $5"
    assert timeline.heard(2.5).text == "I pay"


def test_the_rest_is_given_to_words_at_the_end_only_if_it_was_spoken():
    """
    Words that match nothing stand for the rest of a text that was spoken whole, else for nothing.
    """
    assert spans(aligned("I pay $5", ["I", "pay", "five"])) == ["I", "pay", "$5"]
    assert spans(aligned("I pay $5", ["I", "pay", "five"], complete=False)) == ["I", "pay", ""]


def calls_during(work):
    """Return how many functions are called by *work*."""
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("word", ["a", "b", "aaab", "", "ab a"])
@pytest.mark.parametrize("text", ["a " * 3_000, "a" * 6_000, "ab " * 3_000, " - " * 3_000])
def test_the_cost_grows_with_the_words(word, text):
    """
    Whatever the text and the words, a word looks at a bounded stretch of the text.
    """
    calls = []
    for count in (200, 400):
        timeline = Timeline()
        timeline.add_text(text)
        calls.append(calls_during(partial(timeline.add_words, *timed([word] * count))))
    assert calls[1] < 3 * calls[0]
