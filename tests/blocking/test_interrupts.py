"""Ctrl-C in blocking calls."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
import trio

from tests.blocking.support import blocking_pair
from tests.support import SETTINGS
from trio_cartesia import Chunk
from trio_cartesia.blocking import Cartesia
from trio_cartesia.testing import service_in_thread

PROGRAM = Path(__file__).parent / "interrupted.py"


def audio_of(events):
    return [event.audio for event in events if isinstance(event, Chunk)]


def test_ctrl_c_in_a_loop_raises_at_once_and_loses_nothing():
    """A loop that waits raises `KeyboardInterrupt`, and the next one goes on with all events."""
    with blocking_pair() as pair:
        with pair.connection.context(**SETTINGS, context_id="a") as context:
            context.push("Hello.")
            pair.interrupt_when_blocked()
            with pytest.raises(KeyboardInterrupt) as caught:
                next(context.receive())
            assert caught.value.__context__ is None
            for audio in (b"12", b"34"):
                pair.peer("chunk", "a", audio)
            pair.peer("done", "a")
            assert audio_of(context.receive()) == [b"12", b"34"]


def test_ctrl_c_in_a_block_cancels_its_context():
    """An interrupt that leaves a block cancels the context on the wire, and the connection takes
    the next one.
    """
    with blocking_pair() as pair:
        with pytest.raises(KeyboardInterrupt):
            with pair.connection.context(**SETTINGS, context_id="a") as context:
                context.push("Hello.")
                pair.interrupt_when_blocked()
                context.collect()
        pair.peer("receive_cancel", "a")
        with pair.connection.context(**SETTINGS, context_id="b") as context:
            context.push("Hello.")
            assert pair.peer("receive")["context_id"] == "b"


def test_ctrl_c_withdraws_a_push():
    """A push that waits for those before it is withdrawn: its text is never sent."""
    with blocking_pair(pipe_bytes=64) as pair:
        with pair.connection.context(**SETTINGS, context_id="a") as context:
            pair.portal.run_sync(pair.stream.stall)
            for text in ("On its way. ", "Withdrawn. "):
                pair.interrupt_when_blocked()
                with pytest.raises(KeyboardInterrupt):
                    context.push(text)
            pair.portal.run_sync(pair.stream.resume)
            context.push("The next one.")
            texts = [pair.peer("receive")["transcript"] for _ in range(2)]
            assert texts == ["On its way. ", "The next one."]


def test_ctrl_c_while_connecting_stops_it():
    """Connecting to a peer that does not answer is interrupted, and leaves nothing open."""
    cancelled = []

    async def open_stream(_host: str, _port: int) -> trio.abc.Stream:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append(True)

    with Cartesia(base_url="http://localhost", open_stream=open_stream) as client:
        with pytest.raises(KeyboardInterrupt), client.tts.websocket_connect():
            pass
    assert cancelled == [True]


def test_ctrl_c_in_an_iterator_of_pieces_leaves_feed():
    """An interrupt of the iterator that `feed` runs leaves `feed`; the context takes more text."""

    def pieces():
        yield "One "
        signal.raise_signal(signal.SIGINT)

    with blocking_pair() as pair, pair.connection.context(**SETTINGS) as context:
        with pytest.raises(KeyboardInterrupt):
            context.feed(pieces())
        context.push("two.")
        assert [pair.peer("receive")["transcript"] for _ in range(2)] == ["One ", "two."]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers")
@pytest.mark.parametrize("way", ["receive", "audio"])
def test_interrupts_at_random_moments_lose_no_event(way):
    """However often a loop is interrupted, wherever in it, each event is received once."""
    random_ = random.Random(1)  # noqa: S311

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    received, count = [], 0
    with blocking_pair() as pair, pair.connection.context(**SETTINGS, context_id="a") as context:
        context.push("Hello.")
        context.no_more_inputs()
        sent = [b"%04d" % number for number in range(500)]
        for audio in sent:
            pair.peer("chunk", "a", audio)
        pair.peer("done", "a")
        try:
            while True:
                try:
                    signal.setitimer(signal.ITIMER_REAL, random_.uniform(2e-5, 4e-4))
                    received.extend(getattr(context, way)())  # which keeps what it has got
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    break
                except KeyboardInterrupt:
                    count += 1
        finally:
            signal.signal(signal.SIGALRM, before)
    assert (audio_of(received) if way == "receive" else received) == sent
    assert count


def interrupt_often(rounds: int, seed: int) -> None:
    """Run the program that is interrupted so often, and check what it left at the service."""
    with service_in_thread() as service:
        command = [sys.executable, str(PROGRAM), service.url, str(rounds), str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{rounds}\n", "")
        assert set(service.state()["open"].values()) == {0}


@pytest.mark.slow
def test_ctrl_c_at_random_moments():
    """Wherever Ctrl-C comes, the program gets one bare `KeyboardInterrupt` at once, every context
    and connection is ended on the wire, no thread is left, and the next run works.
    """
    interrupt_often(50, seed=1)


@pytest.mark.soak
def test_a_thousand_ctrl_c_at_random_moments():
    """The same, a thousand times."""
    interrupt_often(1000, seed=2)


UNCAUGHT = """
import os, random, signal, sys, threading, time
sys.path.insert(0, sys.argv[1])
from interrupted import speak

expected = speak(sys.argv[2])
began = time.perf_counter()
speak(sys.argv[2])
usual = time.perf_counter() - began

def interrupt():
    time.sleep(random.Random(int(sys.argv[3])).uniform(0, usual))
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
while True:
    speak(sys.argv[2])
"""


@pytest.mark.slow
def test_an_uncaught_ctrl_c_ends_a_program():
    """A program that does not catch it ends with its `KeyboardInterrupt`, and writes no more."""
    with service_in_thread() as service:
        for seed in range(8):
            command = [sys.executable, "-c", UNCAUGHT, str(PROGRAM.parent), service.url, str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert done.returncode == -signal.SIGINT
            assert done.stderr.count("Traceback") == 1, done.stderr
            assert done.stderr.endswith("KeyboardInterrupt\n")


def test_leaving_a_client_frees_its_thread_elsewhere():
    """The main thread frees no `Thread` of a client, since an interrupt would be lost in that."""
    freed = []
    with Cartesia(base_url="http://127.0.0.1:9"):
        (thread,) = [each for each in threading.enumerate() if each.name == "trio_cartesia"]
        weakref.finalize(thread, lambda: freed.append(threading.current_thread()))
        del thread
    deadline = time.monotonic() + 10
    while not freed and time.monotonic() < deadline:
        time.sleep(0.001)
    assert freed
    assert threading.main_thread() not in freed
