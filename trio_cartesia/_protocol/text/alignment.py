"""Spoken words, and which characters of a transcript each stands for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from trio_cartesia._protocol.text.letters import Begins, LetterStream, folded

__all__ = ["Alignment"]

MOST_UNMATCHED: Final = 128  # words in a row that wait for one that matches
LOOK_AHEAD: Final = 1024  # letters in which the next match is looked for

Span = tuple[int, int]


@attrs.define(eq=False)
class Alignment:
    """Aligns the words that a service sent with a text, as both arrive.

    A word whose letters come next in the text stands for them. One that does not match waits for
    the words after it: the first of them that is found among the next words of the text (twice as
    many as wait, and one) ends the gap, and what is in the gap is shared out. All that is decided
    depends on the order of texts and of words alone: a decision waits for the text that it needs.

    Each word looks at a bounded stretch of text, so the cost grows with the number of words.
    """

    _stream: LetterStream = attrs.field(factory=LetterStream, init=False)
    _spans: list[Span] = attrs.field(factory=list, init=False)
    _waiting: deque[str] = attrs.field(factory=deque, init=False, repr=False)  # words, folded
    _unmatched: int = attrs.field(default=0, init=False)  # how many of them are in the gap
    _open: int | None = attrs.field(default=None, init=False)  # the word whose end may still move

    @property
    def count(self) -> int:
        """How many words were added."""
        return len(self._spans) + len(self._waiting)

    @property
    def settled_count(self) -> int:
        """How many words have their final spans."""
        return len(self._spans) if self._open is None else self._open

    def add_text(self, piece: str) -> None:
        """Append *piece* to the text."""
        self._stream.is_whole = False
        self._stream.add(piece)
        if self._open is not None or self._waiting:
            self._advance()

    def add_words(self, words: Iterable[str]) -> None:
        """Add the next words."""
        self._waiting += map(folded, words)
        self._advance()

    def finish(self, *, complete: bool) -> None:
        """Decide the rest, since no more text will come.

        Args:
            complete: Whether all of the text was spoken.
        """
        self._stream.is_whole = True
        self._advance()
        if self._waiting:
            while len(self._stream.letters) <= LOOK_AHEAD and self._stream.scan():
                pass
            edge = _nth_word(self._stream, self._gap_words)
            self._fill_gap(len(self._stream.letters) if edge is None else edge, is_closed=complete)

    def span(self, index: int) -> Span:
        """Return the first and the last offset of a word's characters; the same if undecided."""
        return self._spans[index] if index < len(self._spans) else (self._end, self._end)

    @property
    def _end(self) -> int:
        return self._spans[-1][1] if self._spans else 0

    def _advance(self) -> None:
        while self._unmatched < len(self._waiting):
            if not self._decide(self._waiting[self._unmatched]):
                break
        self._close()

    def _close(self) -> None:
        """Give the last word the punctuation that has come after it."""
        if self._open is None:
            return
        stream = self._stream
        while not stream.letters and stream.scan():
            pass
        start, _ = self._spans[self._open]
        self._spans[self._open] = (start, max(start, stream.ends[0]))
        if stream.letters or stream.is_whole:
            self._open = None

    def _decide(self, key: str) -> bool:
        """Match the next word, or put it into the gap; False if that takes more text."""
        stream = self._stream
        while len(stream.letters) <= len(key) and stream.scan():
            pass
        if not (stream.letters or stream.is_whole):
            return False
        self._close()
        if not self._unmatched:
            if stream.letters.startswith(key):
                self._match(len(key))
                return True
            if key.startswith(stream.letters) and not stream.is_whole:
                return False
        elif key:
            at = self._find(key, self._gap_words)
            if at is None:
                return False
            if at >= 0:
                self._fill_gap(at, is_closed=True)
                self._match(len(key))
                return True
        self._add_unmatched()
        return True

    def _add_unmatched(self) -> None:
        self._unmatched += 1
        if self._unmatched > MOST_UNMATCHED:
            self._place(0, 0)

    @property
    def _gap_words(self) -> int:
        """How many words of the text the unmatched words may stand for."""
        return 2 * self._unmatched + 1

    def _find(self, key: str, words: int) -> int | None:
        """Return where *key* is first found in the text, with at most so many *words* before it.

        -1 if it is not there; None if that depends on text that is still to come.
        """
        stream = self._stream
        while len(key) <= LOOK_AHEAD:
            edge = _nth_word(stream, words)
            for at in self._places(key, edge):
                if stream.letters.startswith(key, at) and self._is_end(at + len(key)):
                    return at
                if len(stream.letters) - at <= len(key) and not stream.is_whole:
                    break  # what follows is not known
            else:
                if edge is not None:
                    return -1
            if not stream.scan():
                return -1 if stream.is_whole else None
        return -1

    def _places(self, key: str, edge: int | None) -> Iterable[int]:
        """Yield where words of the text begin with *key*, or with what there is of it."""
        letters, begins = self._stream.letters, self._stream.begins
        at = 0
        while at >= 0 and (edge is None or at <= edge):
            if letters.startswith(key, at) or key.startswith(letters[at : at + len(key)]):
                yield at
            at = begins.find(Begins.WORD, at + 1)

    def _is_end(self, stop: int) -> bool:
        """Tell whether a word may end before letter *stop*."""
        stream = self._stream
        if stop < len(stream.begins):
            return stream.begins[stop] != Begins.NOTHING
        return stream.is_whole or not stream.is_in_run

    def _match(self, count: int) -> None:
        """Give the next word the next *count* letters."""
        if count:
            self._open = len(self._spans)
            self._place(self._stream.starts[0], self._stream.ends[count])
            self._stream.consume(count)
            self._close()
        else:
            self._place(0, 0)

    def _fill_gap(self, stop: int, *, is_closed: bool) -> None:
        """Give the unmatched words the letters up to *stop*, and consume those.

        Args:
            stop: Where the next match begins.
            is_closed: Whether all of it was spoken, so that what equals none is shared out.
        """
        from difflib import SequenceMatcher  # for words that are read otherwise than written

        stream = self._stream
        texts = stream.words(stop)
        keys = [self._waiting[index] for index in range(self._unmatched)]
        matcher = SequenceMatcher(
            None, keys, [stream.letters[i:j] for i, j in texts], autojunk=False
        )
        key, text = 0, 0
        for block in matcher.get_matching_blocks():
            self._share(keys[key : block.a], texts[text : block.b] if is_closed else [])
            for i, j in texts[block.b : block.b + block.size]:
                self._place(stream.starts[i], stream.ends[j])
            key, text = block.a + block.size, block.b + block.size
        stream.consume(stop)

    def _share(self, keys: Sequence[str], texts: Sequence[Span]) -> None:
        """Share words of the text among the next words, in order and as evenly as can be."""
        stream, count, done = self._stream, sum(map(bool, keys)), 0
        for key in keys:
            first = done * len(texts) // count if count else 0
            done += bool(key)
            last = done * len(texts) // count if key else first
            if first < last:
                self._place(stream.starts[texts[first][0]], stream.ends[texts[last - 1][1]])
            else:
                self._place(0, 0)

    def _place(self, start: int, end: int) -> None:
        """Settle the next word; no span begins before the one before it has ended."""
        self._waiting.popleft()
        self._unmatched = max(0, self._unmatched - 1)
        start = max(start, self._end)
        self._spans.append((start, max(start, end)))


def _nth_word(stream: LetterStream, count: int) -> int | None:
    """Return where the next but *count* words begin, at most `LOOK_AHEAD`; None: not known yet."""
    at = 0
    for _ in range(count):
        at = stream.begins.find(Begins.WORD, at + 1)
        if not 0 <= at <= LOOK_AHEAD:
            return LOOK_AHEAD if len(stream.letters) > LOOK_AHEAD else None
    return at
