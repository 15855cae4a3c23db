"""A recording that is read while it is transcribed: a file, a pipe or standard input."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from io import FileIO
from typing import Any, BinaryIO, Final, Self

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.audio import WholeFrames
from trio_cartesia._protocol.stt.audio import InputFormat, STTEncoding, raw_format
from trio_cartesia._protocol.stt.wav_reader import EMPTY, WavReader
from trio_cartesia._runtime.managers import block

__all__ = ["CHUNK_BYTES", "Recording", "open_recording"]

CHUNK_BYTES: Final = 64 * 2**10
NOT_BINARY: Final = "a recording must be a path, or a file that is open for blocking binary reads"


@attrs.define(eq=False)
class _Source:
    """Reads samples in a thread, one piece at a time."""

    _file: Any
    _raw_format: InputFormat | None
    _wav: WavReader = attrs.field(factory=WavReader, init=False)
    _can_seek: bool = attrs.field(init=False)
    _is_busy: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        try:
            self._can_seek = self._file.seekable()
        except ValueError as error:
            raise LocalProtocolError(f"the recording is closed ({error})") from error

    @property
    def input_format(self) -> InputFormat | None:
        """The format of the samples; None until the header was read."""
        return self._raw_format or self._wav.input_format

    async def read(self) -> bytes | None:
        """Return the next samples, perhaps none, as soon as there are some; None at the end.

        A read that may take for ever, as of a pipe, is abandoned if it is cancelled.
        """
        if self._is_busy:
            raise LocalProtocolError(
                "another task reads the recording, or a read of it was cancelled: open it again"
            )
        read = getattr(self._file, "read1", self._file.read)  # which returns what is there
        await trio.lowlevel.checkpoint_if_cancelled()
        self._is_busy = True  # and stays so if the read is abandoned
        try:
            data = await trio.to_thread.run_sync(
                read, CHUNK_BYTES, abandon_on_cancel=not self._can_seek
            )
        except trio.Cancelled:
            self._is_busy = not self._can_seek  # a read that is not abandoned had not begun
            raise
        except OSError:
            self._is_busy = False
            raise
        except UnicodeDecodeError:
            raise LocalProtocolError(f"{NOT_BINARY}: this one is open for text") from None
        except ValueError as error:
            raise LocalProtocolError(f"the recording is closed ({error})") from error
        self._is_busy = False
        if not isinstance(data, bytes):
            raise LocalProtocolError(f"{NOT_BINARY}: a read returned {type(data).__name__}")
        if self._raw_format is not None:
            return data or None
        if data:
            return self._wav.take(data)
        self._wav.finish()
        return None


@no_public_constructor("open_recording()")
@attrs.define(eq=False, init=False)
class Recording:
    """An asynchronous iterator of a recording's samples, made by `open_recording`.

    Each item is whole samples, at most 65,536 bytes; no more than that is kept in memory. An
    incomplete sample at the end is dropped.

    Attributes:
        encoding: The encoding of the samples, as a session takes it.
        sample_rate: Samples a second.
    """

    encoding: STTEncoding
    sample_rate: int
    _source: _Source = attrs.field(repr=False)
    _samples: WholeFrames = attrs.field(repr=False)
    _first: bytes = attrs.field(repr=False)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next samples, as soon as there are some.

        If cancelled, nothing is lost, unless the recording is a pipe or a terminal: then it cannot
        be read on.

        Raises:
            StopAsyncIteration: The recording has ended.
            LocalProtocolError: Another task receives, or a read of a pipe was cancelled.
            OSError: The file cannot be read.
        """
        if self._first:
            await trio.lowlevel.checkpoint()
            first, self._first = self._first, b""
            return first
        while (data := await self._source.read()) is not None:
            if samples := self._samples.take(data):
                return samples
        raise StopAsyncIteration


@block("a recording (open_recording)")
@asynccontextmanager
async def open_recording(
    file: str | os.PathLike[str] | BinaryIO,
    *,
    encoding: STTEncoding | None = None,
    sample_rate: int | None = None,
) -> AsyncIterator[Recording]:
    """Open a recording for the block, to send it to a session while it is read from the disk.

    It returns once the first samples were read: of a pipe, once they have come. All reads happen in
    a thread. A WAV file may be streamed, so that its header does not have its size.

    Args:
        file: A path, or a file that is open for reading in binary mode, which stays open; also a
            pipe, such as ``sys.stdin.buffer``.
        encoding: Of samples without a header, as in `ManualFinalize.websocket`; None if the
            recording is WAV.
        sample_rate: Of samples without a header.

    Raises:
        LocalProtocolError: The recording is not WAV and has no *encoding* and *sample_rate*, has
            more than one channel or samples that the service does not take, is empty, or its header
            is cut short.
        OSError: The file cannot be opened or read.

    Example::

        import trio
        from trio_cartesia import Cartesia, open_recording

        async def main():
            async with (
                Cartesia() as client,
                open_recording("speech.wav") as recording,
                client.stt.manual_finalize.websocket(
                    model="ink-2",
                    encoding=recording.encoding,
                    sample_rate=recording.sample_rate,
                ) as session,
            ):
                await session.feed(recording)
                print(await session.finalize())

        trio.run(main)
    """
    raw = raw_format(encoding, sample_rate)
    with ExitStack() as stack:
        if isinstance(file, (str, os.PathLike)):
            opening = partial(FileIO, file)  # of a named pipe, it waits for the writer
            opened = await trio.to_thread.run_sync(opening, abandon_on_cancel=True)
            file = stack.enter_context(opened)
        elif not hasattr(file, "read") or not hasattr(file, "seekable"):
            raise LocalProtocolError(f"{NOT_BINARY}, not {type(file).__name__}")
        yield await _begin(_Source(file, raw))


async def _begin(source: _Source) -> Recording:
    """Read the header, and the first samples."""
    samples = WholeFrames(1)
    while (data := await source.read()) is not None:
        if (input_format := source.input_format) is None:
            continue
        samples.bytes_per_frame = input_format.bytes_per_sample
        if first := samples.take(data):
            return create(
                Recording,
                input_format.encoding,
                input_format.sample_rate,
                source,
                samples,
                first,
            )
    raise LocalProtocolError(EMPTY)
