from __future__ import annotations

import contextlib
import io
import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.server.voices.espeak.children import words
from trio_cartesia.server.voices.espeak import child as espeak_child
from trio_cartesia.server.voices.espeak import child_process
from trio_cartesia.server.voices.espeak.child import (
    NUMBER,
    PARAMETERS,
    ConnectionClosed,
    Frame,
    Frames,
)
from trio_cartesia.server.voices.espeak.client import EspeakClient, EspeakCrashed
from trio_cartesia.server.voices.espeak.library import Event, Kind, VoiceParameters

CHILD = f"""
import importlib.util, os, time
spec = importlib.util.spec_from_file_location("child", {str(espeak_child.__file__)!r})
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
import_sibling = child._import_sibling
"""
HANGING = """
def library(name):
    module = import_sibling(name)
    module.Engine.synthesise = lambda *_, **__: time.sleep(60)
    child.WATCHDOG_SECONDS = 0.1
    return module
child._import_sibling = library
child.main()
"""
TALKING = """
def library(name):
    os.write(1, b"no frame")
    print("no frame", flush=True)
    return import_sibling(name)
child._import_sibling = library
child.main()
"""
BROKEN = """
def library(name):
    raise OSError("libespeak-ng.so: cannot open shared object file")
child._import_sibling = library
child.main()
"""


@pytest.fixture
def run_child(
    client: EspeakClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], int]:
    def run(script: str) -> int:
        path = tmp_path / "child.py"
        path.write_text(CHILD + script)
        monkeypatch.setattr(child_process, "CHILD", path)
        return words(client, "one two")

    return run


@pytest.mark.slow
def test_a_child_that_hangs_ends_itself(run_child: Callable[[str], int]) -> None:
    """If the library does not come back, the child gives up on it, and it counts as a crash."""
    with pytest.raises(EspeakCrashed, match="status 1"):
        run_child(HANGING)


def test_what_the_library_prints_is_lost(run_child: Callable[[str], int]) -> None:
    """Nothing but frames comes through the pipe."""
    assert run_child(TALKING) == 2


def test_a_library_that_does_not_start_says_why(run_child: Callable[[str], int]) -> None:
    """If the library cannot be loaded, the error has the reason, each time."""
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"started: OSError: libespeak-ng\.so: "):
            run_child(BROKEN)


def serve(*requests: tuple[Frame, bytes], engine: Any) -> list[tuple[Frame, bytes]]:
    """Let the child's part run here, with a library of our own."""
    down, up = io.BytesIO(), io.BytesIO()
    paths = "\0".join(sys.path).encode()
    for frame in ((Frame.HELLO, paths), *requests):
        Frames(down, down).send(*frame)
    down.seek(0)
    library = SimpleNamespace(engine=engine, VoiceParameters=VoiceParameters)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(espeak_child, "_import_sibling", lambda _: library)
        with contextlib.suppress(ConnectionClosed):
            espeak_child.serve(Frames(down, up))
    up.seek(0)
    answers, frames = [], Frames(up, up)
    with contextlib.suppress(ConnectionClosed):
        while True:
            answers.append(frames.receive())
    return answers


class Library:
    """A library that calls the checkpoint as often as the text says, or raises what it names."""

    sample_rate = 8000

    def synthesise(
        self, text: str, parameters: VoiceParameters, *, checkpoint: Callable[[], None]
    ) -> tuple[bytes, list[Event]]:
        assert parameters == VoiceParameters()
        if text == "LookupError":
            raise LookupError("no voice")
        if text == "RuntimeError":
            raise RuntimeError("gave up")
        for _ in range(int(text)):
            checkpoint()
        return b"ab", [Event(kind=Kind.PHONEME, frame=1, position=2, symbol="ɔ")]


def request(text: str) -> tuple[Frame, bytes]:
    return Frame.SPEAK, child_process._request(text, VoiceParameters())


def test_the_child_answers_what_it_is_asked() -> None:
    """Every request has one answer, after questions that are answered by go on or stop."""
    go_on, stop = (Frame.CONTINUE, b""), (Frame.STOP, b"")
    requests = [request("15"), request("LookupError"), request("RuntimeError")]
    requests += [request("32"), go_on, go_on, request("40"), go_on, stop, request("16")]
    ready, *answers = serve(*requests, engine=Library)
    assert ready == (Frame.READY, NUMBER.pack(8000))
    question, spoken = (Frame.CHECK, b""), answers[0]
    assert answers[1:3] == [(Frame.NO_VOICE, b"no voice"), (Frame.FAILED, b"gave up")]
    assert answers[3:6] == [question, question, spoken]
    assert answers[6:9] == [question, question, (Frame.STOPPED, b"")]
    assert answers[9:] == [question]
    event = Event(kind=Kind.PHONEME, frame=1, position=2, symbol="ɔ")
    assert child_process._result(*spoken) == (b"ab", [event])
    with pytest.raises(RuntimeError, match="gave up"):
        child_process._result(*answers[2])


def test_a_start_that_fails_is_an_answer() -> None:
    """If the library cannot be started, the child says why, and no more."""

    def fail() -> None:
        raise OSError("no such file")

    assert serve(request("1"), engine=fail) == [(Frame.FAILED, b"OSError: no such file")]


@pytest.mark.parametrize("text", ["", "a\0b", "\ud83d\ude00", "\udfff", "한" * 1000])
def test_any_text_reaches_the_child(text: str) -> None:
    """Whatever a text is made of, the child gets the same one."""
    heard = []

    def synthesise(text: str, *_: Any, **__: Any) -> tuple[bytes, list[Event]]:
        heard.append(text)
        return b"", []

    serve(request(text), engine=lambda: SimpleNamespace(sample_rate=1, synthesise=synthesise))
    assert heard == [text]


def test_nobody_to_hear_is_no_other_error() -> None:
    """A send into a pipe that is closed, at either end, is an error of its own."""
    incoming, outgoing = os.pipe()
    os.close(incoming)
    with open(outgoing, "wb", buffering=0) as pipe:
        frames = Frames(pipe, pipe)
        with pytest.raises(ConnectionClosed):
            frames.send(Frame.CONTINUE)
    with pytest.raises(ConnectionClosed):
        frames.send(Frame.CONTINUE)


def test_the_child_finds_its_neighbour() -> None:
    """The library's module needs nothing else of the package."""
    assert (
        espeak_child._import_sibling("library").VoiceParameters().voice == VoiceParameters().voice
    )
    assert PARAMETERS.size + NUMBER.size == 24


def test_the_child_ends_with_its_input() -> None:
    """Run as a program, it takes over the standard streams, and ends when there is nothing to
    read.
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
