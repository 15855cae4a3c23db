# ruff: noqa: RUF001 - the symbols of IPA look like letters, and are meant

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia.server.catalogue.models import EMOTIONS
from trio_cartesia.server.text.markup import (
    LONGEST_MARKUP,
    Change,
    Pause,
    Sound,
    Span,
    Spelling,
    blank_laughter,
    find_markup,
)

BITS = st.sampled_from(
    [
        *('<break time="1s"/>', '<speed ratio="1.2"/>', "<spell>A1</spell>", "[laughter]"),
        *("<<h|a>>", "<", ">", "<<", ">>", "/", '"', "<spell>", "</spell>", "speed ratio="),
        *(" ", "a", "1", "|", "[", "]", "é", "<emotion value='sad'/>", '<volume ratio="9"/>'),
    ]
)
TEXTS = st.one_of(st.text(max_size=40), st.lists(BITS, max_size=12).map("".join))


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ('<break time="1s"/>', Pause(1)),
        ('<break time="500ms" />', Pause(0.5)),
        ("<break time='1.5s'/>", Pause(1.5)),
        ('<pause time=".25s"/>', Pause(0.25)),
        ('<break time="0s"/>', Pause(0)),
        ('<break time="60s"/>', Pause(60)),
        ('<speed ratio="1.2"/>', Change("speed", 1.2)),
        ('<speed ratio="0.6"/>', Change("speed", 0.6)),
        ('<volume ratio="2"/>', Change("volume", 2.0)),
        ('<emotion value="sad"/>', Change("emotion", "sad")),
        ('<emotion value="Excited" />', Change("emotion", "excited")),
        ("<spell>AB 12-3</spell>", Spelling(7, 14)),
        ("<spell></spell>", Spelling(7, 7)),
        ("<<h|ə|ˈl|oʊ>>", Sound.PHONEMES),
        ("[laughter]", Sound.LAUGHTER),
    ],
)
def test_markup_is_read(text: str, effect: object) -> None:
    """Each kind of protocol §2.14 is found where it stands, whatever is around it."""
    for before, after in (("", ""), ("a <b", "c> d"), ("<", ">"), ("\ud83d", "\n")):
        found = find_markup(before + text + after, 0, 99)
        assert found is not None
        assert (found.start, found.end) == (len(before), len(before) + len(text))
        if isinstance(effect, Spelling):
            effect_here = Spelling(effect.start + len(before), effect.end + len(before))
            assert found.effect == effect_here
        else:
            assert found.effect == effect


@pytest.mark.parametrize(
    "text",
    [
        *("<break/>", '<break time="1"/>', '<break time="61s"/>', '<break time="1s">', "<break>"),
        *('<speed ratio="0.59"/>', '<speed ratio="1.51"/>', '<speed ratio="x"/>', "<speed/>"),
        *('<volume ratio="2.1"/>', '<volume ratio="-1"/>', '<volume value="1"/>'),
        *('<emotion value="hungry"/>', '<emotion value=""/>', "<emotion/>", "<prosody/>"),
        *("<spell>AB", "AB</spell>", "<spell>A<b</spell>", "<spell >A</spell>"),
        *("<<>>", "<<a b>>", "<<a>", "<a>>", "[laugh]", "[Laughter", "laughter"),
        '<speed ratio="1.2"',
    ],
)
def test_what_is_malformed_is_text(text: str) -> None:
    """What is incomplete, unknown or out of range is no markup, and no error."""
    assert find_markup(f"a {text} b", 0, 99) is None


@pytest.mark.parametrize("emotion", sorted(EMOTIONS))
def test_every_emotion_is_known(emotion: str) -> None:
    """The emotions are those of `generation_config`."""
    found = find_markup(f'<emotion value="{emotion}"/>', 0, 1)
    assert found is not None
    assert found.effect == Change("emotion", emotion)


@given(text=TEXTS, start=st.integers(0, 20), size=st.integers(1, 20))
def test_markup_begins_where_it_is_looked_for(text: str, start: int, size: int) -> None:
    """What is found begins in the part that was asked for, and is the first that does."""
    found = find_markup(text, start, start + size)
    everything = []
    place = start
    while markup := find_markup(text, place, len(text)):
        everything.append(markup)
        place = markup.start + 1
    if found is None:
        assert not everything or everything[0].start >= start + size
    else:
        assert start <= found.start < min(start + size, found.end)
        assert found == everything[0]


@pytest.mark.parametrize("bit", ["<", "<spell>", "<<a", "<break ", "[laughter", '<speed ratio="'])
def test_looking_costs_what_the_part_does(bit: str) -> None:
    """However much text follows, a look at 300 characters takes about a millisecond at most."""
    text = bit * (1_000_000 // len(bit))
    best = min(seconds_to_find(text) for _ in range(5))
    assert best < 0.005


def seconds_to_find(text: str) -> float:
    before = time.thread_time()
    assert find_markup(text, 0, 300) is None
    return time.thread_time() - before


@given(text=st.text(min_size=12, max_size=30), start=st.integers(0, 10))
def test_laughter_is_blank(text: str, start: int) -> None:
    """Laughter becomes blanks, and nothing else moves; phonemes stay."""
    spans = [Span(start, start + 2, Sound.LAUGHTER), Span(0, 1, Sound.PHONEMES)]
    blanked = blank_laughter(text, spans)
    assert blanked == text[:start] + "  " + text[start + 2 :]


def test_no_markup_is_longer_than_it_is_looked_for() -> None:
    """The longest spelling is found from its first character."""
    text = f"<spell>{'a' * 1000}</spell>"
    assert len(text) < LONGEST_MARKUP
    assert find_markup(text, 0, 1) is not None
    assert find_markup(f"<spell>{'a' * 1001}</spell>", 0, 1) is None
