"""Child processes of eSpeak NG, as tests look at them."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
import trio

from trio_cartesia.server.voices.espeak.client import EspeakClient
from trio_cartesia.server.voices.espeak.library import Kind, VoiceParameters

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps."
posix = pytest.mark.skipif(sys.platform == "win32", reason="it has neither signals nor forks")


def pid_of(client: EspeakClient) -> int:
    assert client._child is not None
    return client._child._process.pid


def kill_child(client: EspeakClient) -> None:
    os.kill(pid_of(client), signal.SIGKILL)


def stop_child(client: EspeakClient) -> int:
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    return pid


async def wait_busy(client: EspeakClient) -> None:
    """Wait until the child has a request."""
    while client._child is None or client._child.is_usable():  # noqa: ASYNC110  # it wakes nobody
        await trio.sleep(0.001)


def words(client: EspeakClient, text: str) -> int:
    """Return the number of words that are spoken."""
    _, events = client.synthesise(text, VoiceParameters())
    return sum(event.kind is Kind.WORD for event in events)


def exists(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_gone(pid: int, seconds: float = 1) -> None:
    deadline = time.monotonic() + seconds
    while exists(pid):
        assert time.monotonic() < deadline, "the child is still there"
        time.sleep(0.01)
