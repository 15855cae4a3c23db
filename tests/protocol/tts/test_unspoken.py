"""What the protocol keeps for one context."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._protocol.tts.unspoken import UNSPOKEN_CHARACTERS, Unspoken


def test_unspoken_texts_are_kept_up_to_the_bound_and_no_further():
    """As many characters as the bound says are kept; with one more, the oldest text goes. The
    newest stays, however long it is.
    """
    unspoken = Unspoken()
    first, second = "a" * (UNSPOKEN_CHARACTERS - 1), "b"
    unspoken.add(first)
    unspoken.add(second)
    assert unspoken.texts() == (first, second)
    unspoken.add("c")
    assert unspoken.texts() == (second, "c")
    whole = "d" * (UNSPOKEN_CHARACTERS + 1)
    unspoken.add(whole)
    assert unspoken.texts() == (whole,)
    unspoken.clear(0)
    unspoken.add(first)
    unspoken.add(second)
    assert unspoken.texts() == (first, second)


class CountedText(str):
    """A text that counts how often its characters were looked at."""

    __slots__ = ("passes",)
    passes: int

    def __iter__(self):
        self.passes = getattr(self, "passes", 0) + 1
        return super().__iter__()


@given(texts=st.lists(st.text(st.sampled_from("ab1 .~…😀"), max_size=4)))
def test_unspoken_words_are_known_without_looking_again(texts):
    """Whether a letter or a digit is unspoken is known after each text, and a text is looked at
    once, however many follow it: texts without words would cost more with each push.
    """
    unspoken, counted = Unspoken(), [CountedText(text) for text in texts]
    for number, text in enumerate(counted, 1):
        unspoken.add(text)
        assert unspoken.has_words == any(map(str.isalnum, "".join(texts[:number])))
    assert all(getattr(text, "passes", 0) <= 1 for text in counted)
    unspoken.clear(0)
    assert not unspoken.has_words
