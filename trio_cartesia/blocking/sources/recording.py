"""`Recording` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import os
from typing import BinaryIO

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.stt.audio import STTEncoding
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.client import Cartesia
from trio_cartesia.blocking.wrapper import IteratorWrapper
from trio_cartesia.sources.recording import Recording as AsyncRecording
from trio_cartesia.sources.recording import open_recording as async_open_recording

__all__ = ["Recording", "open_recording"]


@no_public_constructor("open_recording()")
@attrs.define(eq=False, init=False, repr=False)
class Recording(IteratorWrapper[AsyncRecording]):
    """An iterator of a recording's samples, made by `open_recording`.

    Each item is whole samples, at most 65,536 bytes; no more than that is kept in memory. An
    incomplete sample at the end is dropped.

    Attributes:
        encoding: The encoding of the samples, as a session takes it.
        sample_rate: Samples a second.
    """

    @property
    def encoding(self) -> STTEncoding:
        """The encoding of the samples, as a session takes it."""
        return self._inner.encoding

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self._inner.sample_rate

    def __next__(self) -> bytes:
        """Return the next samples, as soon as there are some.

        If interrupted by Ctrl-C, nothing is lost, unless the recording is a pipe or a terminal:
        then it cannot be read on.

        Raises:
            StopIteration: The recording has ended.
            LocalProtocolError: Another thread receives, or a read of a pipe was cancelled.
            OSError: The file cannot be read.
        """
        item: bytes = self._next()
        return item


def open_recording(
    client: Cartesia,
    file: str | os.PathLike[str] | BinaryIO,
    *,
    encoding: STTEncoding | None = None,
    sample_rate: int | None = None,
) -> Manager[Recording]:
    """Open a recording for the block, to send it to a session while it is read from the disk.

    It returns once the first samples were read: of a pipe, once they have come. All reads happen in
    a thread. A WAV file may be streamed, so that its header does not have its size.

    Args:
        client: The client in whose thread it is read; its block has to be entered.
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

        from trio_cartesia.blocking import Cartesia, open_recording

        with (
            Cartesia() as client,
            open_recording(client, "speech.wav") as recording,
            client.stt.manual_finalize.websocket(
                model="ink-2",
                encoding=recording.encoding,
                sample_rate=recording.sample_rate,
            ) as session,
        ):
            session.feed(recording)
            print(session.finalize())
    """
    return Block(
        client._portal,
        async_open_recording(file, encoding=encoding, sample_rate=sample_rate),
        Recording,
    )
