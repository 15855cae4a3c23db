# ruff: noqa: E501, RUF001  # the prose of a page: one sentence a line
"""The table as docs/reference/fault-matrix.md shows it.

``python -m tests.matrix --write`` writes the page; a test holds it to the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.matrix.cancelling import amid_faults
from tests.matrix.operations import OPERATIONS, SITUATIONS
from tests.matrix.readings import READINGS
from tests.matrix.table import FAULTS, WITHOUT_FAST_PATH, Row, Whose
from trio_cartesia import CartesiaError

__all__ = ["PAGE", "cell_count", "cells", "page"]

PAGE: Final = Path(__file__).parents[2] / "docs/reference/fault-matrix.md"

START: Final = """\
# Fault matrix

What the client does when something goes wrong: every fault that the [local service](../how-to/faults.md) can be asked for, and every [reading](behaviour.md) of what the protocol leaves open.
The tests try each row with each operation, in memory and in virtual time, and this page is written from their table (`tests/matrix/table.py`).

For each cell they check that
it ends within its bound;
it raises the class of this table, bare, with its context id and request id;
what had come before is delivered first, and nothing twice, crossed or out of order: what was heard is, byte for byte, what the service says it spoke;
a neighbour on the same connection is harmed only where the row says so, and nobody on another one;
the connection takes the next context, if it is still there;
and afterwards `statistics()` is back to zero, and no task, inbox, stream or tombstone is left.

Operations: {operations}.
Readings are tried with these as well: {situations}.

| | cells |
|---|---|
| faults × operations | {faults} |
| some faults × operations, without the fast path | {without} |
| readings × operations | {readings} |
| operations, cancelled at each step of any task | {steps} |
| the same in the midst of faults | {amid} |
| all | {all} |

`pytest` tries each row with one operation, `pytest -m matrix` with all.
`python -m tests.matrix` plays them all, and prints how many passed and the longest virtual time to an end.
That is 60.5 s, where nothing arrives for one context: it fails with `ContextStalled`.
Where the connection falls silent it is 40 s, where connecting does it is 30 s, and everything else ends at once.
"""

STEPS: Final = """
## Cancellation

Each operation is cancelled at the first step that any task takes, then at the second, and so on, until it completes before its step has come.
Whatever the step: the context is retired at that moment, the service hears of one cancel at the most, what it has heard of the text is the beginning of it, and the connection takes the next context.
`connect` and `close` leave no stream open, and take two seconds at the most to say goodbye.
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
    """Return the whole page."""
    counts = {name: f"{count:,}" for name, count in cell_count().items()}
    named = {
        "operations": ", ".join(f"`{name}`" for name in OPERATIONS),
        "situations": ", ".join(f"`{name}`" for name in SITUATIONS),
    }
    faults = _table("fault", FAULTS)
    readings = _table("reading", READINGS)
    return "\n".join(
        [
            START.format(**counts, **named),
            "## Faults",
            "",
            "The context that it strikes is `v`. *A neighbour* is another context of the same connection.",
            "",
            *faults,
            STEPS,
            "## Readings",
            "",
            "Where nothing else is said, every operation succeeds: only a text that comes too late meets `ContextExpired`.",
            "",
            *readings,
            "",
        ]
    )


def _table(what: str, rows: Sequence[Row]) -> Iterator[str]:
    yield f"| {what} | what the client does | receiving | a later push | a neighbour | within | whose move |"
    yield "|---|---|---|---|---|---|---|"
    for key, alike in groupby(rows, key=_outcome):
        names = "<br>".join(f"`{row.name}`" if row.name else "as usual" for row in alike)
        yield f"| {names} | {' | '.join(key)} |"


def _outcome(row: Row) -> tuple[str, ...]:
    """Return what a row says, but for the name of what goes wrong."""
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
