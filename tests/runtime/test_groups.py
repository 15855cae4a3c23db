"""What callers see of our nurseries: nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
import trio
from trio_websocket import WebSocketConnection

from tests.support import SETTINGS
from trio_cartesia import ConnectionLost, InternalError
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia.testing import connected_pair

SCRIPT = """
import signal, trio
from trio_cartesia.server import Tones, open_server
from trio_cartesia import Cartesia

async def main():
    async with (
        open_server(voice=Tones()) as server,
        Cartesia(base_url=server.url) as client,
        client.tts.websocket_connect() as connection,
        connection.speak(
            "A long story. " * 2000,
            model_id="sonic-latest",
            voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
            output_format={"encoding": "pcm_s16le", "sample_rate": 44100},
        ) as context,
    ):
        async for _ in context.receive():
            print("speaking", flush=True)

trio.run(main)
"""


GOODBYE_SCRIPT = """
import trio
from trio_cartesia.testing import connected_pair

async def main():
    async with connected_pair() as (connection, peer):
        peer.stream.stall()
        print("leaving", flush=True)

trio.run(main)
"""


async def test_an_error_in_the_block_leaves_it_bare(autojump_clock):
    """What a connection's or context's block raises is raised as it was, in no exception group."""
    with pytest.raises(ZeroDivisionError):
        async with connected_pair() as (connection, _):
            async with connection.speak("Hello.", **SETTINGS):
                raise ZeroDivisionError


async def test_a_crash_of_ours_says_so(autojump_clock, monkeypatch):
    """A background task that crashes is an `InternalError`, and nobody is left waiting."""

    def crash(self, *_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(ContextTable, "_deliver", crash)
    heard = None
    with pytest.raises(InternalError) as caught:
        async with connected_pair() as (connection, peer):
            async with connection.context(**SETTINGS, context_id="a") as context:
                await context.push("Hello.")
                await peer.chunk("a", b"12")
                try:
                    await context.collect()
                except ConnectionLost as lost:
                    heard = str(lost)
    assert caught.value.__cause__ is not None
    assert heard is not None
    assert "given up" in heard


async def test_a_crash_of_the_library_below_is_a_loss(autojump_clock, monkeypatch):
    """Where what a peer sends makes trio-websocket's own task crash, the connection is lost, and
    nothing foreign is raised.
    """

    async def crash(self, _event):
        await trio.lowlevel.checkpoint()
        raise RuntimeError("a bug")

    monkeypatch.setattr(WebSocketConnection, "_handle_ping_event", crash)
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.stream.send_all(b"\x89\x00")
            with pytest.raises(ConnectionLost) as caught:
                await context.collect()
    assert caught.value.message == "the peer broke the WebSocket protocol (RuntimeError)"


@pytest.mark.slow
def test_control_c_is_a_bare_keyboard_interrupt():
    """Ctrl-C in the midst of speech ends a program with `KeyboardInterrupt`, in
    no exception group.
    """
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "speaking\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert "ExceptionGroup" not in errors


@pytest.mark.slow
def test_control_c_ends_a_goodbye():
    """Ctrl-C while a connection waits for the peer's goodbye ends the program, too."""
    command = [sys.executable, "-c", GOODBYE_SCRIPT]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "leaving\n"
        time.sleep(0.2)  # for the goodbye to begin; it lasts for two seconds
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
