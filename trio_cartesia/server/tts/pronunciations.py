"""Speak with a pronunciation dictionary, and report words as they were written (protocol §5.6).

An item matches whole words. Of several that match at one place the longest applies, and an alias is
not searched again. Markup and spellings are not searched.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from trio_cartesia.server.catalogue.pronunciations import Pronunciation
from trio_cartesia.server.text.markup import Sound, Span, find_markup
from trio_cartesia.server.voices.interface import Spoken, Timed, Utterance, Voice, words_of

__all__ = ["speak_pronounced"]

KEPT_DICTIONARIES: Final = 32

_WORD_START: Final = re.compile(r"(?<!\w)\S")
_WORD_CHARACTER: Final = re.compile(r"\w")


@attrs.frozen
class Piece:
    """A part of a text, from *start* to *end*, and the alias that is spoken in its place."""

    start: int
    end: int
    alias: str | None = None


async def speak_pronounced(
    voice: Voice, utterance: Utterance, pronunciations: tuple[Pronunciation, ...]
) -> Spoken:
    """Speak *utterance* with the aliases of a dictionary.

    Normalised words are those of the aliases. Otherwise words are reported as they were written,
    and of several that have one alias, the first has its time.

    Raises:
        Exception: Whatever *voice* raises.
    """
    if not pronunciations or utterance.spelled:
        return await voice.speak(utterance)
    pieces = tuple(_pieces(utterance, pronunciations))
    changed = _with_aliases(utterance, pieces)
    spoken = await voice.speak(changed)
    if utterance.normalized:
        return spoken
    return attrs.evolve(spoken, words=_as_written(utterance, changed, pieces, spoken.words))


def _pieces(utterance: Utterance, pronunciations: tuple[Pronunciation, ...]) -> Iterator[Piece]:
    """Yield the pieces of the text; each span is one."""
    text, last = utterance.text, 0
    places = [(span.start, span.end) for span in utterance.spans]
    for start, end in [*places, (len(text), len(text))]:
        for match in _matches(text[:start], last, _index_of(pronunciations)):
            yield Piece(last, match.start)
            yield match
            last = match.end
        yield Piece(last, start)
        yield Piece(start, end)
        last = end


def _matches(text: str, start: int, index: _Index) -> Iterator[Piece]:
    """Yield the places from *start* on that an item matches."""
    while first := _WORD_START.search(text, start):
        place = first.start()
        item = index.find(text, place)
        start = place + (1 if item is None else len(item.text))
        if item is not None:
            yield Piece(place, start, item.alias)


@attrs.frozen
class _Index:
    """The items of a dictionary by their texts without case, and the lengths of the texts.

    A regular expression of 1,000 items would take 90 ms to compile, and 60 ms for a long sentence.
    """

    items: Mapping[str, Sequence[Pronunciation]]
    lengths: Sequence[int]

    def find(self, text: str, place: int) -> Pronunciation | None:
        """Return the item with the longest text that is at a place in *text*; None for none."""
        for length in self.lengths:
            written = text[place : place + length]
            for item in self.items.get(written.casefold(), ()):
                if _fits(item, written) and not _WORD_CHARACTER.match(text, place + length):
                    return item
        return None


@functools.lru_cache(maxsize=KEPT_DICTIONARIES)
def _index_of(pronunciations: tuple[Pronunciation, ...]) -> _Index:
    items: dict[str, list[Pronunciation]] = {}
    for item in pronunciations:
        items.setdefault(item.text.casefold(), []).append(item)
    lengths = {len(item.text) for item in pronunciations}
    return _Index(items, sorted(lengths, reverse=True))


def _fits(item: Pronunciation, written: str) -> bool:
    """Return whether *written*, which is the item's text but for case, has a case that matches."""
    if not item.is_case_sensitive or written == item.text:
        return True
    return item.text.islower() and written == item.text[0].upper() + item.text[1:]


def _with_aliases(utterance: Utterance, pieces: Sequence[Piece]) -> Utterance:
    """Return the utterance that is spoken: the text, and the places of its sounds."""
    sounds = {(span.start, span.end): span.sound for span in utterance.spans}
    parts: list[str] = []
    spans: list[Span] = []
    size = 0
    for piece in pieces:
        part = utterance.text[piece.start : piece.end] if piece.alias is None else piece.alias
        if piece.alias is not None:
            spans += _phonemes(piece.alias, size)
        elif part and (sound := sounds.get((piece.start, piece.end))):
            spans.append(Span(size, size + len(part), sound))
        parts.append(part)
        size += len(part)
    return attrs.evolve(utterance, text="".join(parts), spans=tuple(spans))


def _phonemes(alias: str, offset: int) -> Iterator[Span]:
    start = 0
    while markup := find_markup(alias, start, len(alias)):
        start = markup.end
        if markup.effect is Sound.PHONEMES:
            yield Span(offset + markup.start, offset + markup.end, Sound.PHONEMES)


def _as_written(
    utterance: Utterance, changed: Utterance, pieces: Sequence[Piece], words: Sequence[Timed]
) -> tuple[Timed, ...]:
    """Return the words of *utterance* with the times of those that were spoken for them."""
    places = [place for place, _ in words_of(changed)]
    written = list(words_of(utterance))
    if len(places) != len(words) or not written:
        return tuple(words)
    starts = [place for place, _ in written]
    spoken: dict[int, list[Timed]] = {}
    for place, original in zip(words, _originals(pieces, places), strict=True):
        index = max(0, bisect_right(starts, original) - 1)
        spoken.setdefault(index, []).append(place)
    found: list[Timed] = []
    for index, (_, word) in enumerate(written):
        end = found[-1].end if found else 0
        own = spoken.get(index) or [Timed(text=word, start=end, end=end)]
        found.append(Timed(text=word, start=own[0].start, end=own[-1].end))
    return tuple(found)


def _originals(pieces: Sequence[Piece], places: Sequence[int]) -> Iterator[int]:
    """Yield the place in the written text of each place in the spoken one."""
    remaining = iter(pieces)
    piece, start, end = next(remaining), 0, -1
    for place in places:
        while place >= end:
            if end >= 0:
                piece, start = next(remaining), end
            size = piece.end - piece.start if piece.alias is None else len(piece.alias)
            end = start + size
        yield piece.start + (place - start if piece.alias is None else 0)
