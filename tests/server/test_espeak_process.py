from __future__ import annotations

import contextlib
import hashlib
import io
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio

from trio_cartesia.server import Utterance, espeak_child, espeak_process
from trio_cartesia.server.espeak import Espeak
from trio_cartesia.server.espeak_child import MANNER, NUMBER, Frame, Frames, Gone
from trio_cartesia.server.espeak_process import EspeakCrashed, Speaker
from trio_cartesia.server.libespeak import Event, Kind, Manner

from .support import audio, connected, generation, kinds

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps."
posix = pytest.mark.skipif(sys.platform == "win32", reason="it has neither signals nor forks")
HOSTILE = [("vi", "ਝ̸"), ("mr", "ऽFआश")]  # version 1.52 overwrites its memory
in_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    speaker = Speaker()
    yield speaker
    speaker.close()


def pid_of(speaker: Speaker) -> int:
    assert speaker._child is not None
    return speaker._child._process.pid


def kill_child(speaker: Speaker) -> None:
    os.kill(pid_of(speaker), signal.SIGKILL)


def words(speaker: Speaker, text: str) -> int:
    _, events = speaker.synthesise(text, Manner())
    return sum(event.kind is Kind.WORD for event in events)


def exists(pid: int) -> bool:
    """
    Return whether a process runs; a zombie does not.
    """
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
from trio_cartesia.server import libespeak
samples, events = libespeak.engine().synthesise(sys.argv[1], libespeak.Manner())
print(hashlib.sha256(samples + repr(events).encode()).hexdigest())
"""


@pytest.mark.slow
def test_a_child_says_what_the_library_says(speaker: Speaker) -> None:
    """
    What a new child speaks first is, sample by sample, what a new process would.
    """
    answer = subprocess.run(
        [sys.executable, "-c", IN_PROCESS, SENTENCE], capture_output=True, check=True, text=True
    )
    samples, events = speaker.synthesise(SENTENCE, Manner())
    assert len(samples) / 2 / speaker.sample_rate > 3
    assert hashlib.sha256(samples + repr(events).encode()).hexdigest() == answer.stdout.strip()


@pytest.mark.parametrize(("language", "text"), HOSTILE)
@pytest.mark.slow
async def test_hostile_text_fails_alone(language: str, text: str) -> None:
    """
    Text that crashes the library fails, if it does, without a word of it; the next is spoken.
    """
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
def test_a_child_killed_in_mid_speech_fails_that_text(speaker: Speaker) -> None:
    """
    If the child dies while it speaks, that text fails and says how; the next has a new child.
    """
    calls: list[int] = []

    def kill_at_third() -> None:
        calls.append(pid_of(speaker))
        if len(calls) == 3:
            kill_child(speaker)

    with pytest.raises(EspeakCrashed) as caught:
        speaker.synthesise(SENTENCE, Manner(), checkpoint=kill_at_third)
    assert str(caught.value) == f"eSpeak NG crashed ({signal.strsignal(signal.SIGKILL)})"
    assert not exists(calls[0])
    assert words(speaker, "one two three") == 3
    assert pid_of(speaker) != calls[0]


@posix
def test_a_child_that_dies_idle_is_replaced(speaker: Speaker) -> None:
    """
    If the child dies between two texts, nobody hears of it.
    """
    assert words(speaker, "one") == 1
    kill_child(speaker)
    wait_gone(pid_of(speaker))
    assert words(speaker, "one two") == 2


class Deadly:
    """
    The voice ``espeak``, whose child is killed at the word ``die``.
    """

    name = "deadly"

    def __init__(self) -> None:
        self.espeak = Espeak()

    async def speak(self, utterance: Utterance) -> Any:
        if "die" in utterance.text:
            await trio.to_thread.run_sync(self._die)
        return await self.espeak.speak(utterance)

    def _die(self) -> None:
        with contextlib.suppress(RuntimeError):
            shared = espeak_process.speaker
            shared.synthesise(SENTENCE, Manner(), checkpoint=lambda: kill_child(shared))
        raise EspeakCrashed


@pytest.mark.parametrize("hostile", ["die", *(text for _, text in HOSTILE)])
@pytest.mark.slow
async def test_other_contexts_of_the_connection_go_on(hostile: str) -> None:
    """
    A context whose text crashes the library gets an error; another one is spoken to its end.
    """
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


def test_threads_wait_for_each_other(speaker: Speaker) -> None:
    """
    Threads that speak at once get their own words, from one child.
    """
    found = {}
    pids = set()

    def speak(count: int) -> None:
        found[count] = words(speaker, "word " * count)
        pids.add(pid_of(speaker))

    threads = [threading.Thread(target=speak, args=(count,)) for count in range(1, 13)]
    for thread in threads:
        thread.start()
        speaker.start()
    for thread in threads:
        thread.join()
    assert found == {count: count for count in range(1, 13)}
    assert len(pids) == 1


@pytest.mark.parametrize("call", [1, 2, 4])
def test_a_checkpoint_ends_the_synthesis(speaker: Speaker, call: int) -> None:
    """
    What the checkpoint raises comes out of the synthesis, and the child lives to speak the next.
    """
    calls: list[int] = []

    def stop() -> None:
        calls.append(pid_of(speaker))
        if len(calls) == call:
            raise OSError("enough")

    with pytest.raises(OSError, match="enough"):
        speaker.synthesise(SENTENCE * 20, Manner(), checkpoint=stop)
    assert len(calls) == call
    assert words(speaker, "one two three") == 3
    assert pid_of(speaker) == calls[0]


def test_an_interrupted_wait_leaves_no_answer_behind(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If the wait for an answer is interrupted, the next text does not get that answer.
    """
    assert words(speaker, "one") == 1

    def interrupt(_: Frames) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Frames, "receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            words(speaker, "one two three")
    assert words(speaker, "one two") == 2


def test_errors_are_those_of_the_library(speaker: Speaker) -> None:
    """
    A voice that there is not is the same error as in this process, and not the child's end.
    """
    with pytest.raises(LookupError, match="no voice 'en-gb-oops'"):
        speaker.synthesise("Hello", Manner(voice="en-gb-oops"))
    pid = pid_of(speaker)
    assert words(speaker, "one") == 1
    assert pid_of(speaker) == pid


@in_proc
def test_the_text_stays_between_the_two(speaker: Speaker) -> None:
    """
    Neither the child's arguments nor its environment have anything of a text.
    """
    speaker.synthesise("xylophone", Manner())
    for name in ("cmdline", "environ"):
        public = Path(f"/proc/{pid_of(speaker)}/{name}").read_bytes()
        assert public
        assert b"xylophone" not in public


SCRIPT = """
import os, signal, sys, time
from trio_cartesia.server.espeak_process import speaker
from trio_cartesia.server.libespeak import Manner
def speak():
    assert len(speaker.synthesise("Hello", Manner())[0]) > 20000
    return speaker._child._process.pid
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
INHERITED = """
if not os.fork():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(2)  # and it has no end of the pipes
"""


@contextlib.contextmanager
def running(script: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """
    Run a program that has a child, and return the child's pid too.
    """
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
    """
    If the parent is killed, the child is gone within a second, even where a fork lives on.
    """
    with running(script) as (process, pid):
        if script is WAITING:
            assert exists(pid)
            process.kill()
        process.wait()
        wait_gone(pid)


@posix
@pytest.mark.parametrize("script", ["", WAITING, INTERRUPTED, FORKED])
@pytest.mark.slow
def test_it_ends_cleanly(script: str) -> None:
    """
    The program's end is the child's, without a warning; Ctrl-C is not, and forks do not share it.
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


@posix
def test_a_fork_lets_go(speaker: Speaker) -> None:
    """
    Forgetting the child closes its pipes, so that it ends, and the next text has another.
    """
    speaker.forget()
    assert words(speaker, "one") == 1
    pid = pid_of(speaker)
    speaker.forget()
    assert os.waitpid(pid, 0) == (pid, 0)
    assert words(speaker, "one two") == 2


@pytest.mark.parametrize("frozen", [True, False])
def test_without_a_process_there_is_an_error(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch, frozen: bool
) -> None:
    """
    Where no child can be started, it is said when one is needed, and not before.
    """
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    if not frozen:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
    speaker.start()
    with pytest.raises(RuntimeError, match="cannot be started"):
        words(speaker, "one")


FRAMES = """
import os, struct, sys, time
def send(kind, payload=b"", size=None):
    os.write(1, struct.pack("=BI", kind, len(payload) if size is None else size) + payload)
ready = (2, struct.pack("=I", 22050))
spoken = struct.pack("=I", 1)
event = struct.pack("=Bii8s", 7, 0, 0, b"a")
"""


@pytest.mark.parametrize(
    "script",
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
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    """
    A child that ends, or says what is no frame, is ended for good; the next one is a new one.
    """
    child = tmp_path / "child.py"
    child.write_text(FRAMES + script)
    with monkeypatch.context() as patched:
        patched.setattr(espeak_process, "CHILD", child)
        patched.setattr(espeak_process, "GRACE_SECONDS", 0.05)
        speaker.start()
        pid = pid_of(speaker)
        with pytest.raises(EspeakCrashed, match=r"^eSpeak NG crashed \(.+\)$"):
            words(speaker, "one")
    assert not exists(pid)
    assert words(speaker, "one two") == 2


CHILD = f"""
import importlib.util, os, time
spec = importlib.util.spec_from_file_location("child", {str(espeak_child.__file__)!r})
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
neighbour = child._neighbour
"""
HANGING = """
def library(name):
    module = neighbour(name)
    module.Engine.synthesise = lambda *_, **__: time.sleep(60)
    child.PATIENCE_SECONDS = 0.1
    return module
child._neighbour = library
child.main()
"""
TALKING = """
def library(name):
    os.write(1, b"no frame")
    print("no frame", flush=True)
    return neighbour(name)
child._neighbour = library
child.main()
"""
BROKEN = """
def library(name):
    raise OSError("libespeak-ng.so: cannot open shared object file")
child._neighbour = library
child.main()
"""


@pytest.fixture
def run_child(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], int]:
    def run(script: str) -> int:
        path = tmp_path / "child.py"
        path.write_text(CHILD + script)
        monkeypatch.setattr(espeak_process, "CHILD", path)
        return words(speaker, "one two")

    return run


@pytest.mark.slow
def test_a_child_that_hangs_ends_itself(run_child: Callable[[str], int]) -> None:
    """
    If the library does not come back, the child gives up on it, and it counts as a crash.
    """
    with pytest.raises(EspeakCrashed, match="status 1"):
        run_child(HANGING)


def test_what_the_library_prints_is_lost(run_child: Callable[[str], int]) -> None:
    """
    Nothing but frames comes through the pipe.
    """
    assert run_child(TALKING) == 2


def test_a_library_that_does_not_start_says_why(run_child: Callable[[str], int]) -> None:
    """
    If the library cannot be loaded, the error has the reason, each time.
    """
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"started: OSError: libespeak-ng\.so: "):
            run_child(BROKEN)


def serve(*requests: tuple[Frame, bytes], engine: Any) -> list[tuple[Frame, bytes]]:
    """
    Let the child's part run here, with a library of our own.
    """
    down, up = io.BytesIO(), io.BytesIO()
    paths = "\0".join(sys.path).encode()
    for frame in ((Frame.HELLO, paths), *requests):
        Frames(down, down).send(*frame)
    down.seek(0)
    library = SimpleNamespace(engine=engine, Manner=Manner)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(espeak_child, "_neighbour", lambda _: library)
        with contextlib.suppress(Gone):
            espeak_child.serve(Frames(down, up))
    up.seek(0)
    answers, frames = [], Frames(up, up)
    with contextlib.suppress(Gone):
        while True:
            answers.append(frames.receive())
    return answers


class Library:
    """
    A library that calls the checkpoint as often as the text says, or raises what it names.
    """

    sample_rate = 8000

    def synthesise(
        self, text: str, manner: Manner, *, checkpoint: Callable[[], None]
    ) -> tuple[bytes, list[Event]]:
        assert manner == Manner()
        if text == "LookupError":
            raise LookupError("no voice")
        if text == "RuntimeError":
            raise RuntimeError("gave up")
        for _ in range(int(text)):
            checkpoint()
        return b"ab", [Event(kind=Kind.PHONEME, frame=1, position=2, symbol="ɔ")]


def request(text: str) -> tuple[Frame, bytes]:
    return Frame.SPEAK, espeak_process._request(text, Manner())


def test_the_child_answers_what_it_is_asked() -> None:
    """
    Every request has one answer, after questions that are answered by go on or stop.
    """
    go_on, stop = (Frame.GO_ON, b""), (Frame.STOP, b"")
    requests = [request("15"), request("LookupError"), request("RuntimeError")]
    requests += [request("32"), go_on, go_on, request("40"), go_on, stop, request("16")]
    ready, *answers = serve(*requests, engine=Library)
    assert ready == (Frame.READY, NUMBER.pack(8000))
    question, spoken = (Frame.QUESTION, b""), answers[0]
    assert answers[1:3] == [(Frame.NO_VOICE, b"no voice"), (Frame.FAILED, b"gave up")]
    assert answers[3:6] == [question, question, spoken]
    assert answers[6:9] == [question, question, (Frame.STOPPED, b"")]
    assert answers[9:] == [question]
    event = Event(kind=Kind.PHONEME, frame=1, position=2, symbol="ɔ")
    assert espeak_process._result(*spoken) == (b"ab", [event])
    with pytest.raises(RuntimeError, match="gave up"):
        espeak_process._result(*answers[2])


def test_a_start_that_fails_is_an_answer() -> None:
    """
    If the library cannot be started, the child says why, and no more.
    """

    def fail() -> None:
        raise OSError("no such file")

    assert serve(request("1"), engine=fail) == [(Frame.FAILED, b"OSError: no such file")]


@pytest.mark.parametrize("text", ["", "a\0b", "\ud83d\ude00", "\udfff", "한" * 1000])
def test_any_text_reaches_the_child(text: str) -> None:
    """
    Whatever a text is made of, the child gets the same one.
    """
    heard = []

    def synthesise(text: str, *_: Any, **__: Any) -> tuple[bytes, list[Event]]:
        heard.append(text)
        return b"", []

    serve(request(text), engine=lambda: SimpleNamespace(sample_rate=1, synthesise=synthesise))
    assert heard == [text]


def test_nobody_to_hear_is_no_other_error() -> None:
    """
    What is sent into a pipe that has no other end any more, or is closed, is told as such.
    """
    incoming, outgoing = os.pipe()
    os.close(incoming)
    with open(outgoing, "wb", buffering=0) as pipe:
        frames = Frames(pipe, pipe)
        with pytest.raises(Gone):
            frames.send(Frame.GO_ON)
    with pytest.raises(Gone):
        frames.send(Frame.GO_ON)


def test_the_child_finds_its_neighbour() -> None:
    """
    The library's module needs nothing else of the package.
    """
    assert espeak_child._neighbour("libespeak").Manner().voice == Manner().voice
    assert MANNER.size + NUMBER.size == 20


def test_the_child_ends_with_its_input() -> None:
    """
    Run as a program, it takes over the standard streams, and ends when there is nothing to read.
    """
    before = signal.getsignal(signal.SIGINT)
    saved = [os.dup(number) for number in (0, 1)]
    try:
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
            runpy.run_path(str(espeak_child.__file__), run_name="__main__")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        for number, copy in enumerate(saved):
            os.dup2(copy, number)
            os.close(copy)
        signal.signal(signal.SIGINT, before)
