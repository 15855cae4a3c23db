from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.server.voices.espeak.children import (
    SENTENCE,
    pid_of,
    posix,
    words,
)
from trio_cartesia.server.voices.espeak.child import Frames
from trio_cartesia.server.voices.espeak.client import EspeakClient
from trio_cartesia.server.voices.espeak.library import VoiceParameters

in_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")


IN_PROCESS = """
import hashlib, sys
from trio_cartesia.server.voices.espeak import library as libespeak
samples, events = libespeak.engine().synthesise(sys.argv[1], libespeak.VoiceParameters())
print(hashlib.sha256(samples + repr(events).encode()).hexdigest())
"""


@pytest.mark.slow
def test_a_child_says_what_the_library_says(client: EspeakClient) -> None:
    """What a new child speaks first is, sample by sample, what a new process would."""
    answer = subprocess.run(
        [sys.executable, "-c", IN_PROCESS, SENTENCE], capture_output=True, check=True, text=True
    )
    samples, events = client.synthesise(SENTENCE, VoiceParameters())
    assert len(samples) / 2 / client.sample_rate > 3
    assert hashlib.sha256(samples + repr(events).encode()).hexdigest() == answer.stdout.strip()


def test_threads_wait_for_each_other(client: EspeakClient) -> None:
    """Threads that speak at once get their own words, from one child."""
    found = {}
    pids = set()

    def speak(count: int) -> None:
        found[count] = words(client, "word " * count)
        pids.add(pid_of(client))

    threads = [threading.Thread(target=speak, args=(count,)) for count in range(1, 13)]
    for thread in threads:
        thread.start()
        client.start()
    for thread in threads:
        thread.join()
    assert found == {count: count for count in range(1, 13)}
    assert len(pids) == 1


@pytest.mark.parametrize("call", [1, 2, 4])
def test_a_checkpoint_ends_the_synthesis(client: EspeakClient, call: int) -> None:
    """What the checkpoint raises comes out of the synthesis, and the child lives to speak the
    next.
    """
    calls: list[int] = []

    def stop() -> None:
        calls.append(pid_of(client))
        if len(calls) == call:
            raise OSError("enough")

    assert client.sample_rate  # it has started, so the calls below are those of the synthesis
    with pytest.raises(OSError, match="enough"):
        client.synthesise(SENTENCE * 20, VoiceParameters(), checkpoint=stop)
    assert len(calls) == call
    assert words(client, "one two three") == 3
    assert pid_of(client) == calls[0]


def test_an_interrupted_wait_leaves_no_answer_behind(
    client: EspeakClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the wait for an answer is interrupted, the next text does not get that answer."""
    assert words(client, "one") == 1

    def interrupt(_: Frames) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Frames, "receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            words(client, "one two three")
    assert words(client, "one two") == 2


def test_errors_are_those_of_the_library(client: EspeakClient) -> None:
    """A voice that there is not is the same error as in this process, and not the child's end."""
    with pytest.raises(LookupError, match="no voice 'en-gb-oops'"):
        client.synthesise("Hello", VoiceParameters(voice="en-gb-oops"))
    pid = pid_of(client)
    assert words(client, "one") == 1
    assert pid_of(client) == pid


@in_proc
def test_the_text_stays_between_the_two(client: EspeakClient) -> None:
    """Neither the child's arguments nor its environment have anything of a text."""
    client.synthesise("xylophone", VoiceParameters())
    for name in ("cmdline", "environ"):
        public = Path(f"/proc/{pid_of(client)}/{name}").read_bytes()
        assert public
        assert b"xylophone" not in public


@posix
def test_a_fork_lets_go(client: EspeakClient) -> None:
    """Forgetting the child closes its pipes, so that it ends, and the next text has another."""
    client.detach()
    assert words(client, "one") == 1
    pid = pid_of(client)
    client.detach()
    assert os.waitpid(pid, 0) == (pid, 0)
    assert words(client, "one two") == 2


@pytest.mark.parametrize("frozen", [True, False])
def test_without_a_process_there_is_an_error(
    client: EspeakClient, monkeypatch: pytest.MonkeyPatch, frozen: bool
) -> None:
    """Where no child can be started, it is said when one is needed, and not before."""
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    if not frozen:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
    client.start()
    with pytest.raises(RuntimeError, match="cannot be started"):
        words(client, "one")
