"""What a batch has done, for the end of the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from trio_cartesia.batch import BatchStatistics, Result

__all__ = ["Summary"]


@attrs.define(eq=False)
class Summary:
    """The files and the failures of a batch.

    Attributes:
        paths: The files that this run has written.
        statistics: The totals; None if nothing was begun.
    """

    paths: list[Path] = attrs.field(factory=list, init=False)
    statistics: BatchStatistics | None = attrs.field(default=None, init=False)
    _missing: list[Result] = attrs.field(factory=list, init=False)

    def add(self, result: Result) -> None:
        """Add the result of an item."""
        if result.path is None:
            self._missing.append(result)
        elif not result.is_earlier:
            self.paths.append(result.path)

    @property
    def is_complete(self) -> bool:
        """Whether all items are done, by this run or by earlier ones."""
        total = self.statistics
        return total is not None and total.items == total.done + total.done_earlier

    def lines(self) -> Iterator[str]:
        """Return a line about each item that is not done, then about all, and what to do."""
        total = self.statistics
        if total is None:
            return
        for result in self._missing:
            yield f"{result.id}: {result.state}: {result.reason}"
        parts = [f"{total.done + total.done_earlier} of {total.items} texts done"]
        if total.done_earlier:
            parts.append(f"{total.done_earlier} of them earlier")
        failed = total.failed + total.failed_earlier
        left = total.items - total.done - total.done_earlier - failed
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{left} left"] if left else []
        yield f"{', '.join(parts)}; {total.duration_seconds:.1f} s of audio in this run"
        if left:
            yield "The same command speaks those that are left."
        if failed:
            yield "To speak the failed ones again, correct what they need and add --retry-failed."
