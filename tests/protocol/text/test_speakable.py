"""What a person would read aloud of a text with Markdown, and where it stands in that text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.text.strategies import MARKUP, WORDS
from trio_cartesia import LocalProtocolError, speakable
from trio_cartesia._protocol.text.text_window import LOOKAHEAD_CHARACTERS

FRAGMENTS = st.sampled_from(
    [
        *"#*_`~-+=|>[]()!<>&\\:/.1h\n \t",
        *(
            "\n\n",
            "\n- ",
            "\n1. ",
            "\n# ",
            "\n> ",
            "\n| a | b |\n|---|:-:|\n",
            "\n---\n",
            "\n```\n",
        ),
        *("\n~~~~", "**", "__", "~~", "[link](https://a.b/c_(d) 'e')", "![image](u.png)", "[a][b]"),
        *(
            "\n[a]: https://x.y\n",
            "[^1]",
            "\n[^1]: note",
            "https://www.example.com/p?q=1.",
            "www.a.de",
        ),
        *(
            "<https://a.b>",
            "<!-- note",
            "-->",
            "<br>",
            '<a href="x">',
            "</b>",
            "&amp;",
            "&#65;",
            "&nbsp;",
        ),
        *(
            "\U0001f600",
            "\u2764\ufe0f",
            "\u00a9",
            "\U0001f468\u200d\U0001f469",
            "1\ufe0f\u20e3",
            "\u65e5",
        ),
        *("snake_case", "2*3", "- [x] ", "http", "\\*", "\r\n", "Hello", "done."),
    ]
)
TEXTS = st.lists(FRAGMENTS | MARKUP | WORDS, max_size=25).map("".join)
PARAGRAPHS = st.lists(st.from_regex(r"[A-Z]?[a-z]{1,8}[,.;]?", fullmatch=True), min_size=1).map(
    " ".join
)


def spoken_of(text: str, **options: str) -> str:
    return "".join(speakable(text, **options))


@settings(max_examples=10 * settings.default.max_examples)
@given(text=TEXTS, places=st.sets(st.integers(0, 200)), code=st.sampled_from(["", "Code."]))
def test_streamed_equals_whole(text, places, code):
    """However a text is split, the same is spoken, and stands at the same places."""
    whole = speakable(text, code_blocks=code)
    spoken = "".join(whole)
    edges = [0, *sorted(place for place in places if place < len(text)), len(text)]
    split = speakable([text[a:b] for a, b in itertools.pairwise(edges)], code_blocks=code)
    assert "".join(split) == spoken
    places = range(len(spoken) + 1)
    assert [split.source_offset(each) for each in places] == [*map(whole.source_offset, places)]


@settings(max_examples=4 * settings.default.max_examples)
@given(text=TEXTS)
def test_the_map_is_monotone(text):
    """What is spoken keeps the order of the source; all of the source is behind its end."""
    pieces = speakable(text)
    spoken = "".join(pieces)
    offsets = [pieces.source_offset(each) for each in range(len(spoken) + 1)]
    assert offsets == sorted(offsets)
    assert offsets[-1] == len(text)
    spans = [pieces.source_span(each, each + 1) for each in range(len(spoken))]
    assert spans == sorted(spans)
    assert [end for _, end in spans] == sorted(end for _, end in spans)
    for character, (start, end) in zip(spoken, spans, strict=True):
        if character.isalnum():
            assert text[start:end] == character or text[start] == "&"


@settings(max_examples=5)
@given(text=TEXTS, beginning=st.sampled_from(["", "*", "#", "- ", "| ", "1", "<", "~", "\n", "&"]))
def test_little_is_held(text, beginning):
    """Whatever comes, no more than the lookahead waits to be read."""
    reader = speakable([])._reader
    for count, character in enumerate(text + beginning * 1500, 1):
        reader.add(character)
        assert count - reader.spoken.source_map.source_characters <= LOOKAHEAD_CHARACTERS


@pytest.mark.slow
@given(text=st.lists(PARAGRAPHS, min_size=1).map("\n".join))
def test_plain_text_is_spoken_as_it_is(text):
    """Text without Markdown stays the same."""
    assert spoken_of(text) == text


@given(words=st.lists(PARAGRAPHS | MARKUP, min_size=1))
def test_markup_of_cartesia_stays(words):
    """Tags of the service are not taken for HTML, nor is what is in them changed."""
    assert spoken_of(" ".join(words)) == " ".join(words)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("# Title\nText", "Title.\nText"),
        ("Title\n=====\n\nText", "Title.\n\nText"),
        ("### What?\n\nText", "What?\n\nText"),
        ("#hashtag", "#hashtag"),
        ("a **b** *c* ***d*** __e__ _f_ ~~g~~", "a b c d e f g"),
        ("2 * 3, 2*3, snake_case, ~5", "2 * 3, 2*3, snake_case, ~5"),
        ("* one\n* two\n  more\n\nEnd", "one.\ntwo\nmore.\n\nEnd"),
        ("Buy:\n- [x] milk\n- [ ] tea!\n- eggs", "Buy:\nmilk.\ntea!\neggs"),
        ("1. Wash\n2) Dry", "1. Wash.\n2) Dry"),
        ("| A | B |\n|:--|--:|\n| 1 | |\n\nEnd", "A, B.\n1.\n\nEnd"),
        ("> quoted\n> text", "quoted\ntext"),
        ("One\n\n---\n\nTwo", "One.\n\nTwo"),
        ("\u4f60\u597d\n\n\u518d\u89c1", "\u4f60\u597d\u3002\n\n\u518d\u89c1"),
        ("See [the *guide*](https://a.b/c_(d) 't').", "See the guide."),
        ("[one][1] and [two](u)\n\n[1]: https://a.b", "one and two"),
        ("![A cat](cat.png) sleeps", "A cat sleeps"),
        ("[![Badge](b.svg)](https://a.b) ok", "Badge ok"),
        ("A note[^1] [sic].\n\n[^1]: hidden", "A note [sic]."),
        ("[Ann]: hello", "[Ann]: hello"),
        ("Go to https://www.example.com/a?b=c.", "Go to example.com."),
        ("(www.example.org/x_(y)), <http://a.b:80>!", "(example.org), a.b!"),
        ("Use `foo_bar(*x)` now", "Use foo_bar(*x) now"),
        ("Run:\n```sh\nls -l\n```\nDone", "Run:\n\nDone"),
        ("Run:\n```\n~~~\n``\n", "Run:"),
        ("Great \U0001f600 job \u2764\ufe0f. \U0001f44d\U0001f3fd", "Great job."),
        ("\u00a9 2024 C\u266f 1\ufe0f\u20e3", "\u00a9 2024 C\u266f 1"),
        ("a <!-- b\n\nc --> d<br>e <b>f</b> a<b", "a d\ne f a<b"),
        ("AT&amp;T &lt;3 &nbsp;x & y &c", "AT&T <3 x & y &c"),
        (r"\*no\* \d 5\. \\", r"*no* \d 5. " + "\\"),
        ('Hi <break time="1s"/> **you** [laughter]', 'Hi <break time="1s"/> you [laughter]'),
        ("  \n\n Hi \n\n ", "Hi"),
    ],
)
def test_what_is_spoken(text, spoken):
    """A reader reads what is meant, and pauses where a block ends."""
    assert spoken_of(text) == spoken
    assert "".join(speakable(iter(text))) == spoken


def test_a_phrase_for_code():
    """A block of code is announced, if that is asked for."""
    text = "Run:\n```sh\nls -l\n```\nDone"
    assert spoken_of(text, code_blocks="See the code.") == "Run:\n\nSee the code.\n\nDone"


def test_heard_words_are_shown_in_the_source():
    """The map leads from what was heard to the text that the model wrote."""
    text = "## Tea\n\n- Boil **fresh** water &amp; wait."
    pieces = speakable(text)
    spoken = "".join(pieces)
    start = spoken.index("fresh")
    assert text[slice(*pieces.source_span(start, start + 5))] == "fresh"
    assert text[slice(*pieces.source_span(start, start + 11))] == "fresh** water"
    assert text[: pieces.source_offset(start + 5)] == "## Tea\n\n- Boil **fresh"
    assert text[slice(*pieces.source_span(spoken.index("&"), spoken.index("&") + 1))] == "&amp;"
    assert pieces.source_span(3, 3) == (6, 6)


def test_memory_goes_with_the_marks():
    """Plain text of any length is one run of the map."""
    pieces = speakable(["Plain words, and no end. "] * 10_000)
    assert len("".join(pieces)) == 25 * 10_000 - 1
    assert len(pieces._reader.spoken.source_map._starts) == 1


@pytest.mark.parametrize("pieces", [None, 5, b"bytes"])
def test_arguments_are_checked(pieces):
    """What is no text is refused, with its type."""
    with pytest.raises(LocalProtocolError, match=type(pieces).__name__):
        speakable(pieces)
    with pytest.raises(LocalProtocolError, match=type(pieces).__name__):
        list(speakable([pieces]))
    with pytest.raises(LocalProtocolError, match="code_blocks must be a str"):
        speakable("a", code_blocks=pieces)


@pytest.mark.parametrize("offset", [-1, 3, "1"])
def test_offsets_are_checked(offset):
    """An offset that nothing stands at is refused, with those that are allowed."""
    pieces = speakable("Hi")
    list(pieces)
    with pytest.raises(LocalProtocolError, match="from 0 to 2"):
        pieces.source_offset(offset)
    with pytest.raises(LocalProtocolError):
        pieces.source_span(0, offset)
