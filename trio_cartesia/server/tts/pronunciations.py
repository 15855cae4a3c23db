"""Speak with a pronunciation dictionary, and report words as they were written (protocol §5.6).

An item matches whole words. Of several that match at one place the longest applies, and an alias is
not searched again. Markup and spellings are not searched.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from trio_cartesia.server.catalogue.pronunciations import Pronunciation
from trio_cartesia.server.text.markup import Sound, Span, find_markup
from trio_cartesia.server.voices.interface import Spoken, Timed, Utterance, Voice, words_of

__all__ = ["speak_pronounced"]

KEPT_PATTERNS: Final = 32


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
    pattern, aliases = _compiled(pronunciations)
    places = [(span.start, span.end) for span in utterance.spans]
    for start, end in [*places, (len(text), len(text))]:
        for match in pattern.finditer(text, last, start):
            yield Piece(last, match.start())
            yield Piece(*match.span(), aliases[match.lastgroup or ""])
            last = match.end()
        yield Piece(last, start)
        yield Piece(start, end)
        last = end


@functools.lru_cache(maxsize=KEPT_PATTERNS)
def _compiled(
    pronunciations: tuple[Pronunciation, ...],
) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return a pattern with a named group for each item, and the aliases by these names."""
    items = sorted(pronunciations, key=lambda item: -len(item.text))
    groups = {f"_{number}": item for number, item in enumerate(items)}
    choices = "|".join(f"(?P<{name}>{_pattern(item)})" for name, item in groups.items())
    aliases = {name: item.alias for name, item in groups.items()}
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)"), aliases


def _pattern(item: Pronunciation) -> str:
    text = item.text.strip()
    exact = re.escape(text)
    if not item.is_case_sensitive:
        return f"(?i:{exact})"
    return f"{exact}|{re.escape(text[0].upper() + text[1:])}" if text.islower() else exact


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
