"""Do 100,000 contexts over one connection leave anything behind, and does each cost the same?

``python benchmarks/soak.py``. Client and peer share a process, over a WebSocket in memory. Many
tasks open contexts one after another and leave each in a way drawn at random; a peer answers by
what a context's id says. It never confirms the half of all cancels, so tombstones stay, up to their
bound; every id is the caller's own, so as many are remembered as ever are.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from trio_cartesia import (
    Connection,
    ConnectionStatistics,
    Context,
    ContextExpired,
    ContextFailed,
    ContextOptions,
)
from trio_cartesia.testing import Peer, connected_pair

SETTINGS: Final[ContextOptions] = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 24000},
}
AUDIO: Final = bytes(960)  # 20 ms
AT_ONCE: Final = 16


class EnoughError(Exception):
    """What a block is left with."""


async def finish(context: Context) -> None:
    """Hear all of it."""
    await context.push("A text.")
    await context.no_more_inputs()
    speech = await context.collect()
    assert speech.complete
    assert speech.audio == AUDIO * 2


async def leave_early(context: Context) -> None:
    """Break out of the receive loop."""
    await context.push("A text.")
    async for _ in context.receive():
        break


async def leave_unheard(context: Context) -> None:
    """Leave while everything waits, or is still to come."""
    await context.push("A text.")
    await context.no_more_inputs()


async def leave_unused(_context: Context) -> None:
    """Leave a context that never began."""
    await trio.lowlevel.checkpoint()


async def fall(context: Context) -> None:
    """Raise something."""
    await leave_early(context)
    raise EnoughError


async def be_cancelled(context: Context) -> None:
    """Be cancelled from outside, while waiting for more than comes."""
    await context.push("A text.")
    with trio.CancelScope() as scope:
        async for _ in context.receive():
            scope.cancel("enough was heard")
    assert scope.cancelled_caught


async def cancel(context: Context) -> None:
    """Cancel, and meet the end."""
    await leave_early(context)
    context.cancel()
    assert [event async for event in context.receive()] == []


async def expire(context: Context) -> None:
    """Be ended by the service before the text has ended."""
    await context.push("A text.")
    assert [event.type async for event in context.receive()] == ["chunk", "chunk", "done"]
    try:
        await context.push("More.")
    except ContextExpired:
        return
    raise AssertionError("an expired context took more")


async def fail(context: Context) -> None:
    """Be failed by the service."""
    await context.push("A text.")
    try:
        await context.collect()
    except ContextFailed:
        return
    raise AssertionError("a failed context ended well")


Way = Callable[[Context], Awaitable[None]]
WAYS: Final[tuple[Way, ...]] = (
    finish,
    leave_early,
    leave_unheard,
    leave_unused,
    fall,
    be_cancelled,
    cancel,
    expire,
    fail,
)


async def answer(peer: Peer) -> None:
    """Play the service, for ever; what a context gets is in its id."""
    while True:
        await answer_one(peer, await peer.receive())


async def answer_one(peer: Peer, request: dict[str, Any]) -> None:
    """Answer a request."""
    context_id = request["context_id"]
    way, number = context_id.split()
    if request.get("cancel"):
        if int(number) % 2:  # the others are never confirmed
            await peer.chunk(context_id, AUDIO)  # late
            await peer.done(context_id)
    elif not request["continue"]:
        await peer.done(context_id)
    else:
        await peer.chunk(context_id, AUDIO)
        await peer.chunk(context_id, AUDIO)
        if way == "expire":
            await peer.done(context_id)
        elif way == "fail":
            await peer.error(context_id)


@attrs.define(eq=False)
class Soak:
    """Contexts on one connection, one after another in many tasks.

    Attributes:
        ended: How many were left, and how.
    """

    connection: Connection
    peer: Peer
    dice: random.Random
    ended: Counter[str] = attrs.field(factory=Counter, init=False)
    _number: int = attrs.field(default=0, init=False)

    async def run(self, contexts: int) -> None:
        """Open and leave so many."""
        last = self._number + contexts
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer, self.peer)
            async with trio.open_nursery() as speakers:
                for _ in range(AT_ONCE):
                    speakers.start_soon(self._speak_until, last)
            await self._settle()
            nursery.cancel_scope.cancel("all have left")

    async def _speak_until(self, last: int) -> None:
        while self._number < last:
            self._number += 1
            way = self.dice.choice(WAYS)
            context_id = f"{way.__name__} {self._number}"
            try:
                async with self.connection.context(context_id=context_id, **SETTINGS) as context:
                    await way(context)
            except EnoughError:
                pass
            self.ended[way.__name__] += 1

    async def _settle(self) -> None:
        """Hear a last context to its end: everything that was asked before it is answered then."""
        async with self.connection.context(
            context_id=f"finish {self._number}!", **SETTINGS
        ) as last:
            await finish(last)


def look() -> dict[str, float]:
    """Return what the process holds."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    sizes = {"objects": len(gc.get_objects()), "memory, MiB": resident / 2**20}
    if tracemalloc.is_tracing():
        sizes["traced, KiB"] = tracemalloc.get_traced_memory()[0] / 2**10
    return sizes


def kept(statistics: ConnectionStatistics) -> str:
    """Return what a connection says that it holds."""
    names = ("contexts_open", "contexts_draining", "requests_queued", "inbox_bytes")
    return " / ".join(f"{getattr(statistics, name)}" for name in names)


def pace() -> float:
    """Return what a fixed piece of work costs just now: other programs slow a processor down."""
    began = time.process_time()
    for number in range(300):
        json.loads(json.dumps({"number": number, "text": "a" * 1000, "rows": list(range(50))}))
    return time.process_time() - began


async def one_tenth(soak: Soak, contexts: int) -> tuple[float, float]:
    """Return the processor's seconds for each context, and the same in pieces of fixed work."""
    costs, relative, part = [], [], contexts // 10
    for _ in range(10):
        before, began = pace(), time.process_time()
        await soak.run(part)
        costs.append((time.process_time() - began) / part)
        relative.append(2 * costs[-1] / (before + pace()))
    return statistics.mean(costs), statistics.median(relative)


async def main(contexts: int, seed: int, *, traced: bool) -> None:
    """Measure, and print the table."""
    if traced:
        tracemalloc.start()
    relative = []
    async with connected_pair() as (connection, peer):
        soak = Soak(connection, peer, random.Random(seed))  # noqa: S311  # a seed to repeat it by
        titles = ["contexts", "µs each", "to the first", *look()]
        titles.append("open / draining / queued / inbox bytes")
        print(f"| {' | '.join(titles)} |\n|{'---:|' * len(titles)}")
        for tenth in range(1, 11):
            cost, in_pieces = await one_tenth(soak, contexts // 10)
            relative.append(in_pieces)
            numbers = [f"{tenth * contexts // 10:,}", f"{cost * 1e6:.0f}"]
            numbers.append(f"{in_pieces / relative[0]:.2f}")
            numbers += [f"{size:,.1f}".removesuffix(".0") for size in look().values()]
            print(f"| {' | '.join([*numbers, kept(connection.statistics())])} |", flush=True)
    print("\n" + ", ".join(f"{name} {count:,}" for name, count in sorted(soak.ended.items())))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--traced", action="store_true", help="count bytes, at a third of the pace")
    arguments = parser.parse_args()
    trio.run(lambda: main(arguments.contexts, arguments.seed, traced=arguments.traced))
