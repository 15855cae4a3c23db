"""Convert figures to words: "$20" to "twenty dollars".

There are rules for English: whole and decimal numbers, ordinals, amounts of money, and percentages,
if they stand alone between blanks and punctuation. Dates, times, fractions, ranges, telephone
numbers and all other languages are left to the voice, which has its own rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["read_aloud", "read_by_digits"]

_SMALL: Final = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_ONES: Final = tuple(_SMALL.split())
_TENS: Final = (
    "",
    "",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
)
_SCALES: Final = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_LONGEST: Final = 15  # digits: more are read one by one
_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_MONEY: Final = {  # one, many, one of the hundredth part, many of it
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
_FIGURE: Final = re.compile(
    rf"""
    (?P<lead>["'“\u2018«\[({{¿¡*]*)
    (?P<minus>[-\u2212]?)
    (?P<sign>[$€£¥₹]?)
    (?P<whole>[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,4}}|[0-9]{{1,{_LONGEST}}})
    (?:\.(?P<part>[0-9]{{1,{_LONGEST}}}))?
    (?P<suffix>%|st|nd|rd|th)?
    (?P<tail>[^\w\s$€£¥₹%]*)
    """,
    re.VERBOSE,
)
_SCALE_WORD: Final = re.compile(r"(?:hundred|thousand|million|billion|trillion)\b", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d(?=\d)")


def read_aloud(word: str, following: str = "") -> list[str]:
    """Return the words that *word* is read as: the word itself, or several if it is in figures.

    Args:
        word: One word as it is written, with its punctuation.
        following: The next word, which may be the rest of an amount: "$5 million".
    """
    match = _FIGURE.fullmatch(word)
    if match is None:
        return [word]
    if match["sign"] and (match["suffix"] or _SCALE_WORD.match(following)):
        return [word]
    if match["suffix"] not in (None, "%") and match["part"]:
        return [word]
    words = list(_spoken(match))
    words[0] = match["lead"] + words[0]
    words[-1] += match["tail"]
    return words


def _spoken(match: re.Match[str]) -> Iterator[str]:
    number, part, suffix = int(match["whole"].replace(",", "")), match["part"], match["suffix"]
    if match["minus"]:
        yield "minus"
    if match["sign"]:
        yield from _money(number, part, match["sign"])
        return
    words = _digits(match["whole"]) if _is_code(match["whole"]) else _cardinal(number)
    yield from _ordinal(words) if suffix not in (None, "%") else words
    if part:
        yield "point"
        yield from _digits(part)
    if suffix == "%":
        yield "percent"


def _is_code(digits: str) -> bool:
    return len(digits) > 1 and digits.startswith("0")


def _money(number: int, part: str | None, sign: str) -> Iterator[str]:
    one, many, small, smalls = _MONEY[sign]
    cents = int(part) if part and len(part) == 2 and small else 0
    if part and not (len(part) == 2 and small):
        yield from (*_cardinal(number), "point", *_digits(part), many)
        return
    if number or not cents:
        yield from (*_cardinal(number), one if number == 1 else many)
    if cents:
        yield from ("and",) if number else ()
        yield from (*_cardinal(cents), small if cents == 1 else smalls)


def _cardinal(number: int) -> list[str]:
    """Return the words of a number below a thousand trillions: "twenty-one" is one word."""
    if number < 20:
        return [_ONES[number]]
    if number < 100:
        tens, ones = divmod(number, 10)
        return [_TENS[tens] + (f"-{_ONES[ones]}" if ones else "")]
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return [_ONES[hundreds], "hundred", *(_cardinal(rest) if rest else ())]
    size, name = next(scale for scale in _SCALES if scale[0] <= number)
    many, rest = divmod(number, size)
    return [*_cardinal(many), name, *(_cardinal(rest) if rest else ())]


def _ordinal(words: list[str]) -> list[str]:
    tens, hyphen, last = words[-1].rpartition("-")
    end = f"{last[:-1]}ieth" if last.endswith("y") else _ORDINALS.get(last, f"{last}th")
    return [*words[:-1], f"{tens}{hyphen}{end}"]


def _digits(digits: str) -> list[str]:
    return [_ONES[int(digit)] for digit in digits]


def read_by_digits(word: str) -> str:
    """Return *word* with blanks between its digits, so that a voice does not read a number."""
    return _DIGITS.sub(lambda match: f"{match.group()} ", word)
