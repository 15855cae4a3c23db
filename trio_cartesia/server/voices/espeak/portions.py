"""Cut text into portions for eSpeak NG, which truncates long words and clauses without notice."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from trio_cartesia.server.text.sentences import cut

__all__ = ["BUDGET", "pauses", "portions"]

BUDGET: Final = 350  # cost of one call of the library, whose buffer holds 1,000 phonemes
DIGIT_COST: Final = 11  # the most phonemes of a digit, a symbol or a Chinese character
SYLLABLE_COST: Final = 6  # of Korean and Japanese; longer sentences lost some syllables
OVERLONG: Final = re.compile(
    # 40 letters without a break, or 20 that the library spells; longer words are cut in two.
    r"[^\s!-@\[-`{-~\u4e00-\u9fff]{40}(?=[^\s!-@\[-`{-~\u4e00-\u9fff])"
    r"|(?:[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ\d\U00010000-\U0010ffff]|[^\w\s]){20}(?=\S)"
)


def portions(
    text: str, *, spelled: bool = False, sounds: Sequence[tuple[int, int]] = ()
) -> Iterator[str]:
    """Yield *text* in portions that the library does not truncate, without blanks at the end.

    Args:
        text: The text.
        spelled: Whether it is read character by character, which takes more phonemes.
        sounds: The places of phonemes, which are not cut in two and cost one per character.
    """
    costs = [DIGIT_COST] * len(text) if spelled else list(map(_cost, text))
    letters = text
    for start, end in sounds:
        costs[start:end] = [1] * (end - start)
        letters = letters[:start] + "a" * (end - start) + letters[end:]
    start, stop = 0, len(text.rstrip())
    while start < stop:
        end = _end(letters, costs, start, spelled=spelled)
        for first, last in sounds:
            if first < end < last:
                end = first if first > start else last
        yield text[start:end]
        start = end


def _end(text: str, costs: Sequence[int], start: int, *, spelled: bool) -> int:
    """Return the end of the portion that begins at *start*."""
    sums = itertools.accumulate(costs[start : start + BUDGET + 1])  # none of them is free
    fitting = next((index for index, cost in enumerate(sums) if cost > BUDGET), len(text) - start)
    overlong = None if spelled else OVERLONG.search(text, start, start + fitting)
    longest = overlong.end() - start if overlong else fitting
    if longest == len(text) - start:
        return len(text)
    return start + cut(text[start : start + longest + 1], longest)


@functools.lru_cache(maxsize=4096)
def _cost(character: str) -> int:
    category = unicodedata.category(character)
    if category[0] not in "LMZ" or "\u4e00" <= character <= "\u9fff":
        return DIGIT_COST
    return SYLLABLE_COST if character >= "\u3040" else 1


def pauses(portion: str) -> bool:
    """Return whether a pause belongs at the end of *portion*: it does not end inside a clause."""
    return unicodedata.category((portion.rstrip() or ".")[-1])[0] not in "LMN"
