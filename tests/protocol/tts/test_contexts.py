"""What the protocol keeps for one context."""

from __future__ import annotations

from trio_cartesia._protocol.tts.contexts import UNSPOKEN_CHARACTERS, Unspoken


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
    unspoken.clear()
    unspoken.add(first)
    unspoken.add(second)
    assert unspoken.texts() == (first, second)
