"""What is kept of a text that may be resumed, and where it goes on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import Chunk, SampleFormat, WordTimes, WordTimestamps
from trio_cartesia._pool.inputs import Input
from trio_cartesia._pool.markup import MarkupState
from trio_cartesia._pool.rest_log import RestLog
from trio_cartesia._pool.resumption import LOSSES_WITHOUT_PROGRESS, Resumption
from trio_cartesia._protocol.text.markup import has_words

PARTS = st.sampled_from(
    [
        *("word ", "two words ", "... ", " ", "<b> a", "é", "5 < 6 > 4 ", "<spell>", "</spell>"),
        *('<speed ratio="1.5"/>', '<speed ratio="1"/>', '<volume ratio="2"/>'),
        '<emotion value="sad"/>',
    ]
)


@given(parts=st.lists(PARTS, max_size=12), data=st.data())
def test_markup_in_any_pieces(parts, data):
    """However a text is cut, also within tags, the tags in force behind it are the last of each
    kind, and a spelling that was not closed.
    """
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    state = MarkupState()
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        state.read(text[start:end])
    last = {}
    for tag in re.finditer(r"<(speed|volume|emotion) [^<>]*>", text):
        last.pop(tag[1], None)
        last[tag[1]] = tag[0]
    is_spelling = text.rfind("<spell>") > text.rfind("</spell>")
    assert state.prefix == "".join(last.values()) + "<spell>" * is_spelling
    again = MarkupState()
    again.read(state.prefix)
    assert again.prefix == state.prefix


@given(parts=st.lists(PARTS, min_size=1, max_size=12), data=st.data())
def test_the_rest_of_a_text(parts, data):
    """Wherever a text is cut, after whatever was forgotten, its rest is what follows, behind the
    tags in force; the first input of it has words; and what is left out has none.
    """
    log, text = RestLog(), "".join(parts)
    for number, part in enumerate(parts):
        item = Input(part, last=number == len(parts) - 1 and data.draw(st.booleans()))
        assert log.prepare(item)
        log.add(item)
    is_ending = item.last
    forgotten = data.draw(st.integers(0, len(text)))
    log.forget(forgotten)
    offset = data.draw(st.integers(forgotten, len(text)))
    state = MarkupState()
    state.read(text[:offset])
    assert "".join(log.texts_from(offset)) == text[offset:]
    has_rest = log.cut(offset)
    rest, kept = state.prefix + text[offset:], "".join(log.texts())
    assert has_rest == (has_words(text[offset:]) or not is_ending)
    if kept:
        assert kept == rest
        assert has_words(log.texts()[0])
        assert list(log)[-1].last == is_ending
        return
    assert not has_words(rest)
    if is_ending:
        return
    more = data.draw(st.lists(PARTS, min_size=1, max_size=4))
    sent = [item.transcript for item in map(Input, more) if log.prepare(item)]
    if sent:
        assert has_words(sent[0])
        assert "".join(sent) == rest + "".join(more)
    else:
        assert not has_words("".join(more))


def words_event(*words, start=0.0):
    starts = tuple(start + number for number in range(len(words)))
    ends = tuple(each + 1 for each in starts)
    return WordTimestamps(
        context_id="a", word_timestamps=WordTimes(words=words, start=starts, end=ends)
    )


def deliver(resumption, *words, of=None):
    """Deliver *words*, and know of those in *of*, one a second."""
    events = [words_event(*(of or words)), Chunk(context_id="a", audio=bytes(8000 * len(words)))]
    return [due for each in events for due in resumption.receive(each)]


def resumption_of(*texts, ends=True):
    made = Resumption(SampleFormat(encoding="pcm_mulaw", sample_rate=8000))
    for number, text in enumerate(texts):
        made.add_input(Input(text, last=ends and number == len(texts) - 1))
    return made


@pytest.mark.parametrize(
    ("texts", "words", "rest"),
    [
        (["One two three."], ["One", "two"], " three."),
        (["One, (two) three."], ["One,"], " (two) three."),
        (["5 dollars"], ["five", "dollars"], ""),
        (["$5 are ", "enough"], ["five", "dollars", "are"], " enough"),
        (["日本語"], ["日", "本"], "語"),
        (["One ", "two ", "three"], [], "One two three"),
    ],
)
def test_where_it_goes_on(texts, words, rest):
    """The rest begins behind the last word that was delivered, with words that are not written as
    they are spoken, too.
    """
    resumption = resumption_of(*texts)
    deliver(resumption, *words)
    assert resumption.may_resume()
    assert "".join(resumption.unspoken()).strip() == rest.strip()
    assert resumption.cut() == bool(rest)
    assert "".join(resumption.log.texts()) == rest
    assert resumption.after_word == (words[-1] if words else None)


def test_words_that_are_not_in_the_text():
    """Where the last words are nowhere in the text, it is not known where it goes on."""
    resumption = resumption_of("One two three four five six.")
    deliver(resumption, "uno", "dos", "tres", "cuatro")
    assert not resumption.may_resume()


def test_a_word_between_begins_the_count_of_losses_anew():
    """Losses count in a row: so many without a word between them are the end."""
    resumption = resumption_of("One two three four.")
    for word in ("One", "two", "three"):
        for _ in range(LOSSES_WITHOUT_PROGRESS - 1):
            assert resumption.may_resume()
            assert resumption.cut()
        assert not resumption.may_resume()
        deliver(resumption, word)
    assert resumption.may_resume()
    assert resumption.attempts == 3 * (LOSSES_WITHOUT_PROGRESS - 1)
