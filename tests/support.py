"""What many tests need."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
import trio
from hypothesis import settings

from trio_cartesia import Chunk, Context, ContextOptions, Event
from trio_cartesia.server import Server
from trio_cartesia.testing import Peer

VOICE: Final = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"

SETTINGS: Final[ContextOptions] = {
    "model_id": "sonic-latest",
    "voice": VOICE,
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
}


def examples(default_run: int, *, otherwise: float = 1) -> int:
    """Return the examples of a property: a number by default, a multiple of those of long runs."""
    usual = settings.default.max_examples
    is_default = usual == settings.get_profile("quick").max_examples
    return default_run if is_default else round(otherwise * usual)


def one_in(number: int, cells: Iterable[object]) -> list[Any]:
    """Parameters of which every *number*-th is in the default run, and the rest is `slow`."""
    rest = pytest.mark.slow
    return [
        pytest.param(*cell, marks=rest if index % number else ())
        for index, cell in enumerate(each if isinstance(each, tuple) else (each,) for each in cells)
    ]


@attrs.define
class Turns:
    """How often another task had its turn.

    Attributes:
        count: Since the task began, or since this was set.
    """

    count: int = 0

    async def take(self) -> None:
        """Take a turn after the other, until cancelled."""
        while True:
            await trio.lowlevel.checkpoint()
            self.count += 1


@asynccontextmanager
async def turns_of_others() -> AsyncIterator[Turns]:
    """While the block runs, another task takes every turn that it gets."""
    async with trio.open_nursery() as nursery:
        turns = Turns()
        nursery.start_soon(turns.take)
        yield turns
        nursery.cancel_scope.cancel()


async def received_audio(context: Context) -> list[bytes]:
    """Receive until the end; return the chunks' audio."""
    return [event.audio async for event in context.receive() if isinstance(event, Chunk)]


async def receive_all(context: Context, events: list[Event]) -> None:
    """Receive until the end, into *events*: what came stays there whatever is raised."""
    async for event in context.receive():
        events.append(event)  # noqa: PERF401  # events that came before an error are kept


def check_two_files(folder: Path, server: Server) -> None:
    """Check that a program wrote the speech of two contexts that the service sent interleaved."""
    one, two = server.journal.contexts
    assert (folder / "one.pcm").read_bytes() == one.audio
    assert (folder / "two.pcm").read_bytes() == two.audio
    assert len(one.audio) > 44100
    order = list(server.journal.order)
    assert order != sorted(order, key=order.index)  # not one context after the other


async def requests_until_quiet(peer: Peer) -> list[dict[str, Any]]:
    """Return every request that has been sent, once no more come for a while."""
    requests = []
    while True:
        with trio.move_on_after(1) as patience:
            requests.append(await peer.receive())
        if patience.cancelled_caught:
            return requests


def cancels(requests: Iterable[dict[str, Any]]) -> list[str]:
    """Return the ids of the contexts that *requests* cancel."""
    return [request["context_id"] for request in requests if request.get("cancel")]


def chunk_message(context_id: str, audio: bytes) -> str:
    """Return the message of a chunk, as the local service writes it."""
    data = base64.b64encode(audio).decode()
    message = {"type": "chunk", "context_id": context_id, "data": data}
    return json.dumps(message, separators=(",", ":"))
