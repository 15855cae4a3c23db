"""Messages on their way out."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, cancels, receive_all, requests_until_quiet
from trio_cartesia import ConnectionLost
from trio_cartesia._runtime.keepalive import KEEPALIVE_SECONDS, PONG_SECONDS
from trio_cartesia._runtime.writer import BATCH_SIZE
from trio_cartesia.testing import MemoryStream, connected_pair, on_virtual_time


def counted_writes(patch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what is written, by both ends."""
    sizes: list[int] = []
    send_all = MemoryStream.send_all

    async def count(self: MemoryStream, data: bytes) -> None:
        sizes.append(len(data))
        await send_all(self, data)

    patch.setattr(MemoryStream, "send_all", count)
    return sizes


async def test_many_pushes_are_sent_in_two_writes(autojump_clock, monkeypatch):
    """The first of many pushes is sent at once and alone, the others together; the peer receives
    all.
    """
    async with connected_pair() as (connection, peer), trio.open_nursery() as nursery:

        async def push(number: int) -> None:
            async with connection.context(**SETTINGS, context_id=f"c{number}") as context:
                await context.push(f"Text {number}.")
                await trio.sleep(60)

        sizes = counted_writes(monkeypatch)
        for number in range(64):
            nursery.start_soon(push, number)
        await trio.sleep(1)
        assert len(sizes) == 2
        assert sizes[0] * 40 < sizes[1]
        requests = [await peer.receive() for _ in range(64)]
        assert {request["transcript"] for request in requests} == {
            f"Text {number}." for number in range(64)
        }
        nursery.cancel_scope.cancel()


async def test_a_write_of_many_messages_is_bounded(autojump_clock, monkeypatch):
    """What queues up goes in few writes, none of which is longer than so much and one message."""
    async with connected_pair(pipe_bytes=2**20) as (connection, _), trio.open_nursery() as nursery:

        async def push() -> None:
            async with connection.context(**SETTINGS) as context:
                await context.push("x" * 2000)
                await trio.sleep(60)

        sizes = counted_writes(monkeypatch)
        for _ in range(41):
            nursery.start_soon(push)
        await trio.sleep(1)
        message = sizes[0]
        assert sum(sizes) >= 41 * 2000
        assert BATCH_SIZE - message < max(sizes) <= BATCH_SIZE + message
        assert len(sizes) <= 2 * 41 // (BATCH_SIZE // message + 1) + 1
        nursery.cancel_scope.cancel()


async def test_closing_a_connection_cancels_each_context_first(autojump_clock):
    """If a connection's block ends together with those of its contexts, every cancel is sent before
    the close.
    """
    names = [f"c{number}" for number in range(50)]
    async with connected_pair() as (connection, peer), trio.open_nursery() as outer:
        heard: list[dict[str, object]] = []

        async def hear() -> None:
            try:
                while True:
                    heard.append(await peer.receive())
            except trio.EndOfChannel:
                pass

        outer.start_soon(hear)
        async with trio.open_nursery() as nursery:

            async def talk(name: str) -> None:
                async with connection.context(**SETTINGS, context_id=name) as context:
                    await context.push("Hello.")
                    await trio.sleep_forever()

            for name in names:
                nursery.start_soon(talk, name)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
        await connection._contexts.session.close_politely()
    assert sorted(cancels(heard)) == sorted(names)
    assert peer.closed_with == 1000


@given(
    texts=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y" * 100, "z" * 70_000])),
        min_size=1,
        max_size=12,
    )
)
@on_virtual_time
async def test_each_context_keeps_its_order(texts):
    """However pushes of several contexts are written together, each context's come in its order."""
    async with connected_pair() as (connection, peer), trio.open_nursery() as nursery:

        async def push(name: str) -> None:
            async with connection.context(**SETTINGS, context_id=name) as context:
                for number, (owner, text) in enumerate(texts):
                    if owner == name:
                        await context.push(f"{number} {text}")
                await context.no_more_inputs()
                await trio.sleep(100)

        for name in "abc":
            nursery.start_soon(push, name)
        heard = await requests_until_quiet(peer)
        nursery.cancel_scope.cancel()
    for name in "abc":
        wanted = [f"{number} {text}" for number, (owner, text) in enumerate(texts) if owner == name]
        assert [one["transcript"] for one in heard if one["context_id"] == name] == (
            [*wanted, ""] if wanted else []
        )


@pytest.mark.slow
@given(steps=st.integers(0, 200))
@on_virtual_time
async def test_pings_are_answered_while_many_messages_go(steps):
    """Whenever the peer pings during a batch of pushes, it is answered, and
    nothing else suffers.
    """
    async with connected_pair(pipe_bytes=500) as (connection, peer), trio.open_nursery() as nursery:
        pushed: list[int] = []

        async def push(number: int) -> None:
            async with connection.context(**SETTINGS, context_id=f"c{number}") as context:
                await context.push("Hello.")
                pushed.append(number)
                await trio.sleep(60)

        nursery.start_soon(requests_until_quiet, peer)
        for number in range(30):
            nursery.start_soon(push, number)
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        for _ in range(5):
            with trio.fail_after(10):
                await peer._websocket.ping()
        await trio.sleep(1)
        assert sorted(pushed) == list(range(30))
        assert not connection.statistics().is_lost
        nursery.cancel_scope.cancel()


async def test_a_written_push_counts_as_sent_if_the_next_write_fails(autojump_clock):
    """If the peer reads the first of many pushes and then breaks off, that push returns and is
    counted; the others raise `ConnectionLost`.
    """
    ends: dict[int, str] = {}
    async with connected_pair(pipe_bytes=500) as (connection, peer), trio.open_nursery() as nursery:

        async def push(number: int) -> None:
            async with connection.context(**SETTINGS, context_id=f"c{number}") as context:
                try:
                    await context.push("Hello.")
                except ConnectionLost:
                    ends[number] = "lost"
                else:
                    ends[number] = "sent"

        peer.stream.stall()
        for number in range(30):
            nursery.start_soon(push, number)
        await trio.sleep(1)
        assert list(ends.values()) == ["sent"]
        assert connection.statistics().requests_sent == 1
        peer.stream.reset()
    assert sorted(ends.values()) == ["lost"] * 29 + ["sent"]


@pytest.mark.slow
@given(steps=st.integers(0, 120), pipe_bytes=st.sampled_from([500, 2**20]))
@on_virtual_time
async def test_a_peer_may_say_goodbye_at_any_step_of_a_batch(steps, pipe_bytes):
    """Whenever the peer closes while many push, it hears a close, and all are
    told at that moment.
    """
    ends: list[str] = []
    async with connected_pair(pipe_bytes=pipe_bytes) as (connection, peer):
        async with trio.open_nursery() as nursery:

            async def push() -> None:
                async with connection.context(**SETTINGS) as context:
                    try:
                        await context.push("Hello.")
                        async for _ in context.receive():
                            raise AssertionError("nobody spoke")
                    except ConnectionLost as lost:
                        ends.append(f"closed with {lost.close_code}")

            async def hear() -> None:
                with suppress(trio.EndOfChannel):
                    while True:
                        await peer.receive()

            began = trio.current_time()
            nursery.start_soon(hear)
            for _ in range(30):
                nursery.start_soon(push)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            await peer._websocket.aclose(1000, "bye")
        assert ends == ["closed with 1000"] * 30
        assert trio.current_time() == began
        assert peer.closed_with == 1000


async def test_a_peer_that_takes_nothing_of_a_batch_is_noticed(autojump_clock):
    """Where a batch gets stuck in the pipe, the keepalive ends the connection
    as it does otherwise.
    """
    ends: list[str] = []
    async with connected_pair(pipe_bytes=500) as (connection, peer):
        began = trio.current_time()
        async with trio.open_nursery() as nursery:

            async def push() -> None:
                async with connection.context(**SETTINGS) as context:
                    try:
                        await context.push("Hello. " * 100)
                    except ConnectionLost:
                        ends.append("lost")

            peer.stream.stall()
            for _ in range(300):
                nursery.start_soon(push)
        assert ends == ["lost"] * 300
        assert trio.current_time() - began == KEEPALIVE_SECONDS + PONG_SECONDS


async def test_an_empty_context_that_has_ended_is_not_lost(autojump_clock, monkeypatch):
    """Its push, its receive loop and its statistics agree, even if the connection is lost while the
    messages that go with its last one are being sent.
    """
    events = []
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="a") as context,
            connection.context(**SETTINGS, context_id="b") as empty,
            trio.open_nursery() as nursery,
        ):
            peer.stream.stall()
            nursery.start_soon(context.push, "first " * 5000)  # fills the pipe, and waits
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(quietly, context.push, "second")
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(empty.no_more_inputs)
            nursery.start_soon(receive_all, empty, events)
            await trio.testing.wait_all_tasks_blocked()
            lose_while_sending(peer, monkeypatch)
            peer.stream.resume()
        assert empty.statistics().end == "done"
        assert [event.type for event in events] == ["done"]
        assert connection.statistics().is_lost


def lose_while_sending(peer, patch):
    """Have the client read the end of the connection while it sends what comes next."""
    send_all = MemoryStream.send_all

    async def send(self, data):
        if self is not peer.stream:
            await peer.stream.send_eof()
            await trio.testing.wait_all_tasks_blocked()
        await send_all(self, data)

    patch.setattr(MemoryStream, "send_all", send)


async def quietly(push, text):
    """Push, whatever becomes of the connection."""
    with suppress(ConnectionLost):
        await push(text)
