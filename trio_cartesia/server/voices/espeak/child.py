"""The process that eSpeak NG runs in: its errors of memory end this one, and no other.

`espeak_process` starts this file by its path, since importing the package would take five times as
long; so it needs the standard library alone until it was told where the others are. Both talk in
frames over two pipes, and no text is in the arguments, the environment, or what is printed.
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

__all__ = ["EVENT", "MANNER", "NUMBER", "ConnectionClosed", "Frame", "Frames", "main", "serve"]

PATIENCE_SECONDS: Final = 10  # for what takes 0.1 s at most; then memory is broken, or the machine
BUFFERS_PER_QUESTION: Final = 16  # of 60 ms: about a second of audio, made in one millisecond
LARGEST_BYTES: Final = 1 << 28

NUMBER: Final = struct.Struct("=I")  # the sample rate, or how many events there are
MANNER: Final = struct.Struct(
    "=iiiiI"
)  # the numbers of voice parameters, and the length of the voice's name
EVENT: Final = struct.Struct("=Bii8s")  # kind, frame, position, symbol
_HEAD: Final = struct.Struct("=BI")


class Frame(enum.IntEnum):
    """The kinds of frames, and what is in them."""

    HELLO = 1  # down: where to find modules
    READY = 2  # up: the sample rate
    SPEAK = 3  # down: a parameters, the voice's name, the text
    QUESTION = 4  # up: is it still wanted?
    GO_ON = 5  # down
    STOP = 6  # down
    STOPPED = 7  # up
    SPOKEN = 8  # up: how many events, the events, the samples
    NO_VOICE = 9  # up: the message of a `LookupError`
    FAILED = 10  # up: the message of a `RuntimeError`


class ConnectionClosed(Exception):
    """The other process has ended, or what it says is no frame."""


class Frames:
    """One end of a pair of pipes; all calls block."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming, self._outgoing = incoming, outgoing

    def send(self, kind: Frame, payload: bytes = b"") -> None:
        """Send a frame.

        Raises:
            ConnectionClosed: Nobody reads it.
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
            ConnectionClosed: None will come.
        """
        try:
            kind, size = _HEAD.unpack(self._read(_HEAD.size))
            if size > LARGEST_BYTES:
                raise ValueError("no frame is that large")
            return Frame(kind), self._read(size)
        except (OSError, ValueError, EOFError) as error:
            raise ConnectionClosed from error

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._incoming.read(min(size - len(data), 65536))  # of a pipe, what there is
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def close(self) -> None:
        """Close both pipes; the other process finds out at once."""
        self._outgoing.close()
        self._incoming.close()


def serve(frames: Frames) -> None:
    """Start the library and speak what is asked for, until the other end is gone.

    Raises:
        ConnectionClosed: It is.
    """
    _, paths = frames.receive()
    sys.path[:] = os.fsdecode(paths).split("\0")
    try:
        with _watched():
            library = _neighbour("library")
            engine = library.engine()
    except Exception as error:  # noqa: BLE001  # whatever it is, the parent shall tell of it
        frames.send(Frame.FAILED, f"{type(error).__name__}: {error}".encode(errors="replace"))
        return
    frames.send(Frame.READY, NUMBER.pack(engine.sample_rate))
    while True:
        _, request = frames.receive()
        *numbers, size = MANNER.unpack_from(request)
        voice, text = (
            part.decode("utf-8", "surrogatepass")
            for part in (request[MANNER.size :][:size], request[MANNER.size + size :])
        )
        names = ("words_per_minute", "pitch", "pitch_range", "flags")
        parameters = library.VoiceParameters(voice=voice, **dict(zip(names, numbers, strict=True)))
        with _watched():
            answer = _speak(engine, text, parameters, _asking(frames))
        frames.send(*answer)


def _speak(
    engine: Engine, text: str, parameters: VoiceParameters, checkpoint: Callable[[], None]
) -> tuple[Frame, bytes]:
    try:
        samples, events = engine.synthesise(text, parameters, checkpoint=checkpoint)
    except _Unwanted:
        return Frame.STOPPED, b""
    except LookupError as error:
        return Frame.NO_VOICE, str(error).encode()
    except RuntimeError as error:
        return Frame.FAILED, str(error).encode()
    rows = list(_rows(events))
    return Frame.SPOKEN, b"".join((NUMBER.pack(len(rows)), *rows, samples))


def _rows(events: Iterable[Event]) -> Iterator[bytes]:
    for event in events:
        yield EVENT.pack(event.kind, event.frame, event.position, event.symbol.encode())


class _Unwanted(Exception):
    """The parent said stop."""


def _asking(frames: Frames) -> Callable[[], None]:
    """Return a checkpoint that asks the parent now and then whether the rest is still wanted."""
    calls = itertools.count(1)

    def ask() -> None:
        if next(calls) % BUFFERS_PER_QUESTION:
            return
        frames.send(Frame.QUESTION)
        answer, _ = frames.receive()
        if answer is not Frame.GO_ON:
            raise _Unwanted

    return ask


@contextmanager
def _watched() -> Iterator[None]:
    """End the process if the block takes far too long: broken memory may also make it hang."""
    faulthandler.dump_traceback_later(PATIENCE_SECONDS, exit=True, file=2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _neighbour(name: str) -> ModuleType:
    """Import a module of this directory, but not the package."""
    path = os.path.join(os.path.dirname(__file__), f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Serve standard input and output, which nobody else gets to see."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to decide on
    with (
        open(0, "rb", buffering=0, closefd=False) as incoming,
        open(os.dup(1), "wb", buffering=0) as outgoing,
    ):
        os.dup2(2, 1)  # should the library print something, it is no frame
        with suppress(ConnectionClosed):
            serve(Frames(incoming, outgoing))


if __name__ == "__main__":
    main()
