"""Which characters of a transcript are spoken when: word times, aligned with the text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from trio_cartesia._protocol.text.alignment import Alignment

__all__ = ["Heard", "TimedWord", "Timeline"]


@attrs.frozen(kw_only=True)
class TimedWord:
    """A spoken word, when it sounds, and which characters of the transcript it stands for.

    Attributes:
        word: As the service sent it.
        start_seconds: From the start of the context's audio.
        end_seconds: Likewise.
        text_start: Offset of its first character in the transcript, with opening punctuation.
        text_end: Offset behind its last one, with closing punctuation. The same as *text_start*
            where the word has no characters of its own: of the words that "$5" is read as, the
            last one has them all.
    """

    word: str = attrs.field(repr=False)
    start_seconds: float
    end_seconds: float
    text_start: int
    text_end: int


@attrs.frozen(kw_only=True)
class Heard:
    """What was heard of a transcript at one moment.

    ``text + unheard_text`` is the transcript as far as it is known, verbatim.

    Attributes:
        text: The transcript up to the end of the last word that was heard whole.
        words: The words that were heard whole.
        seconds: How much audio had been played.
        cut_word: The word that was sounding at that moment; it is not in *text*.
        unheard_text: The rest.
    """

    text: str = attrs.field(repr=False)
    words: tuple[TimedWord, ...] = attrs.field(repr=lambda words: f"<{len(words)} items>")
    seconds: float
    cut_word: TimedWord | None
    unheard_text: str = attrs.field(repr=False)


_NOTHING: Final = Heard(text="", words=(), seconds=0.0, cut_word=None, unheard_text="")


@attrs.define(eq=False)
class Timeline:
    """A transcript and its word times, aligned as both arrive, in any order and in any pieces.

    A word is compared with the transcript by its letters and digits, from where the last word
    ended; case, accents, punctuation, blanks and markup do not matter. Words that are not there,
    since "$5" is read as "five dollars", stand for what lies between the words around them that
    are. While that is not decided, their characters count as not spoken, and so do those of a word
    whose text has not been added. Nothing raises, whatever the words are: a word that matches
    nothing stands for no characters.

    The alignment does not depend on how texts and words were grouped, nor on which came first.
    """

    _pieces: list[str] = attrs.field(factory=list, init=False, repr=False)
    _offsets: list[int] = attrs.field(factory=list, init=False, repr=False)  # where each begins
    _size: int = attrs.field(default=0, init=False)  # of all of them
    _joined: tuple[int, str] = attrs.field(default=(0, ""), init=False, repr=False)
    _rows: list[tuple[str, float, float]] = attrs.field(factory=list, init=False, repr=False)
    _ends: list[float] = attrs.field(factory=list, init=False, repr=False)  # none before another
    _alignment: Alignment = attrs.field(factory=Alignment, init=False, repr=False)
    _last: Heard = attrs.field(default=_NOTHING, init=False, repr=False)  # what `heard` returned
    _last_settled: int = attrs.field(default=0, init=False)  # words of it that cannot move

    def add_text(self, piece: str) -> None:
        """Append *piece* to the transcript, verbatim."""
        self._pieces.append(piece)
        self._offsets.append(self._size)
        self._size += len(piece)
        self._alignment.add_text(piece)

    def add_words(
        self, words: Sequence[str], starts: Sequence[float], ends: Sequence[float]
    ) -> None:
        """Add the lists of a ``timestamps`` event (protocol §2.3), in the order in which they came.

        Args:
            words: The words.
            starts: When each begins, in seconds from the start of the context's audio.
            ends: When each ends.
        """
        for row in zip(words, starts, ends, strict=False):
            self._rows.append(row)
            self._ends.append(max(row[2], self._ends[-1]) if self._ends else row[2])
        self._alignment.add_words(words[: len(self._rows) - self._alignment.count])

    def finish(self, *, complete: bool = True) -> None:
        """Decide what is open: no more texts and words will come.

        Args:
            complete: True if the whole transcript was spoken: words at its end that are not in it
                then stand for what is left of it.
        """
        self._alignment.finish(complete=complete)

    @property
    def text(self) -> str:
        """The transcript so far."""
        count, text = self._joined
        if count < len(self._pieces):
            text = "".join([text, *self._pieces[count:]])
            self._joined = (len(self._pieces), text)
        return text

    def text_between(self, start: int, end: int) -> str:
        """Return part of the transcript, without joining all of it."""
        first = max(0, bisect_right(self._offsets, start) - 1)
        after = bisect_left(self._offsets, end)
        offset = self._offsets[first] if self._offsets else 0
        return "".join(self._pieces[first:after])[start - offset : end - offset]

    @property
    def words(self) -> tuple[TimedWord, ...]:
        """The words so far, in order; no span begins before the end of the one before it."""
        return tuple(self._words(0, len(self._rows)))

    def settled_words(self, start: int) -> tuple[TimedWord, ...]:
        """Return the words from number *start* on, as far as later texts cannot move them."""
        return tuple(self._words(start, self._alignment.settled_count))

    def heard(self, seconds: float, *, ended: bool = False) -> Heard:
        """Return what was heard of the transcript.

        Without word times nothing can be known before the end: the text is then empty until
        *ended*, and whole after it. The words of the last call are not made again, so calling this
        often costs little.

        Args:
            seconds: How much of the audio was played.
            ended: True if that is all of it, and the service spoke the whole transcript.
        """
        text, count = self.text, bisect_right(self._ends, seconds)
        if ended:
            count, end = len(self._rows), len(text)
        else:
            end = self._alignment.span(count - 1)[1] if count else 0
        following = next(iter(self._words(count, count + 1)), None)
        is_cut = following is not None and following.start_seconds < seconds
        last = self._last
        is_same = len(last.text) == end and end + len(last.unheard_text) == len(text)
        self._last = Heard(
            text=last.text if is_same else text[:end],
            words=self._first_words(count),
            seconds=seconds,
            cut_word=following if is_cut else None,
            unheard_text=last.unheard_text if is_same else text[end:],
        )
        return self._last

    def _first_words(self, count: int) -> tuple[TimedWord, ...]:
        """Return the first words, without making those again that have not moved since."""
        kept = self._last.words[: min(self._last_settled, count)]
        self._last_settled = min(self._alignment.settled_count, count)
        return kept + tuple(self._words(len(kept), count))

    def _words(self, start: int, stop: int) -> Iterable[TimedWord]:
        for index, row in enumerate(self._rows[start:stop], start):
            text_start, text_end = self._alignment.span(index)
            yield TimedWord(
                word=row[0],
                start_seconds=row[1],
                end_seconds=row[2],
                text_start=text_start,
                text_end=text_end,
            )
