"""How connections end, and who learns of it (design §2)."""

from __future__ import annotations

import pytest
import trio

from tests.support import SETTINGS, receive_all, received_audio
from trio_cartesia import (
    Cartesia,
    ConnectionLost,
    Event,
    InboxOverflow,
    RemoteProtocolError,
)
from trio_cartesia._runtime.keepalive import KEEPALIVE_SECONDS, PONG_SECONDS
from trio_cartesia.server import Tones, open_server
from trio_cartesia.testing import (
    bounded_stream_pair,
    connect_in_memory,
    connected_pair,
)


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


async def test_a_loss_has_the_close_code_and_reason(autojump_clock):
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
                    with pytest.raises(ConnectionLost) as caught:
                        await context.push("long " * 5000)
                    assert caught.value.unspoken == ("long " * 5000,)

                nursery.start_soon(push)
                await trio.sleep(1)
                peer.stream.reset()
            assert trio.current_time() == 1


async def test_a_peer_that_is_gone_is_detected(autojump_clock):
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


async def test_events_that_had_arrived_survive_a_failed_write(autojump_clock):
    """When the peer is gone and a push finds out first, another context still
    gets all it was sent.
    """
    async with connected_pair(pipe_bytes=2**20) as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="whole") as whole,
            connection.context(**SETTINGS, context_id="cut") as cut,
        ):
            await whole.push("Hello.")
            await whole.no_more_inputs()
            await cut.push("Hello.")
            for _ in range(40):
                await peer.chunk("whole", bytes(1000))
            await peer.done("whole")
            await peer.stream.aclose()
            pushed = ["Hello."]
            with pytest.raises(ConnectionLost) as caught:
                while True:
                    pushed.append("More.")
                    await cut.push("More.")
            assert caught.value.unspoken == tuple(pushed)
            assert len(await received_audio(whole)) == 40
            with pytest.raises(ConnectionLost):
                await received_audio(cut)


async def test_a_context_that_is_opened_too_late_is_named(autojump_clock):
    """On a connection that was lost, a push and a new context raise the loss,
    each with its own id.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="early") as context:
            await peer.close(1011, "enough")
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(ConnectionLost) as caught:
                await context.push("Hello.")
            assert caught.value.context_id == "early"
        with pytest.raises(ConnectionLost) as caught:
            async with connection.context(**SETTINGS, context_id="late"):
                raise AssertionError("it was opened")
        assert (caught.value.context_id, caught.value.close_code) == ("late", 1011)


async def test_a_loss_names_the_connection(autojump_clock):
    """The request id of the handshake is on what a loss raises."""
    near, far = bounded_stream_pair()

    async def open_stream(_host, _port):
        await trio.lowlevel.checkpoint()
        return near

    async with open_server(port=None, voice=Tones()) as server, trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_stream, far)
        client = Cartesia(base_url=server.url, open_stream=open_stream)
        async with client.tts.websocket_connect() as connection:
            assert connection.request_id
            far.reset()
            with pytest.raises(ConnectionLost) as caught:
                async with connection.speak("Hello.", **SETTINGS) as context:
                    await context.collect()
            assert caught.value.request_id == connection.request_id


async def test_errors_of_the_client_have_the_request_id(autojump_clock):
    """What a context fails with here has the request id of the handshake, for
    whoever reports it.
    """
    async with (
        open_server(port=None, voice=Tones()) as server,
        connect_in_memory(server) as open_stream,
    ):
        client = Cartesia(base_url=server.url, open_stream=open_stream)
        async with client.tts.websocket_connect() as connection:
            async with connection.context(**SETTINGS, inbox_bytes=300) as context:
                await context.push("Hello.")
                await context.no_more_inputs()
                with pytest.raises(InboxOverflow, match="more than 300 bytes") as caught:
                    await context.collect()
        assert caught.value.request_id == connection.request_id
        assert caught.value.context_id == context.context_id
