"""Pieces as tokenizers make them, and the inputs that come of them."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.text.strategies import MODEL_TEXTS, split_at
from trio_cartesia import LocalProtocolError
from trio_cartesia._protocol.text.pieces import HELD_CHARACTERS, PieceAssembler

PIECES = st.lists(st.text(st.characters(), max_size=6), max_size=12)  # with surrogates


def assemble(*pieces: str, **options: bool) -> list[str]:
    """Return the inputs that come of *pieces*, the last one from the end of the text."""
    assembler = PieceAssembler(**options)
    inputs = [assembler.add(piece) for piece in pieces]
    return [text for text in (*inputs, assembler.finish()) if text]


def is_wordless(text: str) -> bool:
    return all(each.isspace() or unicodedata.category(each)[0] == "P" for each in text)


def without_surrogates(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@given(pieces=PIECES, spoken_alone=st.booleans(), has_begun=st.booleans())
def test_inputs_joined_are_the_pieces_joined(pieces, spoken_alone, has_begun):
    """Nothing is added, dropped or reordered, but for surrogates, and texts that have no word."""
    text = without_surrogates("".join(pieces))
    inputs = assemble(*pieces, are_spoken_alone=spoken_alone, has_begun=has_begun)
    assert "".join(inputs) == ("" if is_wordless(text) and not has_begun else text)


@given(parts=MODEL_TEXTS, data=st.data())
def test_no_input_ends_inside_a_unit(parts, data):
    """However a text is split, its tags, numbers and joined characters each go out in one input."""
    text = "".join(parts)
    inputs = assemble(*split_at(text, data))
    assert "".join(inputs) == text
    boundaries = {len("".join(inputs[:count])) for count in range(len(inputs))}
    start = 0
    for part in parts:
        assert not boundaries & set(range(start + 1, start + len(part))), part
        start += len(part)


@given(pieces=st.lists(st.from_regex(r"[ ]?[a-zA-Z]+[!?;]?[ ]?", fullmatch=True)))
def test_words_are_not_held(pieces):
    """A piece of plain words goes out as it came."""
    assert assemble(*pieces) == pieces


@given(
    start=st.sampled_from(
        ["<spell>", "<<", '<break time="', "1", "$", "\u0915", "...", "\U0001f44d"]
    ),
    pieces=st.lists(st.text("1.", min_size=1, max_size=400), min_size=1, max_size=20),
)
def test_nothing_is_held_beyond_the_bound(start, pieces):
    """What is held has at most 1,024 characters, whatever comes."""
    assembler = PieceAssembler()
    for piece in (start, *pieces, *["\u200d" * 500] * 3):
        assembler.add(piece)
        assert len(assembler.held) <= HELD_CHARACTERS


@pytest.mark.parametrize(
    ("pieces", "inputs"),
    [
        (['Hi <break time="1', '.5s"/> there'], ["Hi ", '<break time="1.5s"/> there']),
        (["<", "spell>A1 B", "2</", "spell> ok"], ["<spell>A1 B2</spell> ok"]),
        (["Ha [laugh", "ter] ha"], ["Ha ", "[laughter] ha"]),
        (["say <<h", "|a>", "> now"], ["say ", "<<h|a>> now"]),
        (["a < b", " and"], ["a < b", " and"]),
        (["a <b", "> c"], ["a ", "<b> c"]),
        (["in 2024.", " Then"], ["in ", "2024. Then"]),
        (["1", ".", "5 kg"], ["1.5 kg"]),
        (["1", ",000", ",000 more"], ["1,000,000 more"]),
        (["1\u202f", "000 \u20ac"], ["1\u202f000 \u20ac"]),
        (["costs $", "20", "!"], ["costs ", "$20!"]),
        (["20", " \u20ac", " each"], ["20 \u20ac each"]),
        (["at 12:", "30 on 2024", "-01-", "15 or"], ["at ", "12:30 on ", "2024-01-15 or"]),
        (["a \ud83d", "\ude00!"], ["a ", "\U0001f600!"]),
        (["a \ude00 b", "\ud83d c\ud83d"], ["a \ufffd b", "\ufffd c", "\ufffd"]),
        (["\U0001f468", "\u200d", "\U0001f469 x"], ["\U0001f468\u200d\U0001f469 x"]),
        (["\U0001f44d", "\U0001f3fd x"], ["\U0001f44d\U0001f3fd x"]),
        (["ok \u2764", "\ufe0f x"], ["ok ", "\u2764\ufe0f x"]),
        (["\U0001f1e9", "\U0001f1ea x"], ["\U0001f1e9\U0001f1ea x"]),
        (["7", "\ufe0f", "\u20e3 x"], ["7\ufe0f\u20e3 x"]),
        (["\u1112\u1161", "\u11ab "], ["\u1112\u1161\u11ab "]),
        (["\u0915\u094d", "\u0937\u093f", " "], ["\u0915\u094d\u0937\u093f "]),
        (["\u65e5\u672c", "\u8a9e"], ["\u65e5\u672c", "\u8a9e"]),
    ],
)
def test_incomplete_ends_are_held(pieces, inputs):
    """An incomplete end is sent with the pieces that complete it."""
    assert assemble(*pieces, has_begun=True) == inputs


@pytest.mark.parametrize(
    ("pieces", "inputs"),
    [
        (["\u2026", " ", "\u201c", "Yes", "."], ["\u2026 \u201cYes", "."]),
        (["...", "$"], ["...$"]),
        (["?", "\U0001f600"], ["?\U0001f600"]),
        (["...", " ?!"], []),
        (["." * 600] * 2, ["." * 1200]),
    ],
)
def test_a_text_begins_with_a_word(pieces, inputs):
    """Punctuation and blanks wait for a word, up to the bound; without one nothing is sent."""
    assert assemble(*pieces) == inputs


def test_inputs_that_are_spoken_alone_end_where_pieces_do():
    """Numbers and characters are not held where that would cut sentences; markup still is."""
    pieces = ["It was 2024.", " Born in \u0e44\u0e17\u0e22", ' <break time="1', 's"/> Yes.']
    assert assemble(*pieces, are_spoken_alone=True) == [
        "It was 2024.",
        " Born in \u0e44\u0e17\u0e22",
        " ",
        '<break time="1s"/> Yes.',
    ]


@pytest.mark.parametrize("piece", [None, 5, b"bytes", ["list"]])
def test_a_piece_is_a_str(piece):
    """What is no str is refused, with its type."""
    with pytest.raises(LocalProtocolError, match=re.escape(type(piece).__name__)):
        PieceAssembler().add(piece)
