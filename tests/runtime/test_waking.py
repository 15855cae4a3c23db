"""When receive loops are woken in a flood."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, chunk_message
from trio_cartesia import Chunk, Connection
from trio_cartesia._runtime.inbox import ByteCounter, Inbox
from trio_cartesia._runtime.reader import Reader
from trio_cartesia._runtime.transport.fast_path import Verdict
from trio_cartesia._runtime.waking import HELD_BYTES, HELD_BYTES_EACH, HELD_SECONDS, Waker
from trio_cartesia.testing import connected_pair, on_virtual_time


class Hearing:
    """Contexts whose tasks note when they got what."""

    def __init__(self, budget_bytes: int = 64 * 2**20) -> None:
        self.waker, self.total = Waker(), ByteCounter()
        self.budget_bytes = budget_bytes
        self.inboxes: list[Inbox] = []
        self.heard: list[tuple[int, int]] = []

    async def listen(self, inbox: Inbox, number: int) -> None:
        while True:
            try:
                event = await inbox.next_event()
            except StopAsyncIteration:
                return
            assert isinstance(event, Chunk)
            self.heard.append((number, len(event.audio)))

    async def open(self, nursery: trio.Nursery) -> None:
        inbox = Inbox(self.budget_bytes, blocks=False, total=self.total, waker=self.waker)
        nursery.start_soon(self.listen, inbox, len(self.inboxes))
        self.inboxes.append(inbox)
        await trio.testing.wait_all_tasks_blocked()

    async def turn(self, *chunks: tuple[int, int], is_flood: bool = True) -> list[tuple[int, int]]:
        """Deliver chunks, let others run, and return what was heard of it."""
        self.waker.begin_turn(trio.current_time(), self.total.held_bytes, is_flood=is_flood)
        for number, size in chunks:
            assert self.inboxes[number].put(Chunk(context_id="x", audio=bytes(size)), 0)
        await trio.testing.wait_all_tasks_blocked()
        heard, self.heard = self.heard, []
        return heard


async def test_in_a_flood_a_task_is_left_alone_until_it_is_worth_its_while(autojump_clock):
    """
    The first chunk is handed over at once; later ones together, once there are many of them.
    """
    hearing = Hearing()
    async with trio.open_nursery() as nursery:
        await hearing.open(nursery)
        assert await hearing.turn((0, 100)) == [(0, 100)]
        size = HELD_BYTES_EACH // 4
        assert await hearing.turn((0, size)) == []
        assert await hearing.turn((0, size)) == []
        assert len(await hearing.turn((0, size), (0, size))) == 4
        nursery.cancel_scope.cancel()


async def test_a_flood_of_one_context_does_not_hold_up_a_quiet_one(autojump_clock):
    """
    A context that has heard nothing for a while is handed its chunk at once, in any flood.
    """
    hearing = Hearing()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            await hearing.open(nursery)
        await hearing.turn((0, 100))
        assert await hearing.turn((0, 100), (1, 7)) == [(1, 7)]
        await trio.sleep(HELD_SECONDS)
        assert (1, 8) in await hearing.turn((1, 8))
        nursery.cancel_scope.cancel()


async def held(hearing: Hearing, nursery: trio.Nursery) -> Inbox:
    """An inbox in which two bytes wait for a task that is held."""
    await hearing.open(nursery)
    await hearing.turn((0, 1))
    assert await hearing.turn((0, 2)) == []
    return hearing.inboxes[0]


@pytest.mark.parametrize("how", ["settled", "no flood", "time", "bytes", "closed"])
async def test_what_is_held_is_handed_over(autojump_clock, how):
    """
    A held task goes on when nothing more is there, after a tenth of a second, when too much
    waits in all, and when its context ends.
    """
    hearing = Hearing()
    async with trio.open_nursery() as nursery:
        inbox = await held(hearing, nursery)
        if how == "settled":
            hearing.waker.settle()
        elif how == "closed":
            inbox.close()
        elif how == "time":
            await trio.sleep(HELD_SECONDS)
        elif how == "bytes":
            hearing.total.held_bytes += HELD_BYTES
        if how in ("settled", "closed"):
            await trio.testing.wait_all_tasks_blocked()
            assert hearing.heard == [(0, 2)]
        else:
            assert await hearing.turn(is_flood=how != "no flood") == [(0, 2)]
        nursery.cancel_scope.cancel()


async def test_what_is_held_of_a_context_that_is_cancelled_is_dropped(autojump_clock):
    """
    A held task whose context is cancelled ends, without what waited for it.
    """
    hearing = Hearing()
    async with trio.open_nursery() as nursery:
        (await held(hearing, nursery)).discard()
    assert hearing.heard == []
    assert hearing.total.held_bytes == 0


async def test_a_held_task_can_be_cancelled(autojump_clock):
    """
    Cancelling a held task is no different from cancelling one that waits: nothing is lost.
    """
    hearing = Hearing()
    async with trio.open_nursery() as nursery:
        inbox = await held(hearing, nursery)
        nursery.cancel_scope.cancel()
    hearing.waker.settle()
    event = await inbox.next_event()
    assert isinstance(event, Chunk)
    assert event.audio == bytes(2)


@given(
    budget_bytes=st.integers(10_000, 100_000),
    turns=st.lists(
        st.tuples(st.sampled_from([0, 0, 0.01, 0.06]), st.lists(st.integers(0, 300), max_size=4)),
        max_size=30,
    ),
)
@on_virtual_time
async def test_nothing_is_held_for_long(budget_bytes, turns):
    """
    However a flood goes, chunks keep their order, none waits longer than a tenth of a second
    and the turn after it, and no budget fills because a task was left alone.
    """
    hearing = Hearing(budget_bytes)
    said: list[tuple[float, int]] = []
    heard: list[int] = []
    async with trio.open_nursery() as nursery:
        await hearing.open(nursery)
        for seconds, sizes in turns:
            await trio.sleep(seconds)
            said += [(trio.current_time(), size) for size in sizes]
            heard += [size for _, size in await hearing.turn(*((0, size) for size in sizes))]
            due = [size for at, size in said if at <= trio.current_time() - HELD_SECONDS]
            assert heard == [size for _, size in said][: len(heard)]
            assert len(heard) >= len(due)
        nursery.cancel_scope.cancel()


async def listen(connection: Connection, name: str, heard: list[int]) -> None:
    """Note the sizes of a context's audio as it comes."""
    async with connection.context(**SETTINGS, context_id=name) as context:
        await context.push("Hello.")
        async for event in context.receive():
            assert isinstance(event, Chunk)
            heard.append(len(event.audio))


def take(reader: Reader, name: str, size: int) -> Verdict:
    """Hand a chunk to the reader, as the lane does."""
    data = bytearray(chunk_message(name, bytes(size)).encode())
    return reader.take_frame(data, memoryview(data), 0, len(data))


async def test_a_connection_holds_back_in_a_flood_and_hands_over_when_it_waits(autojump_clock):
    """
    Of a flood of frames the first is heard at once, the next ones when the reader is about to wait,
    when a tenth of a second is over, or when the flood is.
    """
    heard: list[int] = []
    async with connected_pair() as (connection, _), trio.open_nursery() as nursery:

        async def frame(size: int, *, is_flood: bool) -> list[int]:
            """Hand a chunk to the reader, as the lane does; return what was heard by now."""
            reader.begin_turn(is_flood=is_flood)
            take(reader, "a", size)
            await trio.testing.wait_all_tasks_blocked()
            return heard

        reader = connection._service._reader
        nursery.start_soon(listen, connection, "a", heard)
        await trio.sleep(1)
        assert await frame(2, is_flood=True) == [2]
        assert await frame(4, is_flood=True) == [2]
        assert await frame(6, is_flood=True) == [2]
        assert connection.statistics().inbox_bytes == 4 + 6 + 2 * 256
        reader.settle()
        await trio.testing.wait_all_tasks_blocked()
        assert heard == [2, 4, 6]
        assert await frame(8, is_flood=True) == [2, 4, 6]
        await trio.sleep(HELD_SECONDS)
        assert await frame(10, is_flood=True) == [2, 4, 6, 8, 10]
        assert await frame(12, is_flood=True) == [2, 4, 6, 8, 10]
        reader.settle()
        await trio.testing.wait_all_tasks_blocked()
        assert heard == [2, 4, 6, 8, 10, 12]
        reader._take(chunk_message("a", b""))  # not by the lane
        await trio.testing.wait_all_tasks_blocked()
        assert heard == [2, 4, 6, 8, 10, 12, 0]
        assert await frame(14, is_flood=True) == [2, 4, 6, 8, 10, 12, 0]
        assert await frame(16, is_flood=False) == [2, 4, 6, 8, 10, 12, 0, 14, 16]
        assert connection._service._waker._held == []  # nothing is kept that was woken
        nursery.cancel_scope.cancel()


async def test_a_flood_does_not_fill_a_small_inbox(autojump_clock):
    """
    A task for whose inbox a quarter of the budget waits is woken; with less, it is not.
    """
    hearing = Hearing(budget_bytes=4 * 1000)
    async with trio.open_nursery() as nursery:
        await hearing.open(nursery)
        assert await hearing.turn((0, 2)) == [(0, 2)]
        assert await hearing.turn((0, 1000 - 256 - 1)) == []
        assert await hearing.turn((0, 2)) == [(0, 1000 - 256 - 1), (0, 2)]
        assert await hearing.turn((0, 1000 - 256)) == [(0, 1000 - 256)]
        nursery.cancel_scope.cancel()


async def test_who_is_held_does_not_wait_for_an_inbox_that_is_full(autojump_clock):
    """
    Where the reader waits for room in one inbox, what is held for the others is handed over.
    """
    heard: list[int] = []
    async with connected_pair() as (connection, _), trio.open_nursery() as nursery:
        reader = connection._service._reader
        nursery.start_soon(listen, connection, "quick", heard)
        async with connection.context(
            **SETTINGS, context_id="full", inbox_bytes=500, overflow="block"
        ) as full:
            await full.push("Hello.")
            await trio.sleep(1)
            reader.begin_turn(is_flood=True)
            assert take(reader, "quick", 2) is Verdict.TAKEN
            await trio.testing.wait_all_tasks_blocked()
            assert take(reader, "quick", 4) is Verdict.TAKEN
            assert take(reader, "full", 600) is Verdict.STALLED
            assert heard == [2]
            nursery.start_soon(reader.wait_room)
            await trio.testing.wait_all_tasks_blocked()
            assert heard == [2, 4]
        nursery.cancel_scope.cancel()
