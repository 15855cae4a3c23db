"""Ctrl-C while a connection is made."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import trio

import trio_cartesia
from trio_cartesia import Cartesia, CartesiaError

CONNECTING = (
    str(Path(trio_cartesia.__file__).parent / "_runtime" / "transport"),
    trio._highlevel_open_tcp_stream.__file__,
    trio._socket.__file__,
    trio._ssl.__file__,
)


class InterruptedAt:
    """Raises SIGINT at one line of connecting, by number."""

    def __init__(self, number):
        self.left, self.traced_before = number, None

    def __enter__(self):
        self.traced_before = sys.gettrace()
        sys.settrace(self.trace)

    def __exit__(self, *_):
        sys.settrace(self.traced_before)

    def trace(self, frame, event, _argument):
        if not frame.f_code.co_filename.startswith(CONNECTING):
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
        with suppress(CartesiaError), trio.move_on_after(0.2), interrupt:
            async with client.tts.websocket_connect():
                pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "scheme", "is_listening"),
    [("127.0.0.1", "http", False), ("localhost", "http", False), ("127.0.0.1", "https", True)],
    ids=["refused", "name", "TLS"],
)
def test_ctrl_c_while_connecting_is_bare_and_leaves_nothing_open(host, scheme, is_listening):
    """
    At whatever line of connecting Ctrl-C comes, it leaves as `KeyboardInterrupt`, and no socket
    stays open.
    """
    trio.run(connect, InterruptedAt(0), host, scheme, is_listening)  # which loads what it needs
    gc.collect()
    open_before = os.listdir("/dev/fd")
    number = 0
    while True:
        number += 1
        interrupt = InterruptedAt(number)
        try:
            trio.run(connect, interrupt, host, scheme, is_listening)
        except KeyboardInterrupt:
            pass
        else:
            break
        if host == "127.0.0.1":  # the thread that looks up a name may outlast the run
            assert os.listdir("/dev/fd") == open_before
    assert interrupt.left > 0
    assert number > 50


@pytest.mark.parametrize("interrupted", [KeyboardInterrupt, None])
def test_ctrl_c_in_a_nursery_of_open_stream_is_bare(interrupted):
    """
    Where a caller's `open_stream` has tasks of its own, an interrupt of one of them leaves without
    the group; any other error leaves as that nursery made it.
    """

    async def crash():
        await trio.lowlevel.checkpoint()
        if interrupted:
            signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError

    async def open_stream(_host, _port):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(crash)

    async def main():
        client = Cartesia("k", base_url="http://localhost", open_stream=open_stream)
        async with client.tts.websocket_connect():
            pass

    with pytest.raises(interrupted or ExceptionGroup):
        trio.run(main)
