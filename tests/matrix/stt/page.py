# ruff: noqa: E501, RUF001  # the prose of a page: one sentence a line
"""The part of docs/reference/fault-matrix.md that is about speech to text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from tests.matrix.stt.cancelling import sessions_to_cancel
from tests.matrix.stt.readings import STT_READINGS
from tests.matrix.stt.table import OPERATIONS, STT_FAULTS, STTRow, stt_cells
from trio_cartesia import CartesiaError

__all__ = ["stt_cell_count", "stt_page"]

START: Final = """\
## Speech to text

Sessions of both kinds are run with each of their operations, as contexts are.
The service recognizes samples that carry their own text, so that for each cell the tests also check that no text is lost or doubled:

- A receive loop gets every event that came, once, and `transcript` is the text of its final pieces.
- If the session is not lost, all audio was transcribed. If it is lost, the text is the beginning of that, and the error's `partial` has it.
- Leaving the block raises nothing, within the 5 s for the rest of the text and the 2 s for the close.
- A session on another connection is not affected, and no task, stream or recognizer is left.

Operations of sessions with manual finalize: {manual}.
Operations of sessions with turns: {turns}.

| | cells |
|---|---|
| faults × operations | {faults} |
| behaviours × operations | {readings} |
| sessions, cancelled at each step of any task, also during a fault | {steps} |

### Faults in sessions

After `error` events, a receive loop may go on. *Receiving* is what it ends with.
"""


def stt_cell_count() -> dict[str, int]:
    """Return how many cells there are of each kind."""
    return {
        "faults": sum(1 for _ in stt_cells(STT_FAULTS)),
        "readings": sum(1 for _ in stt_cells(STT_READINGS)),
        "steps": sum(1 for _ in sessions_to_cancel()),
    }


def stt_page() -> Iterator[str]:
    """Yield the lines of the part."""
    counts = {name: f"{count:,}" for name, count in stt_cell_count().items()}
    named = {
        kind: ", ".join(f"`{name}`" for name in operations)
        for kind, operations in OPERATIONS.items()
    }
    yield START.format(**counts, **named)
    yield from _table("fault", STT_FAULTS)
    yield "\n### Behaviours in sessions\n"
    yield from _table("behaviour", STT_READINGS)


def _table(what: str, rows: tuple[STTRow, ...]) -> Iterator[str]:
    yield f"| {what} | sessions | reaction of the client | an `error` event raises | receiving raises | sending later raises | within | what to do |"
    yield "|---|---|---|---|---|---|---|---|"
    for key, alike in groupby(rows, key=_outcome):
        names = "<br>".join(f"`{row.name}`" if row.name else "default" for row in alike)
        yield f"| {names} | {' | '.join(key)} |"


def _outcome(row: STTRow) -> tuple[str, ...]:
    """Return the cells of a row after the first, as texts."""
    ends, kinds = row.turns or row.ends, ("both" if len(row.kinds) > 1 else row.kinds[0])
    return (
        kinds,
        row.does,
        _shown(row.reports),
        _shown(ends),
        "" if row.is_refused else _shown(row.sends),
        f"{row.within_seconds:g} s",
        "" if ends is None else ends.next_step,
    )


def _shown(kind: type[CartesiaError] | None) -> str:
    return "" if kind is None else f"`{kind.__name__}`"
