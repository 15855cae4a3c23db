"""How connections end, and who learns of it (design §2)."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, receive_all, received_audio, requests_until_quiet
from trio_cartesia import (
    Cartesia,
    ConnectionLost,
    Done,
    Event,
    InboxOverflow,
    RemoteProtocolError,
)
from trio_cartesia._runtime.inbox import EVENT_BYTES
from trio_cartesia._runtime.keepalive import KEEPALIVE_SECONDS, PONG_SECONDS
from trio_cartesia._runtime.open_session import GOODBYE_SECONDS
from trio_cartesia.server import Tones, open_server
from trio_cartesia.testing import connect_in_memory, connected_pair, on_virtual_time


async def end_by_reset(peer):
    await trio.lowlevel.checkpoint()
    peer.stream.reset()


async def end_by_fin(peer):
    await peer.stream.aclose()


async def end_by_close_1000(peer):
    await peer.close(1000, "connection idle timeout")


async def end_by_close_1011(peer):
    await peer.close(1011)


async def end_by_nonsense(peer):
    await peer.send_text("this is not JSON")


async def end_by_half_frame(peer):
    await peer.stream.send_all(b"\x81\x7e\x10\x00" + b"a" * 10)
    await peer.stream.aclose()


async def end_by_masked_frame(peer):
    await peer.stream.send_all(b"\x81\x81\0\0\0\0x")


async def end_by_bad_utf8(peer):
    await peer.stream.send_all(b"\x81\x02\xff\xfe")


ENDINGS = [
    end_by_reset,
    end_by_fin,
    end_by_close_1000,
    end_by_close_1011,
    end_by_nonsense,
    end_by_half_frame,
    end_by_masked_frame,
    end_by_bad_utf8,
]


@pytest.mark.parametrize("end", ENDINGS)
async def test_every_end_reaches_every_waiter_at_that_moment(end, autojump_clock):
    """However a connection ends, 1000 included, each receive loop raises at
    once, after what came.
    """
    async with connected_pair() as (connection, peer):
        outcomes = []

        async def listen(name, *, task_status):
            heard: list[Event] = []
            async with connection.context(**SETTINGS, context_id=name) as context:
                await context.push("Hello.")
                await peer.chunk(name, b"12")
                task_status.started()
                with pytest.raises(ConnectionLost) as caught:
                    await receive_all(context, heard)
                outcomes.append((trio.current_time(), len(heard), caught.value.context_id))
                with pytest.raises(ConnectionLost):
                    await context.push("More.")

        async with trio.open_nursery() as nursery:
            for name in "abc":
                await nursery.start(listen, name)
            await trio.sleep(5)
            await end(peer)
        assert sorted(outcomes) == [(5, 1, "a"), (5, 1, "b"), (5, 1, "c")]
        assert connection.statistics().is_lost
        assert connection.statistics().contexts_open == 0
        with pytest.raises(ConnectionLost):
            async with connection.context(**SETTINGS):
                pass
    assert trio.current_time() == 5  # nothing to say goodbye to


async def test_a_loss_tells_its_code_and_reason(autojump_clock):
    """The close code and reason of the peer are on the error."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as context:
            await context.push("Hello.")
            await peer.close(1000, "connection idle timeout")
            with pytest.raises(ConnectionLost, match="idle timeout") as caught:
                await received_audio(context)
            assert (caught.value.close_code, caught.value.close_reason) == (
                1000,
                "connection idle timeout",
            )


@pytest.mark.parametrize(
    ("code", "reason", "says"),
    [
        (1000, None, "the connection was closed with 1000"),
        (1011, "enough", "the connection was closed with 1011: enough"),
        (1005, None, "the connection was closed with 1005"),
        (None, None, "the connection broke without a goodbye"),
    ],
)
async def test_a_loss_says_what_was_seen_of_it(code, reason, says, autojump_clock):
    """The error's text is what the peer said with its close frame, or that there was none."""
    async with connected_pair() as (connection, peer):
        assert connection.request_id is None
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            if code is None:
                peer.stream.reset()
            elif code == 1005:  # RFC 6455 §7.1.5: a close frame without a code
                await peer.stream.send_all(b"\x88\x00")
            else:
                await peer.close(code, reason)
            with pytest.raises(ConnectionLost) as caught:
                await received_audio(context)
    assert caught.value.message == says
    assert caught.value.context_id == "a"


async def test_nonsense_is_the_cause_and_is_not_quoted(autojump_clock):
    """A message that cannot be read ends the connection; the error says so without quoting it."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as context:
            await context.push("Hello.")
            await peer.send_text("this is not JSON")
            with pytest.raises(ConnectionLost) as caught:
                await received_audio(context)
            assert isinstance(caught.value.__cause__, RemoteProtocolError)
            assert "this is" not in str(caught.value) + str(caught.value.__cause__)


async def test_a_connection_that_is_given_up_is_closed_though_its_block_goes_on(autojump_clock):
    """After a message that cannot be read the peer sees the end at once, and everything counts as
    lost, while nobody looks.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as context:
            await context.push("Hello.")
            await peer.receive()
            await peer.send_text("this is not JSON")
            with trio.fail_after(1), pytest.raises(trio.EndOfChannel):
                await peer.receive()
            assert (context.statistics().state, context.statistics().end) == ("closed", "lost")
            assert connection.statistics().contexts_open == 0
            assert connection.statistics().is_lost


async def test_a_push_that_waits_learns_of_the_loss(autojump_clock):
    """A push that waits for a peer who does not read ends with the connection."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with connection.context(**SETTINGS) as context:
            async with trio.open_nursery() as nursery:

                async def push():
                    with pytest.raises(ConnectionLost):
                        await context.push("long " * 5000)

                nursery.start_soon(push)
                await trio.sleep(1)
                peer.stream.reset()
            assert trio.current_time() == 1


async def test_a_peer_that_is_gone_is_found_out(autojump_clock):
    """A peer that neither reads nor sends is noticed by the keepalive, within its deadline."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with connection.context(**SETTINGS) as context:
            with pytest.raises(ConnectionLost, match="ping"):
                await context.push("long " * 5000)
            assert trio.current_time() <= KEEPALIVE_SECONDS + PONG_SECONDS


async def test_an_idle_connection_is_kept_and_knows_its_age(autojump_clock):
    """Pongs keep a silent connection, and its idle age counts messages alone."""
    async with connected_pair() as (connection, _):
        await trio.sleep(200)
        assert not connection.statistics().is_lost
        assert connection.statistics().idle_seconds == 200


async def test_goodbye_is_bounded(autojump_clock):
    """A peer that never answers delays the end of the block by the grace period and no more."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with trio.open_nursery() as nursery:
            context = connection.context(**SETTINGS)
            entered = await context.__aenter__()
            nursery.start_soon(entered.push, "long " * 5000)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        await context.__aexit__(None, None, None)
    assert trio.current_time() <= GOODBYE_SECONDS


async def test_a_cancelled_block_still_says_goodbye(autojump_clock):
    """Cancelling all of a connection's block still puts the cancel of its context on the wire."""
    async with (
        open_server(port=None, voice=Tones()) as server,
        connect_in_memory(server) as open_stream,
    ):
        with trio.CancelScope() as scope:
            client = Cartesia(base_url=server.url, open_stream=open_stream)
            async with (
                client.tts.websocket_connect() as connection,
                connection.context(**SETTINGS, context_id="a") as context,
            ):
                await context.push("A sentence of some length. " * 1000)
                async for _ in context.receive():
                    scope.cancel()
        assert scope.cancelled_caught
        await trio.testing.wait_all_tasks_blocked()
        (record,) = server.journal.contexts
        assert (record.cancels, record.context_id) == (1, "a")


async def test_a_context_that_outgrows_its_budget_fails_alone(autojump_clock):
    """Overflow fails one context, after what fitted; the others go on, and the service is told."""
    async with connected_pair() as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="slow", inbox_bytes=3000) as slow,
            connection.context(**SETTINGS, context_id="quick") as quick,
        ):
            await slow.push("Hello.")
            await quick.push("Hello.")
            await quick.no_more_inputs()
            for _ in range(5):
                await peer.chunk("slow", bytes(1000))
            await peer.chunk("quick", b"12")
            await peer.done("quick")
            assert await received_audio(quick) == [b"12"]
            assert slow.statistics().inbox_peak_bytes <= 3000
            heard: list[Event] = []
            with pytest.raises(InboxOverflow) as caught:
                await receive_all(slow, heard)
            assert (len(heard), caught.value.context_id) == (2, "slow")
            assert [await peer.receive() for _ in range(4)][-1] == {
                "context_id": "slow",
                "cancel": True,
            }


async def test_the_service_is_told_of_an_overflow_at_once(autojump_clock):
    """A context that outgrew its inbox is cancelled there and then, though its block goes on and
    nobody receives; the next push says what happened.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", inbox_bytes=300) as context:
            await context.push("Hello.")
            await peer.chunk("a", bytes(1000))
            with trio.fail_after(1):
                await peer.receive_cancel("a")
            with pytest.raises(InboxOverflow) as caught:
                await context.push("More.")
            assert caught.value.context_id == "a"
            assert trio.current_time() == 0


async def test_a_context_that_never_began_ends_with_an_event_of_its_own(autojump_clock):
    """The end of the input of a context that was given none is its end; nothing is sent for it."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.no_more_inputs()
            assert context.statistics().inbox_bytes == EVENT_BYTES
            assert [event async for event in context.receive()] == [Done(context_id="a")]
        assert await requests_until_quiet(peer) == []


async def test_timestamps_count_against_the_budget(autojump_clock):
    """Events without audio cannot grow an inbox past its budget either."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", inbox_bytes=3000) as context:
            await context.push("Hello.")
            words = {"words": ["x"] * 10, "start": [0.0] * 10, "end": [0.1] * 10}
            for _ in range(5):
                await peer.send(type="timestamps", context_id="a", word_timestamps=words)
            with pytest.raises(InboxOverflow):
                await received_audio(context)


@given(sizes=st.lists(st.integers(1, 3000), max_size=20))
@on_virtual_time
async def test_a_blocking_inbox_loses_nothing_and_stays_small(sizes):
    """With overflow="block" the socket stalls instead: a slow consumer gets every byte."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        async with connection.context(
            **SETTINGS, context_id="a", inbox_bytes=2000, overflow="block"
        ) as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            async with trio.open_nursery() as nursery:

                async def speak():
                    for size in sizes:
                        await peer.chunk("a", bytes(size))
                    await peer.done("a")

                nursery.start_soon(speak)
                heard = []
                async for event in context.receive():
                    if event.type == "chunk":
                        heard.append(len(event.audio))
                    await trio.sleep(50)  # longer than the keepalive's patience
            assert heard == sizes
            assert context.statistics().inbox_peak_bytes <= 2000 + 3000 + 2 * 256
