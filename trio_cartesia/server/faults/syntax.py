"""The syntax of faults in headers, in queries and on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["parse_items"]

WORD: Final = re.compile(
    r"""\s*(?:(?P<comma>,)|(?P<key>\w+)=(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s,"]*))(?=[\s,]|$)"""
    r"""|(?P<name>\w+)(?=[\s,]|$))"""
)


def parse_items(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each name in *text* with its parameters: ``name one=1 two="2, or 3", other``.

    Raises:
        ValueError: The syntax is wrong.
    """
    words: list[re.Match[str]] = []
    for word in _words(text):
        if word["comma"] is None:
            words.append(word)
        elif words:
            yield _item(words)
            words = []
    if words:
        yield _item(words)


def _words(text: str) -> Iterator[re.Match[str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        word = WORD.match(text, position, end)
        if word is None:
            raise ValueError(f"{text[position : position + 20].strip()!r} is not name=value")
        yield word
        position = word.end()


def _item(words: list[re.Match[str]]) -> tuple[str, dict[str, str]]:
    first, *rest = words
    if first["name"] is None:
        raise ValueError(f"{first[0].strip()!r} is not the name of a fault")
    name, values = first["name"], dict[str, str]()
    for word in rest:
        key = word["key"]
        if key is None:
            raise ValueError(f"{name} is followed by {word[0].strip()!r}, which is not name=value")
        if key in values:
            raise ValueError(f"{name} has {key} twice")
        values[key] = word["bare"] if word["quoted"] is None else word["quoted"]
    return name, values
