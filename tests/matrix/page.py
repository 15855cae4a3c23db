# ruff: noqa: E501, RUF001  # the prose of a page: one sentence a line
"""The page docs/reference/fault-matrix.md, generated from the table.

``python -m tests.matrix --write`` writes it; a test fails if it differs from the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.matrix.cancelling import amid_faults
from tests.matrix.operations import OPERATIONS, SITUATIONS
from tests.matrix.readings import READINGS
from tests.matrix.stt.page import stt_page
from tests.matrix.table import FAULTS, WITHOUT_FAST_PATH, Row, Whose
from trio_cartesia import CartesiaError

__all__ = ["PAGE", "cell_count", "cells", "page"]

PAGE: Final = Path(__file__).parents[2] / "docs/reference/fault-matrix.md"

START: Final = """\
# Fault matrix

This page shows how the client reacts to every [fault](../how-to/faults.md) that the local service can inject, and to every [behaviour](behaviour.md) that it can choose where the protocol is open.
For example, after `stall at_frame=6` every open context fails with `ConnectionLost` within 45 seconds.
The tests run each row with each operation, in memory and on virtual time; this page is generated from their table (`tests/matrix/table.py`).

For each cell, the tests check these properties:

- The operation ends within its bound.
- It raises the exception in the table, in no exception group, with its context id and request id.
- Earlier events are delivered first. No event is delivered twice, to the wrong context or out of order, so that the received audio equals, byte for byte, the audio in the service's journal.
- Another context on the same connection fails only if the row says so, and contexts on another connection never fail.
- The connection accepts the next context, if it still exists.
- Afterwards the counters in `statistics()` are zero again, and no task, inbox, stream or tombstone is left.

Operations: {operations}.
The behaviours are also tested with: {situations}.

| | cells |
|---|---|
| faults × operations | {faults} |
| some faults × operations, without the fast path | {without} |
| behaviours × operations | {readings} |
| operations, cancelled at each step of any task | {steps} |
| the same during a fault | {amid} |
| all | {all} |

`pytest` runs the first row of each fault, and each row of a behaviour, with one operation; `pytest -m matrix`
runs all rows with all operations.
`python -m tests.matrix` runs all cells, and prints the number of failures and the longest virtual time until an operation ended.
If no event arrives for one context, that is 60.5 s, until it fails with `ContextStalled`.
If the connection falls silent, it is 40 s, and if connecting does, 30 s. Everything else ends at once.
"""

STEPS: Final = """
## Cancellation

Each operation is cancelled at the first step of any task, then at the second, and so on, until it completes before that step.
At every step the context is retired at that moment, the service receives at most one cancel request and a prefix of the text, and the connection accepts the next context.
`connect` and `close` leave no stream open, and take at most two seconds to close.
"""


def cells(rows: Iterable[Row], extra: Iterable[str] = ()) -> Iterator[tuple[Row, str]]:
    """Yield every row with every operation that it is tried with."""
    for row in rows:
        for name in row.only or (*OPERATIONS, *extra):
            yield row, name


def cell_count() -> dict[str, int]:
    """Return how many cells there are of each kind."""
    counts = {
        "faults": sum(1 for _ in cells(FAULTS)),
        "without": sum(1 for _ in cells(WITHOUT_FAST_PATH)),
        "readings": sum(1 for _ in cells(READINGS, SITUATIONS)),
        "steps": len(OPERATIONS),
        "amid": sum(1 for _ in amid_faults()),
    }
    return {**counts, "all": sum(counts.values())}


def page() -> str:
    """Return the text of the page."""
    counts = {name: f"{count:,}" for name, count in cell_count().items()}
    named = {
        "operations": ", ".join(f"`{name}`" for name in OPERATIONS),
        "situations": ", ".join(f"`{name}`" for name in SITUATIONS),
    }
    faults = _table("fault", FAULTS)
    readings = _table("behaviour", READINGS)
    return "\n".join(
        [
            START.format(**counts, **named),
            "## Faults",
            "",
            "The fault affects the context `v`. *Another context* is one on the same connection.",
            "",
            *faults,
            STEPS,
            "## Behaviours",
            "",
            "Unless the row says otherwise, every operation succeeds, except that text after the expiry of its context raises `ContextExpired`.",
            "",
            *readings,
            "",
            *stt_page(),
            "",
        ]
    )


def _table(what: str, rows: Sequence[Row]) -> Iterator[str]:
    yield f"| {what} | reaction of the client | receiving raises | a later push raises | another context raises | within | what to do |"
    yield "|---|---|---|---|---|---|---|"
    for key, alike in groupby(rows, key=_outcome):
        names = "<br>".join(f"`{row.name}`" if row.name else "default" for row in alike)
        yield f"| {names} | {' | '.join(key)} |"


def _outcome(row: Row) -> tuple[str, ...]:
    """Return the cells of a row after the first, as texts."""
    kinds = [row.raises, row.sends, row.neighbour]
    if row.whose is Whose.HANDSHAKE:
        kinds[1:] = [None, None]
    move = row.raises or row.sends
    return (
        row.does,
        *(_shown(kind) for kind in kinds),
        f"{row.within_seconds:g} s",
        move.next_step if move is not None else "",
    )


def _shown(kind: type[CartesiaError] | None) -> str:
    return "" if kind is None else f"`{kind.__name__}`"
