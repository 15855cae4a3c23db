"""A recogniser that reads marked samples, and clients of both WebSockets.

A sample is a thousand times the number of a word, 0 for none, plus a score in percent. So the text
and the turns follow from the audio alone, sample by sample.
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest
import trio

from tests.server.support import APIError, Client, Closed, Json, connect, connected, in_memory
from trio_cartesia.server import Server
from trio_cartesia.server.recognition.interface import Recognized, RecognizedWord

RATE = 16_000
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
STEP_MS = 32
QUERY = {
    "model": "ink-2",
    "encoding": "pcm_s16le",
    "sample_rate": RATE,
    "cartesia_version": "2026-08-14",
}
MANUAL, TURNS = "/stt/websocket", "/stt/turns/websocket"


def speech(word: int = 0, *, score: int = 0, milliseconds: int = 320) -> bytes:
    """A word, or silence."""
    return array("h", [1000 * word + score]).tobytes() * (RATE * milliseconds // 1000)


def said(*words: int, milliseconds: int = 320) -> bytes:
    return b"".join(speech(word, score=99, milliseconds=milliseconds) for word in words)


@attrs.define
class MarkedStream:
    language: str
    samples: int = 0
    level: int = 0
    has_text: bool = False
    words: list[RecognizedWord] = attrs.field(factory=list)
    is_closed: bool = False

    async def add(self, samples: bytes) -> None:
        assert not self.is_closed
        assert len(samples) % 2 == 0
        for level, run in groupby(value // 1000 for value in array("h", samples)):
            if level and level != self.level:
                start = self.samples / RATE
                self.words.append(
                    RecognizedWord(
                        text=WORDS[level % len(WORDS)], start_seconds=start, end_seconds=start + 0.1
                    )
                )
            self.level = level
            self.samples += len(list(run))
        await trio.lowlevel.checkpoint()

    def interim(self) -> Recognized:
        text = " ".join(word.text for word in self.words)
        lead = " " if self.has_text and text else ""
        return Recognized(text=lead + text, words=tuple(self.words), language=self.language)

    async def finish(self) -> Recognized:
        await trio.lowlevel.checkpoint()
        recognized = self.interim()
        self.has_text = self.has_text or bool(self.words)
        self.words.clear()
        return recognized

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.is_closed = True


@attrs.define
class Marked:
    name: str = "marked"
    streams: list[MarkedStream] = attrs.field(factory=list)
    keyterms: Sequence[str] = ()

    def open_stream(self, *, language: str, keyterms: Sequence[str]) -> MarkedStream:
        self.keyterms = keyterms
        self.streams.append(MarkedStream(language))
        return self.streams[-1]

    async def aclose(self) -> None:
        raise AssertionError("its owner closes it")


class MarkedScore:
    def add(self, samples: bytes) -> float:
        return array("h", samples)[-1] % 1000 / 100


@pytest.fixture(autouse=True)
def marked_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that import it get the score of marked samples."""
    monkeypatch.setattr(
        "trio_cartesia.server.stt.websocket_endpoints.open_score", lambda _: MarkedScore()
    )


def target(path: str, query: Json | None = None, keyterms: Iterable[str] = ()) -> str:
    """The address with the usual query and these parameters; those that are None are left out."""
    values = {**QUERY, **(query or {})}
    pairs = [(name, str(value)) for name, value in values.items() if value is not None]
    return f"{path}?{urlencode([*pairs, *(('keyterm', term) for term in keyterms)])}"


@asynccontextmanager
async def listening(
    path: str, *, query: Json | None = None, keyterms: Iterable[str] = (), **options: Any
) -> AsyncIterator[tuple[Client, Server]]:
    """A client of one of the WebSockets."""
    options = {"recognizer": Marked(), **options}
    async with connected(target(path, query, keyterms), **options) as (client, server):
        yield client, server


async def refused(path: str, *, query: Json | None = None, **options: Any) -> APIError:
    """The response to a handshake that is refused."""
    async with in_memory(recognizer=Marked(), **options) as (server, nursery):
        try:
            await connect(server, nursery, target(path, query))
        except APIError as error:
            return error
    raise AssertionError("the handshake was accepted")


async def rest(client: Client) -> tuple[list[Json], Closed]:
    """All further events, and the close after them."""
    events: list[Json] = []
    try:
        while True:
            events.append(await client.receive())
    except Closed as closed:
        return events, closed


def names(words: Iterable[int]) -> list[str]:
    """What the recogniser makes of these: a word again, without a silence between, is the same."""
    found, last = [], 0
    for word in words:
        if word not in (0, last):
            found.append(WORDS[word])
        last = word
    return found


def finals(events: Iterable[Json]) -> str:
    """The text as a client joins it: verbatim."""
    return "".join(event["text"] for event in events if event.get("is_final"))


def shown(events: Iterable[Json]) -> list[str]:
    """The events in short: their types, with finality or the text of a turn."""
    names = []
    for event in events:
        kind = event["type"]
        if kind == "transcript":
            names.append(("final:" if event["is_final"] else "interim:") + event["text"])
        elif "transcript" in event:
            names.append(f"{kind}:{event['transcript']}")
        else:
            names.append(kind)
    return names
