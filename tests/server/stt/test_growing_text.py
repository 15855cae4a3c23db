"""The text of a turn from a recogniser that revises its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia.server.stt.growing_text import GrowingText

words = st.lists(st.sampled_from(["one", "two", "three.", "Three,", "four"]), max_size=8)
texts = words.map(" ".join)


@given(updates=st.lists(texts, max_size=8), final=texts)
def test_text_only_grows(updates: list[str], final: str) -> None:
    """Whatever is revised, what was taken stays, and each call tells whether there is more."""
    growing = GrowingText()
    for update in updates:
        before = growing.text
        has_grown = growing.update(update)
        assert growing.text.startswith(before)
        assert has_grown == (growing.text != before)
    before = growing.text
    growing.take(final)
    assert growing.text.startswith(before)
    if final.startswith(before):
        assert growing.text == final


@given(final=words)
def test_text_that_is_not_revised_is_complete(final: list[str]) -> None:
    """Updates that only grow are followed one word late, and the end has all of them."""
    growing = GrowingText()
    for count in range(len(final) + 1):
        growing.update(" " + " ".join(final[:count]))
        assert growing.text == " ".join(final[: max(0, count - 1)])
    growing.take(" ".join(final))
    assert growing.text == " ".join(final)


def test_a_revision_is_continued_where_it_is() -> None:
    """Words that were taken are found again by what they are, and not by their number."""
    growing = GrowingText()
    for update in ("ever try", "ever try", "Ever try it"):
        growing.update(update)
    growing.take("ever try no")
    growing.take("Ever. Tried. Ever failed. No matter.")
    assert growing.text == "ever try no matter."


def test_a_whole_new_text_goes_on_after_as_many_words() -> None:
    """Without any word in common, the number of words is all that is known."""
    growing = GrowingText()
    growing.take("one two")
    growing.take("three four five six")
    assert growing.text == "one two five six"
