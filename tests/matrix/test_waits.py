"""Over all cells of the matrix: no context waits longer than its limit, and none is failed that
was only slow.
"""

from __future__ import annotations

import pytest

from tests.matrix.operations import OPERATIONS, SITUATIONS
from tests.matrix.readings import READINGS
from tests.matrix.table import FAULTS, Row
from tests.matrix.waits import Waits, watch_cell
from trio_cartesia import ContextStalled
from trio_cartesia.testing import on_virtual_time

SLOW = [
    row
    for row in FAULTS
    if row.fault.startswith(("stall ", "silence", "drip", "latency", "bandwidth"))
]


def watch(row: Row, name: str, stall_seconds: float) -> Waits:
    found: list[Waits] = []

    @on_virtual_time
    async def run() -> None:
        found.append(await watch_cell(row, name, stall_seconds))

    run()
    return found[0]


def wrong_in(row: Row, names: tuple[str, ...], stall_seconds: float) -> list[str]:
    """Return what broke the promise in a row, so that one cell hides no other."""
    return [f"{name}: {wrong}" for name in names for wrong in watch(row, name, stall_seconds).wrong]


@pytest.mark.matrix
@pytest.mark.parametrize("stall_seconds", [0.5, 10, 60])
@pytest.mark.parametrize("row", [*FAULTS, *READINGS], ids=lambda row: row.name)
def test_no_context_waits_longer_than_its_limit_or_fails_before_it(row, stall_seconds):
    """Whatever goes wrong, a receive loop that text is owed to has an event or an error within
    ``stall_seconds``, and where it fails as stalled, nothing was sent or has come for that long.
    """
    names = row.only or (*OPERATIONS, *(SITUATIONS if row in READINGS else ()))
    assert wrong_in(row, names, stall_seconds) == []


@pytest.mark.parametrize("row", SLOW, ids=lambda row: row.name)
def test_of_slow_and_silent_ones(row):
    """The same holds for a slice; one that falls silent fails at its limit, and one that is slower
    than that by less is whole.
    """
    waits = watch(row, "collect", 2)
    assert waits.wrong == []
    is_silent = row.raises is not None or "seconds=5" in row.fault
    assert bool(waits.stalls) is is_silent
    assert (waits.longest_seconds == pytest.approx(2)) is is_silent


def test_a_row_that_stalls_is_among_them():
    """The table has faults that nothing but the limit ends."""
    assert any(row.raises is ContextStalled for row in SLOW)
