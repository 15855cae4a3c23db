from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.server.voices.espeak.children import exists, posix, wait_gone

SCRIPT = """
import os, signal, sys, time
from trio_cartesia.server.voices.espeak.client import espeak_client
from trio_cartesia.server.voices.espeak.library import VoiceParameters
def speak():
    assert len(espeak_client.synthesise("Hello", VoiceParameters())[0]) > 20000
    return espeak_client._child._process.pid
pid = speak()
print(pid, flush=True)
"""
WAITING = "sys.stdin.read()"
INTERRUPTED = """
interrupts = []
signal.signal(signal.SIGINT, lambda *_: interrupts.append(1))
print("ready", flush=True)
sys.stdin.read()
assert interrupts and speak() == pid
"""
FORKED = """
fork = os.fork()
if not fork:
    assert speak() != pid
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) == 7
assert speak() == pid
"""
STOPPED = "os.kill(pid, signal.SIGSTOP)"
INHERITED = """
if not os.fork():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(2)  # and it has no end of the pipes
"""


@contextlib.contextmanager
def running(script: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a program that has a child, and return the child's pid too."""
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPT + script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


@posix
@pytest.mark.parametrize("script", [WAITING, INHERITED])
@pytest.mark.slow
def test_a_child_does_not_outlive_its_parent(script: str) -> None:
    """If the parent is killed, the child is gone within a second, even where a fork lives on."""
    with running(script) as (process, pid):
        if script is WAITING:
            assert exists(pid)
            process.kill()
        process.wait()
        wait_gone(pid)


@posix
@pytest.mark.parametrize("script", ["", WAITING, INTERRUPTED, FORKED, STOPPED])
@pytest.mark.slow
def test_it_ends_cleanly(script: str) -> None:
    """The program's end is the child's, without a warning; Ctrl-C is not, and forks do not
    share it.
    """
    with running(script) as (process, pid):
        if script is INTERRUPTED:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.1)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, b"")
        assert not exists(pid)
