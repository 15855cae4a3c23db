"""The child process that runs eSpeak NG, so that a memory error in the library ends only itself.

`child_process` starts this file by its path, because importing the package would take five times as
long. So it uses the standard library alone until it receives the module path. Parent and child
exchange frames over two pipes; text never appears in arguments, environment or output.
"""

from __future__ import annotations

import enum
import faulthandler
import importlib.util
import itertools
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trio_cartesia.server.voices.espeak.library import Engine, Event, VoiceParameters

__all__ = ["EVENT", "NUMBER", "PARAMETERS", "ConnectionClosed", "Frame", "Frames", "main", "serve"]

WATCHDOG_SECONDS: Final = 10  # for a step of at most 0.1 s, in case the parent is gone, too
BUFFERS_PER_CHECK: Final = 16  # of 60 ms: about a second of audio, made in one millisecond
LARGEST_BYTES: Final = 1 << 28

NUMBER: Final = struct.Struct("=I")  # the sample rate, or how many events there are
PARAMETERS: Final = struct.Struct("=iiiiI")  # four numbers, and the bytes of the voice's name
EVENT: Final = struct.Struct("=Bii8s")  # kind, frame, position, symbol
_HEAD: Final = struct.Struct("=BI")


class Frame(enum.IntEnum):
    """The kinds of frames, with direction and content."""

    HELLO = 1  # down: the module path
    READY = 2  # up: the sample rate
    SPEAK = 3  # down: parameters, the voice's name, the text
    CHECK = 4  # up: the parent answers CONTINUE or STOP
    CONTINUE = 5  # down
    STOP = 6  # down
    STOPPED = 7  # up
    RESULT = 8  # up: the number of events, the events, the samples
    NO_VOICE = 9  # up: the message of a `LookupError`
    FAILED = 10  # up: the message of a `RuntimeError`


class ConnectionClosed(Exception):
    """The other process has exited, or has sent an invalid frame."""


class Frames:
    """One end of a pair of pipes; all calls block.

    Args:
        incoming: The pipe to read.
        outgoing: The pipe to write.
        before_read: Called before each read, to bound the wait; its exceptions pass through.
    """

    def __init__(
        self,
        incoming: IO[bytes],
        outgoing: IO[bytes],
        *,
        before_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._before_read = before_read

    def send(self, kind: Frame, payload: bytes = b"") -> None:
        """Send a frame.

        Raises:
            ConnectionClosed: The other process has exited.
        """
        rest = memoryview(_HEAD.pack(kind, len(payload)) + payload)
        try:
            while rest:
                rest = rest[self._outgoing.write(rest) :]
        except (OSError, ValueError) as error:  # broken, or closed
            raise ConnectionClosed from error

    def receive(self) -> tuple[Frame, bytes]:
        """Wait for a frame.

        Raises:
            ConnectionClosed: The other process has exited, or the frame is invalid.
        """
        kind, size = _HEAD.unpack(self._read(_HEAD.size))
        if size > LARGEST_BYTES:
            raise ConnectionClosed("the frame is too large")
        payload = self._read(size)
        try:
            return Frame(kind), payload
        except ValueError as error:
            raise ConnectionClosed from error

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._before_read()
            try:
                piece = self._incoming.read(min(size - len(data), 65536))  # returns what there is
            except (OSError, ValueError) as error:  # broken, or closed
                raise ConnectionClosed from error
            if not piece:
                raise ConnectionClosed("the pipe has ended")
            data += piece
        return bytes(data)

    def close(self) -> None:
        """Close both pipes, which the other process notices at once."""
        self._outgoing.close()
        self._incoming.close()


def serve(frames: Frames) -> None:
    """Start the library and serve requests until the parent closes the connection.

    Raises:
        ConnectionClosed: The parent has closed it.
    """
    _, paths = frames.receive()
    sys.path[:] = os.fsdecode(paths).split("\0")
    try:
        with _watchdog():
            library = _import_sibling("library")
            engine = library.engine()
    except Exception as error:  # noqa: BLE001  # the parent reports it
        frames.send(Frame.FAILED, f"{type(error).__name__}: {error}".encode(errors="replace"))
        return
    frames.send(Frame.READY, NUMBER.pack(engine.sample_rate))
    while True:
        _, request = frames.receive()
        *numbers, size = PARAMETERS.unpack_from(request)
        voice, text = (
            part.decode("utf-8", "surrogatepass")
            for part in (request[PARAMETERS.size :][:size], request[PARAMETERS.size + size :])
        )
        names = ("words_per_minute", "pitch", "pitch_range", "flags")
        parameters = library.VoiceParameters(voice=voice, **dict(zip(names, numbers, strict=True)))
        with _watchdog():
            answer = _speak(engine, text, parameters, _cancellation_check(frames))
        frames.send(*answer)


def _speak(
    engine: Engine, text: str, parameters: VoiceParameters, checkpoint: Callable[[], None]
) -> tuple[Frame, bytes]:
    try:
        samples, events = engine.synthesise(text, parameters, checkpoint=checkpoint)
    except _Cancelled:
        return Frame.STOPPED, b""
    except LookupError as error:
        return Frame.NO_VOICE, str(error).encode()
    except RuntimeError as error:
        return Frame.FAILED, str(error).encode()
    rows = list(_rows(events))
    return Frame.RESULT, b"".join((NUMBER.pack(len(rows)), *rows, samples))


def _rows(events: Iterable[Event]) -> Iterator[bytes]:
    for event in events:
        yield EVENT.pack(event.kind, event.frame, event.position, event.symbol.encode())


class _Cancelled(Exception):
    """The parent has cancelled the request."""


def _cancellation_check(frames: Frames) -> Callable[[], None]:
    """Return a checkpoint that regularly asks the parent whether the request was cancelled."""
    calls = itertools.count(1)

    def ask() -> None:
        if next(calls) % BUFFERS_PER_CHECK:
            return
        frames.send(Frame.CHECK)
        answer, _ = frames.receive()
        if answer is not Frame.CONTINUE:
            raise _Cancelled

    return ask


@contextmanager
def _watchdog() -> Iterator[None]:
    """Exit if the block takes far too long, because a memory error may also cause a hang."""
    faulthandler.dump_traceback_later(WATCHDOG_SECONDS, exit=True, file=2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _import_sibling(name: str) -> ModuleType:
    """Import a module of this directory without the package."""
    path = os.path.join(os.path.dirname(__file__), f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Serve on standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with (
        open(0, "rb", buffering=0, closefd=False) as incoming,
        open(os.dup(1), "wb", buffering=0) as outgoing,
    ):
        os.dup2(2, 1)  # so that output of the library cannot look like a frame
        with suppress(ConnectionClosed):
            serve(Frames(incoming, outgoing))


if __name__ == "__main__":
    main()
