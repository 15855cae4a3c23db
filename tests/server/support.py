"""A client made of wsproto alone, so that the service is judged by something that is not ours."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial, wraps
from typing import Any

import attrs
import trio
import trio.testing
from trio.testing import memory_stream_pair
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

from trio_cartesia.server import Behaviour, Server, Tones, Utterance, open_server
from trio_cartesia.server.text.sentences import split
from trio_cartesia.testing import on_virtual_time as on_virtual_time

IDLE_SECONDS = 0.1  # on the real clock

Json = dict[str, Any]
StreamPair = Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]]

TONES = Tones()
S16: Json = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8000}

WEBSOCKET = "/tts/websocket?cartesia_version=2026-08-14"
TWO_SENTENCES = "Good morning, dear all. This is the second sentence of two."
MORE = {"continue": True}
FLUSH = {"flush": True, "continue": True}
OTHER_FIELDS: list[Json] = [  # other ones than those of `speech`, which a context keeps
    {"model_id": "sonic-2"},
    {"voice": {"id": "6ccbfb76-1fc6-48f7-b71d-91ac6298247c"}},
    {"language": "de"},
    {"locale": "en-GB"},
    {"output_format": {**S16, "sample_rate": 16000}},
]


def speech(transcript: str, **others: Any) -> Json:
    """The fields of a request for speech, on any endpoint."""
    return {
        "model_id": "sonic-3.5",
        "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
        "output_format": S16,
        "transcript": transcript,
        **others,
    }


def generation(context_id: str, transcript: str = "", **others: Any) -> Json:
    """The last input of a context; with `MORE`, others may follow it."""
    return {"context_id": context_id, **speech(transcript, **others)}


def cancel(context_id: str) -> Json:
    return {"context_id": context_id, "cancel": True}


def is_error(event: Json, context_id: str | None, status: int = 400) -> bool:
    expected = ("error", context_id, status)
    return expected == (event["type"], event.get("context_id"), event["status_code"])


def closed(event: Json, context_id: str) -> bool:
    wanted = ("error", context_id, 400, "Context has closed", True)
    return wanted == tuple(
        event.get(name) for name in ("type", "context_id", "status_code", "title", "done")
    )


def on_still_time(async_fn: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test with sockets on a clock that stands still while anything goes on.

    Once all tasks have waited for `IDLE_SECONDS`, it jumps to the next deadline, so that time shows
    which deadlines were waited for, and not how busy the machine is.
    """

    @wraps(async_fn)
    def run(*args: Any, **kwargs: Any) -> None:
        clock = trio.testing.MockClock(autojump_threshold=IDLE_SECONDS)
        trio.run(partial(async_fn, *args, **kwargs), clock=clock)

    return run


async def tones(text: str, **others: Any) -> bytes:
    """What the service has to say for *text* on its own."""
    settings: Json = {"voice_id": generation("")["voice"], "sample_rate": 8000, **others}
    spoken = [await TONES.speak(Utterance(text=piece, **settings)) for piece in split(text)]
    return b"".join(piece.samples for piece in spoken)


class APIError(Exception):
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status, self.headers, self.body = status, headers, body


class Closed(Exception):
    def __init__(self, code: int, reason: str | None) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


@attrs.define(eq=False)
class Client:
    """A WebSocket."""

    stream: trio.abc.Stream
    wire: WSConnection = attrs.field(factory=lambda: WSConnection(ConnectionType.CLIENT))
    headers: dict[str, str] = attrs.field(factory=dict)
    pongs: list[bytes] = attrs.field(factory=list)
    _events: list[Event] = attrs.field(factory=list)

    async def send_event(self, event: Event) -> None:
        await self.stream.send_all(self.wire.send(event))

    async def next_event(self) -> Event:
        while not self._events:
            data = await self.stream.receive_some(65536)
            if not data:
                raise Closed(1006, None)
            self.wire.receive_data(bytes(data))
            self._events = list(self.wire.events())
        return self._events.pop(0)

    async def shake_hands(self, target: str, headers: list[tuple[str, str]]) -> None:
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await self.send_event(Request(host="localhost", target=target, extra_headers=raw))
        event = await self.next_event()
        if isinstance(event, AcceptConnection):
            self.headers = {k.decode().lower(): v.decode() for k, v in event.extra_headers}
            return
        assert isinstance(event, RejectConnection)
        body = b""
        while event.has_body and isinstance(data := await self.next_event(), RejectData):
            body += data.data
            if data.body_finished:
                break
        found = {k.decode().lower(): v.decode() for k, v in event.headers}
        raise APIError(event.status_code, found, body)

    async def send(self, message: Json | str | bytes) -> None:
        if isinstance(message, bytes):
            await self.send_event(BytesMessage(message))
        else:
            text = message if isinstance(message, str) else json.dumps(message)
            await self.send_event(TextMessage(text))

    async def receive(self) -> Json:
        text = ""
        while True:
            event = await self.next_event()
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    return json.loads(text)
            elif isinstance(event, Pong):
                self.pongs.append(bytes(event.payload))
            elif isinstance(event, Ping):
                await self.send_event(event.response())
            elif isinstance(event, CloseConnection):
                raise Closed(event.code, event.reason)

    async def receive_until_over(self, *context_ids: str) -> list[Json]:
        """All events until each of these contexts has had its terminal one."""
        events, left = [], set(context_ids)
        while left:
            events.append(await self.receive())
            if events[-1]["done"]:
                left.discard(events[-1].get("context_id", ""))
        return events

    async def ask(self, message: Json | str | bytes) -> Json:
        await self.send(message)
        return await self.receive()

    async def speak(self, message: Json) -> list[Json]:
        await self.send(message)
        return await self.receive_until_over(message["context_id"])

    async def ping(self, payload: bytes = b"") -> None:
        await self.send_event(Ping(payload))

    async def wait_closed(self) -> Closed:
        """Receive until the service closes the connection, and return how it did."""
        try:
            while True:
                await self.receive()
        except Closed as closed:
            return closed

    async def close(self) -> None:
        await self.send_event(CloseConnection(1000))
        while not isinstance(await self.next_event(), CloseConnection):
            pass


def audio(events: list[Json], context_id: str | None = None) -> bytes:
    chunks = (event for event in events if event["type"] == "chunk")
    mine = (event for event in chunks if context_id in (None, event["context_id"]))
    return b"".join(base64.b64decode(event["data"], validate=True) for event in mine)


def words(events: list[Json], kind: str = "word") -> list[tuple[str, float, float]]:
    times = [event[f"{kind}_timestamps"] for event in events if f"{kind}_timestamps" in event]
    return [
        row
        for time in times
        for row in zip(time[f"{kind}s"], time["start"], time["end"], strict=True)
    ]


def kinds(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]


@asynccontextmanager
async def in_memory(
    *, voice: Any = TONES, behaviour: Behaviour | None = None, **options: Any
) -> AsyncIterator[tuple[Server, trio.Nursery]]:
    """A service that listens nowhere, and a nursery for its connections."""
    async with (
        open_server(
            port=None, voice=voice, behaviour=behaviour or Behaviour(), **options
        ) as server,
        trio.open_nursery() as nursery,
    ):
        yield server, nursery
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected(
    target: str = WEBSOCKET,
    *,
    headers: list[tuple[str, str]] | None = None,
    pair: StreamPair = memory_stream_pair,
    **options: Any,
) -> AsyncIterator[tuple[Client, Server]]:
    """A service in memory, and a client of its WebSocket."""
    async with in_memory(**options) as (server, nursery):
        yield await connect(server, nursery, target, headers=headers, pair=pair), server


async def connect(
    server: Server,
    nursery: trio.Nursery,
    target: str = WEBSOCKET,
    *,
    headers: list[tuple[str, str]] | None = None,
    pair: StreamPair = memory_stream_pair,
) -> Client:
    ours, theirs = pair()
    nursery.start_soon(server.serve_stream, theirs)
    client = Client(ours)
    await client.shake_hands(target, headers or [])
    return client


@contextmanager
def catch_logs(level: int) -> Iterator[list[str]]:
    """The messages of the service's log lines from a level on."""
    lines: list[str] = []
    handler = logging.Handler(level)
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("trio_cartesia.server").addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger("trio_cartesia.server").removeHandler(handler)
