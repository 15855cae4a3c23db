"""A client made of h11 alone, so that HTTP too is judged by something that is not ours."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import attrs
import h11
import pytest
import trio
from trio.testing import memory_stream_pair

from tests.server.support import S16, TONES, Json, StreamPair, in_memory, speech
from trio_cartesia.server import Server, Spoken, Utterance

MP3: Json = {"container": "mp3", "sample_rate": 44100, "bit_rate": 128000}
WAV_S16: Json = {**S16, "container": "wav"}
NOW = [("cartesia-version", "2026-08-14")]
LEGACY = [("cartesia-version", "2025-04-16")]
BYTES, SSE = "/tts/bytes", "/tts/sse"
BOTH = pytest.mark.parametrize("path", [BYTES, SSE])
BOUNDARY = "b0c1d2e3f4"
LONG = "This is a sentence of some forty letters. " * 300  # ten minutes and more


class Cut(Exception):
    """The body ended before its end; what came of it is the argument."""


@attrs.frozen
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def events(self) -> list[Json]:
        return [event for _, event in frames(self.body)]

    @property
    def audio(self) -> bytes:
        chunks = (event for event in self.events if event["type"] == "chunk")
        return b"".join(base64.b64decode(event["data"], validate=True) for event in chunks)


def form_headers() -> dict[str, str]:
    return {**dict(NOW), "content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(
    texts: Iterable[tuple[str, str]],
    files: Mapping[str, tuple[str, bytes, str]] = MappingProxyType({}),
) -> bytes:
    """A multipart body; a file is its file name, its content and its content type."""
    parts = [(f'name="{name}"\r\n', text.encode()) for name, text in texts]
    parts += [
        (f'name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n', content)
        for name, (filename, content, kind) in files.items()
    ]
    lines = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n".encode() + content + b"\r\n"
        for head, content in parts
    )
    return b"".join([*lines, f"--{BOUNDARY}--\r\n".encode()])


def frames(body: bytes) -> list[tuple[str | None, Json]]:
    """The frames of a stream of server-sent events, each with its name; it must end with one."""
    *parts, rest = body.decode("ascii").split("\n\n")
    assert rest == ""
    found = []
    for part in parts:
        *named, data = part.split("\n")
        assert data.startswith("data: ")
        name = named[0].removeprefix("event: ") if named else None
        assert named in ([], [f"event: {name}"])
        found.append((name, json.loads(data.removeprefix("data: "))))
    return found


@attrs.define(eq=False)
class HttpClient:
    """One connection, which is used for as long as it may be."""

    stream: trio.abc.Stream
    wire: h11.Connection = attrs.field(factory=lambda: h11.Connection(h11.CLIENT))

    async def send(
        self,
        method: str,
        target: str,
        content: Json | str | bytes = b"",
        headers: list[tuple[str, str]] = NOW,
    ) -> None:
        if self.wire.our_state is h11.DONE:
            self.wire.start_next_cycle()
        text = json.dumps(content) if isinstance(content, dict) else content
        body = text.encode() if isinstance(text, str) else text
        fields = [("host", "localhost"), ("content-length", str(len(body))), *headers]
        events = (
            h11.Request(method=method, target=target, headers=fields),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        await self.stream.send_all(b"".join(self.wire.send(event) or b"" for event in events))

    async def next_event(self) -> Any:
        while (event := self.wire.next_event()) is h11.NEED_DATA:
            try:
                data = bytes(await self.stream.receive_some(65536))
            except trio.BrokenResourceError:
                data = b""
            self.wire.receive_data(data)
        return event

    async def begin(self) -> Answer:
        """The head of the answer."""
        event = await self.next_event()
        while isinstance(event, h11.InformationalResponse):
            event = await self.next_event()
        assert isinstance(event, h11.Response), event
        names = [name for name, _ in event.headers]
        assert len(names) == len(set(names))
        headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        assert len(headers["x-request-id"]) == 36
        return Answer(event.status_code, headers, b"")

    async def receive(self) -> bytes:
        """The next piece of the body; nothing at its end."""
        try:
            event = await self.next_event()
        except h11.RemoteProtocolError as error:
            raise Cut from error
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def ask(
        self,
        method: str,
        target: str,
        content: Json | str | bytes = b"",
        headers: list[tuple[str, str]] = NOW,
    ) -> Answer:
        """The whole answer to one request."""
        await self.send(method, target, content, headers)
        return await self.finish()

    async def finish(self) -> Answer:
        answer, body = await self.begin(), b""
        try:
            while data := await self.receive():
                body += data
        except Cut as error:
            raise Cut(body) from error
        return attrs.evolve(answer, body=body)

    async def bytes(self, transcript: str, **others: Any) -> Answer:
        return await self.ask("POST", "/tts/bytes", speech(transcript, **others))

    async def sse(self, transcript: str, **others: Any) -> Answer:
        return await self.ask("POST", "/tts/sse", speech(transcript, **others))


async def upload(
    client: HttpClient,
    path: str,
    fields: Json,
    files: Mapping[str, tuple[str, bytes, str]],
    headers: Iterable[tuple[str, str]] = (),
) -> Answer:
    """The answer to a form; objects become fields with brackets, and None is left out."""
    texts = []
    for name, value in fields.items():
        inner = (
            {f"{name}[{key}]": each for key, each in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
        texts += [(key, str(each)) for key, each in inner.items() if each is not None]
    return await client.ask("POST", path, form(texts, files), [*form_headers().items(), *headers])


@asynccontextmanager
async def over_http(
    *, pair: StreamPair = memory_stream_pair, **options: Any
) -> AsyncIterator[tuple[HttpClient, Server]]:
    """A service in memory, and an HTTP client of it."""
    async with in_memory(**options) as (server, nursery):
        yield dial(server, nursery, pair), server


def dial(
    server: Server, nursery: trio.Nursery, pair: StreamPair = memory_stream_pair
) -> HttpClient:
    ours, theirs = pair()
    nursery.start_soon(server.serve_stream, theirs)
    return HttpClient(ours)


def an_error(answer: Answer, status: int) -> bool:
    """Whether the answer is a proper refusal of that status (protocol §1.7.1)."""
    error = answer.json
    return (
        answer.status == status
        and answer.headers["content-type"] == "application/json"
        and error["request_id"] == answer.headers["x-request-id"]
        and all(isinstance(error[name], str) and error[name] for name in ("title", "message"))
    )


@attrs.define
class Failing:
    """Speaks some sentences, and then never again."""

    good: int
    name: str = "failing"

    async def speak(self, utterance: Utterance) -> Spoken:
        self.good -= 1
        if self.good < 0:
            raise RuntimeError("secret")
        return await TONES.speak(utterance)


class Slow:
    """Takes an hour for each sentence."""

    name = "slow"

    async def speak(self, utterance: Utterance) -> Spoken:
        await trio.sleep(3600)
        return await TONES.speak(utterance)
