# ruff: noqa: T201  # a command that prints
"""Play the whole matrix, and print how it went."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.matrix.cancelling import NOTHING_WRONG, amid_faults, cancel_at_each_step
from tests.matrix.operations import OPERATIONS, SITUATIONS
from tests.matrix.page import PAGE, cells, page
from tests.matrix.readings import READINGS
from tests.matrix.scene import play
from tests.matrix.stt.readings import STT_READINGS
from tests.matrix.stt.scene import play_stt
from tests.matrix.stt.table import STT_FAULTS, stt_cells
from tests.matrix.table import FAULTS, WITHOUT_FAST_PATH, Row
from trio_cartesia._runtime.transport import websocket as transport
from trio_cartesia.testing import on_virtual_time


def try_cell(play_cell: Callable[..., Awaitable[float]], *cell: object) -> float | str:
    """Play one cell; return its virtual seconds, or what was wrong."""
    took = []

    @on_virtual_time
    async def run() -> None:
        took.append(await play_cell(*cell))

    try:
        run()
    except (AssertionError, BaseExceptionGroup) as error:
        return repr(error)
    return took[0]


def try_all() -> int:
    """Play all cells, print what was found, and return how many failed."""
    counts: Counter[str] = Counter()
    longest: dict[str, tuple[float, str]] = {}
    for kind, play_cell, tried, fast_path in (
        ("faults", play, cells(FAULTS), True),
        ("faults, without the fast path", play, cells(WITHOUT_FAST_PATH), False),
        ("readings", play, cells(READINGS, SITUATIONS), True),
        ("faults of sessions", play_stt, stt_cells(STT_FAULTS), True),
        ("readings of sessions", play_stt, stt_cells(STT_READINGS), True),
    ):
        transport.FAST_PATH_IS_ON = fast_path  # type: ignore[misc]  # as the tests do
        for row, *names in tried:
            outcome, label = try_cell(play_cell, row, *names), ", ".join((row.name, *names))
            counts[kind] += 1
            if isinstance(outcome, str):
                counts["failed"] += 1
                print(f"FAILED {label}: {outcome}")
            else:
                where = (outcome, label)
                longest[kind] = max(longest.get(kind, (0.0, "")), where)
    transport.FAST_PATH_IS_ON = True  # type: ignore[misc]
    steps = sum(count_steps(name) for name in OPERATIONS)
    amid = [count_steps(name, row) for row, name in amid_faults()]
    print("| cells | | longest virtual time to an end |\n|---|---|---|")
    for kind, (seconds, where) in longest.items():
        print(f"| {kind} | {counts[kind]:,} | {seconds:.1f} s: `{where}` |")
    print(f"| operations, cancelled at each step | {len(OPERATIONS)} | {steps:,} cancellations |")
    print(f"| the same amid faults | {len(amid)} | {sum(amid):,} cancellations |")
    print(f"{counts['failed']} failed")
    return counts["failed"]


def count_steps(name: str, row: Row = NOTHING_WRONG) -> int:
    """Cancel an operation at each step, and return how often that was."""
    times: list[int] = []

    @on_virtual_time
    async def run() -> None:
        times.append(await cancel_at_each_step(name, row))

    run()
    return times[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="only write the page of the docs")
    if parser.parse_args().write:
        PAGE.write_text(page())
        return
    began = time.monotonic()
    failed = try_all()
    print(f"{time.monotonic() - began:.0f} s of real time")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
