"""Pushing: feed, speak, and what being cancelled leaves behind."""

from __future__ import annotations

import gc
import itertools
import warnings
from collections.abc import AsyncIterator

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, cancels, received_audio, requests_until_quiet
from trio_cartesia import Connection, ContextExpired, LocalProtocolError
from trio_cartesia.testing import Peer, cancelled_at_each_step, connected_pair, on_virtual_time


async def slowly(*pieces, seconds=1.0):
    for piece in pieces:
        yield piece
        await trio.sleep(seconds)


@given(pieces=st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=8))
@on_virtual_time
async def test_feed_sends_all_pieces_and_ends_the_text(pieces):
    """What is fed arrives in order, with nothing added or left out, and one final input."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.feed(["Text: ", *pieces])
            requests = await requests_until_quiet(peer)
    assert "".join(request["transcript"] for request in requests) == "Text: " + "".join(pieces)
    assert [request["continue"] for request in requests] == [True] * (len(requests) - 1) + [False]


async def test_speak_feeds_while_the_loop_receives(autojump_clock):
    """`speak` pushes each piece as it comes and ends the text, beside the receive loop."""
    async with connected_pair() as (connection, peer):
        async with connection.speak(slowly("a ", "b"), **SETTINGS, context_id="a") as context:
            assert (await peer.receive())["transcript"] == "a "
            await peer.chunk("a", b"12")
            assert (await peer.receive())["transcript"] == "b"
            assert trio.current_time() == 1
            assert not (await peer.receive())["continue"]
            await peer.done("a")
            assert await received_audio(context) == [b"12"]
            assert context.statistics().end == "done"


async def test_speak_takes_a_text(autojump_clock):
    """A plain text is one message, which ends it; an empty one is refused."""
    async with connected_pair() as (connection, peer):
        async with connection.speak("Hello.", **SETTINGS, context_id="a"):
            request = await peer.receive()
            assert (request["transcript"], request["continue"]) == ("Hello.", False)
        with pytest.raises(LocalProtocolError, match="must not be empty"):
            async with connection.speak("", **SETTINGS):
                pass


async def test_leaving_the_block_stops_the_feeder_and_closes_the_pieces(autojump_clock):
    """A break stops the feeder at that moment, closes its generator, and cancels once."""
    closed = trio.Event()

    async def pieces():
        try:
            yield "a"
            await trio.sleep_forever()
        finally:
            closed.set()

    async with connected_pair() as (connection, peer):
        async with connection.speak(pieces(), **SETTINGS, context_id="a") as context:
            await peer.receive()
            await peer.chunk("a", b"12")
            async for _ in context.receive():
                break
        assert closed.is_set()
        assert trio.current_time() == 0
        assert cancels(await requests_until_quiet(peer)) == ["a"]


async def test_an_error_of_the_pieces_is_raised_by_the_receive_loop(autojump_clock):
    """What the pieces' iterator raises comes bare out of the receive loop,
    after what came before.
    """

    async def pieces():
        yield "a"
        await trio.sleep(2)
        raise OSError("the model went away")

    async with connected_pair() as (connection, peer):
        heard = []
        with pytest.raises(OSError, match="went away"):
            async with connection.speak(pieces(), **SETTINGS, context_id="a") as context:
                await peer.chunk("a", b"12")
                async for event in context.receive():
                    heard.append(event.type)  # noqa: PERF401  # kept across the error
        assert heard == ["chunk"]
        assert trio.current_time() == 2
        assert cancels(await requests_until_quiet(peer)) == ["a"]


async def test_expiry_under_a_feeder_is_raised(autojump_clock):
    """Where the service ends a context that is still fed, the receive loop does not end as if
    all had been said.
    """
    async with connected_pair() as (connection, peer):
        async with connection.speak(
            slowly("a ", "b", seconds=5), **SETTINGS, context_id="a"
        ) as context:
            await peer.receive()
            await peer.done("a")
            with pytest.raises(ContextExpired) as caught:
                await received_audio(context)
            assert caught.value.unspoken == ("a ",)
            assert caught.value.context_id == "a"
            assert trio.current_time() == 0


async def test_a_push_that_never_reached_the_writer_is_withdrawn(autojump_clock):
    """While the peer does not read, a cancelled push is taken back, and the next one is sent."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with connection.context(**SETTINGS, context_id="a") as context:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(context.push, "first " * 5000)  # fills the pipe, and waits
                await trio.testing.wait_all_tasks_blocked()
                with trio.move_on_after(1) as patience:
                    await context.push("second ")
                assert patience.cancelled_caught
                assert connection.statistics().requests_queued == 0
                peer.stream.resume()
                assert (await peer.receive())["transcript"].startswith("first")
            await context.push("third")
            assert (await peer.receive())["transcript"] == "third"


async def test_a_push_that_the_writer_has_counts_as_sent(autojump_clock):
    """A push that is cancelled while its message is on its way is sent whole, and the context goes
    on.
    """
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with connection.context(**SETTINGS, context_id="a") as context:
            with trio.move_on_after(1) as patience:
                await context.push("first " * 5000)
            assert patience.cancelled_caught
            peer.stream.resume()
            await context.push("second")
            assert (await peer.receive())["transcript"] == "first " * 5000
            assert (await peer.receive())["transcript"] == "second"


async def test_a_waiting_push_learns_that_the_context_was_cancelled(autojump_clock):
    """Cancelling a context drops what waits for the writer, and those who push are told."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with (
            connection.context(**SETTINGS, context_id="a") as one,
            connection.context(**SETTINGS, context_id="b") as two,
        ):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.push, "first " * 5000)
                await trio.testing.wait_all_tasks_blocked()

                async def push_in_vain():
                    with pytest.raises(LocalProtocolError, match="cancelled"):
                        await two.push("second")

                nursery.start_soon(push_in_vain)
                await trio.testing.wait_all_tasks_blocked()
                two.cancel()
                peer.stream.resume()
                await peer.receive()
            one.cancel()
        assert cancels(await requests_until_quiet(peer)) == ["a"]


async def test_cancelled_at_any_step_the_connection_carries_the_next(autojump_clock):
    """Whatever step a conversation is cancelled at, the next context is carried, and nothing is
    left.
    """
    async with connected_pair() as (connection, peer):

        async def serve():
            while True:
                request = await peer.receive()
                if request.get("cancel"):
                    await peer.done(request["context_id"])
                elif not request["continue"]:
                    await peer.chunk(request["context_id"], b"12")
                    await peer.done(request["context_id"])

        async def converse():
            async with connection.context(**SETTINGS) as context:
                await context.push("Hello, ")
                await context.flush()
                await context.push("world.")
                await context.no_more_inputs()
                assert await received_audio(context) == [b"12"]

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            assert await cancelled_at_each_step(converse) > 5
            await trio.testing.wait_all_tasks_blocked()
            await converse()
            statistics = connection.statistics()
            assert (statistics.contexts_open, statistics.contexts_draining) == (0, 0)
            assert (statistics.requests_queued, statistics.inbox_bytes) == (0, 0)
            nursery.cancel_scope.cancel()


async def test_speak_cancelled_at_any_step_leaves_nothing(autojump_clock):
    """The same holds for a context that feeds itself."""
    async with connected_pair() as (connection, peer):

        async def serve():
            while True:
                request = await peer.receive()
                if request.get("cancel") or not request["continue"]:
                    await peer.done(request["context_id"])
                else:
                    await peer.chunk(request["context_id"], b"12")

        async def converse():
            async with connection.speak(slowly("a ", "b"), **SETTINGS) as context:
                await received_audio(context)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            assert await cancelled_at_each_step(converse) > 3
            await trio.testing.wait_all_tasks_blocked()
            statistics = connection.statistics()
            assert (statistics.contexts_open, statistics.contexts_draining) == (0, 0)
            nursery.cancel_scope.cancel()


async def test_a_piece_after_expiry_is_unspoken(autojump_clock):
    """A piece that `speak` takes after the service has ended the context is in `unspoken`."""

    async def pieces():
        yield "One. "
        await trio.sleep(3)
        yield "Two. "

    async def slowly_receive(connection, peer):
        async with connection.speak(pieces(), **SETTINGS, context_id="a") as context:
            await peer.receive()
            await peer.chunk("a", bytes(4))
            await peer.done("a")
            async for _ in context.receive():
                await trio.sleep(5)

    async with connected_pair() as (connection, peer):
        with pytest.raises(ContextExpired) as caught:
            await slowly_receive(connection, peer)
        assert caught.value.unspoken == ("Two. ",)


async def nursery_pieces(error: Exception | None = None) -> AsyncIterator[str]:
    """A generator with a nursery around its pieces, as one that reads two streams at once."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        try:
            yield "One. "  # noqa: ASYNC101, ASYNC119  # what users write, and may not break us
            await trio.sleep_forever()
        finally:
            if error is not None:
                raise error


@pytest.mark.parametrize("stalled", [False, True])
async def test_pieces_with_a_nursery_may_be_left(autojump_clock, stalled):
    """The block's own error leaves it bare, whatever becomes of the generator; the connection goes
    on.
    """
    async with connected_pair() as (connection, peer):
        with pytest.raises(ZeroDivisionError):
            async with connection.speak(nursery_pieces(), **SETTINGS):
                if stalled:
                    peer.stream.stall()
                else:
                    await peer.receive()
                raise ZeroDivisionError
        peer.stream.resume()
        async with connection.speak(nursery_pieces(), **SETTINGS):
            await trio.sleep(1)
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.done("a")
            assert b"".join(await received_audio(context)) == b""


async def test_an_error_of_closing_the_pieces_is_raised_by_the_block(autojump_clock):
    """An error of the generator's own clean-up is raised, unless the block raises another one."""
    async with connected_pair() as (connection, peer):
        with pytest.raises(ExceptionGroup) as caught:  # noqa: ASYNC401  # its errors are looked at
            async with connection.speak(nursery_pieces(KeyError("mine")), **SETTINGS):
                await peer.receive()
        assert [type(error) for error in caught.value.exceptions] == [KeyError]
        with pytest.raises(ZeroDivisionError):
            async with connection.speak(nursery_pieces(KeyError("mine")), **SETTINGS):
                await peer.receive()
                raise ZeroDivisionError
        assert not connection.statistics().is_lost


async def test_speak_in_a_generator_that_is_left(autojump_clock):
    """An asynchronous generator with ``speak`` in it may be left by ``break``: one cancel is sent,
    and nothing else notices.
    """

    async def audio(connection: Connection) -> AsyncIterator[bytes]:
        async with connection.speak("Hello.", **SETTINGS, context_id="a") as context:
            async for piece in context.audio():
                yield piece  # noqa: ASYNC119  # what users write, and may not break us

    async with connected_pair() as (connection, peer):
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(60), warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # Trio's, about the generator
                nursery.start_soon(peer_speaks, peer)
                async for piece in audio(connection):
                    assert piece == b"12"
                    break
                gc.collect()
                await trio.sleep(1)
        assert connection.statistics().contexts_open == 0
        assert cancels(await requests_until_quiet(peer)) == ["a"]


async def peer_speaks(peer: Peer) -> None:
    await peer.receive()
    await peer.chunk("a", b"12")


async def test_an_endless_iterator_of_nothing_can_be_cancelled(autojump_clock):
    """Pieces that are all empty still let others run."""
    async with connected_pair() as (connection, _):
        with trio.move_on_after(1) as scope:
            async with connection.context(**SETTINGS) as context:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(context.feed, itertools.repeat(""))
                    await trio.lowlevel.checkpoint()
                    scope.cancel()
        assert scope.cancelled_caught


async def test_an_error_of_the_pieces_fails_the_context(autojump_clock):
    """Where the pieces' iterator raises, the context has failed, and collect attaches what came."""

    async def pieces():
        yield "a"
        await trio.sleep(1)
        raise OSError("the model went away")

    async with connected_pair() as (connection, peer):
        async with connection.speak(pieces(), **SETTINGS, context_id="a") as context:
            await peer.chunk("a", b"12")
            with pytest.raises(OSError, match="went away") as caught:
                await context.collect()
            assert caught.value.partial.audio == b"12"
            assert context.statistics().end == "failed"
            with pytest.raises(OSError, match="went away"):
                await context.push("More.")


async def test_leaving_the_program_is_not_our_error(autojump_clock):
    """``SystemExit`` out of the pieces' iterator leaves as it is."""

    async def pieces():
        yield "a"
        await trio.sleep(1)
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        async with connected_pair() as (connection, _):
            async with connection.speak(pieces(), **SETTINGS) as context:
                await received_audio(context)


@pytest.mark.parametrize("pieces", [5, None, b"bytes"])
async def test_speak_refuses_pieces_that_are_no_text(pieces, autojump_clock):
    """`speak` refuses pieces that it cannot push, at once or when they arrive."""
    async with connected_pair() as (connection, _):
        with pytest.raises(LocalProtocolError):
            async with connection.speak(pieces, **SETTINGS) as context:
                await context.collect()


async def test_pieces_are_closed_by_the_feeder(autojump_clock):
    """A generator of pieces is closed in the block, not some time later by the
    garbage collector.
    """
    ended_in = []

    async def pieces():
        try:
            yield "a"
            await trio.sleep_forever()
        finally:
            ended_in.append(trio.lowlevel.current_task().name)

    kept = pieces()  # a reference, so that nobody collects it
    async with connected_pair() as (connection, peer):
        async with connection.speak(kept, **SETTINGS):
            await peer.receive()
        assert len(ended_in) == 1
        assert "Feeder.run" in ended_in[0]
