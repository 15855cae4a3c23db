"""What waits between the reader and a receive loop."""

from __future__ import annotations

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import SETTINGS
from trio_cartesia import Chunk, ConnectionLost, ContextFailed, Done, Event, InboxOverflow
from trio_cartesia._runtime.inbox import IN_A_ROW, ByteCounter, Inbox
from trio_cartesia.testing import connected_pair, on_virtual_time

BUDGET_BYTES = 5_000

CHUNKS = st.builds(
    lambda size: (Chunk(context_id="a", audio=bytes(size)), 0, size + 256), st.integers(0, 3000)
)
DONES = st.builds(
    lambda characters: (Done(context_id="a"), characters, 32 * characters + 256),
    st.integers(0, 100),
)
ERRORS = st.sampled_from([None, ContextFailed("failed"), ConnectionLost("lost")])
STEPS = st.one_of(
    st.tuples(st.just("put"), CHUNKS | DONES),
    st.tuples(st.just("take"), st.none()),
    st.tuples(st.just("put back"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["close", "discard"]), ERRORS),
    st.tuples(st.just("amend"), st.just(ContextFailed("in other words"))),
)


class Model:
    """An inbox as it is described."""

    def __init__(self, *, blocks: bool) -> None:
        self.blocks = blocks
        self.waiting: list[tuple[object, int]] = []
        self.is_closed = self.has_dropped = False
        self.error: Exception | None = None
        self.peak_bytes = 0

    @property
    def held_bytes(self) -> int:
        return sum(size for _, size in self.waiting)

    def put(self, event: object, size: int) -> bool:
        if self.is_closed:
            return True
        if not self.blocks and self.held_bytes + size > BUDGET_BYTES:
            return False
        self.waiting.append((event, size))
        self.peak_bytes = max(self.peak_bytes, self.held_bytes)
        return True

    def put_back(self, events: list[Event]) -> None:
        sizes = [256 + len(getattr(event, "audio", b"")) for event in events]
        self.waiting[:0] = zip(events, sizes, strict=True)
        self.peak_bytes = max(self.peak_bytes, self.held_bytes)

    def close(self, error: Exception | None) -> None:
        if not self.is_closed:
            self.is_closed, self.error = True, error

    def discard(self, error: Exception | None) -> None:
        if self.waiting or not self.is_closed:
            self.error = error
        self.has_dropped |= bool(self.waiting)
        self.waiting.clear()
        self.is_closed = True

    def amend(self, error: Exception) -> None:
        if self.error is not None:
            self.error = error

    def take(self) -> object:
        """The event, or how it ends; None where a receive loop would wait."""
        if self.waiting:
            return self.waiting.pop(0)[0]
        if not self.is_closed:
            return None
        return (type(self.error), str(self.error)) if self.error else "end"


async def taken(inbox: Inbox) -> object:
    with trio.move_on_after(1):
        try:
            return await anext(inbox)
        except StopAsyncIteration:
            return "end"
        except (ContextFailed, ConnectionLost) as error:
            return type(error), str(error)
    return None


CHUNK = Chunk(context_id="a", audio=bytes(1000))
FULL = Chunk(context_id="a", audio=bytes(BUDGET_BYTES - 256))


@given(steps=st.lists(STEPS, max_size=30), blocks=st.booleans())
@example(steps=[("put", (FULL, 0, BUDGET_BYTES)), ("take", None)], blocks=False)
@example(steps=[("put", (FULL, 0, BUDGET_BYTES)), ("take", None)], blocks=True)
@example(
    steps=[
        ("put", (CHUNK, 0, 1256)),
        ("put", (Done(context_id="a"), 7, 480)),
        ("close", ContextFailed("failed")),
        ("discard", None),
        ("put", (CHUNK, 0, 1256)),
        ("take", None),
    ],
    blocks=False,
)
@example(
    steps=[
        ("put", (Done(context_id="a"), 7, 480)),
        ("put", (CHUNK, 0, 1256)),
        ("put", (Done(context_id="a"), 9, 544)),
        ("close", ContextFailed("failed")),
        ("put back", 2),
        *[("take", None)] * 4,
    ],
    blocks=False,
)
@example(
    steps=[("close", ContextFailed("failed")), ("discard", ConnectionLost("lost")), ("take", None)],
    blocks=False,
)
@on_virtual_time
async def test_an_inbox_is_a_queue_bounded_in_bytes(steps, blocks):
    """Events are received once and in order, then the end. Waiting bytes are counted exactly, here
    and in the total of the connection. An event that exceeds the budget is refused, unless the
    reader waits.
    """
    total = ByteCounter()
    inbox, model = Inbox(BUDGET_BYTES, blocks, total), Model(blocks=blocks)
    for step, what in steps:
        if step == "put":
            event, characters, size = what
            assert inbox.put(event, characters) is model.put(event, size)
        elif step == "take":
            assert await taken(inbox) == model.take()
        elif step == "put back":
            events = [await anext(inbox) for _ in range(min(what, len(model.waiting)))]
            assert events == [model.take() for _ in events]
            inbox.put_back(events)
            model.put_back(events)
        else:
            getattr(inbox, step)(what)
            getattr(model, step)(what)
        assert inbox.counter.held_bytes == total.held_bytes == model.held_bytes
        assert inbox.counter.peak_bytes == total.peak_bytes == model.peak_bytes
        assert inbox.is_full is (not model.is_closed and model.held_bytes > BUDGET_BYTES)
        assert inbox.has_dropped is model.has_dropped


async def test_a_budget_may_be_used_up_and_not_passed(autojump_clock):
    """What fills an inbox to the byte is taken; one byte more is an overflow,
    which tells the size.
    """
    async with connected_pair() as (connection, peer):
        for size, fits in ((1000, True), (1001, False)):
            async with connection.context(**SETTINGS, inbox_bytes=1256) as context:
                await context.push("Hello.")
                await peer.receive()
                await peer.chunk(context.context_id, bytes(size))
                await trio.sleep(1)
                assert connection.statistics().inbox_bytes == (1256 if fits else 0)
                if not fits:
                    with pytest.raises(InboxOverflow):
                        await context.collect()


async def test_the_counters_of_a_new_connection_are_zero(autojump_clock):
    """Before anything was sent or received, every counter is 0."""
    async with connected_pair() as (connection, _):
        statistics = connection.statistics()
        assert statistics.inbox_bytes == statistics.inbox_peak_bytes == 0
        assert statistics.requests_sent == statistics.requests_queued == 0
        async with connection.context(**SETTINGS) as context:
            assert context.statistics().inbox_bytes == context.statistics().inbox_peak_bytes == 0


async def test_a_loop_lets_others_run_and_can_be_cancelled(autojump_clock):
    """A loop over what waits gives up its turn after so many events, and each step can be
    cancelled.
    """
    turns = 0
    inbox = Inbox(10**9, False, ByteCounter())

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    for _ in range(10 * IN_A_ROW):
        inbox.put(CHUNK, 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        for _ in range(10 * IN_A_ROW - 1):
            await anext(inbox)
        nursery.cancel_scope.cancel()
    assert 8 <= turns <= 11
    for _ in range(2):
        with trio.CancelScope() as scope:
            scope.cancel()
            await anext(inbox)
        assert scope.cancelled_caught
    assert await anext(inbox) == CHUNK


async def test_events_put_back_after_the_block_are_dropped():
    """Events that a thread had taken are dropped if the context's block was left meanwhile."""
    inbox = Inbox(BUDGET_BYTES, False, ByteCounter())
    inbox.put(CHUNK, 0)
    event = await anext(inbox)
    inbox.discard(ContextFailed("left"))
    inbox.put_back([event])
    assert await taken(inbox) == (ContextFailed, "left")
    assert inbox.counter.held_bytes == 0
