"""The times of words and phonemes, computed from the events of eSpeak NG."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from trio_cartesia.server.voices.espeak.library import Event, Kind
from trio_cartesia.server.voices.interface import Timed

__all__ = ["Synthesis", "end_of_sound", "phoneme_times", "sounds_of", "word_times"]

_SWITCH: Final = "("  # the first character of "(en)", a change of language, which has no sound


@attrs.frozen(kw_only=True)
class Synthesis:
    """The output of the library for one text.

    Attributes:
        samples: The audio.
        events: The events in order, with positions in the text.
    """

    samples: npt.NDArray[np.int16]
    events: Sequence[Event]


def sounds_of(events: Sequence[Event]) -> list[Event]:
    """Return the phonemes among *events*, and the pauses between them."""
    return [
        event
        for event in events
        if event.kind is Kind.PHONEME and not event.symbol.startswith(_SWITCH)
    ]


def end_of_sound(sounds: Sequence[Event], begin: int, end: int) -> int:
    """Return the end of the sounds between two frames, where the pause after them starts."""
    index = bisect.bisect_left(sounds, end, key=lambda sound: sound.frame)
    while index and not sounds[index - 1].symbol and sounds[index - 1].frame >= begin:
        index -= 1
        end = sounds[index].frame
    return end


def word_times(words: Sequence[tuple[int, str | None]], synthesis: Synthesis) -> Iterator[Timed]:
    """Yield the time of each word.

    One word may have many events (a date has eight). Several words may share an event ("of the");
    its time is divided by their numbers of letters. A word without sound, such as a dash, has
    length 0.

    Args:
        words: The position of each word in the text, and the word, or None if not reported.
        synthesis: The output for the text.
    """
    positions = [position for position, _ in words]
    begins: dict[int, int] = {}
    for event in synthesis.events:
        if event.kind is Kind.WORD:
            number = max(0, bisect.bisect_right(positions, event.position) - 1)
            begins.setdefault(number, event.frame)
    begins.setdefault(0, min(begins.values(), default=0))
    groups = [*sorted(begins.items()), (len(words), len(synthesis.samples))]
    sounds = sounds_of(synthesis.events)
    last = 0
    for (first, begin), (stop, limit) in itertools.pairwise(groups):
        begin = _begin_of_sound(sounds, max(last, begin), limit)
        last = end_of_sound(sounds, begin, max(begin, limit))
        yield from _shared([word for _, word in words[first:stop]], begin, last)


def _begin_of_sound(sounds: Sequence[Event], begin: int, end: int) -> int:
    """Return the start of the first sound between two frames; some words begin with a pause."""
    index = bisect.bisect_left(sounds, begin, key=lambda sound: sound.frame)
    for sound in itertools.islice(sounds, index, None):
        if sound.symbol:
            return sound.frame if sound.frame < end else begin
    return begin


def _shared(words: Sequence[str | None], begin: int, end: int) -> Iterator[Timed]:
    """Divide the time of one event among its *words*; the first one always has some time."""
    letters = [sum(map(str.isalnum, word or "")) for word in words]
    sums = list(itertools.accumulate([max(1, letters[0]), *letters[1:]] if words else []))
    edges = [begin, *(begin + (end - begin) * done // sums[-1] for done in sums)]
    for word, (start, stop) in zip(words, itertools.pairwise(edges), strict=True):
        if word is not None:
            yield Timed(text=word, start=start, end=stop)


def phoneme_times(synthesis: Synthesis) -> Iterator[Timed]:
    """Yield the time of each phoneme, which lasts until the next one or a pause."""
    sounds = sounds_of(synthesis.events)
    ends = [*(sound.frame for sound in sounds[1:]), len(synthesis.samples)]
    last = 0
    for sound, end in zip(sounds, ends, strict=False):
        start, last = last, max(last, end)
        if sound.symbol:
            yield Timed(text=sound.symbol, start=max(start, sound.frame), end=last)
