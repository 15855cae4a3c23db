"""From each character of an output back to the source that it was made of."""

from __future__ import annotations

from array import array
from bisect import bisect_right

import attrs

__all__ = ["SourceMap"]


def _offsets() -> array[int]:
    return array("q")


@attrs.define(eq=False)
class SourceMap:
    """Where the characters of an output come from; source and output are both added to in order.

    It is kept in runs, 24 bytes each: one for each stretch that was taken over as it is, and one
    for each that stands for something else.

    Attributes:
        output_characters: How many the output has.
        source_characters: How much of the source is in the output, or left out of it.
    """

    output_characters: int = attrs.field(default=0, init=False)
    source_characters: int = attrs.field(default=0, init=False)
    _output_starts: array[int] = attrs.field(factory=_offsets, init=False, repr=False)
    _starts: array[int] = attrs.field(factory=_offsets, init=False, repr=False)
    _ends: array[int] = attrs.field(factory=_offsets, init=False, repr=False)

    def add(self, size: int, start: int, end: int) -> None:
        """Append *size* characters of output that stand for the source from *start* to *end*."""
        is_verbatim = size == end - start
        if is_verbatim and self._ends and self._ends[-1] == start and self._is_verbatim(-1):
            self._ends[-1] = end
        else:
            self._output_starts.append(self.output_characters)
            self._starts.append(start)
            self._ends.append(end)
        self.output_characters += size

    def start(self, offset: int) -> int:
        """Return where the source of the output's character at *offset* starts."""
        if offset == self.output_characters:
            return self.source_characters
        run = bisect_right(self._output_starts, offset) - 1
        inside = offset - self._output_starts[run] if self._is_verbatim(run) else 0
        return self._starts[run] + inside

    def end(self, offset: int) -> int:
        """Return where the source of the output's character at *offset* ends."""
        run = bisect_right(self._output_starts, offset) - 1
        if self._is_verbatim(run):
            return self._starts[run] + offset - self._output_starts[run] + 1
        return self._ends[run]

    def _is_verbatim(self, run: int) -> bool:
        is_last = run in (-1, len(self._starts) - 1)
        output_end = self.output_characters if is_last else self._output_starts[run + 1]
        return output_end - self._output_starts[run] == self._ends[run] - self._starts[run]
