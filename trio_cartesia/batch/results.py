"""What became of the items of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs

from trio_cartesia._errors import CartesiaError

__all__ = ["BatchStatistics", "Result", "State"]

State = Literal["done", "failed", "unfinished"]


@attrs.frozen(kw_only=True)
class Result:
    """What became of one item.

    Attributes:
        id: The item's id.
        state: ``"done"``; ``"failed"`` if the service refused it; ``"unfinished"`` if it was cut
            short, for example by the loss of a connection, so that the next run speaks it again.
        path: The file of its audio if it is done, otherwise None.
        duration_seconds: The duration of that audio, otherwise 0.
        reason: What prevented it, in a sentence or two; empty if it is done.
        error: The exception of this run; None if it is done, or if an earlier run ended it.
        is_earlier: Whether an earlier run ended it.
    """

    id: str
    state: State
    path: Path | None = None
    duration_seconds: float = 0.0
    reason: str = ""
    error: CartesiaError | None = attrs.field(default=None, eq=False, repr=False)
    is_earlier: bool = False


@attrs.frozen(kw_only=True)
class BatchStatistics:
    """A batch at one moment.

    Attributes:
        items: The number of items.
        done_earlier: Those that an earlier run has done.
        failed_earlier: Those that the service refused in an earlier run, and that are not retried.
        done: Those that this run has done.
        failed: Those that the service has refused in this run.
        unfinished: Those that were cut short in this run.
        speaking: Those that are being spoken, or wait for a connection.
        duration_seconds: The duration of the audio of `done`.
    """

    items: int
    done_earlier: int
    failed_earlier: int
    done: int
    failed: int
    unfinished: int
    speaking: int
    duration_seconds: float

    @property
    def waiting(self) -> int:
        """Items that were not begun."""
        ended = self.done + self.failed + self.unfinished
        return self.items - self.done_earlier - self.failed_earlier - ended - self.speaking
