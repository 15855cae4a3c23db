"""Responses that are received while they come: audio, and the events of server-sent ones."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import attrs
import trio

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._errors import ConnectionLost, LocalProtocolError, RemoteProtocolError
from trio_cartesia._http.api import Response
from trio_cartesia._http.requests import described_by
from trio_cartesia._http.saving import save_pieces
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.error_bodies import error_from_fields
from trio_cartesia._protocol.base.events import ErrorEvent
from trio_cartesia._protocol.rest.reading import read_json
from trio_cartesia._protocol.rest.sse import EventStream
from trio_cartesia._protocol.rest.wav import LONGEST_HEADER, repaired
from trio_cartesia._protocol.tts.decoder import read_fields
from trio_cartesia._protocol.tts.messages import Done, Event

__all__ = ["AudioResponse", "EventsResponse"]

END_SECONDS: Final = 1.0  # for the end of a response whose last event has come


@attrs.define(eq=False)
class _StreamedResponse:
    """A response whose body is still to come."""

    _response: Response = attrs.field(repr=False)

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._response.info.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by lower-case name."""
        return self._response.info.headers

    @property
    def request_id(self) -> str | None:
        """The service's id of the request, for reports; None if it gave none."""
        return self._response.info.request_id


@no_public_constructor("client.tts.generate()")
@attrs.define(eq=False, init=False)
class AudioResponse(_StreamedResponse, AsyncIterator[bytes]):
    """Audio over HTTP: an asynchronous iterator of the bytes as they come, in their container.

    Leaving the block early closes the connection, so the service stops (protocol §3.1). The bytes
    are received once: by iterating, by `read` or by `save`.
    """

    _has_begun: bool = attrs.field(default=False, init=False, repr=False)

    @property
    def file_id(self) -> str | None:
        """The id of the file that the service keeps, if ``save=True``; else None."""
        return self.headers.get("cartesia-file-id")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next bytes, of any number; they may end within a sample.

        If cancelled, the rest of the audio is lost, and the next call raises `ConnectionLost`.

        Raises:
            StopAsyncIteration: The audio is complete.
            ConnectionLost: The response was cut short, or its block was left.
            LocalProtocolError: Something else is receiving.
        """
        self._has_begun = True
        if data := await self._response.receive():
            return data
        raise StopAsyncIteration

    async def read(self) -> bytes:
        """Return all of the audio; the sizes in the header of a WAV file are right.

        Raises:
            LocalProtocolError: Receiving has begun.
            ConnectionLost: The response was cut short.
        """
        self._begin()
        audio = b"".join([data async for data in self])
        if (repair := repaired(audio[:LONGEST_HEADER], len(audio))) is None:
            return audio
        header, padding = repair
        return b"".join((header, memoryview(audio)[len(header) :], padding))

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of the audio to a file; the sizes in the header of a WAV file are right.

        The file appears when it is complete, and takes the place of one of the same name. If
        cancelled, or if the response is cut short, there is no file, or the one of before.

        Args:
            path: The file to write.

        Raises:
            LocalProtocolError: Receiving has begun, or the path is not that of a file.
            ConnectionLost: The response was cut short.
            OSError: The file cannot be written.
        """
        _check_target(path)
        self._begin()
        await save_pieces(self, path)

    def _begin(self) -> None:
        if self._has_begun:
            raise LocalProtocolError("the audio is received once, and that has begun already")
        self._has_begun = True


def _check_target(path: object) -> None:
    """Raise `LocalProtocolError` if no file can have this path: audio is received once."""
    if (
        not isinstance(path, (str, os.PathLike))
        or "\0" in str(path)
        or not Path(path).name
        or Path(path).is_dir()
    ):
        raise LocalProtocolError(f"path must be that of a file, not {checks.quoted(path)}")


@no_public_constructor("client.tts.generate_sse()")
@attrs.define(eq=False, init=False)
class EventsResponse(_StreamedResponse, AsyncIterator[Event]):
    """Speech over HTTP as events: an asynchronous iterator that ends after `Done`.

    The events are those of a WebSocket. Leaving the block early closes the connection, so the
    service stops.
    """

    _context_id: str
    _stream: EventStream = attrs.field(factory=EventStream, init=False, repr=False)
    _waiting: deque[bytes] = attrs.field(factory=deque, init=False, repr=False)
    _is_done: bool = attrs.field(default=False, init=False, repr=False)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Return the next event.

        Raises:
            StopAsyncIteration: `Done` was returned.
            RequestFailed: The service sent an error.
            ConnectionLost: The response was cut short: it ended without `Done`.
            RemoteProtocolError: An event is not valid.
        """
        if self._is_done:
            await self._receive_end()
            raise StopAsyncIteration
        with described_by(self._response.info):
            while not self._waiting:
                data = await self._response.receive()
                if not data:
                    raise ConnectionLost(
                        "the events ended without one that says that speech is complete"
                    )
                self._waiting.extend(self._stream.receive(data))
            event = read_fields(self._fields(self._waiting.popleft()))
            self._is_done = isinstance(event, (Done, ErrorEvent))
            if isinstance(event, ErrorEvent):
                raise error_from_fields(event.fields, context_id=event.context_id)
        return event

    async def _receive_end(self) -> None:
        """Receive what ends the response, so that its connection can be used again."""
        await trio.lowlevel.checkpoint_if_cancelled()
        with suppress(ConnectionLost, RemoteProtocolError), trio.move_on_after(END_SECONDS):
            while await self._response.receive():
                pass

    def _fields(self, data: bytes) -> dict[str, Any]:
        """Return an event's members, with those that a context's have: HTTP may leave them out."""
        fields = read_json(data)
        if not isinstance(fields, dict):
            raise RemoteProtocolError("an event is not a JSON object")
        fields.setdefault("context_id", self._context_id)
        if "type" not in fields:  # of the voice changer (protocol §3.4)
            fields["type"] = "done" if fields.get("done") is True else "chunk"
        return fields
