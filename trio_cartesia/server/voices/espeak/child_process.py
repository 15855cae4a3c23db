"""The parent's end of one child process: start it, send requests one at a time, end it."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from trio_cartesia.server.voices.espeak.child import (
    EVENT,
    NUMBER,
    PARAMETERS,
    ConnectionClosed,
    Frame,
    Frames,
)
from trio_cartesia.server.voices.espeak.library import Event, Kind, VoiceParameters

__all__ = ["ChildProcess"]

GRACE_SECONDS: Final = 0.5  # for a child to exit at the end of its input, which takes some 20 ms
START_SECONDS: Final = 30.0  # for a child to start, which takes about 0.1 s
STEP_SECONDS: Final = 5.0  # for a child to send more, which takes some milliseconds
POLL_SECONDS: Final = 0.1  # between checks for cancellation while a child sends nothing
CHILD: Final = Path(__file__).with_name("child.py")
ISOLATED: Final = ("-I", "-S", "-B")  # it needs nothing but the module path, which it is sent
NO_WINDOW: Final[int] = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows has it, and needs it


class ChildProcess:
    """One child process.

    A child that sends nothing for `STEP_SECONDS` is killed, because a stopped process (``kill
    -STOP``) would block this thread for ever, and would not notice the end of its input. Windows
    has no way to wait for a pipe with a timeout, so there only the child's own watchdog ends a
    library that hangs, and a suspended child blocks until it is resumed.

    Attributes:
        checkpoint: Called after about each second of audio, and every `POLL_SECONDS` while the
            child sends nothing. Its exceptions end the request.
        sample_rate: Known once it is ready.
        has_spoken: Whether it has completed a request.
        is_overdue: Whether it was killed because it sent nothing in time.
    """

    def __init__(self) -> None:
        frozen = getattr(sys, "frozen", False)  # sys.executable would be the program itself
        self._process = subprocess.Popen(  # noqa: S603  # our own command
            ["" if frozen else sys.executable, *ISOLATED, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            creationflags=NO_WINDOW,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdout = self._process.stdout
        self._frames = Frames(self._stdout, self._process.stdin, before_read=self._wait_readable)
        self.checkpoint: Callable[[], None] = lambda: None
        self.sample_rate = 0
        self.has_spoken = False
        self.is_overdue = False
        self._is_usable = True
        with suppress(ConnectionClosed):  # the next receive reports it
            self._frames.send(Frame.HELLO, os.fsencode("\0".join(map(str, sys.path))))

    def is_usable(self) -> bool:
        """Return whether it runs and no request was left in the middle."""
        return self._is_usable and self._process.poll() is None

    def wait_ready(self) -> None:
        """Wait until the library has started."""
        if self.sample_rate:
            return
        kind, payload = self._frames.receive()
        if kind is Frame.FAILED:
            self.end()
            raise RuntimeError(f"eSpeak NG cannot be started: {payload.decode(errors='replace')}")
        with _decoding():
            (self.sample_rate,) = NUMBER.unpack(payload)

    def synthesise(self, text: str, parameters: VoiceParameters) -> tuple[bytes, list[Event]]:
        """Send one request and return its result; see `EspeakClient.synthesise`.

        The pipe holds a request of a few kilobytes, so sending waits only for a longer one.
        """
        self._is_usable = False  # and stays so if Ctrl-C ends this in the middle
        self._frames.send(Frame.SPEAK, _request(text, parameters))
        kind, payload = self._frames.receive()
        while kind is Frame.CHECK:
            try:
                self.checkpoint()
            except BaseException:
                self._frames.send(Frame.STOP)
                self._frames.receive()
                self._is_usable = True
                raise
            self._frames.send(Frame.CONTINUE)
            kind, payload = self._frames.receive()
        self._is_usable = self.has_spoken = True
        return _result(kind, payload)

    def _wait_readable(self) -> None:
        """Wait until the child sends something; kill it after too long, or if cancelled."""
        if sys.platform == "win32" or self._stdout.closed:
            return
        poller = select.poll()
        poller.register(self._stdout, select.POLLIN)
        seconds = STEP_SECONDS if self.sample_rate else START_SECONDS
        try:
            for _ in range(round(seconds / POLL_SECONDS)):
                if poller.poll(1000 * POLL_SECONDS):
                    return
                self.checkpoint()
        except BaseException:
            self._kill()
            raise
        self.is_overdue = True
        self._kill()

    def _kill(self) -> None:
        self._is_usable = False
        self._process.kill()

    def end(self) -> str:
        """Close its pipes, kill it if it does not exit, and return how it ended."""
        self._frames.close()
        try:
            status = self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return f"status {status}" if status >= 0 else signal.strsignal(-status) or "by a signal"

    def detach(self) -> None:
        """Release it in a fork of its parent, which must not wait for it."""
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
    return PARAMETERS.pack(*numbers, len(voice)) + voice + text.encode("utf-8", "surrogatepass")


def _result(kind: Frame, payload: bytes) -> tuple[bytes, list[Event]]:
    if kind is Frame.NO_VOICE:
        raise LookupError(payload.decode(errors="replace"))
    if kind is Frame.FAILED:
        raise RuntimeError(payload.decode(errors="replace"))
    if kind is not Frame.RESULT:
        raise ConnectionClosed
    with _decoding():
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
def _decoding() -> Iterator[None]:
    """Treat a malformed frame as a crash of the child."""
    try:
        yield
    except (ValueError, struct.error) as error:
        raise ConnectionClosed from error
