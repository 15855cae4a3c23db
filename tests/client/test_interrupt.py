"""Ctrl-C while a connection is made."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

import trio_cartesia
from trio_cartesia import Cartesia, CartesiaError

PACKAGE = Path(trio_cartesia.__file__).parent
CONNECTING = (
    str(PACKAGE / "_runtime" / "transport"),
    trio._highlevel_open_tcp_stream.__file__,
    trio._socket.__file__,
    trio._ssl.__file__,
)
STARTING = (
    str(PACKAGE / "_client" / "tts.py"),
    str(PACKAGE / "_nursery.py"),
    str(PACKAGE / "_runtime" / "open_session.py"),
    trio._core._run.__file__,
)


class InterruptedAt:
    """Raises SIGINT at one line of some files, by number."""

    def __init__(self, number, files):
        self.left, self.files, self.traced_before = number, files, None

    def __enter__(self):
        self.traced_before = sys.gettrace()
        sys.settrace(self.trace)

    def __exit__(self, *_):
        sys.settrace(self.traced_before)

    def trace(self, frame, event, _argument):
        if not frame.f_code.co_filename.startswith(self.files):
            return None
        if event == "line":
            self.left -= 1
            if not self.left:
                signal.raise_signal(signal.SIGINT)
        return self.trace


async def connect(interrupt, host, scheme, is_listening):
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    base_url = f"{scheme}://{host}:{listener.socket.getsockname()[1]}"
    async with Cartesia("k", base_url=base_url) as client, listener:
        if not is_listening:
            await listener.aclose()
        with suppress(CartesiaError), trio.move_on_after(1), interrupt:  # on the clock of `run`
            async with client.tts.websocket_connect():
                pass


def run(interrupt, *peer):
    """Connect to *peer*, until nothing has gone on for so long."""
    trio.run(connect, interrupt, *peer, clock=trio.testing.MockClock(autojump_threshold=0.05))


def interrupt_everywhere(files, step, *peer):
    """Interrupt connecting to *peer* at every *step*-th line of *files*; return their count."""
    run(InterruptedAt(0, files), *peer)  # which loads what it needs
    gc.collect()
    open_before = os.listdir("/dev/fd")
    for number in itertools.count(1, step):
        interrupt = InterruptedAt(number, files)
        try:
            run(interrupt, *peer)
        except KeyboardInterrupt:
            pass
        else:
            assert interrupt.left > 0
            return number
        if peer[0] != "localhost":  # the thread that looks up a name may outlast the run
            assert os.listdir("/dev/fd") == open_before
    raise AssertionError


@pytest.mark.slow
@pytest.mark.parametrize(
    "peer",
    [("127.0.0.1", "http", False), ("localhost", "http", False), ("127.0.0.1", "https", True)],
    ids=["refused", "name", "TLS"],
)
def test_ctrl_c_while_connecting_is_bare_and_leaves_nothing_open(peer):
    """At whatever line of connecting Ctrl-C comes, it leaves as `KeyboardInterrupt`, and no socket
    stays open.
    """
    assert interrupt_everywhere(CONNECTING, 1, *peer) > 50


@pytest.mark.slow
def test_ctrl_c_while_tasks_start_strands_none():
    """The same where the tasks of a connection are started: one that was
    stranded would never end.
    """
    assert interrupt_everywhere(STARTING, 7, "127.0.0.1", "http", False) > 500


@pytest.mark.parametrize("interrupted", [KeyboardInterrupt, None])
def test_ctrl_c_in_a_nursery_of_open_stream_is_bare(interrupted):
    """Where a caller's `open_stream` has tasks of its own, an interrupt of one of them leaves
    without the group; any other error leaves as that nursery made it.
    """

    async def crash():
        await trio.lowlevel.checkpoint()
        if interrupted:
            signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError

    async def open_stream(_host, _port):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(crash)

    async def main():
        client = Cartesia("k", base_url="http://localhost", open_stream=open_stream)
        async with client.tts.websocket_connect():
            pass

    with pytest.raises(interrupted or ExceptionGroup):
        trio.run(main)
