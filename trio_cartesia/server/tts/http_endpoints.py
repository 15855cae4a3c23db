"""The endpoints `/tts/bytes` and `/tts/sse` (protocol §3.1, §3.2).

One request is one context with one input, and uses one concurrency slot until its response ends.
The response begins with the first audio, so an earlier failure is an ordinary error response. If
the peer leaves, the context is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.journal.access_log import log_context
from trio_cartesia.server.journal.records import ContextRecord
from trio_cartesia.server.messages.errors import APIError
from trio_cartesia.server.messages.inputs import Generation
from trio_cartesia.server.store.file_types import NewFile
from trio_cartesia.server.tts.context import Context
from trio_cartesia.server.tts.http_requests import (
    BytesRequest,
    read_bytes_request,
    read_sse_request,
)
from trio_cartesia.server.tts.http_sinks import BytesSink, ChangerSink, SseSink

__all__ = [
    "BYTES",
    "EVENTS",
    "NO_CACHE",
    "SSE",
    "recorded",
    "speak",
    "tts_bytes",
    "tts_sse",
]

BYTES: Final = "/tts/bytes"
SSE: Final = "/tts/sse"
FILE_ID: Final = "cartesia-file-id"
EVENTS: Final = "text/event-stream"
NO_CACHE: Final = ("cache-control", "no-cache")


async def tts_bytes(exchange: Exchange) -> None:
    """Respond with audio in its container, and store it as a file if the request has ``save``.

    Raises:
        APIError: The request is not valid or failed, and nothing has been sent yet.
        Disconnected: The peer has left, or speech failed after the first audio.
    """
    parsed = read_bytes_request(
        exchange.request.body, dialect=exchange.dialect, request_id=exchange.request_id
    )
    container = parsed.audio.open()
    with exchange.account.context_slot(), _new_file(exchange, parsed) as file:

        async def send(data: bytes) -> None:
            await exchange.send(data)
            if file is not None:
                exchange.state.files.add(file, data)

        sink = BytesSink(container=container, send=send)
        headers = [] if file is None else [(FILE_ID, file.id)]
        async with exchange.streaming(parsed.audio.kind, headers):
            await speak(exchange, parsed.generation, sink)
            if file is not None:
                await exchange.state.files.complete(file)


async def tts_sse(exchange: Exchange) -> None:
    """Respond with server-sent events.

    Raises:
        APIError: The request is not valid or failed, and nothing has been sent yet.
        Disconnected: The peer has left.
    """
    parsed = read_sse_request(
        exchange.request.body, dialect=exchange.dialect, request_id=exchange.request_id
    )
    with exchange.account.context_slot():
        sink = SseSink(
            context_id=parsed.context_id,
            send=exchange.send,
            version=exchange.version,
            request_id=exchange.request_id,
            behaviour=exchange.behaviour,
        )
        async with exchange.streaming(EVENTS, [NO_CACHE]):
            await speak(exchange, parsed.generation, sink)


async def speak(
    exchange: Exchange, generation: Generation, sink: BytesSink | ChangerSink | SseSink
) -> None:
    """Speak *generation* to its end.

    Raises:
        APIError: It failed before anything was sent.
        Disconnected: The peer has left.
    """
    service = exchange.state
    with recorded(exchange, generation) as record:
        count = exchange.meter(record)
        context = Context(
            settings=generation,
            record=record,
            journal=service.journal,
            voice=service.voice,
            behaviour=exchange.behaviour,
            sink=sink,
            on_spoken=count,
            on_end=count,
        )
        try:
            context.receive(generation)
            await context.run()
        finally:
            context.release()
        if sink.failure is not None:
            raise APIError(sink.failure)
        if isinstance(sink, BytesSink):
            record.body_bytes, record.body_sha256 = sink.size_bytes, sink.digest.hexdigest()


@contextmanager
def recorded(exchange: Exchange, settings: Generation) -> Iterator[ContextRecord]:
    """Record the context of a request; the block has to record how it ends, unless it raises."""
    record = exchange.state.journal.add_context(
        0,
        settings,
        path=exchange.path,
        account=exchange.account.id,
        request_id=exchange.request_id,
    )
    try:
        yield record
    except APIError:
        record.ended = "error"
        raise
    except BaseException:
        record.ended = "lost"
        raise
    finally:
        log_context(record)


@contextmanager
def _new_file(exchange: Exchange, parsed: BytesRequest) -> Iterator[NewFile | None]:
    """Start a file if the request has ``save``, and discard it if it does not become complete."""
    if not parsed.save:
        yield None
        return
    files = exchange.state.files
    file = files.begin(exchange.account.id, parsed.audio)
    try:
        yield file
    finally:
        files.discard(file)
