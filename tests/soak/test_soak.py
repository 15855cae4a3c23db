"""What stays of contexts that are over, and what one that is not received does to the others."""

from __future__ import annotations

import gc
import random

import pytest
import trio
import trio.testing

from tests.soak.leaving import WAYS, Soak
from tests.support import SETTINGS, cancels, receive_all, received_audio, requests_until_quiet
from trio_cartesia import Chunk, Connection, Event, InboxOverflow
from trio_cartesia.testing import Link, Peer, connected_pair, on_virtual_time

CONTEXTS = 2_000
TOMBSTONES_MOST = 1024  # as docs/reference/limits.md and `ConnectionStatistics` say
TOMBSTONE_SECONDS = 10


def what_lives() -> int:
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2])
@on_virtual_time
async def test_contexts_that_are_over_leave_nothing_behind(seed):
    """After thousands of contexts, left in every way there is, a connection holds what it held."""
    async with connected_pair() as (connection, peer):
        soak = Soak(connection, peer, random.Random(seed))  # noqa: S311
        await soak.run(CONTEXTS // 4)
        before = what_lives()
        await soak.run(CONTEXTS)
        after = what_lives()
        assert set(soak.ended) == {way.__name__ for way in WAYS}
        assert after - before < CONTEXTS // 20  # not one object for each context, nor for twenty
        statistics = connection.statistics()
        assert statistics.contexts_open == statistics.requests_queued == statistics.inbox_bytes == 0
        assert 0 < statistics.contexts_draining <= TOMBSTONES_MOST
        assert statistics.unknown_events == statistics.malformed_events == 0
        await trio.sleep(TOMBSTONE_SECONDS)
        assert connection.statistics().contexts_draining == 0


@pytest.mark.slow
@pytest.mark.parametrize("count", [1_000, 1_100])
@on_virtual_time
async def test_contexts_cancelled_in_a_row_are_remembered_up_to_a_bound(count):
    """However many cancels the service leaves unconfirmed, no more than the bound is remembered,
    for no longer than it says; and the connection is as good as new.
    """
    async with connected_pair() as (connection, peer), trio.open_nursery() as nursery:
        names = [f"c{number}" for number in range(count)]
        requests: list[dict[str, object]] = []
        nursery.start_soon(_receive, peer, requests)
        most = 0
        for name in names:
            async with connection.context(**SETTINGS, context_id=name) as context:
                await context.push("Never mind.")
            most = max(most, connection.statistics().contexts_draining)
        assert most == min(count, TOMBSTONES_MOST)
        await trio.testing.wait_all_tasks_blocked()
        assert cancels(requests) == names
        for name in names:  # only now the service ends them; it had forgotten none
            await peer.done(name)
        await trio.testing.wait_all_tasks_blocked()
        statistics = connection.statistics()
        assert statistics.contexts_draining == 0
        assert statistics.dropped_events == min(count, TOMBSTONES_MOST)
        assert statistics.stray_events == count - statistics.dropped_events
        async with connection.context(**SETTINGS, context_id="new") as context:
            await context.push("Hello.")
            await peer.chunk("new", b"12")
            await peer.done("new")
            assert await received_audio(context) == [b"12"]
        nursery.cancel_scope.cancel()


async def _receive(peer: Peer, requests: list[dict[str, object]]) -> None:
    while True:
        requests.append(await peer.receive())


@pytest.mark.slow
@on_virtual_time
async def test_who_never_reads_fails_alone_and_delays_nobody():
    """A context that nobody receives fails at its budget, after what fits; the other's audio comes
    as late as it does without that neighbour, to the instant.
    """
    quiet, _, _ = await _lateness(with_idler=False)
    beside, idler, requests = await _lateness(with_idler=True)
    assert beside == quiet
    assert len(quiet) == 200
    events, error, peak = idler
    assert isinstance(error, InboxOverflow)
    assert error.context_id == "idle"
    assert 0 < len(events) * 1000 <= peak <= 50_000
    assert all(isinstance(event, Chunk) for event in events)
    assert cancels(requests) == ["idle"]


async def _lateness(
    *, with_idler: bool
) -> tuple[list[float], tuple[list[Event], Exception | None, int], list[dict[str, object]]]:
    """Return how long each chunk for an eager context took, while an idle one gets as many; and
    what became of that.
    """
    link = Link(latency_seconds=0.05, bytes_per_second=500_000)
    idler: tuple[list[Event], Exception | None, int] = ([], None, 0)
    async with connected_pair(link=link) as (connection, peer):
        late: list[float] = []
        if with_idler:
            async with connection.context(
                **SETTINGS, context_id="idle", inbox_bytes=50_000
            ) as idle:
                await idle.push("Blah.")
                await _speak_and_hear(connection, peer, late)
                events: list[Event] = []
                with pytest.raises(InboxOverflow) as caught:
                    await receive_all(idle, events)
                idler = events, caught.value, idle.statistics().inbox_peak_bytes
        else:
            await _speak_and_hear(connection, peer, late)
        return late, idler, await requests_until_quiet(peer)


async def _speak_and_hear(connection: Connection, peer: Peer, late: list[float]) -> None:
    times: list[float] = []

    async def speak() -> None:
        for number in range(200):
            await trio.sleep_until(begin + number * 0.02)
            times.append(trio.current_time())
            await peer.chunk("eager", bytes(960))
            await peer.chunk("idle", bytes(960))  # a stray event, where nobody idles
        await peer.done("eager")

    async with connection.context(**SETTINGS, context_id="eager") as eager:
        await eager.push("Tell me.")
        begin = trio.current_time() + 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak)
            async for event in eager.receive():
                if isinstance(event, Chunk):
                    late.append(round(trio.current_time() - times[len(late)], 9))
