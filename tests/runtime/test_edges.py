"""Moments at which two things happen at once."""

from __future__ import annotations

import itertools
import json
from contextlib import asynccontextmanager, suppress

import pytest
import trio

from tests.support import SETTINGS, cancels, receive_all, received_audio, requests_until_quiet
from trio_cartesia import (
    Cartesia,
    CartesiaError,
    ConnectionLost,
    ContextFailed,
    Event,
    InboxOverflow,
    LocalProtocolError,
)
from trio_cartesia._protocol.tts.context_ids import ContextIds
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.keepalive import KEEPALIVE_SECONDS, PONG_SECONDS
from trio_cartesia._runtime.open_session import GOODBYE_SECONDS, open_session
from trio_cartesia._runtime.transport import websocket as transport
from trio_cartesia.server import Tones, open_server
from trio_cartesia.testing import bounded_stream_pair, connect_in_memory, connected_pair


async def test_a_push_outside_the_block_ends_with_the_block(autojump_clock):
    """A push from elsewhere, whose message the writer has, ends when the block is left."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with trio.open_nursery() as nursery:
            async with connection.context(**SETTINGS) as context:
                push = context.push  # by a task that outlives the block, as it should not
                nursery.start_soon(push, "long " * 5000)
                await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() == 0
        peer.stream.resume()


async def test_a_push_ends_with_its_context(autojump_clock):
    """A push whose message is on its way ends when the service, or we, end the context."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="a") as one,
            connection.context(**SETTINGS, context_id="b") as two,
        ):
            for context in (one, two):
                await context.push("Hello.")
                await peer.receive()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.push, "long " * 50_000)
                await trio.testing.wait_all_tasks_blocked()
                one.cancel()
            assert trio.current_time() == 0


async def test_what_had_come_survives_a_failed_write(autojump_clock):
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
            with pytest.raises(ConnectionLost):
                while True:
                    await cut.push("More.")
            assert len(await received_audio(whole)) == 40
            with pytest.raises(ConnectionLost):
                await received_audio(cut)


async def test_cancel_after_the_end_takes_nothing_away(autojump_clock):
    """Once the service has ended a context, cancelling it changes nothing of what had come."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            await peer.chunk("a", b"12")
            await peer.done("a")
            await trio.testing.wait_all_tasks_blocked()
            context.cancel()
            speech = await context.collect()
            assert (speech.audio, speech.complete) == (b"12", True)
        assert cancels(await requests_until_quiet(peer)) == []


async def test_what_was_left_unheard_is_not_silently_gone(autojump_clock):
    """Receiving from a context whose block was left, with something unheard, raises."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            await peer.chunk("a", b"12")
            await peer.done("a")
            await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(LocalProtocolError, match="block has ended") as receiving:
            await context.collect()
        with pytest.raises(LocalProtocolError, match="block has ended") as cancelling:
            context.cancel()
        assert receiving.value.context_id == cancelling.value.context_id == "a"


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


async def test_events_of_any_kind_count_against_the_budget(autojump_clock):
    """An event that this release does not know cannot fill the memory either."""
    async with connected_pair(pipe_bytes=2**20) as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", inbox_bytes=50_000) as context:
            await context.push("Hello.")
            for _ in range(3):
                await peer.send(type="weather", context_id="a", sky="x" * 2000)
            with pytest.raises(InboxOverflow):
                await receive_all(context, [])
        assert connection.statistics().inbox_peak_bytes <= 50_000


async def test_a_dead_peer_is_found_out_while_the_reader_is_stalled(autojump_clock):
    """With overflow="block", a push to a peer that does not read ends within
    the keepalive's bound.
    """
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        async with connection.context(
            **SETTINGS, context_id="a", inbox_bytes=1000, overflow="block"
        ) as context:
            await context.push("Hello.")
            await peer.chunk("a", bytes(1500))
            await trio.testing.wait_all_tasks_blocked()
            peer.stream.stall()
            with pytest.raises(ConnectionLost):
                await context.push("long " * 5000)
            assert trio.current_time() <= 2 * (KEEPALIVE_SECONDS + PONG_SECONDS)


async def test_a_blocked_reader_ends_with_its_context(autojump_clock):
    """A reader that waits for room goes on when the context that was full is left."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="b") as other:
            await other.push("Hello.")
            async with connection.context(
                **SETTINGS, context_id="a", inbox_bytes=1000, overflow="block"
            ) as context:
                await context.push("Hello.")
                for _ in range(3):
                    await peer.chunk("a", bytes(1500))
                await peer.chunk("b", b"12")
                await trio.testing.wait_all_tasks_blocked()
            await peer.done("b")
            assert await received_audio(other) == [b"12"]
            assert trio.current_time() == 0


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


@pytest.mark.parametrize(
    "options", [{"overflow": "drop"}, {"inbox_bytes": 0}, {"inbox_bytes": True}]
)
async def test_a_context_refuses_options_that_make_no_sense(options, autojump_clock):
    """What a context cannot be opened with raises at once, and the connection goes on."""
    async with connected_pair() as (connection, _):
        with pytest.raises(LocalProtocolError):
            async with connection.context(**SETTINGS, **options):
                pass
        assert connection.statistics().contexts_opened == 0


async def test_a_push_may_bring_its_own_generation_settings(autojump_clock):
    """Settings of one push are sent with it alone; those that are out of range are refused."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, generation_config={"speed": 1.2}) as context:
            await context.push("One. ", generation_config={"emotion": "Happy", "volume": 0.5})
            await context.push("Two. ")
            with pytest.raises(LocalProtocolError, match="speed"):
                await context.push("Three. ", generation_config={"speed": 3})
            sent = [(await peer.receive())["generation_config"] for _ in range(2)]
    assert sent == [{"emotion": "happy", "volume": 0.5}, {"speed": 1.2}]


@pytest.mark.parametrize("pieces", [5, None, b"bytes"])
async def test_what_is_no_text_is_not_spoken(pieces, autojump_clock):
    """`speak` refuses what it cannot push, at once or when it comes."""
    async with connected_pair() as (connection, _):
        with pytest.raises(LocalProtocolError):
            async with connection.speak(pieces, **SETTINGS) as context:
                await context.collect()


async def test_an_empty_context_id_of_an_error_is_none(autojump_clock):
    """An error that names the empty id does not vanish."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as context:
            await context.push("Hello.")
            await peer.send(type="error", context_id="", message="something", status_code=400)
            with pytest.raises(ContextFailed, match="something"):
                await context.collect()


class Brittle(trio.abc.Stream):
    """A stream whose end is an OSError, as a caller's own may be."""

    def __init__(self, stream):
        self.stream = stream

    async def send_all(self, data):
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self):
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes=None):
        try:
            return await self.stream.receive_some(max_bytes)
        except trio.BrokenResourceError:
            raise OSError("cannot read") from None

    async def aclose(self):
        await self.stream.aclose()
        raise OSError("cannot close")


async def test_a_stream_that_cannot_be_closed_holds_nobody_up(autojump_clock):
    """What a caller's own stream raises when it is closed, or read, is not the caller's problem."""
    near, far = bounded_stream_pair()

    async def open_stream(_host, _port):
        await trio.lowlevel.checkpoint()
        return Brittle(near)

    async with open_server(port=None, voice=Tones()) as server, trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_stream, far)
        client = Cartesia(base_url=server.url, open_stream=open_stream)
        async with client.tts.websocket_connect() as connection:
            async with connection.speak("Hello.", **SETTINGS) as context:
                assert (await context.collect()).complete
            far.reset()
            with pytest.raises(ConnectionLost):
                async with connection.speak("Hello.", **SETTINGS) as context:
                    await context.collect()
    assert trio.current_time() < GOODBYE_SECONDS


async def test_goodbye_is_polite_and_waits_for_the_answer(autojump_clock):
    """The closing handshake is done before the stream is closed, also where it takes a while."""
    async with connected_pair() as (_, peer):
        peer.stream.stall()

        async def answer_late():
            await trio.sleep(1)
            peer.stream.resume()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer_late)
            await trio.sleep(0.5)
    # the pair's block has ended, and with it the connection's
    assert trio.current_time() == 1
    assert peer.closed_with == 1000


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


async def test_a_failure_of_our_own_names_the_connection(autojump_clock):
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


class SlowPong:
    """A transport whose peer speaks now and then, and never answers a ping."""

    request_id = None

    def __init__(self, events: int):
        self.events, self.pings, self.cancelled_pings = events, 0, 0

    async def receive(self, handler):
        if not self.events:
            await trio.sleep_forever()
        await trio.sleep(10 if self.pings else 25)
        self.events -= 1
        handler.handle_message(json.dumps({"type": "weather"}))

    async def send(self, _message):
        await trio.lowlevel.checkpoint()

    async def ping(self):
        self.pings += 1
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            self.cancelled_pings += 1
            raise

    async def aclose(self):
        await trio.lowlevel.checkpoint()


async def test_a_ping_is_never_cut_in_two(autojump_clock):
    """While the peer shows other signs of life, one ping is waited for and none is cancelled; when
    they end, the connection is lost.
    """
    transport = SlowPong(events=8)

    @asynccontextmanager
    async def open_transport():
        await trio.lowlevel.checkpoint()
        yield transport

    contexts = ContextTable(SpeechProtocol(ContextIds("p")))
    async with open_session(open_transport, contexts) as session:
        await trio.sleep(25 + 7 * 10 - 1)
        assert session.loss is None
        assert (transport.pings, transport.cancelled_pings) == (1, 0)
        await trio.sleep(3 * PONG_SECONDS)
        assert session.loss is not None


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


async def test_events_after_the_end_of_a_loop_are_not_invented(autojump_clock):
    """After the terminal event a receive loop stays at its end."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.done("a")
            heard: list[Event] = []
            await receive_all(context, heard)
            await peer.chunk("a", b"late")
            await receive_all(context, heard)
            assert [event.type for event in heard] == ["done"]


@pytest.mark.parametrize("lane", [True, False])
async def test_audio_that_comes_too_late_is_dropped_and_counted(autojump_clock, monkeypatch, lane):
    """What comes for a context whose block was left is dropped for ten seconds, then it is a stray;
    another context goes on.
    """
    monkeypatch.setattr(transport, "FAST_PATH_IS_ON", lane)
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="left") as context:
            await context.push("Hello.")
        async with connection.context(**SETTINGS, context_id="other") as other:
            await other.push("Hello.")
            await peer.chunk("left", b"1234")
            await trio.sleep(1)
            statistics = connection.statistics()
            assert (statistics.dropped_events, statistics.dropped_audio_bytes) == (1, 4)
            assert (statistics.stray_events, statistics.contexts_draining) == (0, 1)
            await trio.sleep(9)
            await peer.chunk("left", b"1234")
            await peer.chunk("other", b"12")
            await peer.done("other")
            assert await received_audio(other) == [b"12"]
            statistics = connection.statistics()
            assert (statistics.dropped_events, statistics.dropped_audio_bytes) == (1, 4)
            assert (statistics.stray_events, statistics.contexts_draining) == (1, 0)


async def test_what_outlives_its_connection_says_so(autojump_clock):
    """A connection whose block has ended opens no context, and says why."""
    async with connected_pair() as (connection, _):
        pass
    with pytest.raises(ConnectionLost, match="the connection's block has ended") as caught:
        async with connection.context(**SETTINGS, context_id="late"):
            raise AssertionError("it was opened")
    assert caught.value.context_id == "late"


async def test_what_outlives_a_goodbye_that_was_given_up_says_so_too(autojump_clock):
    """The same where the goodbye took too long, since the peer took nothing more."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with connection.context(**SETTINGS) as context:
            with trio.move_on_after(1):
                await context.push("long " * 5000)
    assert trio.current_time() == 1 + GOODBYE_SECONDS
    with pytest.raises(ConnectionLost, match="the connection's block has ended"):
        async with connection.context(**SETTINGS):
            raise AssertionError("it was opened")


async def test_a_push_that_was_queued_behind_another_is_told_whose_end_it_was(autojump_clock):
    """A push that never reached the writer raises when its context is cancelled, and names it."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with (
            connection.context(**SETTINGS, context_id="a") as context,
            trio.open_nursery() as nursery,
        ):

            async def push() -> None:
                with pytest.raises(CartesiaError) as caught:
                    await context.push("queued")
                assert caught.value.context_id == "a"

            nursery.start_soon(context.push, "long " * 5000)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(push)
            await trio.testing.wait_all_tasks_blocked()
            context.cancel()


@pytest.mark.parametrize("base_url", ["http://localhost", "https://localhost"])
async def test_a_handshake_that_is_cancelled_leaves_no_socket(autojump_clock, base_url):
    """Whoever gives up connecting closes the stream that was opened for it."""
    closed = trio.Event()

    async def open_stream(_host, _port):
        near, far = bounded_stream_pair()
        nursery.start_soon(hear_end, far)
        await trio.lowlevel.checkpoint()
        return near

    async def hear_end(far):
        with suppress(trio.BrokenResourceError):
            while await far.receive_some():
                pass
        closed.set()

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(3):
            client = Cartesia("k", base_url=base_url, open_stream=open_stream)
            async with client.tts.websocket_connect():
                raise AssertionError("nobody answered")
        with trio.fail_after(1):
            await closed.wait()
