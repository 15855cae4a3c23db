"""How soon does speech over HTTP begin and stop, and what do containers cost the loop?

``python benchmarks/speech_over_http.py``, with the extra ``local`` installed. The service runs in
this process, and the client is h11 over TCP, so every figure includes a client.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import h11
import trio
from harness.clients.tasks import SETTINGS
from harness.results import Measure, Row, quantile, row
from harness.rounds import ask
from harness.tables import full, only, table, text

from trio_cartesia.server import Behaviour, Server, open_server

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps. "
TEN_MINUTES = SENTENCE * 170
FORMATS: dict[str, dict[str, Any]] = {
    "raw": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
    "wav": {"container": "wav", "encoding": "pcm_f32le", "sample_rate": 44100},
    "mp3": {"container": "mp3", "sample_rate": 44100, "bit_rate": 128000},
    "sse": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
}


class Steps(trio.abc.Instrument):
    """The CPU time of each step of the loop, during which all other tasks wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._since = time.thread_time()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  # the signature is given
        """Start the clock."""
        self._since = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  # the signature is given
        """Stop it."""
        self.seconds.append(time.thread_time() - self._since)


class Request:
    """One request, and its response."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream, self.wire = stream, h11.Connection(h11.CLIENT)

    async def send(self, name: str, text: str) -> None:
        """Request a text in a format."""
        fields = {"transcript": text, "output_format": FORMATS[name]}
        body = json.dumps({**SETTINGS, **fields}).encode()
        headers = [("host", "localhost"), ("content-length", str(len(body)))]
        target = "/tts/sse" if name == "sse" else "/tts/bytes"
        for event in (
            h11.Request(method="POST", target=target, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            await self.stream.send_all(self.wire.send(event) or b"")

    async def receive(self) -> int:
        """Return the size of the next part of the body, 0 at its end."""
        while True:
            event = self.wire.next_event()
            if event is h11.NEED_DATA:
                self.wire.receive_data(bytes(await self.stream.receive_some(65536)))
            elif isinstance(event, h11.Data):
                return len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return 0


async def send(server: Server, name: str) -> Request:
    """Send a request for ten minutes of speech on a connection of its own."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    request = Request(await trio.open_tcp_stream(host, int(port)))
    await request.send(name, TEN_MINUTES)
    return request


async def close(server: Server, request: Request) -> float:
    """Return how long the context goes on after its client has closed."""
    started = time.perf_counter()
    await request.stream.aclose()
    while server.journal.contexts[-1].ended is None:  # noqa: ASYNC110  # nothing signals it
        await trio.lowlevel.checkpoint()
    return time.perf_counter() - started


async def begin(server: Server, name: str) -> Measure:
    """Return how long the first audio of ten minutes takes, and then the end of its context."""
    started = time.perf_counter()
    request = await send(server, name)
    assert await request.receive()
    taken = time.perf_counter() - started
    assert server.journal.contexts[-1].ended is None
    return {"first_ms": 1000 * taken, "stop_ms": 1000 * await close(server, request)}


async def receive_whole(server: Server, name: str) -> Measure:
    """Return the CPU time of this process for ten minutes, and that of the longest steps."""
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    started = time.thread_time()
    request = await send(server, name)
    while await request.receive():
        pass
    taken = time.thread_time() - started
    trio.lowlevel.remove_instrument(steps)
    await request.stream.aclose()
    ordered = sorted(steps.seconds)
    return {
        "cpu_seconds": taken,
        "step_p99_ms": 1000 * quantile(ordered, 0.99),
        "step_worst_ms": 1000 * ordered[-1],
    }


async def measure_all(given: argparse.Namespace) -> list[Row]:
    """Measure each format."""
    rows = []
    behaviour = Behaviour(times_real_time=float("inf"))
    async with open_server(behaviour=behaviour) as server:
        for name in FORMATS:
            begun = row([await begin(server, name) for _ in range(given.rounds)], format=name)
            rows.append(row([await receive_whole(server, name)]) | begun)
    return rows


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each format."""
    return trio.run(measure_all, given)


def report(rows: list[Row]) -> str:
    """Format the table."""
    columns = {
        "first audio, ms": full("first_ms"),
        "stops after, ms": full("stop_ms"),
        "all of it, CPU s": only("cpu_seconds"),
        "a step, p99 CPU ms": only("step_p99_ms"),
        "longest step, CPU ms": only("step_worst_ms"),
    }
    return table(rows, "ten minutes as", text("format"), columns)


if __name__ == "__main__":
    ask(__doc__, measure, report, rounds=10)
