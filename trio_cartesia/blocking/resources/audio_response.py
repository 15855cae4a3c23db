"""`AudioResponse` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import os
from collections.abc import Mapping

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.responses import AudioResponse as AsyncAudioResponse
from trio_cartesia.blocking.wrapper import IteratorWrapper

__all__ = ["AudioResponse"]


@no_public_constructor("client.tts.generate()")
@attrs.define(eq=False, init=False, repr=False)
class AudioResponse(IteratorWrapper[AsyncAudioResponse]):
    """Audio over HTTP: an iterator of the bytes as they come, in their container.

    Leaving the block early closes the connection, so the service stops (protocol §3.1). The bytes
    are received once: by iterating, by `read` or by `save`.
    """

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._inner.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by lower-case name."""
        return self._inner.headers

    @property
    def request_id(self) -> str | None:
        """The service's id of the request, for reports; None if it gave none."""
        return self._inner.request_id

    @property
    def file_id(self) -> str | None:
        """The id of the file that the service keeps, if ``save=True``; else None."""
        return self._inner.file_id

    def __next__(self) -> bytes:
        """Return the next bytes, of any number; they may end within a sample.

        If interrupted by Ctrl-C, the rest of the audio is lost, and the next call raises
        `ConnectionLost`.

        Raises:
            StopIteration: The audio is complete.
            ConnectionLost: The response was cut short, or its block was left.
            LocalProtocolError: Something else is receiving.
        """
        item: bytes = self._next()
        return item

    def read(self) -> bytes:
        """Return all of the audio; the sizes in the header of a WAV file are right.

        Raises:
            LocalProtocolError: Receiving has begun.
            ConnectionLost: The response was cut short.
        """
        return self._portal.run(self._inner.read)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of the audio to a file; the sizes in the header of a WAV file are right.

        The file appears when it is complete, and takes the place of one of the same name. If
        interrupted by Ctrl-C, or if the response is cut short, there is no file, or the one of
        before.

        Args:
            path: The file to write.

        Raises:
            LocalProtocolError: Receiving has begun, or the path is not that of a file.
            ConnectionLost: The response was cut short.
            OSError: The file cannot be written.
        """
        self._portal.run(self._inner.save, path)
