"""What is entered by hand and never left is told of; what is used as it should be is not."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import warnings
from textwrap import dedent, indent

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from tests.support import SETTINGS
from trio_cartesia import Cartesia, ConnectFailed
from trio_cartesia.testing import connected_pair

PROGRAM = """
import trio
from tests.support import SETTINGS
from trio_cartesia import Cartesia
from trio_cartesia.server import open_server
from trio_cartesia.testing import connect_in_memory

async def main():
    async with open_server(port=None, voice="tones") as server:
        async with connect_in_memory(server) as open_stream:
            client = Cartesia("k", base_url=server.url, open_stream=open_stream)
{block}
            print("still here")

trio.run(main)
"""


def abandon(block: str) -> tuple[str, str]:
    """Run *block* in a process of its own; return what it prints and complains."""
    program = PROGRAM.format(block=indent(dedent(block), " " * 12))
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("thing", "block"),
    [
        ("a client (Cartesia)", "await client.__aenter__(); del client"),
        (
            "a connection (client.tts.websocket_connect)",
            """
            connection = await client.tts.websocket_connect().__aenter__()
            async with connection.speak("Hello.", **SETTINGS) as context:
                assert (await context.collect()).complete
            """,
        ),
        (
            "a context (connection.speak)",
            """
            async with client.tts.websocket_connect() as connection:
                context = await connection.speak(["Hello."], **SETTINGS).__aenter__()
                assert (await context.collect()).complete
            """,
        ),
        (
            "a context (connection.context)",
            """
            async with client.tts.websocket_connect() as connection:
                await connection.context(**SETTINGS).__aenter__()
                await trio.sleep(0.01)
                assert connection.statistics().contexts_open == 0
            """,
        ),
        (
            "a context (connection.speak)",
            """
            async with client.tts.websocket_connect() as connection:
                await connection.speak("Hello.", **SETTINGS).__aenter__()  # no task, as context()
                await trio.sleep(0.01)
                assert connection.statistics().contexts_open == 0
            """,
        ),
    ],
)
def test_what_is_never_left_is_named(thing, block):
    """A warning says what was forgotten; until the run ends, everything goes on working."""
    out, complaints = abandon(block)
    (warning,) = [line for line in complaints.splitlines() if "ResourceWarning: " in line][:1]
    assert thing in warning
    assert out == "still here\n"
    assert "TrioInternalError" not in complaints
    assert "AssertionError: assert" not in complaints


@pytest.mark.slow
def test_what_is_held_and_never_left_is_closed_by_what_is_around_it():
    """A connection that was entered by hand is closed when the block around it
    ends, which says so.
    """
    out, complaints = abandon("""
        manager = client.tts.websocket_connect()  # held until the very end
        await manager.__aenter__()
    """)
    assert out == "still here\n"
    assert "was left before a connection (client.tts.websocket_connect)" in complaints
    assert "TrioInternalError" not in complaints


@pytest.mark.parametrize("end", ["well", "error", "cancelled", "break", "refused", "Ctrl-C"])
def test_what_is_used_as_it_should_be_warns_of_nothing(end):
    """However a block is left, also by Ctrl-C, there is no warning."""

    async def main() -> None:
        with trio.move_on_after(5) as scope:
            async with (
                Cartesia("k", base_url="http://localhost") as client,
                connected_pair() as (connection, peer),
                connection.speak(["Hello.", "There."], **SETTINGS) as context,
            ):
                assert client
                await peer.receive()
                if end == "error":
                    raise ZeroDivisionError
                if end == "cancelled":
                    scope.cancel("the test's end")
                if end == "Ctrl-C":
                    signal.raise_signal(signal.SIGINT)
                if end == "refused":
                    async with Cartesia("k", base_url="http://[::1]:1").tts.websocket_connect():
                        pass
                if end == "break":
                    await peer.chunk(context.context_id, b"12")
                    async for _ in context.audio():
                        break
                await trio.lowlevel.checkpoint()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            trio.run(main, clock=MockClock(autojump_threshold=0))
        except BaseException as error:  # noqa: ASYNC103, BLE001  # the run is over
            assert isinstance(error, (ZeroDivisionError, KeyboardInterrupt, ConnectFailed))
            del error
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def test_a_client_that_could_not_be_made_warns_of_nothing():
    """Where the arguments are refused there is nothing to leave."""
    with pytest.raises(Exception, match="not both"):
        Cartesia("k", token="t")
    gc.collect()
