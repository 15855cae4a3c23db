"""Receive loops of threads."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.blocking.support import BlockingPair, blocking_pair
from tests.support import SETTINGS
from trio_cartesia import (
    ConnectionLost,
    Done,
    InboxOverflow,
    LocalProtocolError,
    VoiceNotFound,
)
from trio_cartesia.blocking import Cartesia, Context
from trio_cartesia.blocking.portal import Portal
from trio_cartesia.blocking.receiving import BATCH_BYTES

NAMES = ("a", "b")
WAYS = ("receive", "audio")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(NAMES), st.integers(1, 20)),
        st.tuples(st.sampled_from(WAYS), st.sampled_from(NAMES), st.integers(1, 20)),
    ),
    max_size=20,
)


def take(context: Context, way: str, count: int) -> list[bytes]:
    """Receive so many chunks, and break the loop."""
    loop = getattr(context, way)()
    return [getattr(item, "audio", item) for item in itertools.islice(loop, count)]


@contextmanager
def context_with(*chunks: bytes, **options: Any) -> Iterator[tuple[BlockingPair, Context]]:
    """Open a context that was fed, and for which *chunks* have arrived."""
    with (
        blocking_pair() as pair,
        pair.connection.context(**SETTINGS, context_id="a", **options) as context,
    ):
        context.push("Hello.")
        context.no_more_inputs()
        for audio in chunks:
            pair.peer("chunk", "a", audio)
        pair.settle()
        yield pair, context


@settings(max_examples=settings.default.max_examples // 2)
@given(steps=STEPS, way=st.sampled_from([*WAYS, "collect"]))
def test_each_context_gets_its_own_events_in_order(steps, way):
    """Whatever the interleaving on the wire, and however often loops are broken and gone on with,
    each context receives all of its own events, in order.
    """
    with (
        blocking_pair() as pair,
        pair.connection.context(**SETTINGS, context_id="a") as a,
        pair.connection.context(**SETTINGS, context_id="b") as b,
    ):
        contexts, sent = {"a": a, "b": b}, {name: deque() for name in NAMES}
        for context in contexts.values():
            context.push("Hello.")
            context.no_more_inputs()
        for number, (step, name, count) in enumerate(steps):
            if step == "send":
                for index in range(count):
                    sent[name].append(b"%03d.%02d" % (number, index))
                    pair.peer("chunk", name, sent[name][-1])
            elif (count := min(count, len(sent[name]))) > 0:
                expected = [sent[name].popleft() for _ in range(count)]
                assert take(contexts[name], step, count) == expected
        for name, context in contexts.items():
            pair.peer("done", name)
            rest = context.collect().audio if way == "collect" else b"".join(context.audio())
            assert rest == b"".join(sent[name])
            assert list(context.receive()) == []


def test_contexts_that_are_received_one_after_another(cartesia_service):
    """Two contexts are pushed first and received one after the other, as the official client's
    example does: each gets the audio that the service made for it.
    """
    with (
        Cartesia(base_url=cartesia_service.url) as client,
        client.tts.websocket_connect() as connection,
        connection.context(**SETTINGS) as one,
        connection.context(**SETTINGS) as two,
    ):
        for context, text in ((one, "Context one is speaking."), (two, "Two has another text.")):
            context.push(text)
            context.no_more_inputs()
        found = [b"".join(context.audio()) for context in (one, two)]
        assert [len(audio) for audio in found] == [
            cartesia_service.state(context_id=context.context_id)["contexts"][0]["audio_bytes"]
            for context in (one, two)
        ]


def test_threads_share_a_client(cartesia_service):
    """Threads that use one connection at once each get their own speech."""
    with (
        Cartesia(base_url=cartesia_service.url) as client,
        client.tts.websocket_connect() as connection,
        ThreadPoolExecutor(8) as threads,
    ):

        def speak(number: int) -> int:
            with connection.speak(number * "Word. ", **SETTINGS) as context:
                return len(context.collect().audio) // number

        sizes = list(threads.map(speak, range(1, 17)))
        assert connection.statistics().contexts_open == 0
    assert sizes[0] > 0
    assert max(sizes) < 1.5 * min(sizes)


def test_what_a_broken_loop_left_is_collected():
    """The events after those that a loop took are the first that `collect` gets, and the speech
    counts as complete.
    """
    with context_with(b"12", b"34", b"56") as (pair, context):
        pair.peer("words", "a", [("Hello.", 0, 0.1)])
        pair.peer("done", "a")
        assert take(context, "receive", 1) == [b"12"]
        speech = context.collect()
        assert speech.audio == b"3456"
        assert [word.text for word in speech.words] == ["Hello."]
        assert speech.complete


def test_audio_is_cut_at_frames():
    """`audio` yields whole frames and nothing empty, whatever the chunks, in however many loops."""
    with context_with(b"1", b"23", b"4", b"56") as (pair, context):
        pair.peer("flush_done", "a")
        pair.peer("done", "a")
        assert [next(context.audio()) for _ in range(3)] == [b"12", b"34", b"56"]
        assert list(context.audio()) == []


def test_cancelling_drops_what_a_loop_left():
    """After `cancel`, a loop ends at once, and one cancel is on the wire."""
    with context_with(b"12", b"34") as (pair, context):
        assert take(context, "receive", 1) == [b"12"]
        context.cancel()
        assert list(context.receive()) == []
        pair.peer("receive_cancel", "a")


def test_leaving_the_block_drops_what_a_loop_left():
    """A loop that goes on after the block gets no event that had come before; it raises."""
    with context_with(b"12", b"34") as (_, context):
        loop = context.receive()
        assert next(loop).audio == b"12"
    with pytest.raises(LocalProtocolError, match="the client's block has ended"):
        next(loop)


def test_a_loop_after_the_block_of_its_context():
    """While the client is open, a loop over a context that was left says so."""
    with blocking_pair() as pair:
        with pair.connection.context(**SETTINGS, context_id="a") as context:
            context.push("Hello.")
            pair.peer("chunk", "a", b"12")
            pair.peer("chunk", "a", b"34")
            next(context.receive())
        for _ in range(2):
            with pytest.raises(LocalProtocolError, match="the context's block has ended"):
                next(context.receive())


def test_errors_come_after_the_events_before_them():
    """An error of the context is raised once all events before it were received, and anew by each
    further loop.
    """
    with context_with(b"12") as (pair, context):
        pair.peer("error", "a", status_code=404, error_code="voice_not_found", title="No")
        pair.settle()
        raised = []
        assert take(context, "receive", 1) == [b"12"]
        for _ in range(2):
            with pytest.raises(VoiceNotFound) as caught:
                next(context.receive())
            raised.append(caught.value)
        assert raised[0] is not raised[1]


def test_the_loss_of_the_connection_reaches_a_loop_that_waits():
    """A loop that waits in a thread raises when the connection ends."""
    with context_with(b"12") as (pair, context):
        threading.Thread(target=pair.peer, args=("close",)).start()
        with pytest.raises(ConnectionLost):
            list(context.receive())
        with pytest.raises(ConnectionLost):
            context.collect()


def test_one_thread_receives_at_a_time():
    """A second thread that receives from a context is refused, and the first goes on."""
    with context_with() as (pair, context), ThreadPoolExecutor(1) as threads:
        first = threads.submit(next, context.receive())
        pair.settle()
        while not context._events._is_waiting:
            pair.settle()
        with pytest.raises(LocalProtocolError, match="another thread receives"):
            next(context.receive())
        with pytest.raises(LocalProtocolError, match="another task receives"):
            context.collect()
        pair.peer("chunk", "a", b"12")
        assert first.result().audio == b"12"


def test_leaving_the_client_ends_a_loop_in_another_thread():
    """A loop that waits in a thread raises when the client's block is left in another one."""
    with ThreadPoolExecutor(1) as threads:
        with context_with() as (pair, context):
            waiting = threads.submit(next, context.receive())
            while not context._events._is_waiting:
                pair.settle()
        with pytest.raises(LocalProtocolError, match="block has ended"):
            waiting.result()


def test_a_thread_holds_a_bounded_batch():
    """What does not fit into the batch of a thread stays in the inbox, within its budget."""
    chunk = bytes(BATCH_BYTES // 8)
    with context_with(*[chunk] * 40) as (_, context):
        for _ in range(3):
            next(context.receive())
            held = 40 * (len(chunk) + 256) - context.statistics().inbox_bytes
            assert held <= BATCH_BYTES + 3 * (len(chunk) + 256)


def test_a_budget_that_is_exceeded_fails_the_context():
    """A thread that does not receive fails its context alone, as a task does."""
    with context_with(*[bytes(400)] * 4, inbox_bytes=2000) as (_, context):
        with pytest.raises(InboxOverflow):
            list(context.receive())


def test_a_batch_takes_one_switch_of_threads(monkeypatch):
    """A thread that receives 500 events that wait wakes Trio a few times, not for each event."""
    wakes = []
    soon = Portal.soon
    with context_with(*[b"12"] * 500) as (pair, context):
        pair.peer("done", "a")
        pair.settle()
        monkeypatch.setattr(Portal, "soon", lambda *args: wakes.append(1) or soon(*args))
        events = list(context.receive())
        assert len(events) == 501
        assert isinstance(events[-1], Done)
        assert len(wakes) <= 500 * 258 // BATCH_BYTES + 4


@pytest.mark.cartesia(plan="startup")
def test_threads_share_a_pool(cartesia_service):
    """More threads than the plan allows contexts speak over a pool: none is refused, and each gets
    its own speech.
    """
    with (
        Cartesia(base_url=cartesia_service.url) as client,
        client.tts.websocket_pool(plan="startup") as pool,
        ThreadPoolExecutor(16) as threads,
    ):

        def speak(number: int) -> tuple[str, bytes]:
            with pool.speak(f"Number {number}. ", **SETTINGS) as context:
                return context.context_id, context.collect().audio

        spoken = dict(threads.map(speak, range(16)))
        pool.drain()
        assert pool.statistics().contexts_opened == 16
    for context_id, audio in spoken.items():
        (record,) = cartesia_service.state(context_id=context_id)["contexts"]
        assert record["audio_bytes"] == len(audio) > 0
