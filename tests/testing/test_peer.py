"""The scripted other end."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given

from tests.support import SETTINGS, receive_all
from trio_cartesia import CartesiaError, ConnectionLost, ContextFailed, LocalProtocolError
from trio_cartesia.testing import (
    Link,
    Script,
    connect_in_memory,
    connected_pair,
    on_virtual_time,
)
from trio_cartesia.testing.script import (
    Closes,
    Cuts,
    Ends,
    Fails,
    Flushes,
    HalfCloses,
    Receives,
    Resets,
    Sends,
    Speaks,
    Stalls,
    Waits,
)
from trio_cartesia.testing.strategies import links, scripts


async def test_it_sends_every_event_of_a_service(autojump_clock):
    """Audio, times, ends of segments and the end arrive as the events that they are."""
    events = []
    async with (
        connected_pair() as (connection, peer),
        connection.context(**SETTINGS, context_id="a") as context,
    ):
        await context.push("Hello.")
        await peer.chunk("a", b"12")
        await peer.words("a", [("Hello.", 0.0, 0.5)])
        await peer.phonemes("a", [("h", 0, 0.1), ("ə", 0.1, 0.2)])
        await peer.flush_done("a", flush_id=1)
        await peer.done("a")
        await receive_all(context, events)
    assert [event.type for event in events] == [
        "chunk",
        "timestamps",
        "phoneme_timestamps",
        "flush_done",
        "done",
    ]
    assert events[1].word_timestamps.words == ("Hello.",)
    assert events[2].phoneme_timestamps.end == (0.1, 0.2)


async def test_it_waits_for_a_cancel(autojump_clock):
    """The peer drops requests until the cancel of the context that it waits for."""
    async with connected_pair() as (connection, peer):
        for name in ("a", "b"):
            async with connection.context(**SETTINGS, context_id=name) as context:
                await context.push("Hello.")
        with trio.fail_after(1):
            await peer.receive_cancel("b")
        with trio.move_on_after(1) as patience:
            await peer.receive()
        assert patience.cancelled_caught


async def test_a_connection_that_has_ended_raises_what_streams_raise(autojump_clock):
    """No exception of the library below leaves the peer."""
    async with connected_pair() as (_, peer):
        peer.stream.reset()
        with pytest.raises(trio.EndOfChannel):
            await peer.receive()
        with pytest.raises(trio.BrokenResourceError):
            await peer.done("a")
        await peer.close()


async def test_it_may_close_while_it_is_pinged(autojump_clock):
    """A ping that crosses the peer's close harms neither of them: the connection is lost, no more.

    (Found by the state machine: trio-websocket crashes where it would have to answer the ping, and
    then never ends its own closing.)
    """
    async with connected_pair() as (connection, peer), trio.open_nursery() as nursery:
        peer.stream.stall()
        await trio.sleep(30)  # the client pings after 20
        nursery.start_soon(peer.close)
        await trio.testing.wait_all_tasks_blocked()
        peer.stream.resume()
        await trio.sleep(0.1)
        assert connection.statistics().is_lost
        assert not nursery.child_tasks


async def test_latency_is_heard(autojump_clock):
    """Over a slow link a request and its answer each take the latency."""
    link = Link(latency_seconds=0.25)
    async with (
        connected_pair(link=link) as (connection, peer),
        connection.context(**SETTINGS, context_id="a") as context,
    ):
        begun = trio.current_time()
        await context.push("Hello.")
        await peer.receive()
        await peer.done("a")
        await receive_all(context, [])
        assert trio.current_time() - begun == pytest.approx(0.5)


EVERYTHING = Script(
    Receives(2),
    Speaks("a", b"12"),
    Waits(1),
    Stalls(1),
    Flushes("a"),
    Sends({"type": "news", "context_id": "a"}),
    Fails("b", 429, "concurrency_limited"),
    Ends("a"),
)


async def test_a_script_is_played(autojump_clock):
    """The acts of a script happen one after the other, in their time."""
    events = []
    async with (
        connected_pair() as (connection, peer),
        trio.open_nursery() as nursery,
        connection.context(**SETTINGS, context_id="a") as one,
        connection.context(**SETTINGS, context_id="b") as two,
    ):
        nursery.start_soon(EVERYTHING.play, peer)
        await one.push("One.")
        await two.push("Two.")
        await receive_all(one, events)
        assert trio.current_time() == 2
        with pytest.raises(ContextFailed):
            await receive_all(two, [])
    assert [event.type for event in events] == ["chunk", "flush_done", "unknown", "done"]


@pytest.mark.parametrize("last", [Closes(1011), Cuts(3), HalfCloses(), Resets(), Sends("nonsense")])
async def test_a_script_may_end_the_connection(last, autojump_clock):
    """However a script ends the connection, earlier events are received first, and playing ends."""
    events = []
    async with (
        connected_pair() as (connection, peer),
        connection.context(**SETTINGS, context_id="a") as context,
    ):
        await context.push("One.")
        await Script(Receives(), Speaks("a", b"12"), Waits(1), last, Ends("a")).play(peer)
        with pytest.raises(ConnectionLost):
            await receive_all(context, events)
    assert [event.type for event in events] == ["chunk"]


@pytest.mark.slow
@given(script=scripts(["a", "b"]), link=links())
@on_virtual_time
async def test_whatever_a_service_does_a_conversation_ends(script, link):
    """Under any script, over any link, both receive loops end within a minute of virtual time, with
    an exception of this package or none.
    """
    ends = []

    async def converse(connection, name):
        try:
            async with connection.context(**SETTINGS, context_id=name) as context:
                await context.push("Hello.")
                await context.no_more_inputs()
                await receive_all(context, [])
        except CartesiaError as error:
            assert error.context_id == name
        ends.append(name)

    async with connected_pair(link=link) as (connection, peer):
        with trio.fail_after(200):
            async with trio.open_nursery() as nursery:
                for name in ("a", "b"):
                    nursery.start_soon(converse, connection, name)
                with trio.move_on_after(100):  # it may wait for more requests than there are
                    await script.play(peer)
                peer.stream.reset()
    assert sorted(ends) == ["a", "b"]
    statistics = connection.statistics()
    assert (statistics.contexts_open, statistics.inbox_bytes, statistics.requests_queued) == (
        0,
    ) * 3


@pytest.mark.parametrize("make", [connected_pair, lambda: connect_in_memory(None)])
async def test_a_block_is_entered_once_with_async_with(make):
    """A plain ``with``, or a second block over the same object, is an error
    that says what to do.
    """
    block = make()
    with pytest.raises(LocalProtocolError, match="needs 'async with'"):
        with block:
            pass
    async with block:
        pass
    with pytest.raises(LocalProtocolError, match="entered before: make one for each block"):
        async with block:
            pass


@given(script=scripts(["a"]))
def test_a_script_prints_as_what_makes_it(script):
    """The repr of a script, evaluated, is the script: a failing one can be kept
    as it was printed.
    """
    assert eval(repr(script)) == script  # noqa: S307
