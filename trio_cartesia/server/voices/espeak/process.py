"""eSpeak NG in a child process, as its parent sees it: started, watched and replaced.

A text that meets a memory error of the library thereby fails alone.
"""

from __future__ import annotations

import atexit
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from trio_cartesia.server.voices.espeak.child import (
    EVENT,
    MANNER,
    NUMBER,
    ConnectionClosed,
    Frame,
    Frames,
)
from trio_cartesia.server.voices.espeak.library import Event, Kind, VoiceParameters

__all__ = ["EspeakClient", "EspeakCrashed", "espeak_client"]

GRACE_SECONDS: Final = 0.5  # to end at the end of its input, which takes some 20 ms
START_SECONDS: Final = 30.0  # to be ready, which takes some 100 ms
STEP_SECONDS: Final = 5.0  # to send a frame; it sends one for each second of audio, or each ms
CHILD: Final = Path(__file__).with_name("child.py")
ISOLATED: Final = ("-I", "-S", "-B")  # all it needs is where modules are, and it is told
NO_WINDOW: Final[int] = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows has it, and needs it


class EspeakCrashed(RuntimeError):
    """The process of eSpeak NG ended while it spoke, and so did a new one at the same text."""


class EspeakClient:
    """The library in a child process, for all threads: one speaks, and others wait for it.

    The child is started when it is first needed, or earlier by `start`. It ends with this process,
    whatever the way this one ends in.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def start(self) -> None:
        """Start the child if there is none, and do not wait until it is ready.

        If that fails, the first call that needs the child raises the reason.
        """
        if self._lock.acquire(blocking=False):  # otherwise another thread does it
            try:
                with suppress(RuntimeError):
                    self._living()
            finally:
                self._lock.release()

    @property
    def sample_rate(self) -> int:
        """Frames a second of all audio.

        Raises:
            RuntimeError: The library cannot be started.
        """
        with self._speaking() as child:
            return child.sample_rate

    def synthesise(
        self,
        text: str,
        parameters: VoiceParameters,
        *,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> tuple[bytes, list[Event]]:
        """Speak *text*, and block until it is done: `library.Engine.synthesise`, elsewhere.

        If the child crashes, and it is not the first text that it spoke, an earlier one may be to
        blame: then a new child tries once more.

        Args:
            text: Plain text; what cannot be spoken in it becomes a blank.
            parameters: How.
            checkpoint: Called first, and about every second of audio, which takes one millisecond;
                what it raises ends the synthesis.

        Returns:
            16-bit samples in the host's byte order, and the events in them.

        Raises:
            LookupError: There is no such voice.
            EspeakCrashed: The library crashed at this text, took more than ten seconds, or its
                process did not respond for `STEP_SECONDS`.
            RuntimeError: The library cannot be started, or gave up.
        """
        is_first = True
        try:
            with self._speaking() as child:
                is_first = not child.has_spoken
                checkpoint()
                return child.synthesise(text, parameters, checkpoint)
        except EspeakCrashed:
            if is_first:
                raise
        with self._speaking() as child:  # what was spoken before may have broken its memory
            checkpoint()
            return child.synthesise(text, parameters, checkpoint)

    @contextmanager
    def _speaking(self) -> Iterator[_Child]:
        """Yield a child that is ready; if it dies during the block, replace it."""
        with self._lock:
            child = self._living()
            try:
                child.wait_ready()
                yield child
            except ConnectionClosed as error:
                self._child = None
                end = child.end()
                if child.sample_rate:  # it did start, so another one will
                    with suppress(RuntimeError):
                        self._living()
                raise EspeakCrashed(f"eSpeak NG crashed ({end})") from error

    def _living(self) -> _Child:
        if self._child is not None and not self._child.is_usable():
            self.close()  # it died idle, so no call has failed
        if self._child is None:
            try:
                self._child = _Child()
            except OSError as error:
                raise RuntimeError("eSpeak NG cannot be started: no process") from error
        return self._child

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def forget(self) -> None:
        """Leave the child to the process that this one is a fork of."""
        self._lock = threading.Lock()  # a thread that is not here may have held it
        child, self._child = self._child, None
        if child is not None:
            child.disown()


class _Child:
    """A child process, from its start to its end.

    Attributes:
        sample_rate: Known once it is ready.
        has_spoken: Whether it was asked to speak before.
    """

    def __init__(self) -> None:
        frozen = getattr(sys, "frozen", False)  # then it would be the program once more
        self._process = subprocess.Popen(  # noqa: S603
            ["" if frozen else sys.executable, *ISOLATED, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            creationflags=NO_WINDOW,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._frames = Frames(self._process.stdout, self._process.stdin)
        self.sample_rate = 0
        self.has_spoken = False
        self._owes_answer = False
        with suppress(ConnectionClosed):  # it will be noticed
            self._frames.send(Frame.HELLO, os.fsencode("\0".join(map(str, sys.path))))

    def is_usable(self) -> bool:
        return self._process.poll() is None and not self._owes_answer

    def wait_ready(self) -> None:
        if self.sample_rate:
            return
        with self._watched(START_SECONDS):
            kind, payload = self._frames.receive()
        if kind is Frame.FAILED:
            self.end()
            raise RuntimeError(f"eSpeak NG cannot be started: {payload.decode(errors='replace')}")
        with _understanding():
            (self.sample_rate,) = NUMBER.unpack(payload)

    def synthesise(
        self, text: str, parameters: VoiceParameters, checkpoint: Callable[[], None]
    ) -> tuple[bytes, list[Event]]:
        self._owes_answer = True  # and still does if Ctrl-C ends this in the middle
        kind, payload = self._ask(Frame.SPEAK, _request(text, parameters))
        while True:
            if kind is not Frame.QUESTION:
                self._owes_answer = False
                self.has_spoken = True
                return _result(kind, payload)
            try:
                checkpoint()
            except BaseException:
                self._ask(Frame.STOP)
                self._owes_answer = False
                raise
            kind, payload = self._ask(Frame.GO_ON)

    def _ask(self, kind: Frame, payload: bytes = b"") -> tuple[Frame, bytes]:
        """Send a frame, and return the next one of the child."""
        with self._watched(STEP_SECONDS):
            self._frames.send(kind, payload)
            return self._frames.receive()

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        """Kill the child if the block takes longer: it has stopped, and so its pipes close."""
        watchdog = threading.Timer(seconds, self._process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()

    def end(self) -> str:
        """End it politely, or else by force, and say how it ended."""
        self._frames.close()
        try:
            status = self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return f"status {status}" if status >= 0 else signal.strsignal(-status) or "by a signal"

    def disown(self) -> None:
        """Let go of it in a fork, where it is nobody's child."""
        self._frames.close()
        self._process.returncode = 0


def _request(text: str, parameters: VoiceParameters) -> bytes:
    voice = parameters.voice.encode()
    numbers = (
        parameters.words_per_minute,
        parameters.pitch,
        parameters.pitch_range,
        parameters.flags,
    )
    return MANNER.pack(*numbers, len(voice)) + voice + text.encode("utf-8", "surrogatepass")


def _result(kind: Frame, payload: bytes) -> tuple[bytes, list[Event]]:
    if kind is Frame.NO_VOICE:
        raise LookupError(payload.decode(errors="replace"))
    if kind is Frame.FAILED:
        raise RuntimeError(payload.decode(errors="replace"))
    if kind is not Frame.SPOKEN:
        raise ConnectionClosed
    with _understanding():
        (count,) = NUMBER.unpack_from(payload)
        end = NUMBER.size + count * EVENT.size
        events = [
            Event(kind=Kind(kind), frame=frame, position=position, symbol=_text(symbol))
            for kind, frame, position, symbol in EVENT.iter_unpack(payload[NUMBER.size : end])
        ]
        return payload[end:], events


def _text(symbol: bytes) -> str:
    return symbol.rstrip(b"\0").decode()


@contextmanager
def _understanding() -> Iterator[None]:
    """Treat a malformed frame as a crash of the child."""
    try:
        yield
    except (ValueError, struct.error) as error:
        raise ConnectionClosed from error


espeak_client: Final = EspeakClient()  # one for all: the library does one thing at a time
atexit.register(espeak_client.close)
if sys.platform != "win32":  # pragma: no branch  # which has no fork
    os.register_at_fork(after_in_child=espeak_client.forget)
