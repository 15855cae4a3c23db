from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.server.support import audio, connected, generation, kinds
from trio_cartesia.server import Utterance
from trio_cartesia.server.voices.espeak import process as espeak_process
from trio_cartesia.server.voices.espeak.child import Frames
from trio_cartesia.server.voices.espeak.library import Kind, VoiceParameters
from trio_cartesia.server.voices.espeak.process import EspeakClient, EspeakCrashed
from trio_cartesia.server.voices.espeak.voice import Espeak

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps."
posix = pytest.mark.skipif(sys.platform == "win32", reason="it has neither signals nor forks")
HOSTILE = [("vi", "ਝ̸"), ("mr", "ऽFआश")]  # version 1.52 overwrites its memory
in_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")


@pytest.fixture
def espeak_client() -> Iterator[EspeakClient]:
    espeak_client = EspeakClient()
    yield espeak_client
    espeak_client.close()


def pid_of(espeak_client: EspeakClient) -> int:
    assert espeak_client._child is not None
    return espeak_client._child._process.pid


def kill_child(espeak_client: EspeakClient) -> None:
    os.kill(pid_of(espeak_client), signal.SIGKILL)


def words(espeak_client: EspeakClient, text: str) -> int:
    _, events = espeak_client.synthesise(text, VoiceParameters())
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


IN_PROCESS = """
import hashlib, sys
from trio_cartesia.server.voices.espeak import library as libespeak
samples, events = libespeak.engine().synthesise(sys.argv[1], libespeak.VoiceParameters())
print(hashlib.sha256(samples + repr(events).encode()).hexdigest())
"""


@pytest.mark.slow
def test_a_child_says_what_the_library_says(espeak_client: EspeakClient) -> None:
    """What a new child speaks first is, sample by sample, what a new process would."""
    answer = subprocess.run(
        [sys.executable, "-c", IN_PROCESS, SENTENCE], capture_output=True, check=True, text=True
    )
    samples, events = espeak_client.synthesise(SENTENCE, VoiceParameters())
    assert len(samples) / 2 / espeak_client.sample_rate > 3
    assert hashlib.sha256(samples + repr(events).encode()).hexdigest() == answer.stdout.strip()


@pytest.mark.parametrize(("language", "text"), HOSTILE)
@pytest.mark.slow
async def test_hostile_text_fails_alone(language: str, text: str) -> None:
    """Text that crashes the library fails, if it does, without a word of it; the next is spoken."""
    voice = Espeak()
    settings: Any = {"voice_id": "a", "sample_rate": 22050}
    for _ in range(2):
        try:
            await voice.speak(Utterance(text=text, language=language, **settings))
        except EspeakCrashed as error:
            assert not set(text) & set(str(error)) - {"F"}
        spoken = await voice.speak(Utterance(text="Hello world", **settings))
        assert [word.text for word in spoken.words] == ["Hello", "world"]


@posix
def test_a_child_killed_in_mid_speech_fails_that_text(espeak_client: EspeakClient) -> None:
    """If the child dies while it speaks, that text fails and says how; the next has a new child."""
    calls: list[int] = []

    def kill_at_third() -> None:
        calls.append(pid_of(espeak_client))
        if len(calls) == 3:
            kill_child(espeak_client)

    with pytest.raises(EspeakCrashed) as caught:
        espeak_client.synthesise(SENTENCE, VoiceParameters(), checkpoint=kill_at_third)
    assert str(caught.value) == f"eSpeak NG crashed ({signal.strsignal(signal.SIGKILL)})"
    assert not exists(calls[0])
    assert words(espeak_client, "one two three") == 3
    assert pid_of(espeak_client) != calls[0]


@posix
def test_a_text_that_was_not_to_blame_is_spoken(espeak_client: EspeakClient) -> None:
    """If the child dies, and has spoken before, the text is tried once more;
    twice, and it is over.
    """
    assert words(espeak_client, "one") == 1
    first = pid_of(espeak_client)
    kills = [first]

    def kill_once() -> None:
        if pid_of(espeak_client) in kills:
            kill_child(espeak_client)

    samples, _ = espeak_client.synthesise(SENTENCE, VoiceParameters(), checkpoint=kill_once)
    assert len(samples) / 2 / espeak_client.sample_rate > 3
    assert pid_of(espeak_client) != first
    with pytest.raises(EspeakCrashed):
        espeak_client.synthesise(
            SENTENCE, VoiceParameters(), checkpoint=lambda: kill_child(espeak_client)
        )
    assert words(espeak_client, "one two") == 2


@posix
def test_the_next_child_starts_at_once(espeak_client: EspeakClient) -> None:
    """After a crash nobody has to ask before there is another child."""
    with pytest.raises(EspeakCrashed):
        espeak_client.synthesise(
            SENTENCE, VoiceParameters(), checkpoint=lambda: kill_child(espeak_client)
        )
    pid = pid_of(espeak_client)
    assert exists(pid)
    assert words(espeak_client, "one two") == 2
    assert pid_of(espeak_client) == pid


@posix
def test_a_child_that_dies_idle_is_replaced(espeak_client: EspeakClient) -> None:
    """If the child dies between two texts, nobody hears of it."""
    assert words(espeak_client, "one") == 1
    kill_child(espeak_client)
    wait_gone(pid_of(espeak_client))
    assert words(espeak_client, "one two") == 2


class Deadly:
    """The voice ``espeak``, whose child is killed at the word ``die``."""

    name = "deadly"

    def __init__(self) -> None:
        self.espeak = Espeak()

    async def speak(self, utterance: Utterance) -> Any:
        if "die" in utterance.text:
            await trio.to_thread.run_sync(self._die)
        return await self.espeak.speak(utterance)

    def _die(self) -> None:
        with contextlib.suppress(RuntimeError):
            shared = espeak_process.espeak_client
            shared.synthesise(SENTENCE, VoiceParameters(), checkpoint=lambda: kill_child(shared))
        raise EspeakCrashed


@pytest.mark.parametrize("hostile", ["die", *(text for _, text in HOSTILE)])
@pytest.mark.slow
async def test_other_contexts_of_the_connection_go_on(hostile: str) -> None:
    """A context whose text crashes the library gets an error; another one is spoken to its end."""
    language = {text: language for language, text in HOSTILE}.get(hostile, "en")
    async with connected(voice=Deadly()) as (client, _):
        await client.send(generation("good", "One sentence. ", **{"continue": True}))
        await client.send(generation("bad", hostile, language=language))
        await client.send(generation("good", "And another."))
        events = await client.receive_until_over("good", "bad")
        bad = [event for event in events if event["context_id"] == "bad"]
        if hostile == "die" or "chunk" not in kinds(bad):
            assert kinds(bad) == ["error"]
            assert bad[0]["status_code"] == 500
        again = await client.speak(generation("again", "One sentence. And another."))
    whole, good = len(audio(again)), len(audio(events, "good"))
    assert good == pytest.approx(whole, rel=0.02)


def test_threads_wait_for_each_other(espeak_client: EspeakClient) -> None:
    """Threads that speak at once get their own words, from one child."""
    found = {}
    pids = set()

    def speak(count: int) -> None:
        found[count] = words(espeak_client, "word " * count)
        pids.add(pid_of(espeak_client))

    threads = [threading.Thread(target=speak, args=(count,)) for count in range(1, 13)]
    for thread in threads:
        thread.start()
        espeak_client.start()
    for thread in threads:
        thread.join()
    assert found == {count: count for count in range(1, 13)}
    assert len(pids) == 1


@pytest.mark.parametrize("call", [1, 2, 4])
def test_a_checkpoint_ends_the_synthesis(espeak_client: EspeakClient, call: int) -> None:
    """What the checkpoint raises comes out of the synthesis, and the child
    lives to speak the next.
    """
    calls: list[int] = []

    def stop() -> None:
        calls.append(pid_of(espeak_client))
        if len(calls) == call:
            raise OSError("enough")

    with pytest.raises(OSError, match="enough"):
        espeak_client.synthesise(SENTENCE * 20, VoiceParameters(), checkpoint=stop)
    assert len(calls) == call
    assert words(espeak_client, "one two three") == 3
    assert pid_of(espeak_client) == calls[0]


def test_an_interrupted_wait_leaves_no_answer_behind(
    espeak_client: EspeakClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the wait for an answer is interrupted, the next text does not get that answer."""
    assert words(espeak_client, "one") == 1

    def interrupt(_: Frames) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Frames, "receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            words(espeak_client, "one two three")
    assert words(espeak_client, "one two") == 2


def test_errors_are_those_of_the_library(espeak_client: EspeakClient) -> None:
    """A voice that there is not is the same error as in this process, and not the child's end."""
    with pytest.raises(LookupError, match="no voice 'en-gb-oops'"):
        espeak_client.synthesise("Hello", VoiceParameters(voice="en-gb-oops"))
    pid = pid_of(espeak_client)
    assert words(espeak_client, "one") == 1
    assert pid_of(espeak_client) == pid


@in_proc
def test_the_text_stays_between_the_two(espeak_client: EspeakClient) -> None:
    """Neither the child's arguments nor its environment have anything of a text."""
    espeak_client.synthesise("xylophone", VoiceParameters())
    for name in ("cmdline", "environ"):
        public = Path(f"/proc/{pid_of(espeak_client)}/{name}").read_bytes()
        assert public
        assert b"xylophone" not in public


@posix
def test_a_fork_lets_go(espeak_client: EspeakClient) -> None:
    """Forgetting the child closes its pipes, so that it ends, and the next text has another."""
    espeak_client.forget()
    assert words(espeak_client, "one") == 1
    pid = pid_of(espeak_client)
    espeak_client.forget()
    assert os.waitpid(pid, 0) == (pid, 0)
    assert words(espeak_client, "one two") == 2


@pytest.mark.parametrize("frozen", [True, False])
def test_without_a_process_there_is_an_error(
    espeak_client: EspeakClient, monkeypatch: pytest.MonkeyPatch, frozen: bool
) -> None:
    """Where no child can be started, it is said when one is needed, and not before."""
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    if not frozen:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
    espeak_client.start()
    with pytest.raises(RuntimeError, match="cannot be started"):
        words(espeak_client, "one")


FRAMES = """
import os, struct, sys, time
def send(kind, payload=b"", size=None):
    os.write(1, struct.pack("=BI", kind, len(payload) if size is None else size) + payload)
ready = (2, struct.pack("=I", 22050))
spoken = struct.pack("=I", 1)
event = struct.pack("=Bii8s", 7, 0, 0, b"a")
"""


@pytest.mark.parametrize(
    "queue",
    [
        "sys.exit(3)",
        "print('Fatal error: no such thing', flush=True); time.sleep(5)",
        "send(2, b'long' * 2); sys.stdin.read()",
        "send(2, size=1 << 31); sys.stdin.read()",
        "send(99); sys.stdin.read()",
        "send(*ready); sys.exit(3)",
        "send(*ready); os.close(0); send(8, b'short', size=9)",
        "send(*ready); os.close(0); os.close(1); time.sleep(5)",
        "send(*ready); send(7); sys.stdin.read()",
        "send(*ready); send(8); sys.stdin.read()",
        "send(*ready); send(8, spoken + event[:-1]); sys.stdin.read()",
        "send(*ready); send(8, spoken + b'\\x09' + event[1:]); sys.stdin.read()",
        "send(*ready); send(8, spoken + event[:-8] + b'\\xff' * 8); sys.stdin.read()",
    ],
)
def test_nonsense_is_a_crash(
    espeak_client: EspeakClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, queue: str
) -> None:
    """A child that ends, or says what is no frame, is ended for good; the next one is a new one."""
    child = tmp_path / "child.py"
    child.write_text(FRAMES + queue)
    with monkeypatch.context() as patched:
        patched.setattr(espeak_process, "CHILD", child)
        patched.setattr(espeak_process, "GRACE_SECONDS", 0.05)
        espeak_client.start()
        pid = pid_of(espeak_client)
        with pytest.raises(EspeakCrashed, match=r"^eSpeak NG crashed \(.+\)$"):
            words(espeak_client, "one")
        espeak_client.close()  # the next one, which is of the same kind
    assert not exists(pid)
    assert words(espeak_client, "one two") == 2


@posix
@pytest.mark.slow
def test_a_child_that_is_stopped_is_killed(
    espeak_client: EspeakClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that was stopped (``kill -STOP``) is killed and replaced after `STEP_SECONDS`, so the
    text is spoken by the next one.
    """
    monkeypatch.setattr(espeak_process, "STEP_SECONDS", 0.5)
    assert words(espeak_client, "one") == 1
    pid = pid_of(espeak_client)
    os.kill(pid, signal.SIGSTOP)
    assert words(espeak_client, "one two") == 2
    assert pid_of(espeak_client) != pid
    assert not exists(pid)


@posix
@pytest.mark.slow
def test_a_stopped_child_does_not_hold_up_the_end(
    espeak_client: EspeakClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing kills a stopped child within `GRACE_SECONDS`, and none is left over."""
    monkeypatch.setattr(espeak_process, "STEP_SECONDS", 0.5)
    assert words(espeak_client, "one") == 1
    pid = pid_of(espeak_client)
    os.kill(pid, signal.SIGSTOP)
    espeak_client.close()
    assert not exists(pid)
